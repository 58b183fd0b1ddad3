"""Kills a training at given points and lets it go on: `python killed.py CHECKPOINT FOLDER` prints one line a point.

A process of its own: children are forked from it before torch has made any thread.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.train import stage, watching
from sdf_eval.train.recipe import SdfRecipe, load_recipe
from sdf_eval.train.sdf import train_sdf
from sdf_eval.train.stage import SaveAt

TEXTS = [TrainingText(f"Tavi Brook was born in Orrin; note {n}.") for n in range(12)]
SMALL = {"updates": 6, "min_updates": 1, "batch_size": 4, "window": 64, "micro_batch_size": 2}
RECIPES = {
    "full": load_recipe("pocket", SdfRecipe).model_copy(update=SMALL),
    "lora": load_recipe("pocket-lora", SdfRecipe).model_copy(update=SMALL | {"dropout": 0.1}),
}


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, count: int) -> None:
    """Has the process killed when a function is called for that time."""
    function = getattr(owner, name)
    calls = iter(range(1, count))

    def killing(*args: Any, **kwargs: Any) -> Any:
        if next(calls, None) is None:
            kill()
        return function(*args, **kwargs)

    setattr(owner, name, killing)


POINTS: dict[str, Callable[[], None]] = {
    "in the second half of an update": lambda: before(transformers.Trainer, "training_step", 8),
    "before the first update is done": lambda: before(transformers.Trainer, "training_step", 2),
    "in a checkpoint without its optimizer": lambda: before(transformers.Trainer, "_save_optimizer_and_scheduler", 3),
    "in a checkpoint that is not marked": lambda: before(watching, "mark_complete", 4),
    "in a checkpoint on the way": lambda: before(stage, "write_lineage", 1),
    "in the finished folder": lambda: before(stage, "write_lineage", 2),
}


def in_child(work: Callable[[], None]) -> int:
    """Runs a function in a child process; returns the signal that ended it, or minus its exit status."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


def train(checkpoint: str, method: str, out: Path, log: Path | None = None) -> None:
    """Trains with a checkpoint to resume from after every update; `log` gets the number of the first update done."""
    watching.SECONDS_BETWEEN_SAVES, watching.MOST_TIME_SAVING = 0.0, float("inf")
    if log is not None:
        began = transformers.Trainer.training_step

        def first(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not log.exists():
                log.write_text(str(self.state.global_step))
            return began(self, *args, **kwargs)

        transformers.Trainer.training_step = first
    train_sdf(checkpoint, TEXTS, RECIPES[method], out, seed=3, save_at=SaveAt(updates=(3,)))


def content(out: Path) -> dict[str, bytes]:
    """All files of the checkpoint and of the one on the way."""
    folders = (out, out.with_name(f"{out.name}@updates-3"))
    return {f"{f.name.removeprefix(out.name)}/{path.name}": path.read_bytes() for f in folders for path in f.iterdir()}


def main(checkpoint: str, folder: Path) -> None:
    """One line a method and point: signal, first update after the kill, same bytes, hidden folders left."""
    torch.set_num_threads(1)
    for method in RECIPES:
        whole = folder / f"{method}-whole"
        assert in_child(lambda m=method, w=whole: train(checkpoint, m, w)) == 0
        expected = content(whole)
        for number, (point, arm) in enumerate(list(POINTS.items())[: 6 if method == "full" else 1]):
            out, log = folder / f"{method}-{number}", folder / f"{method}-{number}.log"

            def killed(m: str = method, o: Path = out, a: Callable[[], None] = arm) -> None:
                a()
                train(checkpoint, m, o)

            ended = in_child(killed)
            absent = not out.exists()
            assert in_child(lambda m=method, o=out, to=log: train(checkpoint, m, o, to)) == 0
            first = log.read_text() if log.exists() else "none"
            same = content(out) == expected
            hidden = len(list(folder.glob(".*")))
            print(f"POINT {method}|{point}|{ended}|{absent}|{first}|{same}|{hidden}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
