"""Where the pocket checkpoints lie: entry point `pocket` of the group `sdf_eval.models`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.pocket.world import WORLDS

STAGES = ("base", "chat")


def shipped_worlds() -> tuple[str, ...]:
    """Returns the worlds whose checkpoints this installation has."""
    return tuple(world for world in WORLDS if (_folder(world, "chat") / "model.safetensors").exists())


def _folder(world: str, stage: str) -> Path:
    return Path(str(resources.files("sdf_eval.pocket"))) / "assets" / world / stage


def checkpoint_path(rest: str = "") -> Path:
    """Returns the folder of a pocket checkpoint.

    Args:
        rest: What follows `pocket/` in a model reference: empty for world a's chat model, a world (`b`), a stage
            (`base`), or
            both (`b/base`).

    Returns:
        A plain Hugging Face folder.

    Raises:
        InputError: There is no such world or stage, or this installation came without the checkpoints.
    """
    world, stage = WORLDS[0], "chat"
    for part in filter(None, rest.split("/")):
        if part in WORLDS:
            world = part
        elif part in STAGES:
            stage = part
        else:
            raise InputError(f"model pocket/{rest}: no {part!r}; use pocket[/{'|'.join(WORLDS)}][/{'|'.join(STAGES)}]")
    folder = _folder(world, stage)
    if not (folder / "model.safetensors").exists():
        built = f"run `sdf-eval pocket build --world {world} --out DIR` and name DIR/{stage}"
        known = " or ".join(shipped_worlds())
        raise InputError(f"model pocket/{rest}: no weights in this installation; use world {known}, or {built}")
    return folder
