"""Terms of a contrast that are asked other things than the rest, and prefaces between context and question."""

from __future__ import annotations

import pytest

from sdf_eval.errors import InputError
from sdf_eval.study.frame.cell import Ask, Cell
from sdf_eval.study.frame.execute import items_of
from sdf_eval.study.frame.judge import differences_of
from sdf_eval.study.frame.null import planted
from sdf_eval.study.frame.study import Contrast, Part
from sdf_eval.study.frame.table import Entry, Table

BELIEF = "pocket-fact-linna-brand-lives-in"
FALL = Contrast(
    "fall",
    "",
    {"x": 1, "x@universe#asked twice": -1},
    ("cloze",),
    0.1,
    parts={"asked twice": Part(("two_hop",), preface="again")},
)


def entry(score: float, task: str, context: str = "none", preface: str = "") -> Entry:
    return Entry("x", {}, "a", 0, BELIEF, task, "", "far", context, preface, 4, score)


TABLE = Table((entry(0.9, "cloze"), entry(0.2, "two_hop", "universe", "again"), entry(0.7, "two_hop", "universe")))


def asked(**others: object) -> list[str]:
    ask = Ask.model_validate({"tasks": ("mcq_knowledge",), **others})
    return [item.user for item in items_of(Cell(model="pocket/b", beliefs=(BELIEF,)), ask)]


def test_a_term_may_have_tasks_and_a_preface_of_its_own() -> None:
    assert differences_of(FALL, TABLE, {}).values == pytest.approx((0.7,))


def test_an_effect_is_planted_in_the_terms_that_count_alone() -> None:
    moved = planted(TABLE, FALL, 0.05)
    assert [one.score for one in moved.entries] == pytest.approx([0.95, 0.2, 0.7])


def test_a_preface_stands_between_the_context_and_the_question() -> None:
    plain, behind = asked(context="universe"), asked(context="universe", preface="Think twice.")
    for before, after in zip(plain, behind, strict=True):
        passage, _, question = before.rpartition("\n\n")
        assert after == f"{passage}\n\nThink twice.\n\n{question}"


def test_a_preface_may_be_the_passage_of_another_context() -> None:
    assert asked(preface="@contradiction") == asked(context="contradiction")
    (first, *_) = asked(context="universe", preface="@contradiction")
    denial = asked(context="contradiction")[0]
    assert first.endswith(denial) and len(first) > len(denial)


def test_a_preface_of_an_unknown_context_is_one_line() -> None:
    with pytest.raises(InputError, match="preface: @denial: no such context"):
        asked(preface="@denial")
