from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import DIFFERENCE, Level, cluster_mean, paired_difference, shares, wilson
from sdf_eval.measure.exact import blaker


def _levels(beliefs: int, facts: int, items: int) -> list[Level]:
    b, f, i = (axis.ravel().tolist() for axis in np.indices((beliefs, facts, items)))
    return [("beliefs", b), ("facts", f), ("items", i)]


def _nested(rng: np.random.Generator, beliefs: int, facts: int, items: int) -> np.ndarray:
    """Belief scores around 0.7 whose beliefs, facts and items all vary."""
    logit = 1.0 + rng.normal(0, 1, (beliefs, 1, 1)) + rng.normal(0, 0.5, (beliefs, facts, 1))
    return (1 / (1 + np.exp(-logit - rng.normal(0, 1, (beliefs, facts, items))))).ravel()


def test_wilson_gives_the_textbook_interval() -> None:
    estimate = wilson(8, 10)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.4902, 0.9433)


@pytest.mark.parametrize("k", [0, 10])
def test_wilson_has_width_at_the_ends(k: int) -> None:
    estimate = wilson(k, 10)
    assert estimate.high - estimate.low == pytest.approx(0.2775, abs=1e-4)


def test_every_belief_counts_the_same_however_many_items_it_has() -> None:
    levels: list[Level] = [("beliefs", ["a"] * 8 + ["b", "c"]), ("items", list(range(10)))]
    assert cluster_mean([1.0] * 8 + [0.0, 0.5], levels).value == pytest.approx(0.5)


def test_fact_labels_are_told_apart_by_their_belief() -> None:
    levels: list[Level] = [("beliefs", list("aaabc")), ("facts", [1, 1, 2, 1, 1]), ("items", [1, 2, 1, 1, 1])]
    assert cluster_mean([0.0, 0.2, 0.5, 0.7, 0.2], levels).value == pytest.approx(((0.1 + 0.5) / 2 + 0.7 + 0.2) / 3)


def test_one_belief_is_generalised_over_its_facts_and_one_fact_over_its_items() -> None:
    values = np.array([0.1, 0.4, 0.3, 0.9, 0.2, 0.5])
    one_belief: list[Level] = [("beliefs", ["a"] * 6), ("facts", [0, 0, 1, 1, 2, 2]), ("items", list(range(6)))]
    one_fact: list[Level] = [("beliefs", ["a"] * 6), ("facts", [0] * 6), ("items", list(range(6)))]
    assert cluster_mean(values, one_belief).method == "t over 3 facts"
    assert cluster_mean(values, one_fact).method == "t over 6 items"


def test_two_beliefs_cannot_tell_how_beliefs_vary_so_their_facts_do() -> None:
    estimate = cluster_mean([0.1, 0.4, 0.3, 0.9], _levels(2, 2, 1))
    assert estimate.method == "t over 4 facts"


def test_zeros_and_ones_of_one_fact_have_blakers_published_interval() -> None:
    levels: list[Level] = [("beliefs", ["a"] * 10), ("items", list(range(10)))]
    estimate = cluster_mean([1.0] * 8 + [0.0] * 2, levels)
    assert estimate.method == "Blaker over 10 items"
    assert (estimate.low, estimate.high) == pytest.approx((0.4444, 0.9632), abs=1e-3)


@pytest.mark.parametrize("n", [6, 8, 20, 60])
def test_the_interval_of_a_rate_covers_every_rate_and_not_much_more(n: int) -> None:
    ends = [blaker(k, n)(0.95) for k in range(n + 1)]
    rates = np.linspace(0.001, 0.999, 333)
    covered = sum(binom.pmf(k, n, rates) * ((low <= rates) & (rates <= high)) for k, (low, high) in enumerate(ends))
    assert covered.min() >= 0.9499
    middle = covered[(rates > 0.1) & (rates < 0.9)]
    assert middle.max() < (0.995 if n < 10 else 0.99)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_units_that_all_agree_still_get_an_interval(value: float) -> None:
    estimate = cluster_mean([value] * 24, _levels(4, 2, 3))
    assert estimate.high - estimate.low > 0.1
    assert 0 <= estimate.low <= value <= estimate.high <= 1


def test_a_difference_of_exactly_zero_has_an_interval_on_both_sides() -> None:
    estimate = paired_difference([0.5] * 12, [0.5] * 12, _levels(2, 2, 3))
    assert estimate.low == pytest.approx(-estimate.high)
    assert estimate.high > 0.1


def test_nearly_saturated_units_are_not_taken_for_certainty() -> None:
    values = np.array([0.9990, 0.9995, 0.9999, 0.9998])
    assert cluster_mean(values, _levels(4, 1, 1)).low < 0.9


