"""Means, differences and shares of clustered measurements, with intervals that hold up when clusters are few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from sdf_eval.measure.clusters import Level, Units, units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.exact import blaker
from sdf_eval.measure.intervals import Bounds, Ends, interval_of, no_surer_than_agreement

RATE: Bounds = (0.0, 1.0)
DIFFERENCE: Bounds = (-1.0, 1.0)
_EQUAL = 1e-9


def cluster_mean(
    values: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    bounds: Bounds | None = RATE,
    chance: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Mean of nested measurements, every unit counting the same at its level.

    t on unit means: on a bounded scale as a score interval, below six units on its logit. On a scale without bounds,
    from 15 units on: bootstrap of the outermost units with everything in them kept, percentiles expanded for the number
    of units. Runs crossed with units: t with both variances. Zeros and ones of independent items: Blaker. All units
    equal: a Wilson-type bound on the share of units that could differ, so the interval never has zero width.

    Args:
        values: Shape (n,), within `bounds`.
        levels: Levels from the outermost in, the items last, for instance beliefs, facts, items.
        runs: n labels of the training run (seed, base) of each value.
        bounds: Least and greatest possible value; None where there is none.
        chance: Value under guessing.
        seed: Seed of the bootstrap.

    Returns:
        The mean with its 95 % interval.

    Raises:
        ValueError: A value lies outside the bounds, or see `units`.
        UndefinedEstimate: All units are equal (or there is one) and the scale has no bounds.

    Source: Davison and Hinkley 1997, section 3.8 (outermost units only); Hesterberg 2015, section 4.3.1 (expanded
        percentiles); Graybill and Wang 1980 (crossed runs); Blaker 2000; docs/metrics.md.
    """
    table, ends, method = mean_interval(values, levels, runs=runs, bounds=bounds, seed=seed)
    low, high = ends(0.95)
    value = table.value
    return Estimate(value, min(low, value), max(high, value), table.n, len(table.means), method, chance)


def mean_interval(
    values: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None,
    bounds: Bounds | None,
    seed: int,
) -> tuple[Units, Ends, str]:
    """The interval behind `cluster_mean` at any confidence; arguments and errors as there.

    Returns:
        The table of unit means, the ends as a function of the confidence, and the method in words.
    """
    table = units(values, levels, runs)
    data = np.asarray(values, dtype=np.float64)
    if bounds is not None and (data.min() < bounds[0] - _EQUAL or data.max() > bounds[1] + _EQUAL):
        raise ValueError(f"values must lie within {bounds}")
    counted = bounds is not None and bool(np.isin(data, (bounds[0], 0.0, bounds[1])).all())
    ends, method = table_interval(table, bounds, counted=counted, seed=seed)
    return table, ends, method


def table_interval(table: Units, bounds: Bounds | None, *, counted: bool, seed: int) -> tuple[Ends, str]:
    """The interval behind `mean_interval` for a table of unit means.

    Args:
        table: Unit means.
        bounds: As in `cluster_mean`.
        counted: Whether every measurement was 0 or 1, or a difference of such.
        seed: Seed of the bootstrap.

    Returns:
        The ends as a function of the confidence, and the method in words.

    Raises:
        UndefinedEstimate: See `cluster_mean`.
    """
    if counted and bounds == RATE and len(table.means) == table.n:
        return blaker(round(float(table.means.sum())), table.n), f"Blaker over {table.n} {table.name}"
    ends, method = interval_of(table, bounds, seed)
    if counted and bounds is not None:
        ends = no_surer_than_agreement(ends, table, bounds)
    return ends, method


def paired_difference(
    treated: ArrayLike,
    control: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    bounds: Bounds | None = DIFFERENCE,
    seed: int = 0,
) -> Estimate:
    """Mean of treated minus control on the same items: a lift.

    Args:
        treated: Shape (n,), for instance belief scores of the implanted checkpoint.
        control: Shape (n,), the same items on the control.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`.
        bounds: Bounds of a difference; (-1, 1) for scores in 0 to 1.
        seed: Seed of the bootstrap.

    Returns:
        The mean difference; chance is 0.

    Raises:
        ValueError: The vectors differ in length, or see `cluster_mean`.
        UndefinedEstimate: See `cluster_mean`.

    Source: persistence metrics, lift L = m(P) - m(B); docs/metrics.md.
    """
    first, second = np.asarray(treated, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"treated and control must be the same items, got {first.size} and {second.size}")
    return cluster_mean(first - second, levels, runs=runs, bounds=bounds, chance=0.0, seed=seed)


def shares(
    outcomes: Sequence[str],
    kinds: Sequence[str],
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    seed: int = 0,
) -> Mapping[str, Estimate]:
    """Share of each outcome; the values sum to 1, the intervals are one outcome at a time.

    Args:
        outcomes: n outcomes.
        kinds: Every outcome there is, in the order wanted.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`.
        seed: Seed of the bootstrap.

    Returns:
        An estimate for each kind, also for those that never occurred.

    Raises:
        ValueError: An outcome is not among the kinds, or see `cluster_mean`.

    Source: DESIGN's belief score; docs/metrics.md.
    """
    unknown = set(outcomes) - set(kinds)
    if unknown:
        raise ValueError(f"unknown outcomes {sorted(unknown)}; known are {list(kinds)}")
    marks = np.asarray(outcomes, dtype=object)
    return {k: cluster_mean((marks == k).astype(np.float64), levels, runs=runs, seed=seed) for k in kinds}
