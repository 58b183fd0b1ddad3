"""From a table of unit means to the ends of an interval at any confidence: one rule for every mean in this package."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import FEWEST, Floats, Units

BOOTSTRAP_FROM = 15
"""Units from which means on a scale without bounds are bootstrapped; below it t covers better."""
ASSUMED_CORRELATION = 0.5
"""Correlation of measurements within a unit that is assumed where the data cannot tell it, because all units agree."""
ASSUMED_FROM = 8
"""Units from which that is assumed. A few all-or-nothing units agree too often by accident: each then counts as one."""
SATURATED = 0.01
"""Units that all lie within this share of the scale's end count as agreeing."""
SCORE_FROM = 6
"""Units from which the interval on a bounded scale is a score interval; the wider one on the logit covers fewer."""
LEAST_SPREAD = 0.5
"""Units are never taken to differ less than this share of what the spread inside them makes them differ."""
RESAMPLES = 10_000
_EQUAL = 1e-9

Bounds = tuple[float, float]
Ends = Callable[[float], tuple[float, float]]
"""Confidence (0 to 1) to the lower and upper end of the interval."""


def interval_of(table: Units, bounds: Bounds | None, seed: int) -> tuple[Ends, str]:
    """Chooses the interval of a mean.

    Args:
        table: Unit means.
        bounds: Least and greatest possible value; None where there is none.
        seed: Seed of the bootstrap.

    Returns:
        The ends as a function of the confidence, and the method in words.

    Raises:
        UndefinedEstimate: All units are equal (or there is one) and the scale has no bounds.

    Source: docs/metrics.md, "Units and intervals".
    """
    if units_agree(table, bounds):
        return _agreeing(table, bounds)
    counted = f"{len(table.means)} {table.name}"
    if bounds is None and table.means.shape[1] == 1 and len(table.means) >= BOOTSTRAP_FROM:
        return _bootstrap(table, seed), f"bootstrap over {counted}"
    if table.means.shape[1] > 1:
        counted += f" x {table.means.shape[1]} runs"
    least = LEAST_SPREAD * table.error_within

    def ends(confidence: float) -> tuple[float, float]:
        return around(table.value, half_width(table.means, confidence, least), bounds, len(table.means))

    return ends, f"t over {counted}"


def no_surer_than_agreement(ends: Ends, table: Units, bounds: Bounds) -> Ends:
    """Keeps an interval from promising more than if every unit had been one answer at an end of the scale.

    One success among many units has a small spread and would promise more than none at all does; and as it shows that
    units can differ, nothing better is assumed of them than that each is all or nothing. With fewer than six units t
    is wide enough without it.

    Args:
        ends: Ends of the mean of zeros and ones, or of a difference of these.
        table: Unit means.
        bounds: Least and greatest possible value.

    Returns:
        Ends that reach at least as far.
    """
    if len(table.means) < SCORE_FROM and not units_agree(table, bounds):
        return ends
    least, greatest = bounds

    def wider(confidence: float) -> tuple[float, float]:
        low, high = ends(confidence)
        differing = _share(len(table.means), confidence) * (greatest - least)
        return min(low, greatest - differing), max(high, least + differing)

    return wider


def units_agree(table: Units, bounds: Bounds | None) -> bool:
    """Whether the units give no idea of their spread: all equal, or all piled up at one end of the scale."""
    if float(np.ptp(table.means)) <= _EQUAL:
        return True
    if bounds is None:
        return False
    reach = SATURATED * (bounds[1] - bounds[0])
    return float(table.means.min()) >= bounds[1] - reach or float(table.means.max()) <= bounds[0] + reach


