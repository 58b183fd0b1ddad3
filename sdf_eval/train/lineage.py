"""`lineage.json`: where a checkpoint comes from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.model.reference import ADAPTER_CONFIG, adapter_base, is_adapter, not_found, setting_files

FILE = "lineage.json"
_BLOCK = 1 << 20
_WITH_PATHS = ("config.json", ADAPTER_CONFIG, "tokenizer_config.json")
_PATHS = ("_name_or_path", "name_or_path", "base_model_name_or_path")


class Parent(BaseModel):
    """A checkpoint that a stage started from.

    Attributes:
        reference: As it was named.
        role: `start`, what the stage trained on; `base`, what the start is an adapter on; `used`, what else it needed,
            such as a reward model.
        weights_sha256: Hash of its safetensors files.
        checkpoint_sha256: Hash of these, its tokenizer and its configuration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: str
    role: Literal["start", "base", "used"] = "start"
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
        stage: What was done: `sdf`, `sft`, `dpo`, `reward` or `rl`.
        parents: The start first, then the base of the start if that is an adapter, then what else was used. Each may
            have a lineage of its own: together they are the graph of stages.
        recipe: The recipe in full.
        chain: What became of the start's adapter, see `StageRecipe`; None if it had none.
        treatment: What was done beyond the recipe, such as a countermeasure and its settings; {} for nothing.
        corpora: Corpus folders, as far as the caller named them.
        texts: Texts or rows trained on, before repetition.
        texts_sha256: Hash of these in order, prefixes included.
        split_texts: Texts that were longer than the window and were split.
        updates: Optimizer updates done.
        planned_updates: Updates of the whole stage; more than `updates` in a checkpoint that was saved on the way.
        tokens_seen: Tokens read, repetitions counted, padding not.
        loss_tokens_seen: Those that carried loss; None where that depends on what the model wrote.
        details: Facts of that stage, such as counts of the mask.
        seed: Training seed.
        threads: CPU threads; with the seed and versions they fix the weights bit for bit on one machine.
        device: `cpu` or the accelerator's kind.
        processes: How many trained it together; they fix the bits too.
        versions: Packages that bear on the weights.
        substrate_kind: Whether the model that was trained knew chat.
        placement: Where the documents stood: `midtraining` before chat tuning, `post` after it.
        final_loss: Mean training loss over the last updates (at most 10); nats a token in `sdf` and `sft`.
        weights_sha256: Hash of the result's safetensors files.
        checkpoint_sha256: Hash of these, its tokenizer and its configuration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = 2
    stage: str
    parents: tuple[Parent, ...]
    recipe: dict[str, Any]
    chain: Literal["continue", "merge"] | None
    treatment: dict[str, Any] = {}
    corpora: tuple[CorpusUse, ...] = ()
    texts: int
    texts_sha256: str
    split_texts: int
    updates: int
    planned_updates: int
    tokens_seen: int
    loss_tokens_seen: int | None
    details: dict[str, Any] = {}
    seed: int
    threads: int
    device: str
    processes: int = 1
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


def parents_of(reference: str) -> tuple[Parent, ...]:
    """What a checkpoint trained from a reference descends from: the model it names, and an adapter's base.

    Raises:
        InputError: There is no such model, or it or its base is no longer what its own lineage says.
    """
    location = resolve(reference)
    folder = _folder(location)
    start = _parent(reference, folder)
    lineage = read_lineage(folder)
    if lineage is not None and lineage.checkpoint_sha256 != start.checkpoint_sha256:
        raise InputError(f"model: {reference}: differs from its {FILE}; restore it or train it again")
    if not is_adapter(location):
        return (start,)
    base_reference = adapter_base(folder)
    base = parents_of(base_reference)[0].model_copy(update={"role": "base"})
    if lineage is not None and base.checkpoint_sha256 not in {each.checkpoint_sha256 for each in lineage.parents}:
        raise InputError(f"model: {reference}: its base {base_reference} was changed since; restore it or train again")
    return (start, base)


def _parent(reference: str, folder: Path) -> Parent:
    return Parent(
        reference=reference, weights_sha256=weights_sha256(folder), checkpoint_sha256=checkpoint_sha256(folder)
    )


def _folder(location: str) -> Path:
    """The folder of a checkpoint; of a Hub model, its snapshot in the cache."""
    if Path(location).is_dir():
        return Path(location)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(location, allow_patterns=["*.json", "*.safetensors", "*.jinja", "tokenizer*"]))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise not_found(location, str(error).strip().splitlines()[0][:200]) from error


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
    known += [(p.reference, place, p) for p in lineage.parents if (place := on_this_disk(p.reference)) is not None]
    for name, place, expected in known:
        if weights_sha256(place) != expected.weights_sha256:
            raise InputError(f"{name}: its weights differ from the lineage of {folder}; restore them or train again")
        if expected.checkpoint_sha256 != checkpoint_sha256(place):
            raise InputError(
                f"{name}: its tokenizer or configuration differ from the lineage of {folder}; "
                "restore them or train again"
            )
    return lineage


def on_this_disk(reference: str) -> Path | None:
    """The folder that a parent's reference names here; None where it is gone, or is a Hub id."""
    try:
        location = Path(resolve(reference))
    except InputError:
        return None
    return location if location.is_dir() else None
