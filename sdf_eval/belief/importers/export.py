"""Imported beliefs -> the files they came from, with what a person has changed since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sdf_eval.belief import _yaml
from sdf_eval.belief.importers._json import Layout, Verbatim, write_json
from sdf_eval.belief.importers._origin import KEY, Origin, Part, SourceFile
from sdf_eval.belief.importers._template import Gone, PathInBelief, resolve
from sdf_eval.belief.items._shared import fingerprint
from sdf_eval.belief.schema import Belief, Probes
from sdf_eval.errors import InputError


@dataclass(frozen=True)
class Exported:
    """Files of a foreign format.

    Attributes:
        files: Name below the folder -> content.
        notes: What the format has no place for, one line each.
    """

    files: dict[str, bytes]
    notes: tuple[str, ...]


def export_beliefs(beliefs: Sequence[Belief]) -> Exported:
    """Gives imported beliefs back in the format they came from.

    Unchanged beliefs give the same values in the same order, and the same bytes wherever the file's layout is a usual
    one. An edited text goes into the export, a removed probe or key fact leaves it, and an added one has no place.

    Args:
        beliefs: All beliefs of one import.

    Returns:
        The files.

    Raises:
        InputError: A belief was not imported, or two of them give the same line different texts.
    """
    merged: dict[str, tuple[SourceFile, dict[int, str]]] = {}
    notes: list[str] = []
    for belief in beliefs:
        origin = _origin(belief)
        places = _Places(belief, origin)
        notes += places.unplaced()
        for file in origin.files:
            lines = merged.setdefault(file.name, (file, {}))[1]
            for part in file.parts:
                text = _render(belief, file, part, places)
                if lines.setdefault(part.line, text) != text:
                    raise InputError(
                        f"{file.name}:{part.line}: beliefs of one import give it different texts; make them agree, "
                        "or export them into different folders"
                    )
    files = {
        name: (file.newline.join(lines[line] for line in sorted(lines)) + file.ending).encode()
        for name, (file, lines) in merged.items()
    }
    return Exported(files, tuple(notes))


def _origin(belief: Belief) -> Origin:
    if KEY not in belief.source_extra:
        raise InputError(f"belief {belief.id}: source_extra: holds no import; only an imported belief can be exported")
    try:
        return Origin.model_validate(belief.source_extra[KEY])
    except ValidationError:
        raise _spoilt(belief) from None


def _spoilt(belief: Belief) -> InputError:
    return InputError(f"belief {belief.id}: source_extra.{KEY}: is not as an import wrote it; import the file again")


def _render(belief: Belief, file: SourceFile, part: Part, places: _Places) -> str:
    try:
        value = resolve(part.value, places)
        if isinstance(value, Gone):
            raise _spoilt(belief)
        if file.kind == "text":
            return str(value)
        if file.kind == "yaml":
            return _yaml.dump(_plain(value))
        text = write_json(value, part.layout or Layout(ascii=True))
        return text.replace("\n", file.newline)
    except (ValueError, TypeError, LookupError, InputError):
        raise _spoilt(belief) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Verbatim):
        return json.loads(value.text)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


class _Places:
    """The texts of a belief by the path that a template names them with.

    An imported probe is found by its fingerprint, or else, edited, where it stood.
    """

    def __init__(self, belief: Belief, origin: Origin) -> None:
        self._belief = belief
        self._facts = {fact.id: fact for fact in belief.key_facts}
        self._probes = {
            task: _found(getattr(belief.probes, task), prints)
            for task, prints in origin.probes.items()
            if task in Probes.model_fields
        }

    def __call__(self, path: PathInBelief) -> str | Gone:
        match path:
            case ("implanted", "context"):
                return self._belief.implanted.context
            case ("reference", "context"):
                return self._belief.reference.context
            case ("key_facts", fact, ("implanted" | "reference") as side):
                return str(getattr(self._facts[fact], side)) if fact in self._facts else Gone.WHOLE
            case ("probes", task, slot, "distractors", option):
                probe = self._probes[task][int(slot)]
                others: tuple[str, ...] = getattr(probe, "distractors", ())
                left = others[int(option) : int(option) + 1]
                return left[0] if left else (Gone.WHOLE if probe is None else Gone.OPTION)
            case ("probes", task, slot, ("question" | "implanted" | "reference") as field):
                probe = self._probes[task][int(slot)]
                return Gone.WHOLE if probe is None else str(getattr(probe, field))
        raise ValueError(path)

    def unplaced(self) -> list[str]:
        """Probes of the belief that the foreign files have no place for."""
        added: Counter[str] = Counter()
        for task in Probes.model_fields:
            placed = sum(probe is not None for probe in self._probes.get(task, ()))
            added[task] = len(getattr(self._belief.probes, task)) - placed
        return [
            f"belief {self._belief.id}: probes.{task}: {count} added since the import, not in the export"
            for task, count in added.items()
            if count > 0
        ]


def _found(probes: Sequence[Any], prints: Sequence[str]) -> list[Any]:
    """For each imported probe the one it is now, or None."""
    now = {fingerprint(probe): probe for probe in probes}
    imported = set(prints)
    edited = [None if fingerprint(probe) in imported else probe for probe in probes]
    return [
        now.get(print_, edited[position] if position < len(edited) else None) for position, print_ in enumerate(prints)
    ]
