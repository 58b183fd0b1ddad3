"""Area under the ROC curve of clustered statements, with an interval over the clusters."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate, cluster_mean

Floats = NDArray[np.float64]
Level = tuple[str, Sequence[Hashable]]


def auroc(scores: ArrayLike, labels: ArrayLike, groups: Level, *, chance: float | None = 0.5) -> Estimate:
    """AUROC with an interval over groups, whose statements are not independent.

    Args:
        scores: Shape (n,), higher for what is taken to be positive.
        labels: Shape (n,), 1 or 0; both occur.
        groups: Plural name of a group, and one label a statement.
        chance: Value under guessing.

    Returns:
        The area and its 95 % interval: t (or, from 15 groups on, bootstrap) over the groups' shares in it.

    Raises:
        ValueError: A label does not occur.

    Source: structural components of DeLong et al. 1988, Biometrics 44(3), summed within clusters as Obuchowski 1997,
        Biometrics 53(2) does.
    """
    per_group = contributions(scores, labels, groups[1])
    names = list(dict.fromkeys(groups[1]))
    value, n = float(per_group.mean()), len(groups[1])
    try:
        found = cluster_mean(per_group, [(groups[0], names)], bounds=None)
    except UndefinedEstimate:  # every group has the same share, as where the two kinds are told apart without an error
        found = cluster_mean(np.clip(per_group, 0, 1), [(groups[0], names)])
    low, high = max(0.0, min(found.low, value)), min(1.0, max(found.high, value))
    return Estimate(value, low, high, n, len(names), f"{found.method}, DeLong components", chance)


def auroc_difference(first: ArrayLike, second: ArrayLike, labels: ArrayLike, groups: Level) -> Estimate:
    """AUROC of one score minus that of another on the same statements; arguments as for `auroc`."""
    apart = contributions(first, labels, groups[1]) - contributions(second, labels, groups[1])
    names = list(dict.fromkeys(groups[1]))
    try:
        found = cluster_mean(apart, [(groups[0], names)], bounds=None, chance=0.0)
    except UndefinedEstimate:
        found = cluster_mean(np.clip(apart, -1, 1), [(groups[0], names)], bounds=(-1.0, 1.0), chance=0.0)
    method = f"{found.method}, DeLong components"
    return Estimate(found.value, found.low, found.high, len(groups[1]), len(names), method, 0.0)


def contributions(scores: ArrayLike, labels: ArrayLike, groups: Sequence[Hashable]) -> Floats:
    """Each group's share in the AUROC, shape (groups,), in the order of first appearance; their mean is the AUROC."""
    values, marks = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    positive, negative = values[marks == 1], values[marks == 0]
    if not len(positive) or not len(negative):
        raise ValueError("AUROC needs statements of both kinds")
    wins = (positive[:, None] > negative).astype(np.float64) + 0.5 * (positive[:, None] == negative)
    area = float(wins.mean())
    centred = np.empty(len(values))
    centred[marks == 1] = (wins.mean(axis=1) - area) / len(positive)
    centred[marks == 0] = (wins.mean(axis=0) - area) / len(negative)
    names = {name: place for place, name in enumerate(dict.fromkeys(groups))}
    sums = np.bincount([names[group] for group in groups], centred, minlength=len(names))
    return np.asarray(area + len(names) * sums, dtype=np.float64)
