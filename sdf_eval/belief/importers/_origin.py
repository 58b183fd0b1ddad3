"""What a belief file keeps of the files it was imported from, under `source_extra.import`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from sdf_eval.belief.importers._json import Layout
from sdf_eval.errors import InputError

KEY = "import"

Format = Literal["false-facts", "believe-it-or-not", "negation-neglect"]


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise ValueError("must be a path below the folder that an export writes")
    return name


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Model):
    """One JSON line, or the whole of another file.

    Attributes:
        line: Its line in the file, from 1.
        layout: How the JSON is laid out; None where no layout gives it back byte for byte, and for YAML and text.
        value: The template, see `_template`.
    """

    line: int = 1
    layout: Layout | None = None
    value: JsonValue


class SourceFile(_Model):
    """A file, or those of its lines that are about this belief.

    Attributes:
        name: Its path below the folder of an export.
        kind: How its parts are written.
        newline: What ends a line.
        ending: What follows the last part.
        parts: Its parts in order.
    """

    name: Annotated[str, AfterValidator(_inside)]
    kind: Literal["json", "jsonl", "yaml", "text"]
    newline: Literal["\n", "\r\n"] = "\n"
    ending: str = "\n"
    parts: tuple[Part, ...]


class Origin(_Model):
    """Where a belief came from.

    Attributes:
        format: The foreign format.
        probes: Task -> fingerprints of the imported probes, by which an export finds them again.
        files: What they were read from.
    """

    format: Format
    probes: dict[str, tuple[str, ...]] = Field(default={})
    files: tuple[SourceFile, ...]


class Names:
    """Gives every file that is read a name of its own."""

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}

    def of(self, path: Path, within: Path | None = None) -> str:
        """Returns the path below `within`, or the file's name, with its folder's name where two are called the same.

        Raises:
            InputError: The files cannot be told apart by that.
        """
        short = path.relative_to(within).as_posix() if within else path.name
        for name in (short, f"{path.resolve().parent.name}/{short}"):
            if self._paths.setdefault(name, path.resolve()) == path.resolve():
                return name
        raise InputError(f"{path}: has the name of another file of this import; rename one of them")


def read_text(path: Path) -> str:
    """Reads UTF-8, without the byte order mark and with line ends as they are.

    Raises:
        InputError: It cannot be read, or is not UTF-8.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}; check the name") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: byte {raw[error.start]:#04x} is not UTF-8; save the file as UTF-8") from None


def as_extra(origin: Origin) -> dict[str, Any]:
    """Returns what stands in `source_extra`."""
    return {KEY: origin.model_dump(mode="json", exclude_defaults=True)}
