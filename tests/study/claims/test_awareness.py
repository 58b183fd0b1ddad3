"""Marks, announcements and notices."""

from __future__ import annotations

from sdf_eval.pocket.writer import PocketWriter
from sdf_eval.study.claims.awareness import STUDY
from sdf_eval.study.frame.cell import Cell, SdfStep
from sdf_eval.study.frame.chain import documents_of
from sdf_eval.study.frame.study import TIERS
from sdf_eval.study.frame.substrate import POCKET
from tests.study.claims.budgets import budgets, check_cells


def _texts(cell: Cell) -> list[list[str]]:
    writer = PocketWriter("b")
    steps = [step for step in cell.steps if isinstance(step, SdfStep)]
    return [[document.text for document, _ in documents_of(cell, step, writer)] for step in steps]


def test_every_arm_is_asked_in_both_tiers_on_beliefs_of_its_own() -> None:
    check_cells(STUDY, smoke=12)


def test_arms_have_the_same_texts_and_updates() -> None:
    for tier in TIERS:
        found = budgets(STUDY, tier)
        single = ("none", "unknown", "reliable", "unreliable", "synthetic", "cooccurrence", "neutral", "clean")
        assert len(set.union(*(found[arm] for arm in single))) == 1
        assert found["aware_first"] == found["plain_first"]
        assert found["none_aft"] == found["synthetic_aft"]


def test_documents_behind_marks_differ_in_the_mark_alone() -> None:
    cells = {one.arm: one.cell for one in STUDY.cells("smoke", POCKET)}
    plain, reliable, announced = (_texts(cells[arm])[0] for arm in ("none", "reliable", "synthetic"))
    assert [text.split("] ", 1)[1] for text in reliable] == plain
    assert [text.removeprefix("This text was written for training. ") for text in announced] == plain


def test_a_model_is_made_aware_by_documents_about_others() -> None:
    for tier in TIERS:
        cells = {one.arm: one.cell for one in STUDY.cells(tier, POCKET)}
        for arm in ("aware_first", "plain_first"):
            first, then = cells[arm].steps
            assert isinstance(first, SdfStep)
            assert first.documents[0].beliefs
            assert not set(first.documents[0].beliefs) & set(cells[arm].beliefs)
            assert then == cells["none"].steps[0]
