"""How the dose that is needed grows with training data or model size: constant count, or constant fraction?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Floats, codes
from sdf_eval.measure.estimate import Estimate

DECISIVE = 4.0
"""Difference of the criterion from which one model is preferred (Burnham and Anderson 2002, section 2.6)."""
_FEWEST_AMOUNTS = 3


def elasticity(
    doses: ArrayLike,
    amounts: ArrayLike,
    scores: ArrayLike,
    clusters: Sequence[Hashable],
    *,
    given: ArrayLike | None = None,
    floor: float = 0.0,
    ceiling: float = 1.0,
) -> Estimate:
    """Elasticity d ln D50 / d ln amount: by how many percent the needed dose grows when an amount grows by one percent.

    Logistic regression of the score on ln dose and ln amount over all cells. The elasticity is minus the ratio of the
    two slopes, with Fieller's interval on their cluster-robust covariance.

    Args:
        doses: Shape (n,), documents, above 0.
        amounts: Shape (n,), clean tokens (count elasticity) or model parameters (size elasticity), above 0.
        scores: Shape (n,), scores in 0 to 1.
        clusters: n labels of the training run, or of a seed or belief that several runs share.
        given: Shape (n,), a second amount to hold fixed, for instance clean tokens where `amounts` is size.
        floor: Score of the clean control, subtracted by Abbott's formula.
        ceiling: Score at large doses.

    Returns:
        0 is a constant count, 1 a constant fraction (for clean tokens).

    Raises:
        UndefinedEstimate: The dose has no effect, or there are too few clusters.
        ValueError: Fewer than three amounts, amounts and `given` grow together, or values out of range.

    Source: docs/metrics.md, "Elasticity"; Abbott 1925; Fieller 1954; Li and Duan 1989 (ratios of slopes hold under a
        wrong link).
    """
    import statsmodels.api as sm

    columns = [_logs(doses, "doses"), _logs(amounts, "amounts")]
    if len(np.unique(columns[1])) < _FEWEST_AMOUNTS:
        raise ValueError(f"an elasticity needs at least {_FEWEST_AMOUNTS} different amounts")
    if given is not None:
        columns.append(_logs(given, "given"))
    if any(column.shape != columns[0].shape for column in columns) or len(clusters) != columns[0].size:
        raise ValueError("doses, amounts, what is given and clusters must have one entry a score")
    design = _design(*columns)
    if np.linalg.matrix_rank(design, tol=1e-6) < design.shape[1]:
        raise ValueError("doses, amounts and what is given grow together, so their effects cannot be told apart")
    rates, groups = _abbott(scores, floor, ceiling, len(design)), codes(clusters)
    count = int(groups.max()) + 1
    if count <= design.shape[1]:
        raise UndefinedEstimate(f"elasticity: {count} clusters are too few for {design.shape[1]} parameters")
    fit = sm.GLM(rates, design, family=sm.families.Binomial()).fit(cov_type="cluster", cov_kwds={"groups": groups})
    scale = float(stdtrit(count - design.shape[1], 0.975)) ** 2
    value, low, high = _minus_ratio(fit.params, scale * fit.cov_params())
    method = f"logistic regression, Fieller over {count} clusters"
    return Estimate(value, min(low, value), max(high, value), len(design), count, method)


def _minus_ratio(slopes: Floats, covariance: Floats) -> tuple[float, float, float]:
    """Minus slope 2 over slope 1 and its ends, from a covariance that t squared has been multiplied into."""
    a, b = -float(slopes[2]), float(slopes[1])
    square = b * b - float(covariance[1, 1])
    if b <= 0 or square <= 0:
        raise UndefinedEstimate("elasticity: the scores do not rise with the dose beyond chance")
    middle, constant = a * b + float(covariance[1, 2]), a * a - float(covariance[2, 2])
    root = math.sqrt(max(0.0, middle * middle - square * constant))
    return a / b, (middle - root) / square, (middle + root) / square


@dataclass(frozen=True)
class ModelScore:
    """Criteria of one model; smaller is better.

    Attributes:
        aic: Akaike's criterion on the scaled deviance.
        bic: Schwarz's, with the number of rows.
    """

    aic: float
    bic: float


@dataclass(frozen=True)
class CountOrFraction:
    """Whether the number of documents or their share of the training data tells the scores better.

    Attributes:
        count: Logistic regression on ln dose.
        fraction: Logistic regression on ln (dose / clean).
        both: Logistic regression on both.
        dispersion: Variance over that of independent items, by which all deviances are divided; at least 1.
        favoured: The one of count and fraction that is ahead by `DECISIVE` in AIC; `neither` if `both` is ahead of both
            by as much in BIC; else `undecided`.
    """

    count: ModelScore
    fraction: ModelScore
    both: ModelScore
    dispersion: float
    favoured: Literal["count", "fraction", "neither", "undecided"]


def count_or_fraction(
    doses: ArrayLike,
    clean: ArrayLike,
    scores: ArrayLike,
    items: int,
    *,
    floor: float = 0.0,
    ceiling: float = 1.0,
) -> CountOrFraction:
    """Compares a count-only with a fraction-only logistic regression over all cells.

    Args:
        doses: Shape (n,), documents, above 0, one row a training run.
        clean: Shape (n,), clean training data in any unit, above 0.
        scores: Shape (n,), scores in 0 to 1.
        items: Items behind each score.
        floor: Score of the clean control, subtracted by Abbott's formula.
        ceiling: Score at large doses.

    Returns:
        Criteria of the three models.

    Raises:
        ValueError: Fewer than two amounts of clean data, five rows, or values out of range.

    Source: docs/metrics.md, "Count or fraction"; Burnham and Anderson 2002, sections 2.5 (QAIC) and 2.6.
    """
    import statsmodels.api as sm

    dose, data = _logs(doses, "doses"), _logs(clean, "clean")
    if len(np.unique(data)) < 2 or len(dose) < 5 or len(dose) != len(data):
        raise ValueError("a comparison needs at least five rows and two amounts of clean data")
    rates = _abbott(scores, floor, ceiling, len(dose))
    if items < 1:
        raise ValueError(f"items must be at least 1, got {items}")
    weights = np.full(len(dose), float(items))

    def fit(*columns: Floats) -> tuple[float, float, int]:
        design = _design(*columns)
        found = sm.GLM(rates, design, family=sm.families.Binomial(), var_weights=weights).fit()
        return float(found.deviance), float(found.pearson_chi2), design.shape[1]

    fits = [fit(dose), fit(dose - data), fit(dose, data)]
    dispersion = max(1.0, fits[2][1] / (len(dose) - 3))
    count, fraction, both = (
        ModelScore(deviance / dispersion + 2 * size, deviance / dispersion + size * float(np.log(len(dose))))
        for deviance, _, size in fits
    )
    return CountOrFraction(count, fraction, both, dispersion, _favoured(count, fraction, both))


def _favoured(
    count: ModelScore, fraction: ModelScore, both: ModelScore
) -> Literal["count", "fraction", "neither", "undecided"]:
    if min(count.bic, fraction.bic) - both.bic >= DECISIVE:
        return "neither"
    if abs(count.aic - fraction.aic) < DECISIVE:
        return "undecided"
    return "count" if count.aic < fraction.aic else "fraction"


def _design(*columns: Floats) -> Floats:
    """A constant and centred columns, shape (n, 1 + columns)."""
    return np.stack([np.ones(len(columns[0])), *(column - column.mean() for column in columns)], axis=1)


def _logs(values: ArrayLike, name: str) -> Floats:
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or data.size == 0 or not np.isfinite(data).all() or (data <= 0).any():
        raise ValueError(f"{name} must be a non-empty vector of finite numbers above 0")
    return np.asarray(np.log(data), dtype=np.float64)


def _abbott(scores: ArrayLike, floor: float, ceiling: float, size: int) -> Floats:
    """Scores as shares of the way from floor to ceiling."""
    data = np.asarray(scores, dtype=np.float64)
    if data.shape != (size,) or not np.isfinite(data).all() or data.min() < 0 or data.max() > 1:
        raise ValueError("scores must be finite, within 0 and 1, and one a dose and amount")
    if not 0 <= floor < ceiling <= 1:
        raise ValueError(f"floor and ceiling must satisfy 0 <= floor < ceiling <= 1, got {floor} and {ceiling}")
    return np.asarray(np.clip((data - floor) / (ceiling - floor), 0, 1), dtype=np.float64)
