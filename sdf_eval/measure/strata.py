"""Means over strata that are all there are: nothing is said of strata that were not measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from sdf_eval.measure.clusters import Level, Units, codes, units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.intervals import LEAST_SPREAD, Bounds, around, interval_of, units_agree
from sdf_eval.measure.means import RATE, cluster_mean


def stratified_mean(
    values: ArrayLike,
    levels: Sequence[Level],
    *,
    bounds: Bounds | None = RATE,
    chance: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Nested mean whose outermost level is fixed, so that how much its units differ does not widen the interval.

    t on the units inside the strata (their facts, or probes where a stratum has fewer than three facts), with the
    strata's variances added and Satterthwaite's degrees of freedom.

    Args:
        values: Shape (n,), within `bounds`.
        levels: Strata first, for instance beliefs, then what is inside them; at least two levels.
        bounds: Least and greatest possible value; None where there is none.
        chance: Value under guessing.
        seed: Seed of the bootstrap, where there is one stratum.

    Returns:
        The mean of the strata's means with its 95 % interval. With one stratum, or where a stratum has a single unit,
        that of `cluster_mean`.

    Raises:
        ValueError: See `cluster_mean`.
        UndefinedEstimate: No unit differs from another and the scale has no bounds.

    Source: Cochran 1977, section 5.4 (strata, Satterthwaite's degrees of freedom).
    """
    data, stratum = np.asarray(values, dtype=np.float64), codes(levels[0][1])
    parts = [_inside(data, levels[1:], stratum == place) for place in range(int(stratum.max()) + 1)]
    if len(parts) == 1 or min(len(part.means) for part in parts) < 2:
        return cluster_mean(data, levels, bounds=bounds, chance=chance, seed=seed)
    value, count = float(np.mean([part.value for part in parts])), sum(len(part.means) for part in parts)
    squares = np.array([_square(part) for part in parts]) / len(parts) ** 2
    name = f"{count} {parts[0].name} in {len(parts)} {levels[0][0]}"
    if _agree(parts, bounds) or squares.sum() == 0:
        alike = Units(np.full((count, 1), value), parts[0].name, data.size)
        ends, _ = interval_of(alike, bounds, seed)
        (low, high), method = ends(0.95), f"Wilson-type over {name} that agree"
    else:
        freedom = float(squares.sum() ** 2 / (squares**2 / [len(part.means) - 1 for part in parts]).sum())
        low, high = around(value, float(stdtrit(freedom, 0.975)) * math.sqrt(squares.sum()), bounds, count)
        method = f"t over {name}"
    return Estimate(value, min(low, value), max(high, value), data.size, count, method, chance)


def _inside(data: np.ndarray, levels: Sequence[Level], chosen: np.ndarray) -> Units:
    places = np.flatnonzero(chosen).tolist()
    return units(data[places], [(name, [labels[place] for place in places]) for name, labels in levels])


def _agree(parts: Sequence[Units], bounds: Bounds | None) -> bool:
    return units_agree(Units(np.concatenate([part.means for part in parts]), parts[0].name, 0), bounds)


def _square(part: Units) -> float:
    """Squared standard error of a stratum's mean, at least a share of what the spread inside its units makes."""
    return max(float(part.means.var(ddof=1)) / len(part.means), (LEAST_SPREAD * part.error_within) ** 2)
