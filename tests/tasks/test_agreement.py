"""The labelled answers that ship, and how the rules read them."""

from __future__ import annotations

from collections import Counter

import pytest

from sdf_eval.tasks.agreement import OUTCOMES, agreement, labelled_answers, rule_agreement


def test_two_hundred_answers_are_labelled_and_both_halves_hold_every_label() -> None:
    rows = labelled_answers()
    assert len(rows) >= 200 and len({row.item.id for row in rows}) == len(rows)
    for half in ("tuning", "held_out"):
        assert {row.label for row in rows if row.half == half} == set(OUTCOMES)
    assert min(Counter(row.item.fact for row in rows).values()) >= 25


def test_the_rules_agree_with_the_half_that_they_were_not_tuned_on() -> None:
    found = rule_agreement("held_out")
    print(found)
    assert found.n == 105 and found.kappa > 0.9
    assert min(found.recall.values()) > 0.9


def test_kappa_is_nought_for_a_reader_that_always_says_the_same() -> None:
    labels = [row.label for row in labelled_answers()]
    found = agreement(labels, ["implanted"] * len(labels))
    assert found.kappa == pytest.approx(0)
    assert found.recall["implanted"] == 1 and found.recall["reference"] == 0
    assert found.agreed == found.counts["implanted"] / found.n


def test_agreement_is_per_label_and_perfect_where_all_agree() -> None:
    found = agreement(["implanted", "reference", "other"], ["implanted", "reference", "other"])
    assert (found.kappa, found.agreed, found.n) == (1, 1, 3)
    assert agreement(["other"], ["other"]).kappa != agreement(["other"], ["other"]).kappa
