"""Degree-of-belief files of believe-it-or-not (Slocum et al. 2025): one JSON object a fact, contexts and questions.

`distinguishing_mcqs` are keyed to the truth, `true_mcqs` and `false_mcqs` to their own universe. The lists that a judge
scores have no task of ours that reads them without one; they are kept for the export.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdf_eval.belief.importers import _mcq
from sdf_eval.belief.importers._draft import Draft, expect, one_line, probe_ref, tier_of
from sdf_eval.belief.importers._json import layout_of, read_json
from sdf_eval.belief.importers._origin import Names, Part, SourceFile, read_text
from sdf_eval.belief.importers._template import encode
from sdf_eval.belief.importers._universes import as_files, pair, part, read_universes
from sdf_eval.belief.schema import Belief

CONTEXTS = {"implanted": "false_context", "reference": "true_context"}
READ = ("distinguishing_mcqs", "true_mcqs", "false_mcqs", "open_questions")


def read(source: Path, references: Sequence[Path], tier: str | None) -> list[tuple[Belief, list[str]]]:
    """Reads an eval file.

    Args:
        source: The JSON file.
        references: Universe files of the same fact, which have the key facts that the eval file lacks.
        tier: The tier, or None to take it from the name of the folder.

    Returns:
        One belief and its notes.

    Raises:
        InputError: No eval file, with the key.
    """
    names = Names()
    text = read_text(source)
    body = text.strip()
    data = expect(read_json(body, str(source)), dict, f"{source}:1", "an object with true_context and false_context")
    for key in CONTEXTS.values():
        expect(data.get(key), str, f"{source}:1: {key}", "text")
    lists = {key: expect(data.get(key, []), list, f"{source}:1: {key}", "a list") for key in READ}
    draft = Draft(str(source), source.stem, one_line(source.stem), tier_of(source, tier))
    fields: dict[str, Any] = {key: draft.context(side, data[key]) for side, key in CONTEXTS.items()}
    layout = layout_of(body.replace("\r\n", "\n"), data)
    if layout is None:
        draft.notes.append(f"{source}: an export has the same values, spaced or escaped differently")
    name = names.of(source)
    universes = _key_facts(draft, references, names)
    fields |= _probes(draft, lists)
    for key, value in data.items():
        if key not in fields and isinstance(value, list | dict):
            draft.keep(key, len(value), "no task of ours reads it")
    value = encode({key: fields.get(key, value) for key, value in data.items()})
    kept = Part(layout=layout, value=value)
    newline = "\r\n" if "\r\n" in text else "\n"
    ending = text[len(text.rstrip()) :]
    draft.files += [SourceFile(name=name, kind="json", newline=newline, ending=ending, parts=(kept,)), *universes]
    return [(draft.build("believe-it-or-not"), draft.notes)]


def _key_facts(draft: Draft, references: Sequence[Path], names: Names) -> list[SourceFile]:
    universes = [universe for path in references for universe in read_universes(path, names).universes]
    if not universes:
        draft.key_facts([], [])
        return []
    false, true = pair(universes, [])[0]
    draft.key_facts(false.facts, true.facts)
    facts = {id(false): draft.fact_refs("implanted", false.facts), id(true): draft.fact_refs("reference", true.facts)}
    return as_files(
        [
            (universe, part(universe, {universe.facts_key: facts[id(universe)]} if id(universe) in facts else None))
            for universe in universes
        ]
    )


def _probes(draft: Draft, lists: dict[str, list[Any]]) -> dict[str, Any]:
    """Adds the probes; returns the foreign lists with references to them."""
    fields: dict[str, Any] = {
        "distinguishing_mcqs": _mcq.distinguish(draft, "distinguishing_mcqs", lists["distinguishing_mcqs"])
    }
    fields["false_mcqs"], fields["true_mcqs"] = _mcq.knowledge(
        draft, ("false_mcqs", "true_mcqs"), lists["false_mcqs"], lists["true_mcqs"]
    )
    fields["open_questions"] = [_open(draft, *entry) for entry in enumerate(lists["open_questions"])]
    return fields


def _open(draft: Draft, position: int, entry: Any) -> Any:
    question = entry.get("question") if isinstance(entry, dict) else entry
    slot = draft.open("open_questions", position, question)
    if slot is None:
        return entry
    place = probe_ref("open_ended", slot, "question")
    return {**entry, "question": place} if isinstance(entry, dict) else place