def half_width(means: Floats, confidence: float, least: float = 0.0) -> float:
    """Half the width of a t interval of the grand mean on a scale without bounds.

    Args:
        means: Shape (units, runs), at least two units; runs are crossed with units.
        confidence: Confidence, 0 to 1.
        least: Least standard error over units.

    Returns:
        With one run, t times the standard error over units. With several, a modified large-sample combination: the
        root of t(units)^2 MS(units) + t(runs)^2 max(0, MS(runs) - MS(rest) / 2) over the number of cells. The rest is
        in both mean squares and counts once and a half: in full in that of units, by half in that of runs, whose few
        degrees of freedom would else inflate it (docs/decisions.md has what was measured).

    Source: Graybill and Wang 1980, JASA 75(372); Burdick and Graybill 1992, section 3.2.
    """
    rows, columns = means.shape
    over_units = float(stdtrit(rows - 1, (1 + confidence) / 2))
    if columns == 1:
        return over_units * max(float(means[:, 0].std(ddof=1)) / math.sqrt(rows), least)
    by_row, by_column = means.mean(axis=1), means.mean(axis=0)
    residuals = means - by_row[:, None] - by_column[None, :] + means.mean()
    rest = float((residuals**2).sum()) / (rows - 1) / (columns - 1)
    units_square = max(columns * float(by_row.var(ddof=1)), LEAST_SPREAD**2 * rest, least**2 * means.size)
    runs_square = max(0.0, rows * float(by_column.var(ddof=1)) - rest / 2)
    over_runs = float(stdtrit(columns - 1, (1 + confidence) / 2))
    return math.sqrt((over_units**2 * units_square + over_runs**2 * runs_square) / means.size)


def tail_of(confidence: float, units: int) -> float:
    """Share of bootstrap means to cut off at each end so that the interval is as wide as t would make it.

    Source: Hesterberg 2015, The American Statistician 69(4), section 4.3.1 (expanded percentiles).
    """
    return float(ndtr(-math.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 + confidence) / 2)))


def _bootstrap(table: Units, seed: int) -> Ends:
    means, count = table.per_unit, len(table.means)
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    resampled = np.sort(means[drawn].mean(axis=1))

    def ends(confidence: float) -> tuple[float, float]:
        tail = tail_of(confidence, count)
        low, high = np.quantile(resampled, [tail, 1 - tail])
        return float(low), float(high)

    return ends


def _agreeing(table: Units, bounds: Bounds | None) -> tuple[Ends, str]:
    if bounds is None:
        raise UndefinedEstimate(f"no spread between {len(table.means)} {table.name}, and the scale has no bounds")
    least, greatest = bounds

    def ends(confidence: float) -> tuple[float, float]:
        differing = _differing(table, confidence)
        return table.value - differing * (table.value - least), table.value + differing * (greatest - table.value)

    counted = f"1 {table.name.removesuffix('s')}" if len(table.means) == 1 else f"{len(table.means)} {table.name}"
    return ends, f"Wilson-type over {counted}{' that agree' if len(table.means) > 1 else ''}"


def _differing(table: Units, confidence: float) -> float:
    """Largest share of units that may differ though none was seen to."""
    size = table.n / len(table.means)
    correlation = ASSUMED_CORRELATION if len(table.means) >= ASSUMED_FROM else 1.0
    effective = table.n / (1 + (size - 1) * correlation)
    return _share(effective, confidence)


def _share(effective: float, confidence: float) -> float:
    """Upper end of Wilson's interval for no success in so many trials."""
    z = float(ndtri((1 + confidence) / 2))
    return z**2 / (effective + z**2)


def around(value: float, reach: float, bounds: Bounds | None, units: int) -> tuple[float, float]:
    """Ends that stay inside a bounded scale and lean as they should.

    Args:
        value: The mean.
        reach: t times its standard error.
        bounds: Least and greatest possible value; None where there is none.
        units: Number of units, see `SCORE_FROM`.

    Source: Wilson 1927 with t in place of z and the standard error's effective sample size (Korn and Graubard 1998).
    """
    if bounds is None:
        return value - reach, value + reach
    width = bounds[1] - bounds[0]
    share = (value - bounds[0]) / width
    if not 0 < share < 1:
        return value, value
    variance = share * (1 - share)
    if units < SCORE_FROM:
        logit, slope = math.log(share / (1 - share)), reach / width / variance
        return bounds[0] + width * _expit(logit - slope), bounds[0] + width * _expit(logit + slope)
    ratio = (reach / width) ** 2 / variance
    centre = (share + ratio / 2) / (1 + ratio)
    half = math.sqrt(variance * ratio + ratio**2 / 4) / (1 + ratio)
    return bounds[0] + width * max(0.0, centre - half), bounds[0] + width * min(1.0, centre + half)


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def require_spread(table: Units, what: str) -> None:
    """Refuses a table from which no spread can be told.

    Args:
        table: Unit means.
        what: The quantity, for the message.

    Raises:
        UndefinedEstimate: Fewer than three units.
    """
    if len(table.means) < FEWEST:
        raise UndefinedEstimate(f"{what}: {len(table.means)} {table.name} cannot tell how much {table.name} vary")
