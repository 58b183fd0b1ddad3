"""Every task, split and arm as one cell with score, shares or loss."""

from __future__ import annotations

from collections import defaultdict

from sdf_eval.results.schema import ItemRecord, ProbeCell
from sdf_eval.results.values import as_result, mean_loss, mean_score, outcome_shares
from sdf_eval.study.arms import BELIEF_TASKS, LOSS_TASKS
from sdf_eval.study.pairs import Index, runs
from sdf_eval.tasks.figures import is_headline

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
            # Other arms of a task have figures of their own.
            if not is_headline(as_result(record)):
                continue
            groups[record.task, record.split].append(record)
            if record.task in BELIEF_TASKS:
                groups[ALL_BELIEF, record.split].append(record)
        for (task, split), group in groups.items():
            cell = ProbeCell(task=task, split=split, role=role, context=context, score=None)
            if task in LOSS_TASKS:
                found.append(cell.model_copy(update={"loss": mean_loss(group, runs=runs(group), seed=seed)}))
            else:
                mean = mean_score(group, runs=runs(group), seed=seed)
                parts = outcome_shares(group, runs=runs(group), seed=seed)
                found.append(cell.model_copy(update={"score": mean, "shares": parts}))
    return tuple(found)
