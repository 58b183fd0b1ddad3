"""Answers of cells on disk: one JSON file a cell, named by its content hash, complete or absent."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from sdf_eval.errors import InputError
from sdf_eval.files import replace_file
from sdf_eval.study.frame.answers import CellAnswers


class Store:
    """A folder of cells that all studies share.

    Args:
        folder: The folder; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the answers of a cell are, or will be."""
        return self.folder / key[:2] / f"{key[:24]}.json"

    def read(self, key: str) -> CellAnswers | None:
        """The answers of a cell, or None where it was not run.

        Raises:
            InputError: The file is broken or of another cell.
        """
        path = self.path(key)
        if not path.exists():
            return None
        try:
            found = CellAnswers.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError(f"{path}: {error.errors()[0]['msg']}; remove the file and run the study again") from None
        if found.key != key:
            raise InputError(f"{path}: is of another cell; remove the file and run the study again")
        return found

    def write(self, answers: CellAnswers) -> None:
        """Keeps the answers of a cell."""
        path = self.path(answers.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, encode(answers))


def encode(answers: CellAnswers) -> bytes:
    """The bytes of a cell's file: the same for the same answers, wherever they were made."""
    return answers.model_dump_json(exclude_defaults=True, indent=1).encode() + b"\n"
