from __future__ import annotations

import numpy as np
import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import (
    Claim,
    Estimate,
    Level,
    Verdict,
    cluster_mean,
    equivalence,
    equivalence_verdict,
    holm,
    max_statistic,
    minimum_detectable_effect,
    model_health,
    p_value,
    paired_difference,
    saturation,
    verdict,
    verdicts,
)

SIX: list[Level] = [("beliefs", list(range(6)))]
PILOT = [0.1, 0.3, 0.2, 0.15, 0.4, 0.2]


def _estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, 10, 5, "t over 5 beliefs")


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (_estimate(0.3, 0.1, 0.5), Verdict.HOLDS),
        (_estimate(0.05, -0.01, 0.09), Verdict.DOES_NOT_HOLD),
        (_estimate(0.06, 0.03, 0.09), Verdict.DOES_NOT_HOLD),
        (_estimate(0.08, 0.03, 0.13), Verdict.INCONCLUSIVE),
        (_estimate(0.3, -0.1, 0.7), Verdict.INCONCLUSIVE),
        (_estimate(-0.3, -0.5, -0.1), Verdict.DOES_NOT_HOLD),
    ],
)
def test_a_claim_is_judged_by_its_interval_and_the_smallest_effect(estimate: Estimate, said: Verdict) -> None:
    assert verdict(estimate, 0.1) is said


def test_a_smallest_effect_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        verdict(_estimate(0.3, 0.1, 0.5), 0.0)


def test_many_claims_are_held_to_holms_p() -> None:
    effect = _estimate(0.3, 0.1, 0.5)
    said = verdicts([Claim(effect, 0.001, 0.1), Claim(effect, 0.03, 0.1), Claim(effect, 0.04, 0.1)])
    assert said == (Verdict.HOLDS, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)


def test_holm_multiplies_by_what_is_left_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


@pytest.mark.parametrize("p_values", [[], [float("nan")], [1.2]])
def test_holm_refuses_what_is_no_p_value(p_values: list[float]) -> None:
    with pytest.raises(ValueError, match="within 0 and 1"):
        holm(p_values)


@pytest.mark.parametrize("size", [6, 20])
@pytest.mark.parametrize("bounds", [(-1.0, 1.0), None])
def test_p_value_and_interval_agree(size: int, bounds: tuple[float, float] | None) -> None:
    rng = np.random.default_rng(0)
    levels: list[Level] = [("beliefs", list(range(size)))]
    for _ in range(20):
        values = rng.normal(0.08, 0.2, size)
        p = p_value(values, levels, bounds=bounds)
        assert (p < 0.05) == (not cluster_mean(values, levels, bounds=bounds).holds(0))


def test_p_values_of_no_effect_are_small_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    small = [p_value(rng.normal(0, 0.1, 6), SIX) < 0.05 for _ in range(400)]
    assert 0.03 <= np.mean(small) <= 0.075


def test_a_mean_at_the_null_has_p_one() -> None:
    assert p_value([-0.1, 0.0, 0.1], [("items", [1, 2, 3])]) == 1


def test_nearly_equal_scores_are_equivalent_and_few_equal_ones_are_not() -> None:
    near = [0.51, 0.49, 0.5, 0.5, 0.52, 0.49]
    assert equivalence_verdict(equivalence(near, [0.5] * 6, SIX, 0.1)) is Verdict.HOLDS
    assert equivalence_verdict(equivalence([0.5] * 6, [0.5] * 6, SIX, 0.1)) is Verdict.INCONCLUSIVE
    assert equivalence_verdict(equivalence(np.add(near, 0.4), [0.5] * 6, SIX, 0.1)) is Verdict.DOES_NOT_HOLD


def test_equivalence_passes_at_the_edge_of_the_margin_one_time_in_twenty() -> None:
    rng = np.random.default_rng(2)
    passed = [
        equivalence(rng.normal(0.05, 0.04, 8), np.zeros(8), [("items", list(range(8)))], 0.05) for _ in range(400)
    ]
    assert 0.02 <= np.mean([test.equivalent for test in passed]) <= 0.08


def test_an_equivalence_margin_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        equivalence(PILOT, PILOT, SIX, 0.0)


