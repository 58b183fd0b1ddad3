"""The intervals of `cluster_mean` for many data sets of zeros and ones at once; `coverage.py` checks them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri, stdtrit

from sdf_eval.measure.intervals import ASSUMED_CORRELATION, ASSUMED_FROM, LEAST_SPREAD, SATURATED, SCORE_FROM

Floats = NDArray[np.float64]
Z2 = float(ndtri(0.975)) ** 2


def intervals(values: Floats, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """95 % intervals of the mean.

    Args:
        values: Shape (data sets, runs, facts, items): zeros and ones, or differences of these.
        bounds: Least and greatest possible value.

    Returns:
        Lower and upper ends, shape (data sets,).
    """
    _, runs, facts, items = values.shape
    least, greatest = bounds
    width = greatest - least
    means = values.mean(axis=3).transpose(0, 2, 1)
    share = (means.mean(axis=(1, 2)) - least) / width
    reach = _half_width(means, _error_within(values)) / width
    low, high = _around(share, reach, facts)
    agrees = (np.ptp(means, axis=(1, 2)) <= 1e-9) | (means.min(axis=(1, 2)) >= greatest - SATURATED * width)
    agrees |= means.max(axis=(1, 2)) <= least + SATURATED * width
    effective = (
        runs * facts * items / (1 + (runs * items - 1) * (ASSUMED_CORRELATION if facts >= ASSUMED_FROM else 1.0))
    )
    differing = Z2 / (effective + Z2)
    low, high = (
        np.where(agrees, share - differing * share, low),
        np.where(agrees, share + differing * (1 - share), high),
    )
    single = Z2 / (facts + Z2)
    bounded = agrees | (facts >= SCORE_FROM)
    low, high = np.where(bounded, np.minimum(low, 1 - single), low), np.where(bounded, np.maximum(high, single), high)
    return least + width * np.minimum(low, share), least + width * np.maximum(high, share)


def _error_within(values: Floats) -> Floats:
    """From the spread of items inside facts, runs averaged."""
    variances = values.mean(axis=1).var(axis=2, ddof=1) / values.shape[3]
    return np.asarray(np.sqrt(variances.mean(axis=1) / values.shape[2]), dtype=np.float64)


def _half_width(means: Floats, within: Floats) -> Floats:
    _, facts, runs = means.shape
    floor = LEAST_SPREAD * within
    over_facts = float(stdtrit(facts - 1, 0.975))
    if runs == 1:
        error = np.maximum(means[:, :, 0].std(axis=1, ddof=1) / facts**0.5, floor)
        return np.asarray(over_facts * error, dtype=np.float64)
    by_fact, by_run, cells = means.mean(axis=2), means.mean(axis=1), facts * runs
    residuals = means - by_fact[:, :, None] - by_run[:, None, :] + means.mean(axis=(1, 2))[:, None, None]
    rest = (residuals**2).sum(axis=(1, 2)) / (facts - 1) / (runs - 1)
    of_facts = np.maximum(runs * by_fact.var(axis=1, ddof=1), LEAST_SPREAD**2 * rest)
    of_facts = np.maximum(of_facts, floor**2 * cells)
    of_runs = np.maximum(0.0, facts * by_run.var(axis=1, ddof=1) - rest / 2)
    over_runs = float(stdtrit(runs - 1, 0.975))
    return np.asarray(np.sqrt((over_facts**2 * of_facts + over_runs**2 * of_runs) / cells), dtype=np.float64)


def _around(share: Floats, reach: Floats, facts: int) -> tuple[Floats, Floats]:
    inside = np.clip(share, 1e-12, 1 - 1e-12)
    variance = inside * (1 - inside)
    if facts < SCORE_FROM:
        return expit(logit(inside) - reach / variance), expit(logit(inside) + reach / variance)
    ratio = reach**2 / variance
    centre, half = (inside + ratio / 2) / (1 + ratio), np.sqrt(variance * ratio + ratio**2 / 4) / (1 + ratio)
    return centre - half, centre + half
