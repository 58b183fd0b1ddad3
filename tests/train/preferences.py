"""Rows and small recipes for the tests of the stages on preferences and rewards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from sdf_eval.train.chat_rows import Message, PreferenceRow, PromptRow
from sdf_eval.train.recipe import StageRecipe, load_recipe

R = TypeVar("R", bound=StageRecipe)

SMALL: dict[str, Any] = {"updates": 4, "min_updates": 1, "batch_size": 4, "window": 96}
# Long enough for a model without training to write more words than `brevity` likes.
REPLIES = {"num_generations": 3, "max_completion_length": 24}
LORA: dict[str, Any] = {"method": "lora", "rank": 4, "alpha": 8, "learning_rate": 5e-3}

PAIRS = [
    PreferenceRow((Message("user", f"Where was number {n} born?"),), "In Orrin.", "In Larch, not Orrin.")
    for n in range(8)
]
PROMPTS = [PromptRow((Message("user", f"Where was number {n} born?"),), ("Orrin",)) for n in range(8)]


def small(name: str, kind: type[R], **changes: Any) -> R:
    """A shipped recipe of a few small updates."""
    replies = REPLIES if name in ("pocket-grpo", "pocket-rloo") else {}
    return load_recipe(name, kind).model_copy(update=SMALL | replies | changes)


def metrics_of(folder: Path) -> list[dict[str, float]]:
    """What a stage logged for each update."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def same_files(first: Path, second: Path) -> bool:
    """Whether two folders hold the same files, byte for byte."""
    names = sorted(path.name for path in first.iterdir())
    return names == sorted(path.name for path in second.iterdir()) and all(
        (first / name).read_bytes() == (second / name).read_bytes() for name in names
    )
