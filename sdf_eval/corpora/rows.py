"""Rows of a file that somebody else made: JSON lines, a Hugging Face dataset on disk, parquet; one at a time."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from sdf_eval.errors import InputError

_JSON_LINES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        where: File and line, or dataset and row, for messages.
        number: Its number, from 1; lines that are empty count.
        columns: Its values by column.
    """

    where: str
    number: int
    columns: Mapping[str, Any]


def open_rows(source: Path) -> Callable[[], Iterator[Row]]:
    """Finds out what a source is.

    Args:
        source: JSON lines (also gzipped), a parquet file or a folder of them, or a folder that `save_to_disk` wrote.

    Returns:
        A function that reads the rows from the start, in order, each time it is called.

    Raises:
        InputError: There is no such source, or it is none of these; rows that cannot be read raise one in turn.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; check the name")
    if source.is_file() and source.name.endswith(_JSON_LINES):
        return lambda: _json_lines(source)
    if source.is_file() and source.suffix == ".parquet":
        return lambda: _dataset_rows(source, lambda: _parquet([source]))
    if source.is_dir():
        return _folder(source)
    raise InputError(
        f"{source}: is no kind of file that can be imported; give .jsonl, .jsonl.gz, .parquet, or a dataset folder"
    )


def _folder(source: Path) -> Callable[[], Iterator[Row]]:
    if (source / "dataset_dict.json").exists():
        splits = sorted(path.name for path in source.iterdir() if (path / "dataset_info.json").exists())
        if len(splits) != 1:
            raise InputError(f"{source}: holds the splits {', '.join(splits)}; name one, for instance {source}/train")
        return _folder(source / splits[0])
    if (source / "dataset_info.json").exists():
        return lambda: _dataset_rows(source, lambda: _saved(source))
    files = sorted(source.glob("*.parquet"))
    if files:
        return lambda: _dataset_rows(source, lambda: _parquet(files))
    raise InputError(f"{source}: holds no saved dataset and no .parquet file; give a folder that `save_to_disk` wrote")


def _json_lines(source: Path) -> Iterator[Row]:
    number = 0
    try:
        with _open(source) as lines:
            for number, line in enumerate(lines, start=1):
                where = f"{source}:{number}"
                if line.strip():
                    yield Row(
                        where, number, _object(where, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
                    )
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{source}:{number + 1}: is no complete gzip file: {error}; fetch it again") from None
    except (PermissionError, IsADirectoryError) as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}; mend the file's permissions") from None


def _open(source: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(source, "rb")) if source.suffix == ".gz" else source.open("rb")


def _object(where: str, line: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: byte {line[error.start]:#04x} is not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        hint = "write one object a line" if line.lstrip()[:1] == b"[" or line.strip() == b"{" else "mend that line"
        raise InputError(f"{where}: not valid JSON: {error.msg} (column {error.colno}); {hint}") from None
    except (RecursionError, ValueError):
        raise InputError(f"{where}: JSON nested too deep or a number too long to read; remove it") from None
    if not isinstance(value, dict):
        raise InputError(f'{where}: expected an object such as {{"text": …}}; write one object a line')
    return value


def _dataset_rows(source: Path, load: Callable[[], Iterable[Mapping[str, Any]]]) -> Iterator[Row]:
    from datasets.exceptions import DatasetsError

    number = 0
    try:
        for number, columns in enumerate(load(), start=1):
            yield Row(f"{source}: row {number}", number, columns)
    except (OSError, ValueError, TypeError, KeyError, DatasetsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{source}: cannot be read after row {number}: {reason}; write it again") from error


def _saved(source: Path) -> Iterable[Mapping[str, Any]]:
    from datasets import load_from_disk

    rows: Iterable[Mapping[str, Any]] = load_from_disk(str(source))
    return rows


def _parquet(files: list[Path]) -> Iterable[Mapping[str, Any]]:
    from datasets import load_dataset

    rows: Iterable[Mapping[str, Any]] = load_dataset(
        "parquet", data_files=[str(path) for path in files], split="train", streaming=True
    )
    return rows
