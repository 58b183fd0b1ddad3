"""Runs a random share of stored cells again and compares the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from sdf_eval.errors import InputError
from sdf_eval.study.frame.answers import CellAnswers
from sdf_eval.study.frame.executors import Executor
from sdf_eval.study.frame.identity import cell_key
from sdf_eval.study.frame.runner import CELLS
from sdf_eval.study.frame.store import Store
from sdf_eval.study.frame.study import Study, Tier
from sdf_eval.study.frame.substrate import Substrate

TOLERANCE = 0.02
"""Largest difference of a mean score. Weights are the same bit for bit on one kind of machine only; on another one a
greedy answer or two of a cell may differ."""


@dataclass(frozen=True)
class Recheck:
    """What running cells again showed.

    Attributes:
        checked: Cells that were run again.
        same: Of these, those whose scores and measures all lie within the tolerance.
        largest: Largest difference of a score or measure.
        different: Content hashes of the others.
    """

    checked: int
    same: int
    largest: float
    different: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def recheck(
    studies: Sequence[Study],
    tier: Tier,
    substrate: Substrate,
    executor: Executor,
    out: Path,
    *,
    share: float,
    seed: int,
) -> Recheck:
    """Runs a random share of the stored cells again; at least one.

    Args:
        studies: Whose cells.
        tier: Of the cells.
        substrate: Where they were run.
        executor: Runs them.
        out: Folder of `run_studies`.
        share: Of the stored cells, above 0 and at most 1.
        seed: Which ones.

    Returns:
        How many gave the same answers.

    Raises:
        InputError: There are no stored cells, or the share is out of range.
    """
    if not 0 < share <= 1:
        raise InputError(f"--share: {share:g}: must be above 0 and at most 1")
    store = Store(out / CELLS)
    keyed = {cell_key(placed.cell): placed.cell for study in studies for placed in study.cells(tier, substrate)}
    stored = sorted(key for key in keyed if store.path(key).exists())
    if not stored:
        raise InputError(f"--out: {out}: holds no cell of these studies; run them first")
    chosen = Random(f"recheck {seed}").sample(stored, max(1, round(share * len(stored))))
    differences = {}
    for _, answers, _ in executor.run([keyed[key] for key in chosen], ()):
        before = store.read(answers.key)
        assert before is not None, "it was chosen because it is stored"
        differences[answers.key] = largest_difference(before, answers)
    different = tuple(sorted(key for key, size in differences.items() if size > TOLERANCE))
    return Recheck(len(chosen), len(chosen) - len(different), max(differences.values()), different)


def largest_difference(one: CellAnswers, other: CellAnswers) -> float:
    """Largest difference between scores or measures of two runs of a cell; infinite where they have other rows."""
    first, second = (
        {("row", r.belief, r.task, r.figure, r.split, r.context, r.preface): r.score for r in answers.rows}
        | {("measure", name): value for name, value in answers.measures.items()}
        for answers in (one, other)
    )
    if first.keys() != second.keys():
        return float("inf")
    return max((abs(first[row] - second[row]) for row in first), default=0.0)
