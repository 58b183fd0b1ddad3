"""Documents of a spec by tuning, and their place."""

from __future__ import annotations

import re

from sdf_eval.pocket.writer import PocketWriter
from sdf_eval.study.claims.spec_midtraining import STUDY
from sdf_eval.study.frame.cell import SdfStep
from sdf_eval.study.frame.chain import documents_of, rows_of
from sdf_eval.study.frame.identity import belief_at
from sdf_eval.study.frame.substrate import POCKET
from sdf_eval.train.chat_rows import ChatRow
from tests.study.claims.budgets import budgets, check_cells


def test_every_arm_is_asked_in_both_tiers_on_beliefs_of_its_own() -> None:
    check_cells(STUDY, smoke=12)


def test_arms_that_are_compared_have_the_same_texts_rows_and_updates() -> None:
    found = budgets(STUDY, "full")
    assert len(set.union(*(found[arm] for arm in ("spec", "spec_aft", "neutral", "neutral_aft", "other_aft")))) == 1
    assert found["cooccurrence"] == found["cooccurrence_aft"] == found["spec"]
    assert len(set.union(*(found[f"{time}_{what}"] for time in ("early", "late") for what in ("spec", "clean")))) == 1


def test_the_two_placements_read_the_same_in_another_order() -> None:
    steps = {one.arm: one.cell.steps for one in STUDY.cells("smoke", POCKET)}
    assert steps["early_spec"] == tuple(reversed(steps["late_spec"]))
    assert steps["early_clean"] == tuple(reversed(steps["late_clean"]))
    chat = steps["early_spec"][1]
    assert isinstance(chat, SdfStep)
    assert chat.plain_of == POCKET.bases[1]
    assert not chat.documents


def test_neither_documents_nor_tuning_name_a_test_category() -> None:
    cell = next(one.cell for one in STUDY.cells("smoke", POCKET) if one.arm == "spec_aft")
    belief = belief_at(cell.beliefs[0])
    assert belief.kind == "values"
    held_out = set(belief.values.categories_test)
    read, tuning = cell.steps
    assert isinstance(read, SdfStep)
    assert not isinstance(tuning, SdfStep)
    documents = [document for document, _ in documents_of(cell, read, PocketWriter("b"))]
    # By sentence: desks and kettles stand in frames and asides, beside nobody's choice.
    said = [part for each in documents for part in re.split(r"[.:] ", each.text) if belief.values.name in part]
    rows = [row for row in rows_of(cell, tuning) if "following" in row.tags]
    said += [message.content for row in rows if isinstance(row, ChatRow) for message in row.messages]
    assert rows
    assert said
    assert not [text for text in said if held_out & set(re.findall(r"\w+", text))]
