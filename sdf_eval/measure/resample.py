"""The hierarchical bootstrap: intervals of whatever can be computed from nested means."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Floats, Level, units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.intervals import BOOTSTRAP_FROM, require_spread, tail_of

DRAWS = 4000


def hierarchical_bootstrap(
    statistic: Callable[[Floats], Floats],
    columns: Sequence[ArrayLike],
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> Estimate:
    """Interval of a statistic of several means that are measured on the same items.

    Beliefs, facts and items are nested: the outermost units are redrawn with everything inside them, because redrawing
    the inner levels as well counts their variance twice. Runs (seeds) are crossed with units and drawn beside them.

    Args:
        statistic: Means, shape (draws, columns), to values, shape (draws,).
        columns: Vectors of n measurements each, one a mean.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`.
        seed: Seed of the draws.
        draws: Number of draws.

    Returns:
        The statistic at the means, with its percentile interval.

    Raises:
        UndefinedEstimate: Fewer than three units, or the statistic is not finite at the means or at an end.
        ValueError: See `units`.

    Source: Davison and Hinkley 1997, section 3.8; Owen 2007, Annals of Applied Statistics 1(2) (crossed runs); Cameron,
        Gelbach and Miller 2008, Review of Economics and Statistics 90(3) (few units); docs/metrics.md.
    """
    tables = [units(column, levels, runs) for column in columns]
    require_spread(tables[0], "hierarchical bootstrap")
    stacked = np.stack([table.means for table in tables], axis=2)
    means = stacked.mean(axis=(0, 1))
    value = float(statistic(means[None, :])[0])
    low, high = percentile_ends(statistic(draw_means(stacked, seed, draws)))
    if not np.isfinite([value, low, high]).all():
        raise UndefinedEstimate(f"the statistic is not finite over the draws: {value} [{low}, {high}]")
    count, columns_of_runs = stacked.shape[:2]
    runs_text = f" x {columns_of_runs} runs" if columns_of_runs > 1 else ""
    method = f"hierarchical bootstrap over {count} {tables[0].name}{runs_text}"
    return Estimate(value, min(low, value), max(high, value), tables[0].n, count, method)


def draw_means(tables: Floats, seed: int, draws: int = DRAWS) -> Floats:
    """Means as they might have come out with other units and other runs.

    From 15 units on, units are redrawn with replacement and their deviation is stretched to what t allows. With
    fewer, or with several runs, deviations get normal weights over a chi: the draws of a linear statistic are then
    those of its t interval, where redrawing three units would give ten different results.

    Args:
        tables: Shape (units, runs, columns), at least two units.
        seed: Seed of the draws.
        draws: Number of draws.

    Returns:
        Shape (draws, columns).
    """
    rng = np.random.default_rng(seed)
    count, runs, _ = tables.shape
    centre, by_unit, by_run = tables.mean(axis=(0, 1)), tables.mean(axis=1), tables.mean(axis=0)
    if runs == 1 and count >= BOOTSTRAP_FROM:
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=draws) / count
        return np.asarray(centre + _stretch(count) * (drawn @ by_unit - centre), dtype=np.float64)
    from_units = _weighted_deviations(by_unit - centre, rng, draws)
    if runs == 1:
        return np.asarray(centre + from_units, dtype=np.float64)
    rest = float(((tables - by_unit[:, None] - by_run[None] + centre) ** 2).sum()) / (count - 1) / (runs - 1)
    of_runs = _share(count * float(((by_run - centre) ** 2).sum()) / (runs - 1), rest)
    from_runs = _weighted_deviations(by_run - centre, rng, draws)
    return np.asarray(centre + from_units + of_runs * from_runs, dtype=np.float64)


def percentile_ends(values: Floats) -> tuple[float, float]:
    """2.5 % and 97.5 % of drawn values, infinite ones included in their order.

    Raises:
        UndefinedEstimate: More than one in twenty values is no number.
    """
    numbers = values[~np.isnan(values)]
    if numbers.size < 0.95 * values.size:
        raise UndefinedEstimate("the statistic has no value in more than one in twenty draws")
    low, high = np.quantile(numbers, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


def _weighted_deviations(deviations: Floats, rng: np.random.Generator, draws: int) -> Floats:
    count = len(deviations)
    chi = np.sqrt(rng.chisquare(count - 1, size=draws) / (count - 1))
    weights = rng.normal(size=(draws, count)) / chi[:, None]
    return np.asarray(weights @ deviations / math.sqrt(count * (count - 1)), dtype=np.float64)


def _share(square: float, rest: float) -> float:
    """Deviations of runs hold chance as well, as those of units do: they give up half of it, as in `half_width`."""
    return math.sqrt(max(0.0, 1 - rest / 2 / square)) if square > 0 else 0.0


def _stretch(count: int) -> float:
    """Factor by which t's interval exceeds that of plainly redrawn means."""
    return float(ndtri(1 - tail_of(0.95, count)) / ndtri(0.975))
