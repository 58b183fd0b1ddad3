"""Scores of training runs by experimental condition, and how they might have come out with other runs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import FEWEST, Floats
from sdf_eval.measure.resample import draw_means

_BORROWED = 4.0
"""Degrees of freedom that a condition's spread borrows from the others."""
_END = 0.02


@dataclass(frozen=True)
class Cells:
    """Means of conditions with draws of them.

    Attributes:
        keys: Conditions, in ascending order.
        drawn: Shape (1 + draws, conditions): the means, then the draws.
        n: Number of scores.
        clusters: Number of clusters.
        method: What was drawn, in words.
    """

    keys: tuple[Hashable, ...]
    drawn: Floats
    n: int
    clusters: int
    method: str


def cells(keys: Sequence[Hashable], scores: ArrayLike, clusters: Sequence[Hashable], *, seed: int, draws: int) -> Cells:
    """Averages scores within condition and cluster, and draws the means of conditions anew.

    Clusters that were measured under every condition are drawn as a whole; clusters of one condition each are drawn
    within it, normally, with a spread that is shrunk to that of all conditions.

    Args:
        keys: n conditions, sortable.
        scores: Shape (n,), in 0 to 1.
        clusters: n labels of what the interval generalises over: a training run, or a belief.
        seed: Seed of the draws.
        draws: Number of draws.

    Returns:
        The conditions.

    Raises:
        ValueError: Nothing given, lengths differ, a score is not within 0 and 1, or a cluster is missing under some
            conditions.
        UndefinedEstimate: Too few clusters to tell how much they differ.

    Source: Davison and Hinkley 1997, section 3.2 (strata); Smyth 2004, SAGMB 3(1) (moderated variances); McCullagh and
        Nelder 1989, section 4.5 (dispersion).
    """
    data = np.asarray(scores, dtype=np.float64)
    if data.ndim != 1 or data.size == 0 or not np.isfinite(data).all():
        raise ValueError("scores must be a non-empty vector of finite numbers")
    if data.min() < 0 or data.max() > 1:
        raise ValueError("scores must lie within 0 and 1")
    if len(keys) != data.size or len(clusters) != data.size:
        raise ValueError(f"every score needs a condition and a cluster, got {data.size}, {len(keys)}, {len(clusters)}")
    sums: dict[Hashable, dict[Hashable, list[float]]] = {}
    for key, cluster, score in zip(keys, clusters, data.tolist(), strict=True):
        sums.setdefault(key, {}).setdefault(cluster, []).append(score)
    ordered = tuple(sorted(sums))  # type: ignore[type-var]
    groups = {key: {name: float(np.mean(values)) for name, values in sums[key].items()} for key in ordered}
    names = set(clusters)
    if all(set(groups[key]) == names for key in ordered) and len(ordered) > 1:
        return _crossed(ordered, groups, data.size, seed, draws)
    if sum(map(len, groups.values())) != len(names):
        raise ValueError("every cluster must be measured under all conditions, or under one")
    return _nested(ordered, groups, data.size, seed, draws)


def _crossed(
    keys: tuple[Hashable, ...], groups: dict[Hashable, dict[Hashable, float]], n: int, seed: int, draws: int
) -> Cells:
    names = list(groups[keys[0]])
    if len(names) < FEWEST:
        raise UndefinedEstimate(f"{len(names)} clusters cannot tell how much clusters vary; at least {FEWEST} can")
    table = np.array([[groups[key][name] for key in keys] for name in names])
    drawn = np.concatenate([table.mean(axis=0)[None], draw_means(table[:, None, :], seed, draws)])
    return Cells(keys, drawn, n, len(names), f"bootstrap over {len(names)} clusters")


def _nested(
    keys: tuple[Hashable, ...], groups: dict[Hashable, dict[Hashable, float]], n: int, seed: int, draws: int
) -> Cells:
    thin = [key for key in keys if len(groups[key]) < 2]
    if thin:
        raise UndefinedEstimate(f"one cluster under condition {thin[0]!r} cannot tell how much clusters vary")
    rng = np.random.default_rng(seed)
    values = [np.array(list(groups[key].values())) for key in keys]
    means = np.array([group.mean() for group in values])
    freedoms = np.array([len(group) - 1.0 for group in values])
    squares = np.array([float(group.var(ddof=1)) for group in values])
    # Two or three runs tell little of their spread: it is shrunk to what all conditions together say, scaled as that of
    # a rate. The dispersion is that of a quasi-binomial model.
    typical = np.clip(means, _END, 1 - _END) * (1 - np.clip(means, _END, 1 - _END))
    dispersion = float((freedoms * squares / typical).sum() / freedoms.sum())
    shrunk = (freedoms * squares + _BORROWED * dispersion * typical) / (freedoms + _BORROWED)
    errors = np.sqrt(shrunk / (freedoms + 1))
    chi = np.sqrt(rng.chisquare(freedoms + _BORROWED, size=(draws, len(keys))) / (freedoms + _BORROWED))
    drawn = np.concatenate([means[None], means + errors * rng.normal(size=(draws, len(keys))) / chi])
    count = sum(map(len, values))
    return Cells(keys, drawn, n, count, f"bootstrap over {count} clusters within conditions")
