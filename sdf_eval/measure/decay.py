"""The half-life of an implanted belief under later training, and the floor that it never falls below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Floats
from sdf_eval.measure.curves import DRAWS, estimate_or_bound, narrow_grid, products
from sdf_eval.measure.estimate import Bound, Estimate
from sdf_eval.measure.intervals import require_spread
from sdf_eval.measure.lifts import Lift
from sdf_eval.measure.persistence import require_budgets
from sdf_eval.measure.resample import draw_means, percentile_ends

Form = Literal["exponential", "power"]
_FEWEST_BUDGETS = 4
_PARAMETERS = 3


@dataclass(frozen=True)
class Decay:
    """A fitted persistence curve.

    Attributes:
        half_life: Budget after which half of what can be lost is lost; a bound where the budgets do not reach.
        floor: Share of the lift that is never lost, 0 to 1; a permanent floor if its interval excludes 0.
        form: `exponential` in the budget, or in ln(1 + budget), which is a power law.
        aic: Akaike's criterion of each form; the smaller was chosen.
    """

    half_life: Estimate | Bound
    floor: Estimate
    form: Form
    aic: Mapping[Form, float]


def half_life(lifts: Sequence[Lift], budgets: Sequence[float], *, seed: int = 0) -> Decay:
    """Fits lift(n) = A (c + (1 - c) 2^(-x / h)) with x = n or ln(1 + n), floor c and half-life h.

    Least squares with A and c of at least 0, refitted to 2,000 draws of the curve from its units and runs.

    Args:
        lifts: Lifts after growing budgets of clean training, the first right after implantation.
        budgets: Budget behind each lift (tokens, updates, examples or KL), ascending, the first 0.
        seed: Seed of the draws.

    Returns:
        Half-life in units of the budget, and floor.

    Raises:
        UndefinedEstimate: The first lift is not distinguishable from zero, or fewer than three units.
        ValueError: Fewer than four budgets, not ascending from 0, or lifts that cannot be paired.

    Source: docs/metrics.md, "Half-life and floor"; Golub and Pereyra 1973 (linear parameters solved for).
    """
    require_budgets(lifts, budgets, _FEWEST_BUDGETS)
    first = lifts[0]
    require_spread(first.table, "half-life")
    if first.estimate.low <= 0:
        raise UndefinedEstimate("half-life: the lift at implantation does not lie above 0, so there is nothing to lose")
    tables = np.stack([item.table.means for item in lifts], axis=2)
    curves = np.concatenate([tables.mean(axis=(0, 1))[None], draw_means(tables, seed, DRAWS)])
    budget = np.asarray(budgets, dtype=np.float64)
    axes: dict[Form, Floats] = {"exponential": budget, "power": np.log1p(budget)}
    fits = {form: _fit(curves, x) for form, x in axes.items()}
    points = len(budget)
    aic = {form: points * math.log(max(fit[2], 1e-12) / points) + 2 * _PARAMETERS for form, fit in fits.items()}
    form: Form = "power" if aic["power"] < aic["exponential"] else "exponential"
    lives, floors, _ = fits[form]
    if form == "power":
        with np.errstate(over="ignore"):
            lives = np.expm1(lives)
    count, runs = first.table.means.shape
    over = f"{count} {first.table.name}{f' x {runs} runs' if runs > 1 else ''}"
    method, n = f"least squares, {form}, hierarchical bootstrap over {over}", sum(item.estimate.n for item in lifts)
    low, high = percentile_ends(floors[1:])
    floor = Estimate(float(floors[0]), min(low, float(floors[0])), max(high, float(floors[0])), n, count, method)
    reason = "the budgets are too short, too long or too few to hold the half-life on this side"
    return Decay(estimate_or_bound(lives, n, count, method, reason), floor, form, aic)


def _fit(curves: Floats, x: Floats) -> tuple[Floats, Floats, float]:
    """Half-lives and floors of all curves, and the squared error of the first."""
    lengths = np.linspace(math.log(x[1] / 10), math.log(20 * x[-1]), 120)
    found = narrow_grid(lambda logs: _losses(curves, x, logs)[0], [lengths])[:, 0]
    inside = np.clip(found, lengths[0], lengths[-1])[:, None, None]
    loss, falling, staying = (part[:, 0] for part in _losses(curves, x, inside))
    with np.errstate(invalid="ignore", divide="ignore"):
        floors = np.where(falling + staying > 0, staying / (falling + staying), 0.0)
    return np.where(falling > 0, np.exp(found), np.inf), floors, float(loss[0])


def _losses(curves: Floats, x: Floats, logs: Floats) -> tuple[Floats, Floats, Floats]:
    """Squared error, falling part and staying part (both at least 0) for every curve and candidate."""
    shapes = np.exp2(-x / np.exp(logs))
    size, total, squares = len(x), shapes.sum(axis=2), (shapes**2).sum(axis=2)
    with_shape, with_one = products(curves, shapes), curves.sum(axis=1)[:, None]
    determinant = np.maximum(size * squares - total**2, 1e-12)
    falling = (size * with_shape - total * with_one) / determinant
    staying = (squares * with_one - total * with_shape) / determinant
    only_falling, only_staying = np.maximum(with_shape / squares, 0), np.maximum(with_one / size, 0)
    falling, staying = (
        np.where(falling < 0, 0.0, np.where(staying < 0, only_falling, falling)),
        np.where(falling < 0, only_staying, np.where(staying < 0, 0.0, staying)),
    )
    fitted = falling**2 * squares + 2 * falling * staying * total + staying**2 * size
    loss = (curves**2).sum(axis=1)[:, None] - 2 * (falling * with_shape + staying * with_one) + fitted
    return loss, falling, staying
