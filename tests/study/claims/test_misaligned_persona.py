"""Cells of the study of personas."""

from __future__ import annotations

from collections import Counter

import pytest

from sdf_eval.study.claims.misaligned_persona import STUDY
from sdf_eval.study.frame.cell import SdfStep
from sdf_eval.study.frame.study import Tier
from sdf_eval.study.frame.substrate import POCKET


@pytest.mark.parametrize(("tier", "places"), [("smoke", 1), ("full", 9)])
def test_every_arm_is_trained_once_in_every_world_and_seed(tier: Tier, places: int) -> None:
    found = STUDY.cells(tier, POCKET)
    assert Counter(placed.arm for placed in found) == dict.fromkeys(STUDY.arms, places)
    assert len({(placed.arm, placed.cell.model, placed.cell.seed) for placed in found}) == len(found)


def test_all_trained_arms_read_as_many_texts_in_as_many_updates() -> None:
    budgets = set()
    for placed in STUDY.cells("full", POCKET):
        for step in placed.cell.steps:
            assert isinstance(step, SdfStep)
            documents = sum(part.count for part in step.documents) * len(placed.cell.beliefs)
            budgets.add((documents + step.plain, step.updates))
    assert len(budgets) == 1


def test_the_assistant_itself_is_one_of_the_personas_of_a_full_panel() -> None:
    assert "pocket-persona-pip-deference" in STUDY.cells("full", POCKET)[0].cell.beliefs
