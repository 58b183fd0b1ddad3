"""A number with its uncertainty: the only shape in which a measured quantity leaves this package."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sdf_eval.measure.clusters import FEWEST
from sdf_eval.measure.intervals import SCORE_FROM


@dataclass(frozen=True)
class Estimate:
    """A point estimate and its 95 % interval.

    Attributes:
        value: The estimate.
        low: Lower end of the interval, in the unit of `value`.
        high: Upper end.
        n: Number of measurements that went in (items times runs).
        clusters: Number of units that the interval generalises over.
        method: How the interval was made and over which units, in words, for instance `t over 8 beliefs`.
        chance: Value that guessing would give; None where guessing has no meaning.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int
    method: str
    chance: float | None = None

    def __post_init__(self) -> None:
        """Refuses an interval that does not hold its own estimate."""
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise ValueError(f"an estimate must be finite, got {self.value} [{self.low}, {self.high}]")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"an estimate must lie in its interval, got {self.value} [{self.low}, {self.high}]")

    @property
    def caution(self) -> str:
        """What a reader of the interval has to know; empty from six units on, and for exact intervals of a count.

        Source: benchmarks/coverage.py.
        """
        exact = self.method.startswith(("Wilson over", "Blaker over"))
        if self.clusters < FEWEST and not exact:
            return "too few to trust the interval"
        if self.clusters < SCORE_FROM and self.method.startswith(("t over", "Wilson-type")):
            return "few, so it may be wider than need be"
        return ""

    def holds(self, value: float) -> bool:
        """Whether the interval holds a value, its ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Bound:
    """What can be said of a quantity whose interval is open, for instance a half-life beyond the last budget.

    Attributes:
        at_least: Lower end of the 95 % interval; None where it is open.
        at_most: Upper end; None where it is open.
        n: Number of measurements that went in.
        clusters: Number of units that the interval generalises over.
        method: How the interval was made.
        reason: Why there is no closed interval, in words.
    """

    at_least: float | None
    at_most: float | None
    n: int
    clusters: int
    method: str
    reason: str
