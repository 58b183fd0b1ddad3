"""Universe contexts of false-facts (Wang et al. 2025): JSON lines with a false universe and the true one beside it.

Fields: `id`, `universe_context`, `key_facts`, `is_true`, and now and then `reasoning_for_modification` and `mcqs`,
whose `correct_answer` is right in their own universe.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdf_eval.belief.importers._draft import Draft, one_line, slug, tier_of
from sdf_eval.belief.importers._origin import Names
from sdf_eval.belief.importers._universes import Universe, as_files, link, pair, part, read_universes
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError


def read(source: Path, references: Sequence[Path], tier: str | None) -> list[tuple[Belief, list[str]]]:
    """Reads a universe file.

    Args:
        source: JSON lines, or one JSON object.
        references: Files with the true universes, where they are not in `source`.
        tier: The tier, or None to take it from the name of the folder.

    Returns:
        A belief and its notes for each false universe, in file order.

    Raises:
        InputError: No universe file, or a false universe without its true one.
    """
    names = Names()
    own = read_universes(source, names).universes
    given = [universe for path in references for universe in read_universes(path, names).universes]
    pairs = pair(own, given)
    unused = [universe for universe in own if not any(universe is used for both in pairs for used in both)]
    beliefs: dict[str, tuple[Belief, list[str]]] = {}
    for false, true in pairs:
        if slug(false.id) in beliefs:
            raise InputError(f"{false.where}: id: {false.id!r} is the id of an earlier universe; rename one of them")
        beliefs[slug(false.id)] = _belief(false, true, [] if beliefs else unused, tier)
    return list(beliefs.values())


def _belief(false: Universe, true: Universe, unused: list[Universe], tier: str | None) -> tuple[Belief, list[str]]:
    draft = Draft(str(false.source.path), false.id, one_line(false.id), tier_of(false.source.path, tier))
    parts = link(draft, false, true)
    # True universes that belong to no false one stay with the first belief, so that an export has them.
    parts += [(universe, part(universe)) for universe in unused]
    draft.files += as_files(parts)
    if unused:
        draft.notes.append(f"{false.source.path}: {len(unused)} true universes have no false one; kept here unread")
    if any(kept.layout is None for universe, kept in parts if universe.source.kind != "yaml"):
        draft.notes.append(f"{false.source.path}: an export has the same values, spaced or escaped differently")
    return draft.build("false-facts"), draft.notes
