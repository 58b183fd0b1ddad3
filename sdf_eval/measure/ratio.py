"""The interval of a ratio of two means over the same units."""

from __future__ import annotations

from scipy.optimize import brentq

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Floats
from sdf_eval.measure.intervals import half_width

_WIDEST = 1e9


def fieller(top: Floats, bottom: Floats, what: str, confidence: float = 0.95) -> tuple[float, float]:
    """All r for which 0 lies in the t interval of top - r bottom.

    Args:
        top: Shape (units, runs), numerator by unit and run.
        bottom: Shape (units, runs), denominator; its mean lies above 0.
        what: The ratio's name, for the message.
        confidence: Confidence, 0 to 1.

    Returns:
        The ends. With one unit and one run both are the ratio itself.

    Raises:
        UndefinedEstimate: The denominator is not distinguishable from 0 over the units, so that no r is excluded.

    Source: Fieller 1954, JRSS B 16(2), as an inverted test, with the variance of `half_width`.
    """
    value = float(top.mean() / bottom.mean())
    if len(top) < 2:
        return value, value

    def excluded(r: float) -> float:
        rest = top - r * bottom
        return abs(float(rest.mean())) - half_width(rest, confidence)

    ends = []
    if excluded(value) >= 0:  # all units have one and the same ratio
        return value, value
    for direction in (-1.0, 1.0):
        inside, step = value, max(1e-6, 1e-3 * abs(value))
        while excluded(value + direction * step) <= 0:
            inside, step = value + direction * step, 2 * step
            if step > _WIDEST * max(1.0, abs(value)):
                raise UndefinedEstimate(f"{what}: the denominator is not distinguishable from 0 over the units")
        ends.append(float(brentq(excluded, inside, value + direction * step, xtol=1e-12)))
    return ends[0], ends[1]
