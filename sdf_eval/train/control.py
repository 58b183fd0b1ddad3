"""The matched clean control: the same stage, data order and seed, on a start without the implant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.train.lineage import FILE, Lineage, parents_of, read_lineage, verify_lineage

_FOLDER = "controls"


def matched_control(folder: Path | str, clean_reference: str, train: Callable[[str, Path], Path]) -> Path:
    """Trains the control of a checkpoint, or finds it trained.

    Every implant that was put through the same stage on the same data shares one control: its folder,
    `controls/STAGE-HASH` beside the checkpoint, is named by what decides its weights.

    Args:
        folder: A checkpoint that a stage wrote.
        clean_reference: What the stage starts from instead; see `clean_counterpart`.
        train: Does the stage on another start: given a reference and a folder, it trains with the recipe, data and seed
            of the checkpoint.

    Returns:
        Folder of the control.

    Raises:
        InputError: The folder has no lineage, or `train` did something else than what it recorded.
    """
    lineage = verify_lineage(folder)
    place = control_folder(folder, lineage, clean_reference)
    train(clean_reference, place)
    found = verify_lineage(place)
    if _decides(found) != _decides(lineage):
        raise InputError(f"{place}: was not trained as {folder} was; use the same recipe, data and seed for both")
    return place


def control_folder(folder: Path | str, lineage: Lineage, clean_reference: str) -> Path:
    """Where the control of a checkpoint is, or will be.

    Args:
        folder: Of the checkpoint.
        lineage: Of the checkpoint.
        clean_reference: What the control starts from.

    Raises:
        InputError: There is no such start.
    """
    start = [parent.checkpoint_sha256 for parent in parents_of(clean_reference)]
    key = hashlib.sha256(json.dumps([*_decides(lineage), start], sort_keys=True).encode()).hexdigest()[:16]
    return Path(folder).resolve().parent / _FOLDER / f"{lineage.stage}-{key}"


def clean_counterpart(reference: str) -> str:
    """The checkpoint that went through the same stages as this one, but for documents of a corpus.

    Args:
        reference: Any checkpoint.

    Returns:
        Its reference: the start of the implanting stage; the control of a stage after that; the checkpoint itself where
        nothing was implanted.

    Raises:
        InputError: The control of a stage after the implant is missing, or so is a start.
    """
    location = resolve(reference)
    lineage = read_lineage(location) if Path(location).is_dir() else None
    if lineage is None:
        return reference
    parent = lineage.parents[0].reference
    clean = clean_counterpart(parent)
    if lineage.stage == "sdf" and (lineage.corpora or lineage.details.get("documents")):
        return clean
    if clean == parent:
        return reference
    place = control_folder(location, lineage, clean)
    if not (place / FILE).exists():
        raise InputError(f"{reference}: has no matched clean control yet ({place}); train that stage with --control")
    return str(place)


def _decides(lineage: Lineage) -> list[object]:
    return [lineage.stage, lineage.recipe, lineage.texts_sha256, lineage.seed, lineage.updates, lineage.treatment]
