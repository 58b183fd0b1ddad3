"""Lifts: how far a checkpoint lies above its matched control, on a scale that stages can be compared on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit, stdtrit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Level, Units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.intervals import LEAST_SPREAD, half_width, interval_of, units_agree
from sdf_eval.measure.means import DIFFERENCE, RATE, mean_interval, paired_difference
from sdf_eval.measure.ratio import fieller

Scale = Literal["raw", "log-odds", "log-ratio"]


@dataclass(frozen=True)
class Lift:
    """A lift with what later figures need of it.

    Attributes:
        estimate: The lift; chance is 0.
        table: Lift of each unit in each run, on a linear approximation where the scale is log-odds: their mean is
            the estimate.
        scale: `raw`, difference of scores in 0 to 1; `log-odds`; `log-ratio`, difference of logarithms.
        agrees: Whether the units of an arm show no spread, so that the table alone would promise too much.
    """

    estimate: Estimate
    table: Units
    scale: Scale
    agrees: bool = False


def lift(
    treated: ArrayLike,
    control: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    scale: Literal["raw", "log-ratio"] = "raw",
    seed: int = 0,
) -> Lift:
    """Mean of treated minus control over the same items.

    Args:
        treated: Shape (n,), scores of the checkpoint, or logarithms for `log-ratio`.
        control: Shape (n,), the same items on the clean checkpoint that went through the same stage.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`.
        scale: `raw` for scores in 0 to 1; `log-ratio` for logarithms, for instance of perplexities.
        seed: Seed of the bootstrap.

    Returns:
        The lift.

    Raises:
        ValueError: See `paired_difference`.
        UndefinedEstimate: See `cluster_mean`.

    Source: docs/metrics.md, "Lift".
    """
    bounds = DIFFERENCE if scale == "raw" else None
    estimate = paired_difference(treated, control, levels, runs=runs, bounds=bounds, seed=seed)
    table = mean_interval(np.subtract(treated, control), levels, runs=runs, bounds=bounds, seed=seed)[0]
    return Lift(estimate, table, scale, units_agree(table, bounds))


def log_odds_lift(
    treated: ArrayLike,
    control: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    seed: int = 0,
) -> Lift:
    """Log-odds of the treated mean minus log-odds of the control's, both kept off the ends by half a count.

    Means of zeros and ones are smoothed by half a count. Smoothing would pull those of probabilities by more than they
    vary, so they are only moved where they lie closer to an end than that.

    t on the linear approximation of the units' contributions, with half the degrees of freedom: means of units that
    differ much have skewed log-odds (docs/metrics.md). Where an arm's units all agree, they say nothing of their
    spread: the intervals of the two arms are then combined instead.

    Args:
        treated: Shape (n,), scores in 0 to 1.
        control: Shape (n,), the same items on the matched clean checkpoint.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`.
        seed: Seed of the bootstrap.

    Returns:
        The lift in nats.

    Raises:
        ValueError: The vectors differ in length, or a score lies outside 0 to 1.

    Source: Haldane 1956 (half a count); Zou and Donner 2008, Statistics in Medicine 27(10) (combined intervals).
    """
    first, second = np.asarray(treated, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"treated and control must be the same items, got {first.size} and {second.size}")
    (top, top_ends, _), (bottom, bottom_ends, _) = (
        mean_interval(scores, levels, runs=runs, bounds=RATE, seed=seed) for scores in (first, second)
    )
    counts = bool(np.isin(np.concatenate([first, second]), (0.0, 1.0)).all())
    rates = _inside(top.value, top.n, counts), _inside(bottom.value, bottom.n, counts)
    centres = float(logit(rates[0])), float(logit(rates[1]))
    value = centres[0] - centres[1]
    slopes = [rate * (1 - rate) for rate in rates]
    means = value + (top.means - top.value) / slopes[0] - (bottom.means - bottom.value) / slopes[1]
    table = replace(top, means=means, error_within=0.0)
    agrees = any(units_agree(arm, RATE) for arm in (top, bottom)) or float(np.ptp(means)) < 1e-9
    if agrees:
        ends = [
            [float(logit(_inside(end, arm.n, counts))) for end in of(0.95)]
            for arm, of in ((top, top_ends), (bottom, bottom_ends))
        ]
        below = float(np.hypot(centres[0] - ends[0][0], ends[1][1] - centres[1]))
        above = float(np.hypot(ends[0][1] - centres[0], centres[1] - ends[1][0]))
        method = f"combined intervals over {len(means)} {table.name}"
    else:
        inside = float(np.hypot(top.error_within / slopes[0], bottom.error_within / slopes[1]))
        below = above = half_width(means, 0.95, LEAST_SPREAD * inside) * _widening(len(means))
        runs_text = f" x {means.shape[1]} runs" if means.shape[1] > 1 else ""
        method = f"t over {len(means)} {table.name}{runs_text}"
    estimate = Estimate(value, value - below, value + above, top.n, len(means), method, 0.0)
    return Lift(estimate, table, "log-odds", agrees)


def _widening(units: int) -> float:
    """By how much t with half the degrees of freedom is wider than t."""
    return float(stdtrit((units - 1) / 2, 0.975) / stdtrit(units - 1, 0.975))


def lift_difference(first: Lift, second: Lift) -> Estimate:
    """First minus second lift, paired by unit.

    Args:
        first: A lift.
        second: Another one of the same units and on the same scale.

    Returns:
        The difference; chance is 0.

    Raises:
        ValueError: The lifts are of other units or on another scale.

    Source: Zou and Donner 2008 where the units of an arm agree; else the interval of a mean.
    """
    require_same_units([first, second])
    means = first.table.means - second.table.means
    table = replace(first.table, means=means)
    count, n = len(means), first.estimate.n
    value = first.estimate.value - second.estimate.value
    bounds = (-2.0, 2.0) if first.scale == "raw" else None
    if first.agrees or second.agrees or units_agree(table, bounds):
        one, two = first.estimate, second.estimate
        below = float(np.hypot(one.value - one.low, two.high - two.value))
        above = float(np.hypot(one.high - one.value, two.value - two.low))
        return Estimate(
            value, value - below, value + above, n, count, f"combined intervals over {count} {table.name}", 0.0
        )
    ends, method = interval_of(table, bounds, 0)
    low, high = ends(0.95)
    return Estimate(value, min(low, value), max(high, value), n, count, method, 0.0)


def conditional_gap(training_like: Lift, neutral: Lift) -> Estimate:
    """Lift in contexts that look like the training documents minus lift in neutral ones.

    Args:
        training_like: Lift of the items asked behind a document header, a format cue or an inoculation look-alike.
        neutral: Lift of the same items asked plainly.

    Returns:
        The gap, in the lifts' unit; above 0 the belief hides from plain questions. Chance is 0.

    Raises:
        ValueError: The lifts are of other units or on another scale.

    Source: docs/metrics.md, "Conditional gap"; the effect is that of Conditional misalignment, arXiv 2604.25891.
    """
    return lift_difference(training_like, neutral)


def lift_ratio(top: Lift, bottom: Lift, what: str) -> Estimate:
    """One lift as a share of another, Fieller's interval over units and runs.

    Where the units of an arm agree, the interval also holds what the other lift's own interval leaves open.

    Args:
        top: Numerator.
        bottom: Denominator, of the same units and on the same scale.
        what: Name of the ratio, for messages.

    Returns:
        The share; may lie below 0 or above 1.

    Raises:
        UndefinedEstimate: The denominator's interval does not lie above 0.
        ValueError: The lifts are of other units or on another scale.

    Source: Fieller 1954.
    """
    require_same_units([top, bottom])
    above, below = top.estimate, bottom.estimate
    if below.low <= 0:
        raise UndefinedEstimate(
            f"{what}: the lift to compare with is {below.value:.3f} [{below.low:.3f}, {below.high:.3f}], which does "
            "not lie above 0, so there is nothing to keep"
        )
    value = above.value / below.value
    low, high = fieller(top.table.means, bottom.table.means, what)
    candidates = [value, low, high]
    if top.agrees:
        candidates += [above.low / below.value, above.high / below.value]
    if bottom.agrees:
        candidates += [above.value / below.low, above.value / below.high]
    count, runs = top.table.means.shape
    method = f"Fieller over {count} {top.table.name}{f' x {runs} runs' if runs > 1 else ''}"
    method += " that agree" if top.agrees or bottom.agrees else ""
    return Estimate(value, min(candidates), max(candidates), above.n, count, method)


def require_same_units(lifts: Sequence[Lift]) -> None:
    """Refuses lifts that cannot be paired.

    Raises:
        ValueError: Units, runs or scales differ.
    """
    for other in lifts[1:]:
        if (other.table.labels, other.table.means.shape) != (lifts[0].table.labels, lifts[0].table.means.shape):
            raise ValueError("lifts must be over the same units and runs, in the same order")
        if other.scale != lifts[0].scale:
            raise ValueError(f"lifts must be on one scale, got {lifts[0].scale} and {other.scale}")


def _inside(rate: float, n: int, counts: bool) -> float:
    """The rate off the ends: smoothed by half a count, or kept half a count away from them."""
    if counts:
        return (n * rate + 0.5) / (n + 1)
    return min(max(rate, 0.5 / (n + 1)), 1 - 0.5 / (n + 1))
