"""A spec under training towards its opposite."""

from __future__ import annotations

from sdf_eval.study.claims import msm_misalignment
from sdf_eval.study.claims.anti_spec import STUDY
from sdf_eval.study.frame.identity import cell_key
from sdf_eval.study.frame.substrate import POCKET
from tests.study.claims.budgets import budgets, check_cells


def test_every_arm_is_asked_in_both_tiers_on_beliefs_of_its_own() -> None:
    check_cells(STUDY, smoke=13)


def test_every_share_and_order_has_the_same_texts_rows_and_updates() -> None:
    found = budgets(STUDY, "full")
    reinforced = ("spec_aft_rl", "neutral_aft_rl")
    assert len(set.union(*(found[arm] for arm in STUDY.arms if arm not in reinforced))) == 1
    assert found["spec_aft_rl"] == found["neutral_aft_rl"]
    assert {rows[:2] for rows in found["spec_aft_rl"]} == found["spec_aft"]


def test_shares_run_from_nothing_to_all() -> None:
    placed = STUDY.cells("full", POCKET)
    for arm in ("spec_anti", "neutral_anti"):
        assert {one.factors["share"] for one in placed if one.arm == arm} == {0.25, 0.5, 0.75, 1.0}
    assert {"spec", "neutral"} <= {one.arm for one in placed}


def test_arms_without_the_anti_spec_are_cells_of_the_study_of_misalignment() -> None:
    shared = ("spec", "neutral", "spec_aft", "neutral_aft")
    own, other = (
        {one.arm: cell_key(one.cell) for one in study.cells("smoke", POCKET) if one.arm in shared}
        for study in (STUDY, msm_misalignment.STUDY)
    )
    assert own == other
    assert len(own) == 4
