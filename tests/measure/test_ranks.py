from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.ranks import rank_correlation


def test_one_stratum_gives_spearmans_correlation() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=20)
    y = x + rng.normal(size=20)
    found = rank_correlation(x, y, list(range(20)))
    assert found.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.low < found.value < found.high <= 1


def test_strata_that_go_the_other_way_do_not_show() -> None:
    rng = np.random.default_rng(1)
    kind = np.repeat([0, 10, 20], 8)
    x = kind + rng.normal(size=24)
    y = x - 2 * kind + 0.3 * rng.normal(size=24)
    assert rank_correlation(x, y, list(range(24))).value < 0
    assert rank_correlation(x, y, list(range(24)), strata=kind.tolist()).low > 0


def test_runs_of_the_same_units_do_not_shorten_the_interval_as_new_units_would() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=12), rng.normal(size=12)
    once = rank_correlation(x, y, list(range(12)))
    runs = np.repeat(range(3), 12).tolist()
    thrice = rank_correlation(np.tile(x, 3), np.tile(y, 3), list(range(12)) * 3, strata=runs, runs=runs)
    assert thrice.value == pytest.approx(once.value)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low)


def test_no_correlation_is_seldom_taken_for_one() -> None:
    rng = np.random.default_rng(3)
    strata = np.repeat(range(4), 6).tolist()
    found = [
        rank_correlation(rng.normal(size=24), rng.normal(size=24), list(range(24)), strata=strata) for _ in range(200)
    ]
    assert sum(not one.holds(0.0) for one in found) <= 20


@pytest.mark.parametrize(
    ("x", "y"),
    [(range(4), range(4)), ([1] * 8, range(8)), (range(8), range(8))],
    ids=["few units", "no spread", "one order"],
)
def test_what_has_no_interval_is_undefined(x: list[int], y: list[int]) -> None:
    with pytest.raises(UndefinedEstimate, match="rank correlation"):
        rank_correlation(list(x), list(y), list(range(len(x))))
