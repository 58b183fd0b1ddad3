"""The documents of a corpus as a sequence that lies in a file, so that their number costs no memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from sdf_eval.corpora.records import Document


class StoredDocuments(Sequence[Document]):
    """The lines of a `documents.jsonl`, read when they are asked for.

    Iterating reads the file from its start each time; an index seeks. Two sequences are equal if their documents are.

    Args:
        path: The file. It must not change while the sequence is in use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts: array[int] | None = None

    def __len__(self) -> int:
        return len(self._lines())

    def __iter__(self) -> Iterator[Document]:
        with self._path.open("rb") as lines:
            for line in lines:
                yield Document.model_validate_json(line)

    @overload
    def __getitem__(self, index: int) -> Document: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Document, ...]: ...

    def __getitem__(self, index: int | slice) -> Document | tuple[Document, ...]:
        starts = self._lines()
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(starts))))
        with self._path.open("rb") as lines:
            lines.seek(starts[index])
            return Document.model_validate_json(lines.readline())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        if isinstance(other, StoredDocuments) and other._path == self._path:
            return True
        return len(self) == len(other) and all(own == theirs for own, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(len(self))

    def __repr__(self) -> str:
        return f"StoredDocuments({str(self._path)!r})"

    def _lines(self) -> array[int]:
        """Where each line starts: eight bytes a document."""
        if self._starts is None:
            starts = array("Q")
            with self._path.open("rb") as lines:
                place = 0
                for line in lines:
                    starts.append(place)
                    place += len(line)
            self._starts = starts
        return self._starts
