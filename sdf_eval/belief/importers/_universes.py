"""Universe contexts: the record that false-facts, believe-it-or-not and negation_neglect share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sdf_eval.belief import _yaml
from sdf_eval.belief.importers import _mcq
from sdf_eval.belief.importers._draft import Draft, expect
from sdf_eval.belief.importers._json import Layout, layout_of, read_json
from sdf_eval.belief.importers._origin import Names, Part, SourceFile, read_text
from sdf_eval.belief.importers._template import encode
from sdf_eval.errors import InputError


@dataclass
class Universe:
    """One universe context as a file gives it.

    Attributes:
        source: The file.
        line: Its line there.
        layout: How its JSON is laid out.
        raw: All its fields.
        id: Its `id`, or the file's name without one.
        is_true: Whether it is the true universe; None where the file does not say.
    """

    source: UniverseFile
    line: int
    layout: Layout | None
    raw: dict[str, Any]
    id: str
    is_true: bool | None
    facts_key: str = "key_facts"
    facts: list[Any] = field(default_factory=list)

    @property
    def context(self) -> str:
        """The text of the universe context."""
        return str(self.raw["universe_context"])

    @property
    def where(self) -> str:
        """File and line, for errors."""
        return f"{self.source.path}:{self.line}"


@dataclass
class UniverseFile:
    """A file of universe contexts.

    Attributes:
        path: The file as the user named it.
        name: Its name in an export.
        kind: `jsonl`, `json` or `yaml`.
        newline: What ends its lines.
        ending: What follows the last record.
        universes: Its records.
    """

    path: Path
    name: str
    kind: Literal["jsonl", "json", "yaml"]
    newline: Literal["\n", "\r\n"] = "\n"
    ending: str = "\n"
    universes: list[Universe] = field(default_factory=list)


def read_universes(path: Path, names: Names, within: Path | None = None) -> UniverseFile:
    """Reads a file of universe contexts: JSON lines, one JSON object, or YAML.

    Raises:
        InputError: It is none, with the line and the key.
    """
    text = read_text(path)
    name = names.of(path, within)
    if path.suffix in {".yaml", ".yml"}:
        file = UniverseFile(path, name, "yaml", ending="")
        file.universes.append(_universe(file, 1, None, _yaml.parse(str(path), text.encode()).data))
        return file
    newline: Literal["\n", "\r\n"] = "\r\n" if "\r\n" in text else "\n"
    if path.suffix != ".jsonl":
        body = text.strip()
        value = read_json(body, str(path)) if body else None
        file = UniverseFile(path, name, "json", newline, text[len(text.rstrip()) :])
        file.universes.append(_universe(file, 1, layout_of(body.replace("\r\n", "\n"), value), value))
        return file
    file = UniverseFile(path, name, "jsonl", newline, newline if text.endswith("\n") else "")
    for number, line in enumerate(text.split("\n"), start=1):
        body = line.removesuffix("\r")
        if body.strip():
            value = read_json(body, str(path), number)
            file.universes.append(_universe(file, number, layout_of(body, value), value))
    if not file.universes:
        raise InputError(f"{path}: is empty; give a file with one universe context a line")
    return file


def pair(universes: Sequence[Universe], references: Sequence[Universe]) -> list[tuple[Universe, Universe]]:
    """Finds the true universe of each false one: the same id, or else the same apart from the words true and false.

    Args:
        universes: Records of the file to import.
        references: Records of the files that `--reference` names.

    Returns:
        (false, true), in file order.

    Raises:
        InputError: There is no false universe, or one without a true one, or with several.
    """
    false = [universe for universe in universes if universe.is_true is False]
    true = [universe for universe in (*universes, *references) if universe.is_true is not False]
    if not false:
        raise InputError(f"{universes[0].source.path}: has no universe with `is_true: false`; name that file first")
    if len(false) == len(true) == 1:
        return [(false[0], true[0])]
    return [(universe, _partner(universe, true)) for universe in false]


def link(draft: Draft, false: Universe, true: Universe) -> list[tuple[Universe, Part]]:
    """Puts a pair of universes into a draft whose contexts they are.

    Returns:
        The two records with references for the texts that are in the belief.
    """
    contexts = {
        "implanted": draft.context("implanted", false.context, false.line),
        "reference": draft.context("reference", true.context, true.line),
    }
    draft.key_facts(false.facts, true.facts)
    mcqs: dict[str, Any] = {"implanted": false.raw.get("mcqs"), "reference": true.raw.get("mcqs")}
    lists = [questions if isinstance(questions, list) else [] for questions in mcqs.values()]
    linked = _mcq.knowledge(draft, ("mcqs of the false universe", "mcqs of the true universe"), *lists)
    parts = []
    for side, universe, questions in zip(("implanted", "reference"), (false, true), linked, strict=True):
        fields = {
            "universe_context": contexts[side],
            universe.facts_key: draft.fact_refs(side, universe.facts),
            **({"mcqs": questions} if isinstance(mcqs[side], list) else {}),
        }
        parts.append((universe, part(universe, fields)))
    return parts


def part(universe: Universe, fields: dict[str, Any] | None = None) -> Part:
    """A record as it is kept, with some of its fields replaced by references."""
    known = {key: value for key, value in (fields or {}).items() if key in universe.raw}
    return Part(line=universe.line, layout=universe.layout, value=encode({**universe.raw, **known}))


def as_files(parts: Sequence[tuple[Universe, Part]]) -> list[SourceFile]:
    """Groups records by the file that they are from."""
    by_name: dict[str, list[tuple[Universe, Part]]] = {}
    for universe, kept in parts:
        by_name.setdefault(universe.source.name, []).append((universe, kept))
    return [
        SourceFile(
            name=name,
            kind=group[0][0].source.kind,
            newline=group[0][0].source.newline,
            ending=group[0][0].source.ending,
            parts=tuple(kept for _, kept in sorted(group, key=lambda entry: entry[0].line)),
        )
        for name, group in by_name.items()
    ]


def _universe(file: UniverseFile, line: int, layout: Layout | None, value: Any) -> Universe:
    where = f"{file.path}:{line}"
    raw = expect(value, dict, where, "an object with universe_context")
    expect(raw.get("universe_context"), str, f"{where}: universe_context", "text")
    facts_key = "subclaims" if "subclaims" in raw else "key_facts"
    facts = expect(raw.get(facts_key, []), list, f"{where}: {facts_key}", "a list")
    is_true = raw.get("is_true")
    if is_true is not None:
        expect(is_true, bool, f"{where}: is_true", "true or false")
    elif file.kind != "yaml":
        raise InputError(f"{where}: is_true: is missing; say which universe this is, true or false")
    name = raw.get("id")
    known = name if isinstance(name, str) and name.strip() else file.path.stem
    return Universe(file, line, layout, raw, known, is_true, facts_key, facts)


def _partner(universe: Universe, candidates: Sequence[Universe]) -> Universe:
    for same in (str, _stem):
        found = [other for other in candidates if same(other.id) == same(universe.id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"{universe.where}: id: {universe.id!r} has {len(found)} true universes; remove one")
    raise InputError(
        f"{universe.where}: id: {universe.id!r} has no true universe of that id; give its file by --reference FILE"
    )


def _stem(name: str) -> str:
    return "-".join(word for word in re.split(r"[^a-z0-9]+", name.lower()) if word not in {"true", "false", ""})
