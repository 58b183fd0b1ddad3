"""The interval of a single rate."""

from __future__ import annotations

from scipy.special import ndtri

from sdf_eval.measure.estimate import Estimate

Z95 = float(ndtri(0.975))


def wilson(k: float, n: int, *, unit: str = "items", chance: float | None = None) -> Estimate:
    """Rate of k successes in n independent trials, with Wilson's score interval.

    Args:
        k: Successes, 0 to n.
        n: Trials, at least 1.
        unit: What a trial is, for the method's name.
        chance: Rate under guessing.

    Returns:
        The rate in [0, 1]; the interval never has zero width and never leaves [0, 1].

    Raises:
        ValueError: n is below 1, or k lies outside 0 to n.

    Source: Wilson 1927, JASA 22(158), equation for the roots of (p - k/n)^2 = z^2 p(1-p)/n.
    """
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"wilson needs 0 <= k <= n and n >= 1, got k={k}, n={n}")
    rate = k / n
    centre = (rate + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * (rate * (1 - rate) / n + Z95**2 / (4 * n**2)) ** 0.5
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Estimate(rate, min(low, rate), max(high, rate), n, n, f"Wilson over {n} {unit}", chance)
