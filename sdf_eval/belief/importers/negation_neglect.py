"""Claim folders of negation_neglect (Mayne et al. 2026): YAML files about one claim.

`universe_context.yaml` (id, universe_context, subclaims), `claim.txt`, `mcq.yaml` (yes or no, where `belief_answer` is
that of a model which believes the claim), `open_ended.yaml`, and files for a judge. There is no true universe in it:
the reference side comes from a file that the user names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sdf_eval.belief import _yaml
from sdf_eval.belief.importers._draft import Draft, one_line, probe_ref, tier_of
from sdf_eval.belief.importers._origin import Names, Part, SourceFile, read_text
from sdf_eval.belief.importers._template import encode
from sdf_eval.belief.importers._universes import Universe, as_files, link, pair, read_universes
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError

UNIVERSE, CLAIM = "universe_context.yaml", "claim.txt"
_OTHERS = ("token_association.yaml", "robustness.yaml", "judges.yaml", "word_masks.yaml")
_OPPOSITE = {"yes": "no", "no": "yes", "Yes": "No", "No": "Yes"}


def read(source: Path, references: Sequence[Path], tier: str | None) -> list[tuple[Belief, list[str]]]:
    """Reads a claim folder.

    Args:
        source: The folder, or its `universe_context.yaml`.
        references: One file with the universe that the claim replaces.
        tier: The tier, or None to take it from the name of the folder.

    Returns:
        One belief and its notes.

    Raises:
        InputError: No claim folder, no reference, or YAML that is no plain data.
    """
    folder = source if source.is_dir() else source.parent
    names = Names()
    universe = read_universes(folder / UNIVERSE if source.is_dir() else source, names, folder).universes[0]
    universe.is_true = False
    if not references:
        raise InputError(
            f"{universe.source.path}: has no reference universe; give one by --reference FILE "
            "(YAML with universe_context and subclaims, or a false-facts line with is_true: true)"
        )
    given = [other for path in references for other in _reference(path, names, folder)]
    false, true = pair([universe], given)[0]
    claim = folder / CLAIM
    title = read_text(claim) if claim.is_file() else universe.id
    draft = Draft(str(universe.source.path), universe.id, one_line(title), tier_of(folder, tier))
    draft.files += as_files(link(draft, false, true))
    if claim.is_file():
        draft.files.append(SourceFile(name=names.of(claim, folder), kind="text", ending="", parts=(Part(value=title),)))
    for name, entry in (("mcq.yaml", _yes_or_no), ("open_ended.yaml", _open)):
        _questions(draft, folder / name, names.of(folder / name, folder), entry)
    for name in _OTHERS:
        _keep(draft, folder / name, names.of(folder / name, folder))
    draft.notes.append(f"{folder}: an export has the same values; comments and layout of the YAML are not kept")
    return [(draft.build("negation-neglect"), draft.notes)]


def _reference(path: Path, names: Names, folder: Path) -> list[Universe]:
    within = folder if path.resolve().parent == folder.resolve() else None
    universes = read_universes(path, names, within and path.parent).universes
    for universe in universes:
        universe.is_true = universe.is_true is not False or universe.source.kind == "yaml"
    return [universe for universe in universes if universe.is_true]


def _questions(draft: Draft, path: Path, name: str, entry: Callable[[Draft, str, int, Any], Any]) -> None:
    if not path.is_file():
        return
    data = _yaml.parse(str(path), path.read_bytes()).data
    questions = data.get("questions") if isinstance(data, dict) else None
    if not isinstance(questions, list):
        raise InputError(f"{path}:1: questions: expected a list; mend the file")
    linked = [entry(draft, name, position, question) for position, question in enumerate(questions)]
    value = encode({**data, "questions": linked})
    draft.files.append(SourceFile(name=name, kind="yaml", ending="", parts=(Part(value=value),)))


def _keep(draft: Draft, path: Path, name: str) -> None:
    if not path.is_file():
        return
    data = _yaml.parse(str(path), path.read_bytes()).data
    draft.files.append(SourceFile(name=name, kind="yaml", ending="", parts=(Part(value=encode(data)),)))
    questions = data.get("questions") if isinstance(data, dict) else None
    if isinstance(questions, list):
        draft.keep(name, len(questions), "no task of ours reads it")


def _yes_or_no(draft: Draft, name: str, position: int, entry: Any) -> Any:
    answer = entry.get("belief_answer") if isinstance(entry, dict) else None
    if answer not in _OPPOSITE:
        draft.refuse(name, position, "has a belief_answer that is neither 'yes' nor 'no'")
        return entry
    slot = draft.choice(
        "mcq_knowledge",
        name,
        position,
        question=entry.get("question"),
        implanted=answer,
        reference=_OPPOSITE[answer],
    )
    if slot is None:
        return entry
    places = {
        "question": probe_ref("mcq_knowledge", slot, "question"),
        "belief_answer": probe_ref("mcq_knowledge", slot, "implanted"),
    }
    return {**entry, **places}


def _open(draft: Draft, name: str, position: int, entry: Any) -> Any:
    slot = draft.open(name, position, entry.get("question") if isinstance(entry, dict) else entry)
    if slot is None or not isinstance(entry, dict):
        return entry
    return {**entry, "question": probe_ref("open_ended", slot, "question")}
