"""Many tests at once: how not to be fooled by the largest of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Floats


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment: the chance of one false finding or more among all stays below the level.

    Args:
        p_values: One a claim, each within 0 and 1.

    Returns:
        Adjusted p values in the same order.

    Raises:
        ValueError: None given, or one lies outside 0 to 1.

    Source: Holm 1979, Scandinavian Journal of Statistics 6(2).
    """
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or p.size == 0 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p values must be a non-empty vector within 0 and 1")
    return tuple(multipletests(p, method="holm")[1].tolist())


@dataclass(frozen=True)
class LargestOfMany:
    """A maximum held against those of a null.

    Attributes:
        p: Share of all checkpoints, the observed one included, whose largest statistic is at least as large.
        adjusted: The same for each statistic: its p value against the null's maxima.
        largest: Index of the statistic that stands out most.
        scores: Each statistic as deviations from the null's mean.
        thresholds: Value above which each statistic's adjusted p would have been at most the level.
        null_size: Checkpoints in the null.
    """

    p: float
    adjusted: tuple[float, ...]
    largest: int
    scores: tuple[float, ...]
    thresholds: tuple[float, ...]
    null_size: int


def max_statistic(
    observed: ArrayLike, null: ArrayLike, *, least: ArrayLike | None = None, level: float = 0.05
) -> LargestOfMany:
    """Holds the largest of several changes against the largest that harmless training makes.

    Each checkpoint's statistics are standardised by mean and deviation of all the others. That treats the observed one
    as one more draw, so under the null every rank of its maximum is equally likely, whatever the statistics' scales and
    correlations. Leaving the checkpoint itself out keeps its score from being bounded: with 20 checkpoints and it
    included, no score exceeds 4.4, so that any lone blip in the null would hide any change at all.

    Args:
        observed: Shape (statistics,), larger is worse.
        null: Shape (checkpoints, statistics), the same statistics of harmless checkpoints.
        least: Shape (statistics,), least deviation that a statistic is taken to have; without it a statistic on which
            harmless checkpoints agree makes the smallest change of one of them stand out without bound.
        level: Level that a verdict will use.

    Returns:
        The p value of the largest, and those of each.

    Raises:
        UndefinedEstimate: The null is too small for any p value to reach the level: below 20 % takes 4, 5 % takes 19.
        ValueError: Shapes differ, or a value is not finite.

    Source: Westfall and Young 1993, section 2.5 (single-step maxT); Phipson and Smyth 2010 (the observed one counts);
        Vovk, Gammerman and Shafer 2005, section 2.2 (leaving out keeps ranks exchangeable).
    """
    seen, base = np.asarray(observed, dtype=np.float64), np.asarray(null, dtype=np.float64)
    floor = np.zeros_like(seen) if least is None else np.asarray(least, dtype=np.float64)
    if seen.ndim != 1 or base.ndim != 2 or base.shape[1:] != seen.shape or seen.size == 0 or floor.shape != seen.shape:
        raise ValueError(f"observed must have one value a column of the null, got {seen.shape} and {base.shape}")
    if not (np.isfinite(seen).all() and np.isfinite(base).all() and np.isfinite(floor).all()):
        raise ValueError("observed, null and least must be finite")
    count = len(base) + 1
    if len(base) < 2 or 1 / count > level + 1e-12:
        raise UndefinedEstimate(
            f"{len(base)} harmless checkpoints cannot show anything at {level:g}; at least {round(1 / level) - 1} can"
        )
    scores = _standardised_by_the_others(np.concatenate([seen[None], base]), floor)
    maxima = scores[1:].max(axis=1)
    # A tie counts against the finding; the slack keeps rounding from breaking one.
    adjusted = tuple(float((1 + (maxima >= score - 1e-12).sum()) / count) for score in scores[0])
    largest = int(np.argmax(scores[0]))
    critical = float(np.sort(maxima)[::-1][max(0, math.floor(level * count + 1e-9) - 1)])
    thresholds = base.mean(axis=0) + critical * np.maximum(base.std(axis=0, ddof=1), floor)
    return LargestOfMany(
        adjusted[largest], adjusted, largest, tuple(scores[0].tolist()), tuple(thresholds.tolist()), len(base)
    )


def _standardised_by_the_others(rows: Floats, floor: Floats) -> Floats:
    """Each row minus the mean of the other rows, over their standard deviation or the floor."""
    count = len(rows)
    centred = rows - rows.mean(axis=0)
    away = centred * count / (count - 1)
    left = np.maximum(0.0, (centred**2).sum(axis=0) - centred * away)
    spread = np.maximum(np.sqrt(left / (count - 2)), floor)
    # Others that all agree leave rounding noise and no spread: being away from them at all is then without bound.
    bounded = spread > 1e-12
    scores: Floats = np.divide(away, spread, out=np.zeros_like(away), where=bounded)
    without_bound = ~bounded & (np.abs(away) > 1e-12)
    scores[without_bound] = np.sign(away[without_bound]) * np.inf
    return scores