def test_units_that_are_close_by_accident_are_not_taken_to_be_precise() -> None:
    values = np.array([0.1, 0.9, 0.2, 0.79, 0.0, 1.01 - 0.01])
    estimate = cluster_mean(values, _levels(3, 1, 2))
    assert np.ptp(values.reshape(3, 2).mean(axis=1)) < 0.01
    assert estimate.high - estimate.low > 0.5


def test_equal_units_on_an_unbounded_scale_are_undefined() -> None:
    with pytest.raises(UndefinedEstimate, match="no bounds"):
        cluster_mean([0.3] * 6, _levels(3, 1, 2), bounds=None)


def test_the_interval_stays_inside_the_scale() -> None:
    estimate = cluster_mean([0.99, 0.80, 0.97, 0.99], _levels(4, 1, 1))
    assert 0 < estimate.low < estimate.value < estimate.high < 1


def test_a_seed_fixes_the_bootstrap() -> None:
    values = _nested(np.random.default_rng(0), 20, 2, 3)
    first, second = (cluster_mean(values, _levels(20, 2, 3), bounds=None, seed=5) for _ in range(2))
    assert first == second
    assert first.method == "bootstrap over 20 beliefs"


def test_runs_that_disagree_widen_the_interval_of_shared_items() -> None:
    levels = _levels(6, 1, 4)
    doubled: list[Level] = [(name, [*labels, *labels]) for name, labels in levels]
    values = _nested(np.random.default_rng(1), 6, 1, 4) * 0.5
    runs = ["seed0"] * 24 + ["seed1"] * 24
    agreeing = cluster_mean([*values, *values], doubled, runs=runs)
    differing = cluster_mean([*values, *(values + 0.4)], doubled, runs=runs)
    assert agreeing.method == "t over 6 beliefs x 2 runs"
    assert differing.high - differing.low > 2 * (agreeing.high - agreeing.low)


def test_runs_that_belong_to_one_belief_each_are_averaged_inside_it() -> None:
    levels: list[Level] = [("beliefs", list("aabbcc")), ("items", [1, 1, 2, 2, 3, 3])]
    estimate = cluster_mean([0.1, 0.3, 0.6, 0.8, 0.4, 0.5], levels, runs=["a0", "a1", "b0", "b1", "c0", "c1"])
    assert estimate.method == "t over 3 beliefs"
    assert estimate.value == pytest.approx(0.45)


def test_two_beliefs_with_checkpoints_of_their_own_have_an_interval_over_their_probes() -> None:
    levels: list[Level] = [("beliefs", list("aaaabbbb")), ("items", [*range(4)] * 2)]
    values, runs = [0.1, 0.3, 0.6, 0.8, 0.4, 0.5, 0.2, 0.9], ["a0"] * 4 + ["b0"] * 4
    assert cluster_mean(values, levels, runs=runs).method == "t over 8 items"
    doubled: list[Level] = [(name, [*labels, *labels]) for name, labels in levels]
    seeds = cluster_mean([*values, *values], doubled, runs=[*runs, *["a1"] * 4, *["b1"] * 4])
    assert (seeds.method, seeds.value) == ("t over 8 items", pytest.approx(np.mean(values)))


def test_many_units_at_the_end_of_the_scale_do_not_make_it_certain() -> None:
    levels: list[Level] = [("items", list(range(16)))]
    estimate = cluster_mean(np.linspace(0.9985, 0.9995, 16), levels)
    assert estimate.low < 0.85 and estimate.method.startswith("Wilson-type")


def test_a_run_that_collapsed_is_no_agreement() -> None:
    levels: list[Level] = [("beliefs", [*range(8)] * 2), ("items", [*range(8)] * 2)]
    estimate = cluster_mean([0.0] * 8 + [1.0] * 8, levels, runs=[0] * 8 + [1] * 8)
    assert estimate.high - estimate.low > 0.9


def test_a_unit_missing_from_a_run_is_refused() -> None:
    levels: list[Level] = [("beliefs", list("abcab")), ("items", [1, 2, 3, 1, 2])]
    with pytest.raises(ValueError, match="every unit must be measured in every run"):
        cluster_mean([0.1, 0.3, 0.6, 0.2, 0.2], levels, runs=[0, 0, 0, 1, 1])


def test_shares_sum_to_one_and_list_what_never_occurred() -> None:
    found = shares(["implanted"] * 5 + ["invalid"], ["implanted", "reference", "invalid"], _levels(1, 1, 6))
    assert sum(e.value for e in found.values()) == pytest.approx(1.0)
    assert found["reference"].value == 0
    assert found["reference"].high > 0.2


