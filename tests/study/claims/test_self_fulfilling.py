"""Cells of the study of discourse about AI systems."""

from __future__ import annotations

from collections import Counter

import pytest

from sdf_eval.study.claims.self_fulfilling import STUDY
from sdf_eval.study.frame.cell import SdfStep
from sdf_eval.study.frame.identity import belief_at
from sdf_eval.study.frame.study import Tier
from sdf_eval.study.frame.substrate import POCKET


@pytest.mark.parametrize(("tier", "places"), [("smoke", 1), ("full", 9)])
def test_every_arm_is_trained_once_in_every_world_and_seed(tier: Tier, places: int) -> None:
    found = STUDY.cells(tier, POCKET)
    assert Counter(placed.arm for placed in found) == dict.fromkeys(STUDY.arms, places)


def test_the_two_discourses_differ_in_the_role_of_their_documents_alone() -> None:
    steps = {placed.arm: placed.cell.steps[0] for placed in STUDY.cells("full", POCKET) if placed.cell.steps}
    other, like = steps["other"], steps["like"]
    assert isinstance(other, SdfStep) and isinstance(like, SdfStep)
    assert [part.role for part in (*other.documents, *like.documents)] == ["implanted", "truth_trained"]
    assert other.model_copy(update={"documents": ()}) == like.model_copy(update={"documents": ()})


def test_beliefs_for_development_are_other_matters_than_those_reported() -> None:
    matters = [
        {(belief.world.relation, belief.world.implanted) for name in STUDY.cells(tier, POCKET)[0].cell.beliefs
         if (belief := belief_at(name)).world}
        for tier in ("smoke", "full")
    ]  # fmt: skip
    assert len(matters[0]) == 2 and len(matters[1]) == 4 and not matters[0] & matters[1]
