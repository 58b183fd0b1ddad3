"""The frame held against itself: analyses of cells whose arms were exchanged, and of cells with a planted effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from sdf_eval.study.frame.study import Contrast
from sdf_eval.study.frame.table import Entry, Table


def shuffled(table: Table, seed: int) -> Table:
    """Exchanges the arms of a table: in every base, seed and context, the arms' names change places.

    Whole checkpoints change places, not single answers, since that is what the claims are about: what an arm and its
    factors do to a checkpoint. Under the null of no difference between arms all such tables are equally likely.

    Args:
        table: The answers of a study.
        seed: Of the exchange.

    Returns:
        The table with arms and factors exchanged, their measures with them.
    """
    rng = Random(f"shuffled {seed}")
    places: dict[tuple[str, int], set[tuple[str, tuple[tuple[str, float | str], ...]]]] = defaultdict(set)
    for entry in table.entries:
        places[entry.base, entry.seed].add(_label(entry.arm, entry.factors))
    moved: dict[tuple[str, int], dict[object, tuple[str, tuple[tuple[str, float | str], ...]]]] = {}
    for place in sorted(places):
        labels = sorted(places[place], key=repr)
        moved[place] = dict(zip(labels, rng.sample(labels, len(labels)), strict=True))

    def renamed(arm: str, factors: Mapping[str, float | str], place: tuple[str, int]) -> dict[str, object]:
        name, own = moved[place].get(_label(arm, factors), _label(arm, factors))
        return {"arm": name, "factors": dict(own)}

    return Table(
        tuple(replace(e, **renamed(e.arm, e.factors, (e.base, e.seed))) for e in table.entries),  # type: ignore[arg-type]
        tuple(replace(m, **renamed(m.arm, m.factors, (m.base, m.seed))) for m in table.measures),  # type: ignore[arg-type]
    )


def planted(table: Table, estimand: Contrast, effect: float) -> Table:
    """Moves the answers of the arms that count for a contrast so that it grows by about `effect`.

    Args:
        table: Answers, for instance shuffled ones.
        estimand: The contrast.
        effect: How much it is to grow.

    Returns:
        The table; scores stay within 0 and 1, so that near the ends less is planted.
    """
    positive = [term for term in map(estimand.term, estimand.weights) if term.weight > 0]
    total = sum(term.weight for term in positive)

    def moved(entry: Entry) -> Entry:
        asked = (entry.arm, entry.context, entry.preface)
        if not any(asked == (term.arm, term.context, term.preface) and entry.task in term.tasks for term in positive):
            return entry
        return replace(entry, score=min(1.0, max(0.0, entry.score + effect / total)))

    return replace(table, entries=tuple(map(moved, table.entries)))


def _label(arm: str, factors: Mapping[str, float | str]) -> tuple[str, tuple[tuple[str, float | str], ...]]:
    return arm, tuple(sorted(factors.items()))
