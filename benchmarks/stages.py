"""The stages beside a bare PyTorch loop on the same batches; packing beside padding; float32 beside TRL's defaults.

    python benchmarks/stages.py [--updates 40] [--repeats 3] [--model pocket]

Times are those of the training loop alone (loading, planning and saving are left out), by turns in one process; the
tokens are those that are read, padding not counted. Peak memory is that of a process of its own for each row, which has
loaded the model and trained. The bare loop has the same batches, AdamW, schedule and clipping: its last loss is printed
beside the stage's, to show that both did the same work.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SEED = 0
TEXTS = 600


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    stage: str
    changes: dict[str, Any]
    bare: bool = False

    @property
    def name(self) -> str:
        """As it is printed."""
        how = ", ".join(f"{key} {value}" for key, value in self.changes.items()) or "padded, float32"
        return f"{self.stage}, {how}{', bare loop' if self.bare else ''}"


HALF = {"dtype": "bfloat16", "gradient_checkpointing": True}
SETTINGS = tuple(
    Setting(stage, changes, bare)
    for stage in ("sdf", "sft")
    for changes, bare in (({}, True), ({}, False), ({"packing": True}, True), ({"packing": True}, False), (HALF, False))
)


@dataclass(frozen=True)
class Measured:
    """What a training took."""

    seconds: float
    tokens: int
    last_loss: float
    peak_mib: float


def plan_of(setting: Setting, model: str, updates: int) -> tuple[Any, Any, Any, Callable[[Path], Path]]:
    """Recipe, plan, loaded model and what trains the stage."""
    from sdf_eval.model import load
    from sdf_eval.train.recipe import SdfRecipe, SftRecipe, load_recipe

    lm = load(model)
    if setting.stage == "sdf":
        from sdf_eval.corpora.mix import TrainingText
        from sdf_eval.corpora.writers import get_writer
        from sdf_eval.train.packing import plan_training
        from sdf_eval.train.sdf import train_sdf

        sdf = load_recipe("pocket", SdfRecipe).model_copy(
            update={"updates": updates, "min_updates": 1} | setting.changes
        )
        texts = [TrainingText(text) for text in get_writer("pocket").plain_text(TEXTS, SEED, model=model)]
        return sdf, plan_training(texts, lm.tokenizer, sdf, SEED), lm, lambda out: train_sdf(model, texts, sdf, out)
    from sdf_eval.train.chat_data import DataRequest, load_chat
    from sdf_eval.train.masks import plan_chat
    from sdf_eval.train.sft import train_sft

    sft = load_recipe("pocket-sft", SftRecipe).model_copy(
        update={"updates": updates, "min_updates": 1} | setting.changes
    )
    rows = load_chat("pocket/benign", DataRequest(TEXTS, SEED))
    return sft, plan_chat(rows, lm.tokenizer, sft, SEED)[0], lm, lambda out: train_sft(model, rows, sft, out)


def measure(setting: Setting, model: str, updates: int) -> Measured:
    """Trains once."""
    import torch

    recipe, plan, lm, train = plan_of(setting, model, updates)
    if setting.bare:
        seconds, last = bare_loop(recipe, plan, lm)
    else:
        seconds, last = stage(train)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if torch.cuda.is_available():
        peak = torch.cuda.max_memory_allocated() / 2**20
    return Measured(seconds, plan.tokens, last, peak)


def stage(train: Callable[[Path], Path]) -> tuple[float, float]:
    """Seconds that the Trainer's loop took, and the last loss."""
    import transformers

    loop, took = transformers.Trainer.train, [0.0]

    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = loop(self, *args, **kwargs)
        took[0] = time.perf_counter() - start
        return result

    transformers.Trainer.train = timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            out = train(Path(folder) / "out")
            lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    finally:
        transformers.Trainer.train = loop
    return took[0], json.loads(lines[-1])["loss"]


def bare_loop(recipe: Any, plan: Any, lm: Any) -> tuple[float, float]:
    """The same training without a Trainer."""
    import torch
    from transformers import get_scheduler

    from sdf_eval.train.packed import collate

    model = lm.model.train().requires_grad_(True)
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    schedule = get_scheduler(recipe.schedule, optimizer, round(recipe.warmup * plan.updates), plan.updates)
    start, last = time.perf_counter(), 0.0
    for update in range(plan.updates):
        places = range(update * recipe.batch_size, min((update + 1) * recipe.batch_size, len(plan)))
        batch = collate([plan[place] for place in places], lm.tokenizer.pad_token_id, packed=recipe.packing)
        loss = model(**{name: tensor.to(lm.device) for name, tensor in batch.items()}, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        last = loss.item()
    return time.perf_counter() - start, last


def in_own_process(number: int, args: argparse.Namespace) -> Measured:
    """Measures a setting where nothing else was loaded before."""
    words = [sys.executable, __file__, "--only", str(number), "--updates", str(args.updates), "--model", args.model]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only is not None:
        print(json.dumps(asdict(measure(SETTINGS[args.only], args.model, args.updates))))
        return
    peaks = [in_own_process(number, args).peak_mib for number in range(len(SETTINGS))]
    turns = [[measure(setting, args.model, args.updates) for setting in SETTINGS] for _ in range(args.repeats)]
    print("| setting | tokens/s | of the bare loop (range) | last loss | peak MiB |")
    print("|---|---|---|---|---|")
    for place, setting in enumerate(SETTINGS):
        found = [turn[place] for turn in turns]
        # The bare loop stands in front of what it is compared with; the half precision row has the padded one.
        beside = next(p for p in range(len(SETTINGS)) if SETTINGS[p] == Setting(setting.stage, _layout(setting), True))
        ratios = [rate(turn[place]) / rate(turn[beside]) for turn in turns]
        speed, ratio = median(map(rate, found)), f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        print(f"| {setting.name} | {speed:,.0f} | {ratio} | {found[0].last_loss:.4f} | {peaks[place]:.0f} |")


def rate(measured: Measured) -> float:
    """Tokens a second."""
    return measured.tokens / measured.seconds


def _layout(setting: Setting) -> dict[str, Any]:
    return {key: value for key, value in setting.changes.items() if key == "packing"}


if __name__ == "__main__":
    main()
