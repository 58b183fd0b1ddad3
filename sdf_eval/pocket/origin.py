"""Which world a checkpoint grew up in: its own record, or that of the model it was trained from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.model.reference import adapter_base, is_adapter, knows_chat, resolve
from sdf_eval.train.lineage import read_lineage

RECIPE = "recipe.json"


@dataclass(frozen=True)
class Origin:
    """Where a pocket model comes from.

    Attributes:
        world: Name of the world that it was pretrained on.
        chat: Whether it knows chat.
    """

    world: str
    chat: bool


def origin(model: str) -> Origin | None:
    """Finds the pocket world that a model descends from, over any number of finetunings.

    Args:
        model: As for `sdf_eval.model.resolve`.

    Returns:
        World and whether the model knows chat; None for a model that is no pocket model.

    Raises:
        InputError: There is no such model, or one that it was trained from is gone.
    """
    world = _world(model)
    return None if world is None else Origin(world, knows_chat(model))


def _world(model: str) -> str | None:
    folder = Path(resolve(model))
    if (folder / RECIPE).is_file():
        return _recorded(folder / RECIPE)
    lineage = read_lineage(folder) if folder.is_dir() else None
    if lineage is None:
        return _world(adapter_base(folder)) if is_adapter(folder) else None
    try:
        return _world(lineage.parents[0].reference)
    except InputError as error:
        raise InputError(
            f"{folder}: lineage.json: parents: {error}; without it nobody knows which plain texts to mix in: restore "
            "it, or give --plain FILE"
        ) from error


def _recorded(path: Path) -> str | None:
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError):
        return None
    world = recipe.get("world") if isinstance(recipe, dict) else None
    return world if isinstance(world, str) else None
