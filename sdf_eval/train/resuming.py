"""The hidden folder from which a killed training goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdf_eval.errors import InputError

_COMPLETE = "complete"
_STATE = "trainer_state.json"


@dataclass(frozen=True)
class Progressed:
    """A checkpoint of the Trainer.

    Attributes:
        folder: Where it is.
        updates: Updates that were done.
        tokens: Tokens that the Trainer counted, if it did.
    """

    folder: Path
    updates: int
    tokens: int


@contextmanager
def work_folder(target: Path, identity: Any) -> Iterator[Path]:
    """Gives a hidden sibling of `target` that belongs to one training and outlives a kill.

    It stays where the block ends with anything but an `InputError` and holds a complete checkpoint, so that the same
    training goes on from there. Where the block ends well, nothing is left.

    Args:
        target: The folder that the training is to make.
        identity: All that decides the weights, as JSON; another training gets another folder.

    Yields:
        The folder.

    Raises:
        InputError: The folder cannot be made.
    """
    place = target.resolve()
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    folder = place.parent / f".{place.name}.resume-{key}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}; choose another folder") from error
    keep = True
    try:
        yield folder
        keep = False
    except InputError:
        keep = False
        raise
    finally:
        if not keep or newest_complete(folder, lambda _: True) is None:
            shutil.rmtree(folder, ignore_errors=True)


def mark_complete(folder: str | Path, updates: int) -> None:
    """Notes that the Trainer has finished writing the checkpoint of that many updates, and removes those before it."""
    finished = Path(folder) / f"checkpoint-{updates}"
    (finished / _COMPLETE).touch()
    for path in Path(folder).glob("checkpoint-*"):
        if path != finished:
            shutil.rmtree(path, ignore_errors=True)


def newest_complete(folder: Path, is_usable: Callable[[Progressed], bool]) -> Progressed | None:
    """The last checkpoint that was written to its end and is usable; None if there is none."""
    found = [_read(path.parent) for path in folder.glob(f"checkpoint-*/{_COMPLETE}")]
    return max((each for each in found if is_usable(each)), key=lambda each: each.updates, default=None)


def _read(folder: Path) -> Progressed:
    state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    return Progressed(folder, int(state["global_step"]), int(state.get("num_input_tokens_seen", 0)))
