"""A belief in the making: what of a foreign file becomes a field of ours, and what is kept but not asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, get_args

from pydantic import ValidationError

from sdf_eval.belief import _yaml
from sdf_eval.belief._validate import nearest, validate
from sdf_eval.belief.importers._origin import Format, Origin, SourceFile, as_extra
from sdf_eval.belief.importers._template import Ref
from sdf_eval.belief.items._shared import fingerprint
from sdf_eval.belief.schema import Belief, ChoiceProbe, KeyFact, OpenProbe, Probe, Tier, shown
from sdf_eval.errors import InputError

_TIERS: tuple[str, ...] = get_args(Tier)
_LISTED = 5


class Draft:
    """Collects the fields of one belief.

    Attributes:
        name: The file, for errors.
        notes: What a person should know, one line each.
        files: What the belief was read from, for the export.
    """

    def __init__(self, name: str, id: str, title: str, tier: str) -> None:
        self.name, self.notes, self.files = name, list[str](), list[SourceFile]()
        self._id, self._title, self._tier = slug(id), title, tier
        self._contexts: dict[str, str] = {}
        self._lines: dict[_yaml.Path, int] = {(): 1}
        self._facts: list[dict[str, str]] = []
        self._probes: dict[str, list[Probe]] = {}
        self._refused: dict[tuple[str, str], list[int]] = {}

    def context(self, side: str, text: str, line: int = 1) -> Ref:
        """Sets the universe context of a side; its text is checked when the belief is built."""
        self._contexts[side] = text
        self._lines[(side,)] = line
        return Ref((side, "context"))

    def key_facts(self, implanted: Sequence[Any], reference: Sequence[Any]) -> None:
        """Pairs the key facts of the two sides by position, as far as both lists go."""
        for position, (one, other) in enumerate(zip(implanted, reference, strict=False), start=1):
            fact = {"id": f"fact-{position}", "implanted": one, "reference": other}
            try:
                KeyFact.model_validate(fact)
                self._facts.append(fact)
            except ValidationError as error:
                self._refused.setdefault(("key_facts", _why(error)), []).append(position - 1)
        if self._facts:
            count = f"{len(implanted)} implanted, {len(reference)} reference"
            self.notes.append(
                f"key_facts: {count}; {len(self._facts)} pairs by position in the lists; check that each is one fact"
            )
        else:
            pair = {side: self._contexts[side] for side in ("implanted", "reference")}
            self._facts.append({"id": "universe", **pair})
            self.notes.append("key_facts: no pair in the file; the two contexts stand in; write short statements")

    def fact_refs(self, side: str, facts: Sequence[Any]) -> list[Any]:
        """The foreign list of key facts of a side, with references where they are in the belief."""
        paired = {fact["id"] for fact in self._facts}
        return [
            Ref(("key_facts", f"fact-{position}", side)) if f"fact-{position}" in paired else fact
            for position, fact in enumerate(facts, start=1)
        ]

    def choice(self, task: str, where: str, position: int, **fields: Any) -> int | None:
        """Adds a multiple-choice probe.

        Args:
            task: The task it is for.
            where: The foreign list it stands in.
            position: Its position there.
            **fields: Fields of `ChoiceProbe`.

        Returns:
            Its slot for `probe_ref`, or None where the schema refuses it, which is noted.
        """
        return self._add(task, where, position, ChoiceProbe, fields)

    def open(self, where: str, position: int, question: Any) -> int | None:
        """Adds an open question; arguments and result as `choice`."""
        return self._add("open_ended", where, position, OpenProbe, {"question": question})

    def refuse(self, where: str, position: int, reason: str) -> None:
        """Notes an entry that is kept but not asked."""
        self._refused.setdefault((where, reason), []).append(position)

    def keep(self, where: str, count: int, reason: str) -> None:
        """Notes a whole list that is kept but not asked."""
        if count:
            self.notes.append(f"{where}: {count} kept, not asked: {reason}")

    def build(self, format: Format) -> Belief:
        """Builds the belief.

        Raises:
            InputError: A text that a belief file cannot hold, at the line it came from.
        """
        for (where, reason), positions in self._refused.items():
            named = ", ".join(f"[{position}]" for position in positions[:_LISTED])
            more = ", …" if len(positions) > _LISTED else ""
            self.notes.append(f"{where}: {len(positions)} kept, not asked ({named}{more}): {reason}")
        if self._probes:
            first = self._facts[0]["id"]
            self.notes.append(f"probes: the format names no key fact and no split; all are about {first!r} and far")
        slots = {task: tuple(map(fingerprint, probes)) for task, probes in self._probes.items()}
        data = {
            "id": self._id,
            "kind": "fact",
            "tier": self._tier,
            "title": self._title,
            **{side: {"context": self._contexts[side]} for side in ("implanted", "reference")},
            "key_facts": self._facts,
            "probes": {
                task: [probe.model_dump(exclude_defaults=True) for probe in probes]
                for task, probes in self._probes.items()
            },
            "source_extra": as_extra(Origin(format=format, probes=slots, files=tuple(self.files))),
        }
        return validate(_yaml.Source(self.name, data, self._lines))

    def _add(
        self, task: str, where: str, position: int, kind: type[ChoiceProbe | OpenProbe], fields: dict[str, Any]
    ) -> int | None:
        try:
            probe = kind.model_validate({"fact": self._facts[0]["id"], **fields})
        except ValidationError as error:
            self.refuse(where, position, _why(error))
            return None
        probes = self._probes.setdefault(task, [])
        if any(shown(probe) == shown(other) for other in probes):
            self.refuse(where, position, "asks the same as an earlier one")
            return None
        probes.append(probe)
        return len(probes) - 1


def probe_ref(task: str, slot: int, field: str, *within: int) -> Ref:
    """A place in an imported probe."""
    return Ref(("probes", task, slot, field, *within))


def slug(text: str) -> str:
    """Returns the nearest id that a belief may have."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_") or "imported"


def one_line(text: str) -> str:
    """Returns a text as a title: printable and on one line."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return flat[:120] or "imported"


def tier_of(path: PurePath, wanted: str | None) -> str:
    """The tier that was asked for, or that the file's or folder's name holds, or `custom`.

    Raises:
        InputError: No such tier.
    """
    if wanted is not None and wanted not in _TIERS:
        raise InputError(f"--tier: {wanted!r} is no tier; {nearest(wanted, _TIERS)}")
    words = [word for part in (path.parent.name, path.name) for word in re.split(r"[^a-z]+", part.lower())]
    return wanted or next((word for word in words if word in _TIERS), "custom")


def _why(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False)[0]
    context = first.get("ctx", {})
    if first["type"] == "belief":
        return f"{'.'.join(map(str, context['at'][:1]))} {context['what']}".partition(";")[0]
    if first["type"] == "control":
        return f"holds the control character {context['code']}"
    if first["type"] == "string_unicode":
        return "holds half a surrogate pair"
    return "is no text" if first["type"] == "string_type" else "is empty"


def expect(value: Any, kind: type, where: str, what: str) -> Any:
    """Returns the value if it is of the kind.

    Raises:
        InputError: It is not; `where` names file, line and key.
    """
    if not isinstance(value, kind):
        found = "nothing" if value is None else type(value).__name__
        raise InputError(f"{where}: expected {what}, found {found}; mend the file")
    return value
