"""Least squares of a curve on many drawn data sets at once, by a grid that narrows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sdf_eval.measure.clusters import Floats
from sdf_eval.measure.estimate import Bound, Estimate
from sdf_eval.measure.resample import percentile_ends

DRAWS = 2000
_NARROWINGS = 7
_EDGE = 1e-3

Loss = Callable[[Floats], Floats]
"""Parameters, shape (draws or 1, candidates, parameters), to losses, shape (draws, candidates)."""


def narrow_grid(loss: Loss, axes: Sequence[Floats]) -> Floats:
    """Finds the parameters of least loss for every draw.

    A grid over the whole range cannot stop in a side valley, as a descent from one start may, and its edges say plainly
    that the data do not hold a parameter back.

    Args:
        loss: Losses of candidates.
        axes: Evenly spaced values of each parameter.

    Returns:
        Shape (draws, parameters); a parameter that the data push out of its range is infinite, with its sign.
    """
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    best = grid[np.argmin(loss(grid[None]), axis=1)]
    least, most = (np.array([axis[end] for axis in axes]) for end in (0, -1))
    step = np.array([axis[1] - axis[0] for axis in axes])
    offsets = np.stack([a.ravel() for a in np.meshgrid(*[np.linspace(-1, 1, 5)] * len(axes), indexing="ij")], axis=1)
    for _ in range(_NARROWINGS):
        near = np.clip(best[:, None, :] + offsets[None] * step, least, most)
        best = near[np.arange(len(best)), np.argmin(loss(near), axis=1)]
        step = step / 2
    edge = _EDGE * (most - least)
    best = np.where(best >= most - edge, np.inf, best)
    return np.where(best <= least + edge, -np.inf, best)


def products(targets: Floats, shapes: Floats) -> Floats:
    """Sums over points of targets times shapes: (draws, points) and (draws or 1, candidates, points)."""
    if len(shapes) == 1:
        return np.asarray(targets @ shapes[0].T, dtype=np.float64)
    return np.asarray(np.einsum("nk,ngk->ng", targets, shapes), dtype=np.float64)


def estimate_or_bound(values: Floats, n: int, clusters: int, method: str, reason: str) -> Estimate | Bound:
    """The first value with the percentile interval of the others, or what is left of it where an end is open.

    Args:
        values: The value at the data, then the drawn ones; 0 and infinity stand for an open end.
        n: Measurements behind it.
        clusters: Units behind it.
        method: Method in words.
        reason: What an open end means.

    Returns:
        An estimate if value and ends are finite and above 0, else a bound.
    """
    value = float(values[0])
    low, high = percentile_ends(values[1:])
    if 0 < low and np.isfinite([value, high]).all() and value > 0:
        return Estimate(value, min(low, value), max(high, value), n, clusters, method)
    least = low if 0 < low < np.inf else None
    return Bound(least, high if 0 < high < np.inf else None, n, clusters, method, reason)
