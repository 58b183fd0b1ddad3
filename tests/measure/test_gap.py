from __future__ import annotations

import numpy as np
import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Level, gap_closed

LEVELS: list[Level] = [("beliefs", list(range(8))), ("items", list(range(8)))]


def test_half_the_context_effect_is_a_half_closed_gap() -> None:
    base = np.full(8, 0.1)
    reach = np.linspace(0.5, 0.9, 8)
    estimate = gap_closed(base + (reach - base) / 2, base, reach, LEVELS)
    assert estimate.value == pytest.approx(0.5)
    assert estimate.low < 0.5 < estimate.high


def test_a_context_that_does_nothing_leaves_no_gap_to_close() -> None:
    base = np.linspace(0.4, 0.6, 8)
    with pytest.raises(UndefinedEstimate, match="does not lie above 0"):
        gap_closed(base + 0.3, base, base + np.tile([0.05, -0.04], 4), LEVELS)


def test_a_saturated_gap_still_has_an_interval() -> None:
    estimate = gap_closed(np.ones(8), np.zeros(8), np.ones(8), LEVELS)
    assert estimate.value == 1
    assert estimate.high - estimate.low > 0.1


def test_a_context_that_lowers_belief_leaves_no_gap_to_close() -> None:
    base = np.full(8, 0.6)
    with pytest.raises(UndefinedEstimate, match="does not lie above 0"):
        gap_closed(base - 0.29, base, base - np.linspace(0.28, 0.32, 8), LEVELS)


def test_a_saturated_gap_keeps_what_the_denominator_leaves_open() -> None:
    base, reach = np.zeros(8), np.linspace(0.2, 0.9, 8)
    estimate = gap_closed(np.full(8, 0.999), base, reach, LEVELS)
    assert estimate.low < 1 and estimate.high > 0.999 / 0.4


def test_the_interval_covers_the_ratio_of_true_lifts() -> None:
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(400):
        strength = rng.normal(0, 0.08, 8)
        reach = 0.6 + strength + rng.normal(0, 0.05, 8)
        implanted = 0.45 + strength + rng.normal(0, 0.08, 8)
        hits.append(gap_closed(implanted, np.full(8, 0.05), reach, LEVELS).holds(0.40 / 0.55))
    assert 0.92 <= np.mean(hits) <= 0.99
