"""From an estimate to the verdict on a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.hypotheses import Equivalence
from sdf_eval.measure.multiplicity import holm


class Verdict(StrEnum):
    """What the data say of a claim."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Claim:
    """A directional claim: the effect is above 0 and worth mentioning.

    Attributes:
        estimate: The effect, positive in the claimed direction.
        p: Two-sided p value of no effect.
        smallest_effect: Effect, written down before, below which the claim is of no interest; above 0.
    """

    estimate: Estimate
    p: float
    smallest_effect: float


def verdict(estimate: Estimate, smallest_effect: float) -> Verdict:
    """Judges one claim by itself.

    Args:
        estimate: The effect, positive in the claimed direction.
        smallest_effect: Smallest effect of interest, above 0, written down before the data were seen.

    Returns:
        *Holds* if the interval excludes 0 and the estimate reaches the smallest effect; *does not hold* if the interval
        lies below the smallest effect; else *inconclusive*. An interval that excludes 0 and lies below the smallest
        effect is an effect too small to count: it does not hold.

    Raises:
        ValueError: The smallest effect is not above 0.

    Source: docs/metrics.md, "Verdict of a claim".
    """
    if not smallest_effect > 0:
        raise ValueError(f"the smallest effect must be above 0, got {smallest_effect}")
    if estimate.high < smallest_effect:
        return Verdict.DOES_NOT_HOLD
    if estimate.low > 0 and estimate.value >= smallest_effect:
        return Verdict.HOLDS
    return Verdict.INCONCLUSIVE


def verdicts(claims: Sequence[Claim], *, level: float = 0.05) -> tuple[Verdict, ...]:
    """Judges several claims together: *holds* also needs Holm's adjusted p value to be at most the level.

    Args:
        claims: All claims of a scoreboard.
        level: Chance of one false *holds* or more.

    Returns:
        One verdict a claim, in order.

    Raises:
        ValueError: No claims, or see `verdict`.

    Source: Holm 1979.
    """
    adjusted = holm([claim.p for claim in claims])
    alone = [verdict(claim.estimate, claim.smallest_effect) for claim in claims]
    return tuple(
        Verdict.INCONCLUSIVE if said is Verdict.HOLDS and p > level else said
        for said, p in zip(alone, adjusted, strict=True)
    )


def equivalence_verdict(test: Equivalence) -> Verdict:
    """Judges a claim that two things are as good as equal.

    Args:
        test: Two one-sided tests.

    Returns:
        *Holds* if they pass at 5 %; *does not hold* if the 95 % interval lies wholly beyond the margin; else
        *inconclusive*.

    Source: Schuirmann 1987.
    """
    if test.equivalent:
        return Verdict.HOLDS
    return Verdict.DOES_NOT_HOLD if test.different else Verdict.INCONCLUSIVE
