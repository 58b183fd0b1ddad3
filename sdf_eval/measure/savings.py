"""Relearning: what a checkpoint whose belief seems gone saves when it is taught again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.cells import cells
from sdf_eval.measure.clusters import Floats
from sdf_eval.measure.curves import DRAWS, estimate_or_bound
from sdf_eval.measure.estimate import Bound, Estimate


def savings(
    doses: ArrayLike,
    scores: ArrayLike,
    was_implanted: Sequence[bool],
    clusters: Sequence[Hashable],
    target: float,
    *,
    seed: int = 0,
) -> Estimate | Bound:
    """Documents that bring the washed checkpoint back to a target, over those that the clean control needs.

    Each arm's means are made monotone in the dose and read off by a straight line in ln(1 + dose).

    Args:
        doses: Shape (n,), documents (or updates) of relearning, 0 included; the ladder is the same in both arms.
        scores: Shape (n,), scores after relearning.
        was_implanted: n flags: the washed checkpoint, or the clean one that went through the same stages.
        clusters: n labels of the training run, or of the seed or belief where each has both arms and every dose.
        target: Score to reach, 0.9 of that at implantation by convention.
        seed: Seed of the draws.

    Returns:
        Below 1 a residue of the belief remains; 0 is a belief that never left, and comes as a bound.

    Raises:
        UndefinedEstimate: The clean control reaches the target without relearning, or neither arm reaches it.
        ValueError: The arms have other doses, no dose 0, or see `cells`.

    Source: Ebbinghaus 1885 (savings); docs/metrics.md, "Savings".
    """
    dose = np.asarray(doses, dtype=np.float64)
    if len(was_implanted) != dose.size or not np.isfinite(dose).all() or (dose < 0).any():
        raise ValueError("doses must be finite, at least 0, and one a flag")
    keys = [(bool(flag), level) for flag, level in zip(was_implanted, dose.tolist(), strict=True)]
    ladders = [sorted({level for arm, level in keys if arm is flag}) for flag in (True, False)]
    if ladders[0] != ladders[1] or len(ladders[0]) < 2 or ladders[0][0] != 0:
        raise ValueError(f"both arms need the same doses, 0 among them, got {ladders[0]} and {ladders[1]}")
    found = cells(keys, scores, clusters, seed=seed, draws=DRAWS)
    size, x = len(ladders[0]), np.log1p(np.array(ladders[0]))
    fresh, washed = (_doses_to(part, x, target) for part in (found.drawn[:, :size], found.drawn[:, size:]))
    if fresh[0] == 0:
        raise UndefinedEstimate(f"savings: the clean control reaches {target:g} without relearning")
    if np.isinf(fresh[0]) and np.isinf(washed[0]):
        raise UndefinedEstimate(f"savings: neither arm reaches {target:g} within the doses")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(np.isinf(fresh) & np.isfinite(washed), 0.0, washed / fresh)
    reason = "an arm is at the target at once, or does not reach it within the doses"
    return estimate_or_bound(ratios, found.n, found.clusters, found.method, reason)


def _doses_to(curves: Floats, x: Floats, target: float) -> Floats:
    """Dose at which each curve first reaches the target; 0 at once, infinity never."""
    needed = np.empty(len(curves))
    for row, curve in enumerate(curves):
        rising = isotonic_regression(curve).x
        first = int(np.searchsorted(rising, target))
        if first == 0 or first == len(x):
            needed[row] = 0.0 if first == 0 else np.inf
            continue
        share = (target - rising[first - 1]) / (rising[first] - rising[first - 1])
        needed[row] = np.expm1(x[first - 1] + share * (x[first] - x[first - 1]))
    return needed
