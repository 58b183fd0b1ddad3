"""Means, differences and shares of clustered measurements, with intervals that hold up when clusters are few."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Floats, Level, Units, units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.wilson import Z95, wilson

BOOTSTRAP_FROM = 15
"""Units from which the bootstrap is used; below it a t interval covers better (docs/metrics.md, simulation)."""
ASSUMED_CORRELATION = 0.2
"""Correlation of measurements within a unit that is assumed where the data cannot tell it, because all units agree."""
SATURATED = 0.01
"""Units that all lie within this share of the scale's end count as agreeing."""
_RESAMPLES = 10_000
_EQUAL = 1e-9

Bounds = tuple[float, float]
RATE: Bounds = (0.0, 1.0)
DIFFERENCE: Bounds = (-1.0, 1.0)


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

    From 15 units on: bootstrap of the outermost units with everything in them kept, percentiles expanded for the number
    of units. Below: t on unit means, on the logit of the scale where the scale is bounded. Runs crossed with units: t
    with both variances (Satterthwaite). Zeros and ones of independent items: Wilson. All units equal: a Wilson-type
    bound on the share of units that could differ, so the interval never has zero width.

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
        percentiles); Satterthwaite 1946; docs/metrics.md.
    """
    table = units(values, levels, runs)
    data = np.asarray(values, dtype=np.float64)
    if bounds is not None and (data.min() < bounds[0] - _EQUAL or data.max() > bounds[1] + _EQUAL):
        raise ValueError(f"values must lie within {bounds}")
    if _is_rate_of_items(data, table, bounds):
        return wilson(float(data.sum()), data.size, unit=table.name, chance=chance)
    if _agree(table.means, bounds):
        low, high, method = _agreeing(table, bounds)
    elif table.means.shape[1] > 1:
        low, high, method = _crossed(table, bounds)
    elif len(table.means) >= BOOTSTRAP_FROM:
        low, high, method = _bootstrap(table, seed)
    else:
        # Few units may agree by accident; they cannot really differ less than the spread inside them makes them.
        error = max(float(table.per_unit.std(ddof=1)) / math.sqrt(len(table.means)), table.error_within)
        low, high = _t_interval(table.value, error, len(table.means) - 1, bounds)
        method = f"t over {len(table.means)} {table.name}"
    value = table.value
    return Estimate(value, min(low, value), max(high, value), table.n, len(table.means), method, chance)


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


def _is_rate_of_items(data: Floats, table: Units, bounds: Bounds | None) -> bool:
    return bounds == RATE and len(table.means) == data.size and bool(np.isin(data, (0.0, 1.0)).all())


def _agree(means: Floats, bounds: Bounds | None) -> bool:
    """Whether the units give no idea of their spread: all equal, or all piled up at one end of the scale."""
    if float(np.ptp(means)) <= _EQUAL:
        return True
    if bounds is None:
        return False
    reach = SATURATED * (bounds[1] - bounds[0])
    return float(means.min()) >= bounds[1] - reach or float(means.max()) <= bounds[0] + reach


def _agreeing(table: Units, bounds: Bounds | None) -> tuple[float, float, str]:
    if bounds is None:
        raise UndefinedEstimate(f"no spread between {len(table.means)} {table.name}, and the scale has no bounds")
    size = table.n / len(table.means)
    effective = table.n / (1 + (size - 1) * ASSUMED_CORRELATION)
    differing = Z95**2 / (effective + Z95**2)
    low = table.value - differing * (table.value - bounds[0])
    high = table.value + differing * (bounds[1] - table.value)
    return low, high, f"Wilson-type over {_counted(table)}{' that agree' if len(table.means) > 1 else ''}"


def _counted(table: Units) -> str:
    return f"1 {table.name.removesuffix('s')}" if len(table.means) == 1 else f"{len(table.means)} {table.name}"


def _bootstrap(table: Units, seed: int) -> tuple[float, float, str]:
    means, count = table.per_unit, len(table.means)
    draws = np.random.default_rng(seed).integers(count, size=(_RESAMPLES, count))
    tail = float(ndtr(-math.sqrt(count / (count - 1)) * stdtrit(count - 1, 0.975)))
    low, high = np.quantile(means[draws].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high), f"bootstrap over {count} {table.name}"


def _crossed(table: Units, bounds: Bounds | None) -> tuple[float, float, str]:
    """Two-way random effects: variance of the grand mean is (MS_units + MS_runs - MS_rest) / cells."""
    rows, columns = table.means.shape
    by_row, by_column = table.means.mean(axis=1), table.means.mean(axis=0)
    rest = table.means - by_row[:, None] - by_column[None, :] + table.value
    squares = np.array([columns * by_row.var(ddof=1), rows * by_column.var(ddof=1), (rest**2).sum()])
    degrees = np.array([rows - 1, columns - 1, (rows - 1) * (columns - 1)], dtype=np.float64)
    squares[2] /= degrees[2]
    largest = int(np.argmax(squares[:2]))
    total, freedom = float(squares[0] + squares[1] - squares[2]), 0.0
    if total > squares[largest]:
        freedom = total**2 / float((squares**2 / degrees).sum())
    else:
        total, freedom = float(squares[largest]), float(degrees[largest])
    low, high = _t_interval(table.value, math.sqrt(total / (rows * columns)), freedom, bounds)
    return low, high, f"t over {rows} {table.name} x {columns} runs"


def _t_interval(value: float, error: float, freedom: float, bounds: Bounds | None) -> tuple[float, float]:
    """On the logit of the scale where it is bounded, so that the interval stays inside and leans as it should."""
    reach = float(stdtrit(freedom, 0.975)) * error
    if bounds is None:
        return value - reach, value + reach
    width = bounds[1] - bounds[0]
    share = (value - bounds[0]) / width
    if not 0 < share < 1:
        return value, value
    logit, slope = math.log(share / (1 - share)), reach / width / (share * (1 - share))
    return bounds[0] + width * _expit(logit - slope), bounds[0] + width * _expit(logit + slope)


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
