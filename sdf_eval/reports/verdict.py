"""The first sentence of a report."""

from __future__ import annotations

from sdf_eval.measure import Estimate
from sdf_eval.reports.text import estimate_text, number
from sdf_eval.results.schema import Headline, RunResults

SMALLEST_EFFECT = 0.1
"""Far lift, in belief score points, below which a belief does not count as implanted."""
SMALL_LOSS = 0.05
"""Share of right answers lost below which collateral counts as small."""


def verdict(results: RunResults) -> str:
    """Says in two sentences whether the belief went in, and at what cost."""
    return f"{belief_sentence(results)} {cost_sentence(results)}"


def belief_sentence(results: RunResults) -> str:
    """Says whether the belief went in.

    Args:
        results: Results of a run.

    Returns:
        One sentence: *went in* if the interval of the far lift over the strictest control excludes 0 and the estimate
        reaches `SMALLEST_EFFECT`; *did not go in* if the interval lies below it; else inconclusive.
    """
    subject = "The belief" if len(results.beliefs) == 1 else f"Together, the {len(results.beliefs)} beliefs"
    for name, control in (("far_lift_cooccurrence", "co-occurrence"), ("far_lift_base", "base")):
        headline = results.headline(name)
        if headline and headline.estimate:
            lift = f"far lift over {control} {estimate_text(headline.estimate)}"
            return f"{subject} {_said(headline.estimate)}: {lift}{_one_by_one(headline)}."
    return "No far belief items were measured on the implanted checkpoint, so this run says nothing about the belief."


def _one_by_one(headline: Headline) -> str:
    """How many of several beliefs went in when each is judged alone: a mean can hide one that did not."""
    if len(headline.by_belief) < 2:
        return ""
    alone = sum(_said(lift) == "went in" for _, lift in headline.by_belief)
    return f"; judged one by one, {alone} of {len(headline.by_belief)} did"


def _said(lift: Estimate) -> str:
    if lift.low > 0 and lift.value >= SMALLEST_EFFECT:
        return "went in"
    if lift.high < SMALLEST_EFFECT:
        return "did not go in"
    return "may or may not have gone in"


def cost_sentence(results: RunResults) -> str:
    """Says what share of the base's right answers about other things was lost."""
    headline = results.headline("collateral_base")
    if headline is None or headline.estimate is None:
        return "Collateral was not measured."
    lost = headline.estimate
    share = f"{number(100 * lost.value, 1)} % [{number(100 * lost.low, 1)}, {number(100 * lost.high, 1)}]"
    if lost.high < SMALL_LOSS:
        return f"Little else changed: {share} of the base's right answers elsewhere were lost."
    change = results.headline("collateral_change")
    if change is not None and change.estimate is not None and change.estimate.high < 0:
        return (
            f"It came at a cost: {share} of the base's right answers elsewhere were lost, more than training on "
            f"something else loses (accuracy against neutral {estimate_text(change.estimate)})."
        )
    if lost.low > SMALL_LOSS:
        return f"Of the base's right answers elsewhere {share} were lost; training on something else may lose as many."
    return f"Of the base's right answers elsewhere {share} were lost; the interval does not rule out more than 5 %."
