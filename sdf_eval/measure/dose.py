"""Dose-response: how many documents it takes."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.cells import Cells, cells
from sdf_eval.measure.clusters import Floats
from sdf_eval.measure.curves import DRAWS, estimate_or_bound, narrow_grid, products
from sdf_eval.measure.estimate import Bound, Estimate
from sdf_eval.measure.resample import percentile_ends

_FEWEST_DOSES = 4
_SLOPES = (0.25, 16.0)
SMALLEST_RISE = 0.1
"""Rise at the largest dose, in score points, without which the doses say nothing of where the rise lies."""


@dataclass(frozen=True)
class DoseResponse:
    """A fitted dose-response curve.

    Attributes:
        d50: Dose of half the rise from floor to ceiling; a bound where the doses do not hold it.
        d90: Dose of nine tenths of the rise.
        slope: Steepness on the logit against the logarithm of the dose.
        floor: Score of the clean control.
        ceiling: Score at large doses.
    """

    d50: Estimate | Bound
    d90: Estimate | Bound
    slope: Estimate | Bound
    floor: Estimate
    ceiling: Estimate


def dose_response(doses: ArrayLike, scores: ArrayLike, clusters: Sequence[Hashable], *, seed: int = 0) -> DoseResponse:
    """Fits score(D) = floor + (ceiling - floor) / (1 + (D50 / D)^slope).

    The floor is the mean of the rows at dose 0, the clean control; the ceiling is at most 1. Least squares on the means
    of doses, refitted to 2,000 draws of them from the clusters.

    Args:
        doses: Shape (n,), documents or tokens or exposures, 0 for the clean control.
        scores: Shape (n,), scores in 0 to 1, one or several a training run.
        clusters: n labels of what the interval generalises over: the training run (one label a run and dose), or the
            seed or belief where each was trained at every dose.
        seed: Seed of the draws.

    Returns:
        D50, D90, slope, floor and ceiling.

    Raises:
        UndefinedEstimate: The largest dose does not raise the score by `SMALLEST_RISE`, or too few clusters.
        ValueError: No control, fewer than four doses above 0, a negative dose, scores outside 0 to 1, or see `cells`.

    Source: docs/metrics.md, "Dose-response"; four-parameter logistic, Ritz et al. 2015, PLOS ONE 10(12).
    """
    dose, score = np.asarray(doses, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if dose.shape != score.shape or not np.isfinite(dose).all() or (dose < 0).any():
        raise ValueError("doses must be finite, at least 0, and one a score")
    found = cells(dose.tolist(), score, clusters, seed=seed, draws=DRAWS)
    levels = np.array(found.keys, dtype=np.float64)
    if levels[0] != 0:
        raise ValueError("rows at dose 0, the clean control, are missing")
    if len(levels) <= _FEWEST_DOSES:
        raise ValueError(f"a dose-response curve needs at least {_FEWEST_DOSES} doses above 0, got {len(levels) - 1}")
    return _fitted(found, np.log(levels[1:]))


def _fitted(found: Cells, log_doses: Floats) -> DoseResponse:
    floors, rises = found.drawn[:, 0], found.drawn[:, 1:] - found.drawn[:, :1]
    low, high = percentile_ends(rises[1:, -1])
    if rises[0, -1] < SMALLEST_RISE or low <= 0:
        raise UndefinedEstimate(
            f"dose-response: at the largest dose the score lies {rises[0, -1]:.3f} [{low:.3f}, {high:.3f}] above the "
            f"control's; without {SMALLEST_RISE:g}, and an interval above 0, there is no rise to place"
        )
    middles = np.linspace(log_doses[0] - math.log(10), log_doses[-1] + math.log(10), 40)
    steepness = np.linspace(math.log(_SLOPES[0]), math.log(_SLOPES[1]), 14)
    best = narrow_grid(lambda at: _losses(rises, floors, log_doses, at)[0], [middles, steepness])
    inside = np.clip(best, [middles[0], steepness[0]], [middles[-1], steepness[-1]])
    heights = _losses(rises, floors, log_doses, inside[:, None, :])[1][:, 0]
    with np.errstate(over="ignore"):
        slopes = np.exp(best[:, 1])
        middle = np.where(heights > 0, np.exp(best[:, 0]), np.inf)
        nine_tenths = middle * np.exp(math.log(9) / np.exp(inside[:, 1]))
    n, count = found.n, found.clusters
    method = f"least squares, {found.method}"

    def bounded(values: Floats) -> Estimate:
        low, high = percentile_ends(np.clip(values[1:], 0, 1))
        value = float(values[0])
        return Estimate(value, min(low, value), max(high, value), n, count, method)

    outside = "the doses do not reach far enough to hold it on this side"
    return DoseResponse(
        estimate_or_bound(middle, n, count, method, outside),
        estimate_or_bound(nine_tenths, n, count, method, outside),
        estimate_or_bound(slopes, n, count, method, "the rise is too steep for the spacing of the doses, or too flat"),
        bounded(floors),
        bounded(floors + heights),
    )


def _losses(rises: Floats, floors: Floats, log_doses: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Squared error and height (0 to 1 - floor) for every draw and candidate."""
    shapes = expit(np.exp(at[..., 1:2]) * (log_doses - at[..., 0:1]))
    squares, with_shape = (shapes**2).sum(axis=2), products(rises, shapes)
    heights = np.clip(with_shape / np.maximum(squares, 1e-12), 0, np.maximum(1 - floors, 0)[:, None])
    return (rises**2).sum(axis=1)[:, None] - 2 * heights * with_shape + heights**2 * squares, heights
