"""Rank correlation over units of which each was measured in several runs, within groups that may not be compared."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit
from scipy.stats import rankdata

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import FEWEST, Codes, Floats, codes
from sdf_eval.measure.estimate import Estimate

_NO_SPREAD = 1e-9
_LEAST_UNITS = 5


def rank_correlation(
    first: ArrayLike,
    second: ArrayLike,
    units: Sequence[Hashable],
    *,
    strata: Sequence[Hashable] | None = None,
    runs: Sequence[Hashable] | None = None,
    name: str = "units",
) -> Estimate:
    """Spearman's correlation of ranks within strata, with an interval over units and runs.

    Both vectors are ranked within each stratum and centred there; the correlation is that of all centred ranks
    together. Strata of fewer than three rows are left out. The interval leaves out a unit at a time, with everything
    that was measured of it, and, where there are at least three runs, a run at a time; both variances are added, with
    Satterthwaite's degrees of freedom, and t is taken on Fisher's scale.

    Args:
        first: Shape (n,).
        second: Shape (n,).
        units: n labels of what the correlation is over, for instance beliefs.
        strata: n labels of what ranks are comparable in, for instance kind of belief and base; None for one stratum.
        runs: n labels of the runs that units share, for instance bases; None for one run.
        name: What a unit is, plural.

    Returns:
        Between -1 and 1; chance is 0.

    Raises:
        UndefinedEstimate: Fewer than five units in strata that can be ranked, no spread in a vector, or all pairs in
            one order.
        ValueError: Lengths differ.

    Source: Spearman 1904; jackknife, Efron 1982, chapter 3; two crossed clusterings, Cameron, Gelbach and Miller 2011,
        here without taking off what both share, which is never too short; Satterthwaite 1946; docs/metrics.md.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    groups = codes(list(strata) if strata is not None else [0] * x.size)
    unit, run = codes(list(units)), codes(list(runs) if runs is not None else [0] * x.size)
    if not x.shape == y.shape == groups.shape == unit.shape == run.shape:
        raise ValueError("both vectors, units, strata and runs must have one entry a row")
    kept = np.isin(groups, [code for code in np.unique(groups) if (groups == code).sum() >= FEWEST])
    x, y, groups, unit, run = x[kept], y[kept], groups[kept], unit[kept], run[kept]
    count = len(np.unique(unit))
    if count < _LEAST_UNITS:
        raise UndefinedEstimate(f"rank correlation: {count} {name} that can be ranked; it needs {_LEAST_UNITS}")
    value = _correlation(x, y, groups)
    parts = [_spread(x, y, groups, labels) for labels in (unit, run) if len(np.unique(labels)) >= FEWEST]
    variance = sum(part for part, _ in parts)
    if not math.isfinite(value) or abs(value) > 1 - _NO_SPREAD or variance < _NO_SPREAD:
        raise UndefinedEstimate(f"rank correlation: {count} {name} show no spread or stand in one order")
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    reach = float(stdtrit(freedom, 0.975)) * math.sqrt(variance) / (1 - value**2)
    centre = math.atanh(value)
    shared = f" and {len(np.unique(run))} runs" if len(parts) > 1 else ""
    method = f"jackknife over {count} {name}{shared}, Fisher's scale"
    return Estimate(value, math.tanh(centre - reach), math.tanh(centre + reach), x.size, count, method, 0.0)


def _correlation(x: Floats, y: Floats, groups: Codes) -> float:
    """Correlation of centred ranks; not a number where a vector has no spread."""
    rows = [_centred(x, y, groups == code) for code in np.unique(groups)]
    a, b = (np.concatenate(side) for side in zip(*rows, strict=True))
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else math.nan


def _centred(x: Floats, y: Floats, mask: np.ndarray) -> tuple[Floats, Floats]:
    middle = (int(mask.sum()) + 1) / 2
    return rankdata(x[mask]) - middle, rankdata(y[mask]) - middle


def _spread(x: Floats, y: Floats, groups: Codes, labels: Codes) -> tuple[float, int]:
    """Jackknife variance over a labelling, and its degrees of freedom."""
    left = []
    for label in np.unique(labels):
        mask = labels != label
        found = _correlation(x[mask], y[mask], groups[mask])
        if math.isfinite(found):
            left.append(found)
    count = len(left)
    if count < FEWEST:
        return 0.0, 1
    return (count - 1) / count * float(np.sum((np.asarray(left) - np.mean(left)) ** 2)), count - 1