def test_the_maximum_over_families_raises_few_false_alarms() -> None:
    rng = np.random.default_rng(3)
    mixing = np.array([[1, 0.8, 0], [0, 1, 0], [0, 0, 30]])
    alarms = [max_statistic(draws[0], draws[1:]).p <= 0.05 for draws in rng.normal(size=(2000, 21, 3)) @ mixing]
    assert 0.03 <= np.mean(alarms) <= 0.06


def test_a_change_beyond_the_null_is_found_in_its_family() -> None:
    null = np.random.default_rng(4).normal(0, 0.02, (20, 4))
    found = max_statistic([0.0, 0.0, 0.3, 0.0], null)
    assert (found.largest, found.p) == (2, pytest.approx(1 / 21))
    assert min(found.adjusted[:2]) > 0.05


def test_a_null_that_is_too_small_to_show_anything_is_undefined() -> None:
    with pytest.raises(UndefinedEstimate, match="at least 19"):
        max_statistic([1.0], np.zeros((18, 1)))


@pytest.mark.parametrize("observed", [[1.0, 2.0], [float("nan")], []])
def test_statistics_that_do_not_match_the_null_are_refused(observed: list[float]) -> None:
    with pytest.raises(ValueError, match=r"observed"):
        max_statistic(observed, np.zeros((20, 1)))


def test_the_detectable_effect_is_found_as_often_as_promised() -> None:
    rng = np.random.default_rng(5)
    planned = minimum_detectable_effect(PILOT, SIX, planned=10)
    spread = planned.error * 10**0.5
    levels: list[Level] = [("beliefs", list(range(10)))]
    found = [cluster_mean(rng.normal(planned.effect, spread, 10), levels, bounds=None).low > 0 for _ in range(600)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_more_units_do_not_shrink_what_runs_differ() -> None:
    values = np.add.outer([0.0, 0.2, 0.4], PILOT).ravel()
    levels: list[Level] = [("beliefs", [*range(6)] * 3)]
    runs = np.repeat([0, 1, 2], 6).tolist()
    few, many = (minimum_detectable_effect(values, levels, runs=runs, planned=count) for count in (6, 600))
    assert many.error > 0.9 * np.std([0.0, 0.2, 0.4], ddof=1) / 3**0.5
    assert few.effect > many.effect


def test_a_pilot_without_spread_plans_nothing() -> None:
    with pytest.raises(UndefinedEstimate, match="do not differ"):
        minimum_detectable_effect([0.1] * 6, SIX)
    with pytest.raises(UndefinedEstimate, match="2 items"):
        minimum_detectable_effect([0.1, 0.2], [("items", [1, 2])])


def test_scores_at_an_end_are_flagged() -> None:
    many: list[Level] = [("probes", list(range(100)))]
    top = saturation(np.full(100, 0.995), many)
    bottom = saturation(np.linspace(0.2, 0.3, 100), many, chance=0.25)
    middle = saturation(np.linspace(0.2, 0.8, 100), many, chance=0.25)
    assert (top.ceiling, top.floor, top.at_top) == (True, False, 1.0)
    assert (bottom.ceiling, bottom.floor) == (False, True)
    assert (middle.ceiling, middle.floor) == (False, False)


def test_a_broken_checkpoint_is_told_from_an_intact_and_an_unclear_one() -> None:
    assert model_health(loss_change=_estimate(0.4, 0.3, 0.5)).state == "broken"
    assert model_health(loss_change=_estimate(0.0, -0.01, 0.01), valid=_estimate(0.99, 0.95, 1.0)).state == "intact"
    assert model_health(accuracy_change=_estimate(-0.03, -0.09, 0.03)).state == "unclear"
    assert model_health(accuracy_change=_estimate(-0.3, -0.4, -0.2)).reasons == (
        "clean accuracy falls (tolerance 0.05)",
    )


def test_health_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        model_health()


@pytest.mark.parametrize("values", [[], [float("nan")], [[0.1]]])
def test_values_that_cannot_be_averaged_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="non-empty vector of finite"):
        paired_difference(values, values, [("items", [1] * len(values))])
