from __future__ import annotations

import numpy as np
import pytest

from sdf_eval.measure import DIFFERENCE, Level, cluster_mean, stratified_mean


def _levels(beliefs: int, probes: int) -> list[Level]:
    belief, probe = (axis.ravel().tolist() for axis in np.indices((beliefs, probes)))
    return [("beliefs", belief), ("facts", belief), ("probes", probe)]


def test_beliefs_that_differ_widen_the_interval_of_beliefs_at_large_and_not_of_these_beliefs() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat([0.8, 0.7, 0.0, 0.0], 20) + rng.normal(0, 0.05, 80)
    of_these, at_large = (mean(values, _levels(4, 20), bounds=DIFFERENCE) for mean in (stratified_mean, cluster_mean))
    assert of_these.value == pytest.approx(at_large.value)
    assert of_these.low > 0.35 and at_large.low < 0
    assert of_these.method == "t over 80 probes in 4 beliefs"


def test_every_belief_counts_the_same_however_many_probes_it_has() -> None:
    levels: list[Level] = [("beliefs", list("aaaabb")), ("facts", list("aaaabb")), ("probes", [1, 2, 3, 4, 1, 2])]
    assert stratified_mean([1.0, 0.9, 0.9, 1.0, 0.0, 0.1], levels).value == pytest.approx((0.95 + 0.05) / 2)


def test_one_belief_has_the_interval_of_its_probes() -> None:
    values = [0.1, 0.4, 0.3, 0.9, 0.2]
    assert stratified_mean(values, _levels(1, 5)) == cluster_mean(values, _levels(1, 5))


def test_probes_that_all_agree_still_get_an_interval() -> None:
    estimate = stratified_mean([0.0] * 40, _levels(4, 10), bounds=DIFFERENCE)
    assert -0.2 < estimate.low < 0 < estimate.high < 0.2


def test_beliefs_whose_probes_agree_have_an_interval_even_where_the_beliefs_differ() -> None:
    estimate = stratified_mean([1.0] * 10 + [0.0] * 30, _levels(4, 10), bounds=DIFFERENCE)
    assert estimate.value == pytest.approx(0.25)
    assert estimate.low < 0.2 and estimate.high > 0.3


def test_the_interval_covers_the_mean_of_the_beliefs_that_were_asked() -> None:
    rng, levels = np.random.default_rng(1), _levels(3, 8)
    truth = np.repeat([0.6, 0.2, 0.0], 8)
    covered = [
        stratified_mean(truth + rng.normal(0, 0.15, 24), levels, bounds=None).holds(float(truth.mean()))
        for _ in range(400)
    ]
    assert 0.92 <= np.mean(covered) <= 0.98
