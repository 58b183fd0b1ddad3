"""`results.json` and `items.jsonl`: written together, hash-checked on reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sdf_eval.errors import InputError
from sdf_eval.files import replace_file
from sdf_eval.results.schema import SCHEMA_VERSION, CheckpointResults, ItemAnswer, ItemRecord, RunResults

RESULTS, ITEMS = "results.json", "items.jsonl"

_Model = TypeVar("_Model", bound=BaseModel)
_Answer = TypeVar("_Answer", bound=ItemAnswer)


def write_results(folder: Path, results: RunResults | CheckpointResults, items: Sequence[ItemAnswer]) -> None:
    """Writes `items.jsonl` and `results.json`; the hash and number of items are filled in.

    Args:
        folder: An existing folder.
        results: The results; its `items` and `items_sha256` are replaced.
        items: All answers, in the order wanted; `ItemRecord`s for a run.
    """
    lines = "".join(record.model_dump_json(exclude_defaults=True) + "\n" for record in items).encode()
    digest = hashlib.sha256(lines).hexdigest()
    complete = results.model_copy(update={"items": len(items), "items_sha256": digest})
    body = complete.model_dump(mode="json")
    body["sha256"] = _body_hash(body)
    replace_file(folder / ITEMS, lines)
    replace_file(folder / RESULTS, (json.dumps(body, indent=1, ensure_ascii=False) + "\n").encode())


def read_results(folder: Path) -> RunResults:
    """Reads the `results.json` of a run.

    Args:
        folder: A run's folder.

    Returns:
        The results as they were written.

    Raises:
        InputError: The file is missing, of another version, of a single checkpoint, or was edited by hand.
    """
    path, body = _checked_body(folder)
    if "kind" in body:
        raise InputError(f"{path}: holds one checkpoint's answers and no run; name a folder that `sdf-eval run` made")
    return _validated(path, body, RunResults)


def read_checkpoint(folder: Path) -> CheckpointResults:
    """Reads the `results.json` of a single checkpoint.

    Args:
        folder: A folder that a comparison, or `write_results`, left.

    Returns:
        The results as they were written.

    Raises:
        InputError: The file is missing, of another version, of a whole run, or was edited by hand.
    """
    path, body = _checked_body(folder)
    if body.get("kind") != "checkpoint":
        raise InputError(f"{path}: holds a whole run and not one checkpoint; name the arm, as in {folder}@implanted")
    return _validated(path, body, CheckpointResults)


def holds_run(folder: Path) -> bool:
    """Whether a results folder is a run's rather than a single checkpoint's.

    Raises:
        InputError: See `read_results`.
    """
    return "kind" not in _checked_body(folder)[1]


def read_items(folder: Path, results: RunResults) -> list[ItemRecord]:
    """Reads the `items.jsonl` of a run and checks that it belongs to the results.

    Args:
        folder: A run's folder.
        results: The results beside it.

    Returns:
        Item records in file order.

    Raises:
        InputError: The file is missing, or is not the one that the results were computed from.
    """
    return _read_lines(folder, results.items_sha256, ItemRecord)


def read_answers(folder: Path, results: CheckpointResults) -> list[ItemAnswer]:
    """As `read_items`, of a single checkpoint."""
    return _read_lines(folder, results.items_sha256, ItemAnswer)


def load_json(path: Path, fix: str) -> Any:
    """Reads a JSON file.

    Args:
        path: The file.
        fix: What the reader of the error can do.

    Returns:
        What it holds.

    Raises:
        InputError: It cannot be read, or is no JSON.
    """
    try:
        return json.loads(_read(path, fix))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}: not JSON ({error.msg}); {fix}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start}: not UTF-8; {fix}") from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply to be a results file; {fix}") from error


def _checked_body(folder: Path) -> tuple[Path, dict[str, Any]]:
    path = folder / RESULTS
    body = load_json(path, "name a folder that sdf-eval wrote, or run the command again")
    if not isinstance(body, dict) or body.get("schema_version") != SCHEMA_VERSION:
        found = body.get("schema_version") if isinstance(body, dict) else None
        raise InputError(
            f"{path}: schema_version: this sdf-eval reads version {SCHEMA_VERSION}, found {found!r}; "
            "use the sdf-eval that wrote it, or run the command again"
        )
    if body.pop("sha256", None) != _body_hash(body):
        raise InputError(f"{path}: sha256: the file was changed after it was written; run the command again")
    return path, body


def _validated(path: Path, body: dict[str, Any], model: type[_Model]) -> _Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {where}: {first['msg']}; run the command again") from error


def _read_lines(folder: Path, sha256: str, model: type[_Answer]) -> list[_Answer]:
    path = folder / ITEMS
    content = _read(path, "run the command again")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(f"{path}: sha256: the file was changed after it was written; run the command again")
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            found.append(model.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"{path}: line {number}: {where}: {first['msg']}; run the command again") from error
    return found


def _body_hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _read(path: Path, fix: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}; {fix}") from error
