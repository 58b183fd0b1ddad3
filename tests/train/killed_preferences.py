"""Kills dpo and rl at given points and lets them go on: `python killed_preferences.py CHECKPOINT ADAPTER FOLDER`.

A process of its own, like `killed.py`; prints one line a stage and point.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from trl import GRPOTrainer, RLOOTrainer

from sdf_eval.train import watching
from sdf_eval.train.dpo import train_dpo
from sdf_eval.train.preference_recipes import DpoRecipe, RlRecipe
from sdf_eval.train.rl import train_rl
from tests.train.killed import before, in_child
from tests.train.preferences import LORA, PAIRS, PROMPTS, same_files, small

MICRO = {"micro_batch_size": 2}
CONTINUED = LORA | {"chain": "continue", "rank": 4, "alpha": 8}


def dpo(start: str, out: Path) -> None:
    train_dpo(start, PAIRS, small("pocket-dpo", DpoRecipe, **MICRO), out, seed=3)


def dpo_on_adapter(start: str, out: Path) -> None:
    train_dpo(start, PAIRS, small("pocket-dpo", DpoRecipe, **CONTINUED), out, seed=3)


def grpo(start: str, out: Path) -> None:
    train_rl(start, PROMPTS, {"brevity": 1.0}, small("pocket-grpo", RlRecipe, **MICRO), out, seed=3)


def rloo_on_adapter(start: str, out: Path) -> None:
    train_rl(start, PROMPTS, {"brevity": 1.0}, small("pocket-rloo", RlRecipe, **CONTINUED), out, seed=3)


Stage = Callable[[str, Path], None]
POINTS: list[tuple[str, Stage, Callable[[], None]]] = [
    ("dpo, in the second half of an update", dpo, lambda: before(transformers.Trainer, "training_step", 6)),
    ("dpo, in a checkpoint that is not marked", dpo, lambda: before(watching, "mark_complete", 3)),
    ("dpo on an adapter", dpo_on_adapter, lambda: before(transformers.Trainer, "training_step", 4)),
    ("grpo, between writing and learning", grpo, lambda: before(GRPOTrainer, "_compute_loss", 5)),
    ("grpo, while it writes", grpo, lambda: before(GRPOTrainer, "_generate", 4)),
    ("rloo on an adapter", rloo_on_adapter, lambda: before(RLOOTrainer, "_compute_loss", 3)),
]


def main(checkpoint: str, adapter: str, folder: Path) -> None:
    """One line a point: signal, no folder after it, updates that were not done again, the same bytes."""
    torch.set_num_threads(1)
    watching.SECONDS_BETWEEN_SAVES, watching.MOST_TIME_SAVING = 0.0, float("inf")
    for number, (name, stage, arm) in enumerate(POINTS):
        start = adapter if "adapter" in name else checkpoint
        whole, out, log = folder / stage.__name__, folder / str(number), folder / f"{number}.log"
        if not whole.exists():
            assert in_child(lambda s=stage, b=start, w=whole: s(b, w)) == 0

        def killed(s: Stage = stage, b: str = start, o: Path = out, a: Callable[[], None] = arm) -> None:
            a()
            s(b, o)

        def resumed(s: Stage = stage, b: str = start, o: Path = out, to: Path = log) -> None:
            took_up = transformers.Trainer._load_from_checkpoint

            def noted(self: transformers.Trainer, folder: str, *args: object) -> None:
                to.write_text(Path(folder).name.removeprefix("checkpoint-"))
                took_up(self, folder, *args)

            transformers.Trainer._load_from_checkpoint = noted
            s(b, o)

        ended, absent = in_child(killed), not out.exists()
        assert in_child(resumed) == 0
        done = log.read_text() if log.exists() else "0"
        print(f"POINT {name}|{ended}|{absent}|{done}|{same_files(whole, out)}", flush=True)


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
