"""What the arms of a study cost, and simulated answers of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdf_eval.belief.items import applicable_tasks
from sdf_eval.study.frame.cell import Cell, SdfStep
from sdf_eval.study.frame.identity import belief_at
from sdf_eval.study.frame.study import Contrast, Placed, Study
from sdf_eval.study.frame.substrate import POCKET
from sdf_eval.study.frame.table import Entry, Measured, Table

Score = Callable[[str, str, str], float]
"""Arm, belief and task -> score."""


def budget(cell: Cell) -> tuple[int, int | None]:
    """Texts and updates of a cell that reads documents once."""
    (step,) = cell.steps
    assert isinstance(step, SdfStep)
    documents = sum(part.count * len(part.beliefs or cell.beliefs) for part in step.documents)
    return documents + step.plain, step.updates


def unequal_places(placed: Sequence[Placed]) -> list[tuple[str, int, tuple[str, ...]]]:
    """Base, seed and panel of those trainings whose arms do not read as many texts in as many updates."""
    found: dict[tuple[str, int, tuple[str, ...]], set[tuple[int, int | None]]] = {}
    for one in placed:
        if one.cell.steps:
            found.setdefault((one.cell.model, one.cell.seed, one.cell.beliefs), set()).add(budget(one.cell))
    return [place for place, budgets in found.items() if len(budgets) > 1]


def unasked_terms(study: Study, placed: Sequence[Placed]) -> list[tuple[str, str]]:
    """Contrasts and terms of which no cell asks anything."""
    missing = []
    for estimand in study.estimands:
        for name in estimand.weights if isinstance(estimand, Contrast) else ():
            term = estimand.term(name)
            asked = any(
                (one.arm, ask.context, ask.preface) == (term.arm, term.context, term.preface)
                and set(ask.tasks) & set(term.tasks) & set(applicable_tasks(belief_at(reference)))
                for one in placed
                for ask in one.cell.asks
                for reference in one.cell.beliefs
            )
            if not asked:
                missing.append((estimand.name, name))
    return missing


def answers(study: Study, score: Score, measures: Callable[[str, str, str], float] | None = None) -> Table:
    """A full table of a study, simulated.

    Args:
        study: The study.
        score: Gives the scores.
        measures: Arm, base and name -> what a cell's measures are.
    """
    entries, measured = [], []
    for one in study.cells("full", POCKET):
        cell = one.cell
        for name in cell.measures:
            value = measures(one.arm, cell.model, name) if measures else 0.0
            measured.append(Measured(one.arm, {}, cell.model, cell.seed, name, value))
        for ask in cell.asks:
            for belief in cell.beliefs:
                for task in ask.tasks:
                    for split in ("",) if task == "coherence" else ("near", "far"):
                        shown = one.arm if ask.context == "none" else f"{one.arm}@{ask.context}"
                        entries.append(
                            Entry(
                                one.arm,
                                {},
                                cell.model,
                                cell.seed,
                                belief,
                                task,
                                "",
                                split,
                                ask.context,
                                ask.preface,
                                4,
                                score(shown, belief, task),
                            )  # fmt: skip
                        )
    return Table(tuple(entries), tuple(measured))
