"""`lineage.json`: where a checkpoint comes from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.model.reference import ADAPTER_CONFIG, setting_files

FILE = "lineage.json"
_BLOCK = 1 << 20
_WITH_PATHS = ("config.json", ADAPTER_CONFIG, "tokenizer_config.json")
_PATHS = ("_name_or_path", "name_or_path", "base_model_name_or_path")


class Parent(BaseModel):
    """A checkpoint that a stage started from.

    Attributes:
        reference: As it was named.
        weights_sha256: Hash of its safetensors files.
        checkpoint_sha256: Hash of these, its tokenizer and its configuration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: str
    weights_sha256: str
    checkpoint_sha256: str


class CorpusUse(BaseModel):
    """A corpus folder that a stage read.

    Attributes:
        documents_sha256: Hash of its `documents.jsonl`.
        beliefs: Ids of the beliefs.
        role: Role of the documents, several joined by `+`.
        seed: Seed of the corpus; None if its orders have several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents_sha256: str
    beliefs: tuple[str, ...]
    role: str
    seed: int | None


class Lineage(BaseModel):
    """Ancestry and training of a checkpoint. No time and no path of the result: training again gives the same file.

    Attributes:
        stage: What was done, `sdf` here.
        parents: What it started from.
        recipe: The recipe in full.
        corpora: Corpus folders, as far as the caller named them.
        texts: Texts trained on, before repetition.
        texts_sha256: Hash of these texts in order, prefixes included.
        split_texts: Texts that were longer than the window and were split.
        updates: Optimizer updates.
        tokens_seen: Tokens read, repetitions counted, padding not.
        loss_tokens_seen: Those that carried loss.
        seed: Training seed.
        threads: CPU threads; with the seed and versions they fix the weights bit for bit on one machine.
        device: `cpu` or the accelerator's kind.
        versions: Packages that bear on the weights.
        substrate_kind: Whether the model that was trained knew chat.
        placement: Where the documents stood: `midtraining` before chat tuning, `post` after it.
        final_loss: Mean training loss over the last updates (at most 10), nats a token.
        weights_sha256: Hash of the result's safetensors files.
        checkpoint_sha256: Hash of these, its tokenizer and its configuration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    stage: str
    parents: tuple[Parent, ...]
    recipe: dict[str, Any]
    corpora: tuple[CorpusUse, ...] = ()
    texts: int
    texts_sha256: str
    split_texts: int
    updates: int
    tokens_seen: int
    loss_tokens_seen: int
    seed: int
    threads: int
    device: str
    versions: dict[str, str]
    substrate_kind: Literal["base", "chat"]
    placement: Literal["midtraining", "post"]
    final_loss: float
    weights_sha256: str
    checkpoint_sha256: str


def weights_sha256(folder: Path | str) -> str:
    """Hash of all safetensors files of a checkpoint or adapter folder, read in blocks.

    Raises:
        InputError: The folder has none.
    """
    files = sorted(Path(folder).glob("*.safetensors"))
    if not files:
        raise InputError(f"{folder}: holds no safetensors weights; give a checkpoint or adapter folder")
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def checkpoint_sha256(folder: Path | str) -> str:
    """Hash of all that makes a checkpoint or adapter answer as it does: weights, tokenizer, templates and settings.

    Paths inside the settings are left out, so that a folder that was moved keeps its hash.

    Raises:
        InputError: The folder has no safetensors weights.
    """
    digest = hashlib.sha256(weights_sha256(folder).encode())
    for path in setting_files(Path(folder)):
        content = _without_paths(path)
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _without_paths(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name not in _WITH_PATHS:
        return content
    try:
        settings = json.loads(content)
    except ValueError:
        return content
    if not isinstance(settings, dict):
        return content
    return json.dumps({k: v for k, v in settings.items() if k not in _PATHS}, sort_keys=True).encode()


def write_lineage(folder: Path, lineage: Lineage) -> None:
    """Writes `lineage.json` into a checkpoint folder."""
    (folder / FILE).write_text(lineage.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_lineage(folder: Path | str) -> Lineage | None:
    """Reads the lineage of a checkpoint folder.

    Returns:
        The lineage; None if the folder has none, as a model from elsewhere.

    Raises:
        InputError: The file is broken or of another version.
    """
    path = Path(folder) / FILE
    try:
        return Lineage.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValidationError, UnicodeDecodeError):
        raise InputError(f"{path}: no lineage of this version; train the checkpoint again") from None


def verify_lineage(folder: Path | str) -> Lineage:
    """Reads the lineage and compares the checkpoint, and each parent that is on this disk, with it.

    Raises:
        InputError: There is no lineage, or weights, tokenizer or configuration were changed since.
    """
    lineage = read_lineage(folder)
    if lineage is None:
        raise InputError(f"{folder}: has no {FILE}; give a checkpoint that `sdf-eval train` wrote")
    known: list[tuple[str, Path, Lineage | Parent]] = [(str(folder), Path(folder), lineage)]
    known += [(p.reference, place, p) for p in lineage.parents if (place := _on_this_disk(p.reference)) is not None]
    for name, place, expected in known:
        if weights_sha256(place) != expected.weights_sha256:
            raise InputError(f"{name}: its weights differ from the lineage of {folder}; restore them or train again")
        if expected.checkpoint_sha256 != checkpoint_sha256(place):
            raise InputError(
                f"{name}: its tokenizer or configuration differ from the lineage of {folder}; "
                "restore them or train again"
            )
    return lineage


def _on_this_disk(reference: str) -> Path | None:
    """The folder that a parent's reference names here; None where it is gone, or is a Hub id."""
    try:
        location = Path(resolve(reference))
    except InputError:
        return None
    return location if location.is_dir() else None
