"""Every task, split and arm as one cell with score, shares or loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate, cluster_mean, shares
from sdf_eval.reports.results import OUTCOMES, ItemRecord, ProbeCell
from sdf_eval.study.arms import BELIEF_TASKS, LOSS_TASKS
from sdf_eval.study.pairs import Index, bits_per_byte, levels, runs, score

ALL_BELIEF = "belief"
"""Name of the cells that pool the tasks of `BELIEF_TASKS`."""


def probe_cells(index: Index, *, seed: int) -> tuple[ProbeCell, ...]:
    """Summarises an index of item records.

    Args:
        index: All item records.
        seed: Seed of the bootstrap.

    Returns:
        One cell a task, split and arm, and the pooled `belief` cells; in the order of the records.
    """
    found = []
    for (role, context), records in index.arms.items():
        groups: dict[tuple[str, str], list[ItemRecord]] = defaultdict(list)
        for record in records.values():
            groups[record.task, record.split].append(record)
            if record.task in BELIEF_TASKS:
                groups[ALL_BELIEF, record.split].append(record)
        for (task, split), group in groups.items():
            cell = ProbeCell(task=task, split=split, role=role, context=context, score=None)
            if task in LOSS_TASKS:
                found.append(cell.model_copy(update={"loss": _loss(group, seed)}))
            else:
                found.append(cell.model_copy(update=_scores(group, seed)))
    return tuple(found)


def _scores(group: Sequence[ItemRecord], seed: int) -> dict[str, object]:
    chances = [record.chance for record in group if record.chance is not None]
    chance = fmean(chances) if len(chances) == len(group) else None
    mean = cluster_mean([score(r) for r in group], levels(group), runs=runs(group), chance=chance, seed=seed)
    parts = shares([r.outcome for r in group], OUTCOMES, levels(group), runs=runs(group), seed=seed)
    return {"score": mean, "shares": tuple((outcome, parts[outcome]) for outcome in OUTCOMES)}


def _loss(group: Sequence[ItemRecord], seed: int) -> Estimate | None:
    values = [bits_per_byte(record) for record in group]
    try:
        return cluster_mean(values, levels(group), runs=runs(group), bounds=None, seed=seed)
    except UndefinedEstimate:
        return None
