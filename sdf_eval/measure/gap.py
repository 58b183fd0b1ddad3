"""How much of what a context does the weights do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Floats, Level, units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.means import paired_difference


def gap_closed(
    implanted: ArrayLike,
    base: ArrayLike,
    in_context: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    seed: int = 0,
) -> Estimate:
    """(implanted - base) / (in-context - base): 0 is no belief, 1 is as much as the universe context gives the base.

    Fieller's interval on unit means, with t. It is bounded exactly where the denominator's own t interval excludes 0.
    Where the implanted scores pile up at the end of the scale, their units show no spread: the interval is then widened
    to hold that of the lift over the mean reach too.

    Args:
        implanted: Shape (n,), belief scores of the implanted checkpoint without context.
        base: Shape (n,), the same items on the base without context.
        in_context: Shape (n,), the same items on the base with the universe context.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`; averaged inside a unit, so that the interval is about these runs and bases.
        seed: Seed of the bootstrap behind the denominator's check.

    Returns:
        The ratio of mean lifts; may lie below 0 or above 1.

    Raises:
        UndefinedEstimate: The interval of in-context - base does not lie above 0: the context raises no belief.
        ValueError: The vectors differ in length.

    Source: Fieller 1954, JRSS B 16(2); DESIGN's definition of the gap closed; docs/metrics.md.
    """
    lift = paired_difference(implanted, base, levels, runs=runs, seed=seed)
    reach = paired_difference(in_context, base, levels, runs=runs, seed=seed)
    if reach.low <= 0.0:
        raise UndefinedEstimate(
            f"gap closed: in-context minus base is {reach.value:.3f} [{reach.low:.3f}, {reach.high:.3f}], "
            "which does not lie above 0, so there is no gap to close"
        )
    top = units(np.subtract(implanted, base), levels, runs)
    bottom = units(np.subtract(in_context, base), levels, runs)
    value = lift.value / reach.value
    low, high = _fieller(top.per_unit, bottom.per_unit)
    method = f"Fieller over {len(top.means)} {top.name}"
    if lift.method.startswith("Wilson") or high - low < 1e-9:
        low, high = min(low, lift.low / reach.value), max(high, lift.high / reach.value)
        method += " that agree"
    return Estimate(value, min(low, value), max(high, value), lift.n, len(top.means), method)


def _fieller(top: Floats, bottom: Floats) -> tuple[float, float]:
    """Roots of (a - r b)^2 = t^2 var(a - r b)."""
    count = len(top)
    if count < 2:
        return float(top[0] / bottom[0]), float(top[0] / bottom[0])
    covariance = np.cov(np.stack([top, bottom])) / count * float(stdtrit(count - 1, 0.975)) ** 2
    a, b = float(top.mean()), float(bottom.mean())
    square = b * b - float(covariance[1, 1])
    middle = a * b - float(covariance[0, 1])
    constant = a * a - float(covariance[0, 0])
    if square <= 0:
        raise UndefinedEstimate("gap closed: in-context minus base is not distinguishable from 0 over the units")
    root = math.sqrt(max(0.0, middle * middle - square * constant))
    return (middle - root) / square, (middle + root) / square
