"""Effects over several figures or prefaces, and on log odds."""

from __future__ import annotations

import math

import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.study.frame.table import Entry, Table
from sdf_eval.study.frame.terms import Term, log_odds, total

TASKS = ("provenance",)


def _entry(arm: str, score: float, *, belief: str = "one", figure: str = "", preface: str = "") -> Entry:
    return Entry(arm, {}, "pocket/a", 0, belief, TASKS[0], figure, "far", "none", preface, n=4, score=score)


def test_a_total_takes_each_term_from_its_figure_and_preface() -> None:
    table = Table(
        (
            _entry("taught", 0.9, figure="tag:implanted"),
            _entry("taught", 0.2, figure="tag:genuine"),
            _entry("taught", 0.1),
            _entry("taught", 0.6, preface="Told."),
        )
    )
    figures = total([Term(1, "taught", TASKS, "tag:implanted"), Term(-1, "taught", TASKS, "tag:genuine")])
    assert figures(table).value == pytest.approx(0.7)
    prefaces = total([Term(1, "taught", TASKS, preface="Told."), Term(-1, "taught", TASKS)])
    assert prefaces(table).value == pytest.approx(0.5)


def test_a_total_counts_only_beliefs_that_have_all_terms() -> None:
    table = Table((_entry("a", 0.8), _entry("b", 0.5), _entry("a", 0.0, belief="two")))
    assert total([Term(1, "a", TASKS), Term(-1, "b", TASKS)])(table).value == pytest.approx(0.3)


def test_arms_without_a_common_belief_give_no_estimate() -> None:
    table = Table((_entry("a", 0.8), _entry("b", 0.5, belief="two")))
    for effect in (total, log_odds):
        with pytest.raises(UndefinedEstimate):
            effect([Term(1, "a", TASKS), Term(-1, "b", TASKS)])(table)


def test_on_log_odds_equal_ratios_near_the_ceiling_and_in_the_middle_do_not_interact() -> None:
    def moved(odds: float, factor: float) -> float:
        changed = math.exp(odds) * factor
        # The room that the scale keeps at its ends, undone.
        return (changed * 1.02 - 0.02) / (1 + changed)

    rows = []
    for belief, base in (("one", 0.0), ("two", 0.4)):
        for arm, start in (("both", 1.5), ("read", 1.5), ("tuned", 0.0), ("neither", 0.0)):
            factor = math.e if arm in ("both", "tuned") else 1.0
            rows.append(_entry(arm, moved(base + start, factor), belief=belief))
    weights = {"both": 1, "read": -1, "tuned": -1, "neither": 1}
    terms = [Term(weight, arm, TASKS) for arm, weight in weights.items()]
    assert total(terms)(Table(tuple(rows))).value < -0.01
    noisy = Table((*rows, *(_entry(arm, 0.5 + 0.1 * (arm == "both"), belief="three") for arm in weights)))
    assert log_odds(terms)(noisy).value == pytest.approx(math.log(0.62 / 0.42) / 3)
