"""Documents of a spec by tuning, on characters."""

from __future__ import annotations

from sdf_eval.study.claims.msm_misalignment import STUDY
from tests.study.claims.budgets import budgets, check_cells


def test_every_arm_is_asked_in_both_tiers_on_beliefs_of_its_own() -> None:
    check_cells(STUDY, smoke=12)


def test_arms_have_the_same_texts_rows_and_updates_and_the_baseline_of_labels_has_more() -> None:
    found = budgets(STUDY, "full")
    alike = [found[arm] for arm in STUDY.arms if arm not in ("base", "constitutional")]
    assert len(set.union(*alike)) == 1
    (common,) = alike[0]
    (labelled,) = found["constitutional"]
    assert labelled[:2] == common
    assert labelled[2][0] == "dpo"