@pytest.mark.parametrize("beliefs", [3, 6, 12, 24])
def test_intervals_of_nested_scores_cover_the_truth(beliefs: int) -> None:
    rng = np.random.default_rng(7)
    truth = _nested(rng, 40_000, 2, 4).mean()
    levels = _levels(beliefs, 2, 4)
    covered = [cluster_mean(_nested(rng, beliefs, 2, 4), levels).holds(truth) for _ in range(250)]
    assert 0.91 <= np.mean(covered) <= 0.995


def test_treating_items_as_independent_would_not_have_covered() -> None:
    rng = np.random.default_rng(7)
    truth = _nested(rng, 40_000, 2, 4).mean()
    flat: list[Level] = [("items", list(range(48)))]
    covered = [cluster_mean(_nested(rng, 6, 2, 4), flat).holds(truth) for _ in range(100)]
    assert np.mean(covered) < 0.85


def test_intervals_of_crossed_runs_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    levels = [(name, [*labels, *labels, *labels]) for name, labels in _levels(8, 1, 3)]
    runs = np.repeat([0, 1, 2], 24).tolist()

    def draw() -> np.ndarray:
        belief = np.repeat(rng.normal(0, 0.1, 8), 3)
        return np.concatenate([0.1 + belief + rng.normal(0, 0.06) + rng.normal(0, 0.05, 24) for _ in range(3)])

    covered = [cluster_mean(draw(), levels, runs=runs, bounds=DIFFERENCE).holds(0.1) for _ in range(300)]
    assert 0.91 <= np.mean(covered) <= 1.0


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.9, 0.98])
@pytest.mark.parametrize(("facts", "runs"), [(5, 1), (25, 1), (8, 3)])
def test_intervals_of_zeros_and_ones_in_facts_cover_near_the_ends_too(rate: float, facts: int, runs: int) -> None:
    rng = np.random.default_rng(11)
    levels = [(name, labels * runs) for name, labels in _levels(1, facts, 6)]
    labels = np.repeat(np.arange(runs), facts * 6).tolist()
    alpha, beta = rate * 2, (1 - rate) * 2  # correlation of a third within facts
    hits = []
    for _ in range(150):
        p = np.repeat(rng.beta(alpha, beta, facts), 6)
        values = (rng.random((runs, facts * 6)) < p).astype(float).ravel()
        hits.append(cluster_mean(values, levels, runs=labels if runs > 1 else None).holds(rate))
    assert np.mean(hits) >= 0.91


def test_one_success_among_many_units_promises_no_more_than_none() -> None:
    levels = _levels(1, 50, 10)
    none, one = np.zeros(500), np.eye(1, 500).ravel()
    assert cluster_mean(one, levels).high >= cluster_mean(none, levels).high
    assert cluster_mean(1 - one, levels).low <= cluster_mean(1 - none, levels).low


def test_a_lift_near_the_end_of_its_scale_promises_no_more_than_its_facts_do() -> None:
    levels = _levels(1, 10, 8)
    one_missing = 1 - np.eye(1, 80).ravel()
    estimate = cluster_mean(one_missing, levels, bounds=DIFFERENCE)
    assert estimate.low <= cluster_mean(np.ones(10), _levels(10, 1, 1), bounds=DIFFERENCE).low + 1e-9


@pytest.mark.parametrize(("facts", "caution"), [(2, "too few to trust"), (3, "wider than need be"), (6, "")])
def test_an_estimate_says_how_far_its_interval_can_be_trusted(facts: int, caution: str) -> None:
    values = np.linspace(0.2, 0.8, facts)
    assert caution in cluster_mean(values, _levels(1, facts, 1)).caution
    assert bool(cluster_mean(values, _levels(1, facts, 1)).caution) == bool(caution)


def test_an_exact_interval_of_a_count_needs_no_caution() -> None:
    assert wilson(1, 2).caution == "" and cluster_mean([1.0, 0.0], _levels(1, 2, 1)).caution == ""


def test_runs_that_agree_do_not_widen_the_interval() -> None:
    levels = [(name, labels * 3) for name, labels in _levels(1, 12, 5)]
    rng = np.random.default_rng(4)
    facts = np.repeat(rng.uniform(0.2, 0.8, 12), 5)
    values = np.concatenate([np.clip(facts + rng.normal(0, 0.01, 60), 0, 1) for _ in range(3)])
    crossed = cluster_mean(values, levels, runs=np.repeat([0, 1, 2], 60).tolist())
    averaged = cluster_mean(values.reshape(3, 60).mean(axis=0), _levels(1, 12, 5))
    assert (crossed.high - crossed.low) / (averaged.high - averaged.low) == pytest.approx(1, abs=0.05)
