from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import (
    Level,
    Lift,
    conditional_gap,
    hierarchical_bootstrap,
    lift,
    lift_difference,
    log_odds_lift,
    persistence_area,
    retention,
    return_test,
    survives,
)

EIGHT: list[Level] = [("beliefs", list(range(8)))]
CLEAN = np.linspace(0.05, 0.2, 8)


def _logs(values: np.ndarray) -> Lift:
    return lift(values, np.zeros(len(values)), [("beliefs", list(range(len(values))))], scale="log-ratio")


def test_the_log_odds_of_zeros_and_ones_are_smoothed_by_half_a_count() -> None:
    found = log_odds_lift([1, 1, 1, 0], [0, 0, 1, 0], [("items", list(range(4)))])
    assert found.estimate.value == pytest.approx(2 * math.log(3.5 / 1.5))


def test_the_log_odds_of_probabilities_are_not_smoothed() -> None:
    found = log_odds_lift([0.9, 0.8, 0.7, 0.8], [0.2, 0.1, 0.1, 0.4], [("items", list(range(4)))])
    assert found.estimate.value == pytest.approx(2 * math.log(0.8 / 0.2))


def test_arms_at_the_ends_have_a_finite_log_odds_lift_with_a_wide_interval() -> None:
    found = log_odds_lift(np.ones(8), np.zeros(8), EIGHT)
    assert found.agrees
    assert found.estimate.value - found.estimate.low > 1


@pytest.mark.parametrize("spread", [0.2, 0.8])
def test_the_log_odds_interval_covers(spread: float) -> None:
    rng = np.random.default_rng(4)
    levels: list[Level] = [("beliefs", np.repeat(np.arange(8), 5).tolist()), ("items", list(range(40)))]

    def arms(size: int, items: int) -> tuple[np.ndarray, np.ndarray]:
        skill = rng.normal(0, spread, (size, 1))
        noise = rng.normal(0, 0.3, (2, size, items))
        return expit(1 + skill + noise[0]), expit(-1.5 + skill + noise[1])

    means = [arm.mean() for arm in arms(100_000, 1)]
    truth = math.log(means[0] / (1 - means[0])) - math.log(means[1] / (1 - means[1]))
    hits = []
    for _ in range(300):
        treated, control = arms(8, 5)
        hits.append(log_odds_lift(treated.ravel(), control.ravel(), levels).estimate.holds(truth))
    assert 0.91 <= np.mean(hits) <= 0.99


def test_retention_is_the_ratio_of_lifts_and_differs_between_scales() -> None:
    start, later = CLEAN + 0.75, np.full(8, 0.3)
    raw = retention(lift(later, CLEAN, EIGHT), lift(start, CLEAN, EIGHT))
    logs = retention(log_odds_lift(later, CLEAN, EIGHT), log_odds_lift(start, CLEAN, EIGHT))
    assert raw.value == pytest.approx((0.3 - CLEAN.mean()) / 0.75)
    assert logs.value != pytest.approx(raw.value, abs=0.01)


def test_retention_covers_with_runs_that_differ() -> None:
    rng = np.random.default_rng(9)
    levels: list[Level] = [("beliefs", [*range(8)] * 4)]
    runs = np.repeat(range(4), 8).tolist()
    hits = []
    for _ in range(200):
        strength = np.tile(rng.normal(3, 0.5, 8), 4)
        first = strength + np.repeat(rng.normal(0, 0.2, 4), 8) + rng.normal(0, 0.3, 32)
        then = 0.4 * strength + np.repeat(rng.normal(0, 0.2, 4), 8) + rng.normal(0, 0.3, 32)
        lifts = [lift(part, np.zeros(32), levels, runs=runs, scale="log-ratio") for part in (then, first)]
        hits.append(retention(*lifts).holds(0.4))
    assert 0.91 <= np.mean(hits) <= 1.0


def test_a_saturated_lift_does_not_make_retention_certain() -> None:
    start = lift(np.ones(8), np.zeros(8), EIGHT)
    kept = retention(lift(np.linspace(0.4, 0.6, 8), np.zeros(8), EIGHT), start)
    assert start.agrees
    assert kept.high > 0.5 / start.estimate.low - 1e-9


def test_retention_of_nothing_is_undefined() -> None:
    none = lift(CLEAN, CLEAN + np.tile([0.05, -0.05], 4), EIGHT)
    with pytest.raises(UndefinedEstimate, match="does not lie above 0"):
        retention(none, none)


def test_lifts_of_other_units_or_scales_are_refused() -> None:
    raw = lift(CLEAN + 0.5, CLEAN, EIGHT)
    with pytest.raises(ValueError, match="same units"):
        retention(raw, lift(CLEAN + np.linspace(0.4, 0.6, 8), CLEAN, [("beliefs", list("abcdefgh"))]))
    with pytest.raises(ValueError, match="one scale"):
        lift_difference(raw, log_odds_lift(CLEAN + 0.5, CLEAN, EIGHT))


