"""p values that agree with the intervals, and tests of equivalence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from sdf_eval.measure.clusters import Level
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.intervals import RESAMPLES, Bounds
from sdf_eval.measure.means import DIFFERENCE, mean_interval

_SURE = 1 - 1 / RESAMPLES


def p_value(
    values: ArrayLike,
    levels: Sequence[Level],
    *,
    null: float = 0.0,
    runs: Sequence[object] | None = None,
    bounds: Bounds | None = DIFFERENCE,
    seed: int = 0,
) -> float:
    """Two-sided p value of a mean: the least error at which its interval excludes the null.

    Args:
        values: As in `cluster_mean`, for instance paired differences.
        levels: As in `cluster_mean`.
        null: Value under the null hypothesis.
        runs: As in `cluster_mean`.
        bounds: As in `cluster_mean`.
        seed: Seed of the bootstrap.

    Returns:
        Between 1e-4 and 1; 1e-4 stands for anything smaller.

    Raises:
        ValueError: See `cluster_mean`.
        UndefinedEstimate: See `cluster_mean`.

    Source: inversion of the interval, Cox and Hinkley 1974, section 7.2.
    """
    table, ends, _ = mean_interval(values, levels, runs=runs, bounds=bounds, seed=seed)
    if table.value == null:
        return 1.0

    def margin(confidence: float) -> float:
        low, high = ends(confidence)
        return low - null if table.value > null else null - high

    return 1 - _largest_confidence(margin)


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests.

    Attributes:
        estimate: The mean difference with its 95 % interval.
        margin: Largest difference that does not matter.
        p: The larger of the two one-sided p values; at most 0.05 where the 90 % interval lies within the margin.
        equivalent: Whether p is at most 0.05.
        different: Whether the whole 95 % interval lies outside the margin.
    """

    estimate: Estimate
    margin: float
    p: float
    equivalent: bool
    different: bool


def equivalence(
    treated: ArrayLike,
    control: ArrayLike,
    levels: Sequence[Level],
    margin: float,
    *,
    runs: Sequence[object] | None = None,
    bounds: Bounds | None = DIFFERENCE,
    seed: int = 0,
) -> Equivalence:
    """Tests whether a paired difference is small enough not to matter.

    Args:
        treated: Shape (n,).
        control: Shape (n,), the same items.
        levels: As in `cluster_mean`.
        margin: Largest difference, in either direction, that does not matter; above 0, written down before.
        runs: As in `cluster_mean`.
        bounds: Bounds of a difference.
        seed: Seed of the bootstrap.

    Returns:
        The test.

    Raises:
        ValueError: The margin is not above 0, the vectors differ in length, or see `cluster_mean`.
        UndefinedEstimate: See `cluster_mean`.

    Source: Schuirmann 1987, J. Pharmacokinetics and Biopharmaceutics 15(6); Lakens 2017.
    """
    if not margin > 0:
        raise ValueError(f"an equivalence margin must be above 0, got {margin}")
    if np.shape(treated) != np.shape(control):
        raise ValueError(f"treated and control must be the same items, got {np.size(treated)} and {np.size(control)}")
    values = np.subtract(treated, control)
    table, ends, method = mean_interval(values, levels, runs=runs, bounds=bounds, seed=seed)
    low, high = ends(0.95)
    value = table.value
    estimate = Estimate(value, min(low, value), max(high, value), table.n, len(table.means), method, 0.0)

    def room(confidence: float) -> float:
        least, most = ends(confidence)
        return min(least + margin, margin - most)

    p = (1 - _largest_confidence(room)) / 2 if abs(value) < margin else 1.0
    return Equivalence(estimate, margin, p, p <= 0.05, estimate.low > margin or estimate.high < -margin)


def _largest_confidence(margin: Callable[[float], float]) -> float:
    """Largest confidence at which a margin, which shrinks with it, is above 0."""
    if margin(_SURE) > 0:
        return _SURE
    if margin(1e-9) <= 0:
        return 0.0
    return float(brentq(margin, 1e-9, _SURE, xtol=1e-9))
