"""Area under the ROC curve of clustered scores, and the difference of two such areas on the same items."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit
from scipy.stats import rankdata

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import FEWEST, Floats
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.wilson import wilson

_NO_SPREAD = 1e-9


def auroc(scores: ArrayLike, positive: Sequence[bool], clusters: Sequence[object], *, name: str = "items") -> Estimate:
    """Chance that a positive item scores above a negative one; equals count half.

    Args:
        scores: Shape (n,), any scale.
        positive: n truths, at least one of each kind.
        clusters: n labels of the unit that an item belongs to, for instance its belief.
        name: What a unit is, plural.

    Returns:
        The area with its 95 % interval over clusters; chance is 0.5.

    Raises:
        UndefinedEstimate: A kind is missing, or there are fewer than three units to leave out.

    Source: Mann and Whitney 1947; delete-one-cluster jackknife with t, as Obuchowski 1997, Biometrics 53(2), for
        clustered ROC data. Where leaving a unit out changes nothing, Wilson's bound on the number of units stands in.
    """
    values = np.asarray(scores, dtype=np.float64)
    return _jackknife([values], positive, clusters, lambda areas: areas[0], (0.0, 1.0), 0.5, name)


def auroc_difference(
    first: ArrayLike, second: ArrayLike, positive: Sequence[bool], clusters: Sequence[object], *, name: str = "items"
) -> Estimate:
    """Area of the first scores minus area of the second on the same items; chance is 0.

    Args:
        first: Shape (n,).
        second: Shape (n,), of the same items.
        positive: As in `auroc`.
        clusters: As in `auroc`.
        name: As in `auroc`.

    Raises:
        UndefinedEstimate: As in `auroc`.

    Source: As `auroc`; paired, so that what both scores share cancels.
    """
    both = [np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)]
    return _jackknife(both, positive, clusters, lambda areas: areas[0] - areas[1], (-1.0, 1.0), 0.0, name)


def _area(scores: Floats, positive: Floats) -> float:
    ones = int(positive.sum())
    others = positive.size - ones
    ranks = rankdata(scores)
    return float((ranks[positive.astype(bool)].sum() - ones * (ones + 1) / 2) / (ones * others))


def _jackknife(
    scores: Sequence[Floats],
    positive: Sequence[bool],
    clusters: Sequence[object],
    combine: Callable[[list[float]], float],
    bounds: tuple[float, float],
    chance: float,
    name: str,
) -> Estimate:
    truth = np.asarray(positive, dtype=np.float64)
    if not 0 < truth.sum() < truth.size:
        raise UndefinedEstimate("auroc: needs items of both kinds")
    labels = np.asarray([str(label) for label in clusters], dtype=object)
    value = combine([_area(each, truth) for each in scores])
    left_out = []
    for unit in dict.fromkeys(labels):
        kept = labels != unit
        if 0 < truth[kept].sum() < truth[kept].size:
            left_out.append(combine([_area(each[kept], truth[kept]) for each in scores]))
    count = len(left_out)
    if count < FEWEST:
        raise UndefinedEstimate(f"auroc: {count} {name} can be left out; an interval needs {FEWEST}")
    spread = float(np.sqrt((count - 1) / count * np.sum((np.asarray(left_out) - np.mean(left_out)) ** 2)))
    half = spread * float(stdtrit(count - 1, 0.975))
    method = f"jackknife over {count} {name}"
    if spread < _NO_SPREAD:
        half = 1.0 - wilson(count, count).low
        method = f"Wilson over {count} {name} that agree"
    low, high = max(bounds[0], value - half), min(bounds[1], value + half)
    return Estimate(value, min(low, value), max(high, value), truth.size, count, method, chance)
