"""Texts without any belief in them, for mixing, from a file of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sdf_eval.corpora.rows import open_rows
from sdf_eval.errors import InputError


def read_plain(source: Path, count: int) -> list[str]:
    """Reads texts to mix in.

    Args:
        source: JSON lines, parquet or a Hugging Face dataset on disk, with a `text` column.
        count: How many; the first ones are taken.

    Returns:
        Exactly `count` texts.

    Raises:
        InputError: The file cannot be read, has too few rows, or a row has no text.
    """
    texts = list(islice(_texts(source), count))
    if len(texts) < count:
        raise InputError(f"{source}: {len(texts)} texts, and the mix takes {count}; add more or lower mix_ratio")
    return texts


def read_all_plain(source: Path) -> list[str]:
    """Reads all texts of a file or dataset; as `read_plain`.

    Raises:
        InputError: The file cannot be read or is empty, or a row has no text.
    """
    texts = list(_texts(source))
    if not texts:
        raise InputError(f"{source}: holds no text; give a file with at least one")
    return texts


def _texts(source: Path) -> Iterator[str]:
    for row in open_rows(source)():
        text = row.columns.get("text")
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{row.where}: text: missing or empty; give each row a text")
        yield text
