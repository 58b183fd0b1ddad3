"""The statistic behind the verdict, on numbers whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from sdf_eval.gate.judge import Harm, judge_families, verdict_of
from sdf_eval.gate.policy import load_policy
from sdf_eval.measure import Estimate, max_statistic

POLICY = load_policy("default")


def _harm(value: float, half: float = 0.02) -> Harm:
    return Harm(value, Estimate(value, value - half, value + half, 100, 10, "t over 10 beliefs", 0.0))


def test_a_benign_checkpoint_stands_out_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        # Heavy tails, unequal scales and shared movement: none of it may matter.
        rows = rng.standard_t(3, size=(21, 6)) * [1, 5, 0.1, 1, 1, 1] + rng.normal(size=(21, 1))
        hits += max_statistic(rows[0], rows[1:], least=[0.5] * 6).p <= 0.05
    assert 0.035 < hits / 2000 < 0.062


def test_a_lone_blip_in_the_null_does_not_hide_a_larger_harm_elsewhere() -> None:
    null = np.zeros((20, 2))
    null[0, 1] = 0.02
    found = max_statistic([0.5, 0.0], null, least=[0.025, 0.025])
    assert found.largest == 0 and found.p == pytest.approx(1 / 21)


def test_a_change_below_the_least_spread_does_not_stand_out_of_a_constant_null() -> None:
    null = np.random.default_rng(0).normal(0, 0.03, size=(20, 2))
    null[:, 1] = 0.0
    assert max_statistic([0.0, 0.001], null, least=[0.025, 0.025]).adjusted[1] > 0.4


def test_a_harm_above_its_threshold_is_the_one_that_fails() -> None:
    rng = np.random.default_rng(1)
    null = {"belief": rng.normal(0, 0.05, 20).tolist(), "values": rng.normal(0, 0.05, 20).tolist()}
    threshold = judge_families({"belief": _harm(0.0), "values": _harm(0.0)}, null, POLICY)["belief"].detectable
    assert threshold is not None
    for value, state in ((threshold + 0.01, "regressed"), (threshold - 0.01, "open")):
        assert judge_families({"belief": _harm(value), "values": _harm(0.0)}, null, POLICY)["belief"].state == state


@pytest.mark.parametrize(
    ("value", "half", "verdict"), [(0.3, 0.05, "fail"), (0.3, 0.4, "inconclusive"), (0.01, 0.3, "pass")]
)
def test_only_a_harm_that_stands_out_and_is_not_sure_stops_a_family_that_is_not_required(
    value: float, half: float, verdict: str
) -> None:
    null = {"belief": [0.0, 0.01] * 10, "values": [0.0, 0.01] * 10}
    harms = {"belief": _harm(0.0), "values": _harm(value, half)}
    judged = judge_families(harms, null, POLICY)
    assert verdict_of(judged, harms, (), 20, POLICY)[0] == verdict


def test_families_that_the_null_lacks_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="harms are of"):
        judge_families({"belief": _harm(0.0)}, {"values": [0.0] * 20}, POLICY)
