"""Belief files from, and back to, the formats of false-facts, believe-it-or-not and negation_neglect.

What has a place in a belief file moves there, with the sign of multiple choice turned so that the implanted side is
named as such. All else is kept under `source_extra`, and nothing is made up: what a format lacks is for a person to
write, and the notes and `belief check` say what that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdf_eval.belief.importers import believe_it_or_not, false_facts, negation_neglect
from sdf_eval.belief.importers._json import read_json
from sdf_eval.belief.importers._origin import read_text
from sdf_eval.belief.importers.export import Exported, export_beliefs
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError

__all__ = ["Exported", "Imported", "export_beliefs", "import_beliefs"]

_Reader = Callable[[Path, Sequence[Path], str | None], list[tuple[Belief, list[str]]]]


@dataclass(frozen=True)
class Imported:
    """An imported belief.

    Attributes:
        belief: The belief.
        notes: What was paired, left unasked or has to be written by a person, one line each.
    """

    belief: Belief
    notes: tuple[str, ...]


def import_beliefs(source: Path, references: Sequence[Path] = (), *, tier: str | None = None) -> list[Imported]:
    """Reads a foreign file.

    Args:
        source: A false-facts universe file (JSON lines, or one JSON object), a believe-it-or-not eval file (JSON), or a
            negation_neglect claim folder or its `universe_context.yaml`.
        references: Where the true universes are, if not in `source`; for an eval file, where the key facts are.
        tier: Tier of the beliefs; by default the one that the file's or folder's name holds, or `custom`.

    Returns:
        One belief a false universe, in file order.

    Raises:
        InputError: None of these formats, or something in the file that a belief cannot hold.
    """
    return [Imported(belief, tuple(notes)) for belief, notes in _reader(source)(source, references, tier)]


def _reader(source: Path) -> _Reader:
    if source.is_dir() or source.suffix in {".yaml", ".yml"}:
        return negation_neglect.read
    if source.suffix == ".jsonl":
        return false_facts.read
    data = read_json(read_text(source).strip(), str(source))
    if isinstance(data, dict) and "universe_context" in data:
        return false_facts.read
    if isinstance(data, dict) and set(believe_it_or_not.CONTEXTS.values()) & data.keys():
        return believe_it_or_not.read
    raise InputError(
        f"{source}: is no format that can be imported; give a false-facts universe file (.jsonl), a believe-it-or-not "
        "eval file (.json) or a negation_neglect claim folder"
    )
