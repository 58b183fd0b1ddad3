"""The interval of a rate of independent zeros and ones that keeps its promise at every rate."""

from __future__ import annotations

import numpy as np
from scipy.special import bdtr, bdtrc, betaincinv

from sdf_eval.measure.clusters import Floats
from sdf_eval.measure.intervals import Ends

_GRID = 400
_REFINEMENTS = 3


def blaker(k: int, n: int) -> Ends:
    """Ends of Blaker's exact interval as a function of the confidence.

    Wilson's interval covers 84 % where the expected number of successes is about 0.2, at any n; Blaker's never covers
    less than it says and is the narrowest of those that nest in Clopper and Pearson's.

    Args:
        k: Successes, 0 to n.
        n: Trials, at least 1.

    Returns:
        Confidence to (low, high), within 0 to 1.

    Source: Blaker 2000, Canadian Journal of Statistics 28(4), definition of the acceptability function; Brown, Cai and
        DasGupta 2001 on Wilson's dips.
    """

    def ends(confidence: float) -> tuple[float, float]:
        error = 1 - confidence
        low = _first_acceptable(k, n, error)
        return low, 1 - _first_acceptable(n - k, n, error)

    return ends


def _first_acceptable(k: int, n: int, error: float) -> float:
    """Rate just below the least acceptable one, which lies between Clopper-Pearson's lower end and k / n."""
    if k == 0:
        return 0.0
    low, high = float(betaincinv(k, n - k + 1, error / 2)), k / n
    for _ in range(_REFINEMENTS):
        rates = np.linspace(low, high, _GRID)
        first = int(np.argmax(_acceptability(k, n, rates) > error))
        low, high = float(rates[max(0, first - 1)]), float(rates[first])
    return low


def _acceptability(k: int, n: int, rates: Floats) -> Floats:
    """Probability of a result whose smaller tail is at most that of k."""
    upper, lower = bdtrc(k - 1, n, rates), bdtr(k, n, rates)
    smaller = np.minimum(upper, lower) * (1 + 1e-9)
    other = np.where(upper <= lower, _lower_tail(n, rates, smaller), _lower_tail(n, 1 - rates, smaller))
    return np.asarray(np.minimum(upper, lower) + other, dtype=np.float64)


def _lower_tail(n: int, rates: Floats, limit: Floats) -> Floats:
    """Largest P(X <= j) that does not exceed `limit`; 0 where none does."""
    j = np.full(rates.shape, -1)
    below, above = np.full(rates.shape, -1), np.full(rates.shape, n)
    while (above - below > 1).any():
        j = (below + above) // 2
        fits = bdtr(j, n, rates) <= limit
        below, above = np.where(fits, j, below), np.where(fits, above, j)
    return np.where(below >= 0, bdtr(np.maximum(below, 0), n, rates), 0.0)