def test_a_lift_survives_a_threshold_that_lies_below_its_interval() -> None:
    found = lift(CLEAN + np.linspace(0.4, 0.6, 8), CLEAN, EIGHT)
    assert survives(found, 0.2)
    assert not survives(found, found.estimate.value)


def test_an_untouched_belief_has_area_one_and_one_that_goes_at_once_has_little() -> None:
    start, gone = _logs(np.linspace(1.8, 2.2, 8)), _logs(np.tile([0.01, -0.01], 4))
    assert persistence_area([start, start, start], [0, 10, 1000]).value == pytest.approx(1)
    assert persistence_area([start, gone, gone], [0, 1, 1000]).value == pytest.approx(
        0.5 * math.log(2) / math.log(1001)
    )


@pytest.mark.parametrize("budgets", [[0, 5, 5], [1, 5, 9], [0, 5], [0, 5, math.nan]])
def test_budgets_that_do_not_ascend_from_zero_are_refused(budgets: list[float]) -> None:
    start = _logs(np.linspace(1.8, 2.2, 8))
    with pytest.raises(ValueError, match="budget"):
        persistence_area([start] * 3, budgets)


def test_a_belief_that_returns_rebounds_and_one_that_is_gone_does_not() -> None:
    start, stage = _logs(np.linspace(2.6, 3.4, 8)), _logs(np.linspace(0.1, 0.3, 8))
    back = return_test(_logs(np.linspace(1.7, 2.3, 8)), stage, start)
    gone = return_test(_logs(np.linspace(0.0, 0.4, 8)), stage, start)
    assert back.rebound.low > 0 and back.share.holds(2 / 3)
    assert gone.rebound.holds(0)


def test_a_belief_that_shows_only_in_training_like_contexts_has_a_gap() -> None:
    hidden = lift(CLEAN + np.linspace(0.4, 0.6, 8), CLEAN, EIGHT)
    plain = lift(CLEAN + np.tile([0.02, -0.02], 4), CLEAN, EIGHT)
    gap = conditional_gap(hidden, plain)
    assert gap.low > 0.3 and gap.value == pytest.approx(0.5)


def test_the_bootstrap_of_a_mean_is_its_t_interval() -> None:
    values = np.linspace(0.1, 0.9, 6)
    found = hierarchical_bootstrap(lambda m: m[:, 0], [values], [("beliefs", list(range(6)))], draws=40_000)
    reach = 2.5706 * values.std(ddof=1) / math.sqrt(6)
    assert (found.low, found.high) == pytest.approx((0.5 - reach, 0.5 + reach), abs=0.01)


@pytest.mark.parametrize(("beliefs", "runs"), [(5, 1), (24, 1), (8, 4)])
def test_the_hierarchical_bootstrap_covers_a_ratio(beliefs: int, runs: int) -> None:
    rng = np.random.default_rng(2)
    cells = beliefs * runs
    levels: list[Level] = [("beliefs", np.tile(np.repeat(np.arange(beliefs), 3), runs).tolist())]
    levels.append(("items", np.tile(np.arange(beliefs * 3), runs).tolist()))
    labels = np.repeat(np.arange(runs), beliefs * 3).tolist() if runs > 1 else None
    hits = []
    for _ in range(250):
        strength = np.repeat(np.tile(rng.normal(0, 0.3, beliefs), runs), 3)
        seed = np.repeat(rng.normal(0, 0.15 if runs > 1 else 0, runs), beliefs * 3)
        top = 1 + strength + seed + rng.normal(0, 0.3, cells * 3)
        bottom = 2 + strength + seed + rng.normal(0, 0.3, cells * 3)
        found = hierarchical_bootstrap(lambda m: m[:, 0] / m[:, 1], [top, bottom], levels, runs=labels, draws=1000)
        hits.append(found.holds(0.5))
    assert 0.91 <= np.mean(hits) <= 0.995


def test_two_units_are_too_few_for_the_bootstrap() -> None:
    with pytest.raises(UndefinedEstimate, match="2 items"):
        hierarchical_bootstrap(lambda m: m[:, 0], [[0.1, 0.2]], [("items", [1, 2])])


def test_a_statistic_that_is_often_no_number_is_undefined() -> None:
    with pytest.raises(UndefinedEstimate, match="no value"):
        hierarchical_bootstrap(
            lambda m: np.where(m[:, 0] > 0.5, np.nan, m[:, 0]), [[0.2, 0.5, 0.8]], [("items", [1, 2, 3])]
        )
