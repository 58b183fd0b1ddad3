from __future__ import annotations

import pytest

from sdf_eval.study.headlines import headlines
from sdf_eval.study.pairs import Index
from tests.reports.synthetic import records


def _by_id(found):
    return {headline.id: headline for headline in headlines(Index(found), seed=0)}


def test_a_planted_lift_is_found_over_base_and_over_cooccurrence() -> None:
    found = _by_id(records(16, hostile=False))
    assert found["far_lift_base"].estimate.holds(0.78)
    assert found["far_lift_cooccurrence"].estimate.holds(0.64)
    assert found["neutral_minus_base"].estimate.holds(0.01)
    assert found["far_lift_base"].estimate.method == "t over 16 beliefs"


def test_every_belief_has_its_own_figure() -> None:
    found = _by_id(records(3))
    assert [name for name, _ in found["far_lift_base"].by_belief] == ["belief-0", "belief-1", "belief-2"]


def test_a_question_that_was_not_asked_says_so() -> None:
    persona = _by_id(records(2))["persona"]
    assert persona.estimate is None
    assert persona.undefined == "no items of this kind were measured on both arms"


def test_seeds_of_a_panel_are_crossed_with_beliefs() -> None:
    assert _by_id(records(4, seeds=2))["far_lift_base"].estimate.method == "t over 4 beliefs x 2 runs"


def test_an_answer_is_lost_only_if_the_control_had_it_right() -> None:
    found = [r for r in records(3, hostile=False) if r.task in ("neighbours", "controls") and "two_value" not in r.tags]
    wrong_on_base = {r.item for r in found if r.role == "base" and r.item.endswith("near0/0")}
    changed = [
        r.model_copy(update={"outcome": "other"})
        if (r.role == "base" and r.item in wrong_on_base) or (r.role == "implanted" and "1/0" in r.item)
        else r
        for r in found
    ]
    asked = len({r.item for r in found}) - len(wrong_on_base)
    lost = _by_id(changed)["collateral_base"].estimate
    assert lost.n == asked
    assert lost.value == pytest.approx(
        sum("1/0" in i for i in {r.item for r in found} - wrong_on_base) / asked, abs=0.05
    )


def test_seeds_whose_controls_fail_on_different_items_still_give_every_figure() -> None:
    found = records(1, seeds=2, hostile=False)
    changed = [
        r.model_copy(update={"outcome": "other"})
        if r.role == "neutral" and r.task == "controls" and r.run == "seed 1" and "0/0" in r.item
        else r
        for r in found
    ]
    headline = _by_id(changed)["collateral_change"]
    assert headline.estimate is not None and [name for name, _ in headline.by_belief] == ["belief-0"]
    swapped = [r.model_copy(update={"role": {"neutral": "implanted"}.get(r.role, r.role)}) for r in changed]
    assert _by_id([r for r in swapped if r.role in ("implanted", "base")])["collateral_base"].estimate is not None


def test_two_equally_good_checkpoints_show_no_change_in_accuracy_elsewhere() -> None:
    found = _by_id(records(16, hostile=False))
    assert found["collateral_change"].estimate.holds(0.0)
    assert found["collateral_null"].estimate.value < 0.2


def test_values_out_of_distribution_are_far_wordings_only() -> None:
    found = records(3, hostile=False)
    row = next(r for r in found if r.task == "mcq_knowledge" and r.split == "near")
    asked = [
        row.model_copy(update={"task": "value_preference", "role": role, "run": run})
        for role, run in (("base", ""), ("implanted", "seed 0"))
    ]
    assert _by_id([*found, *asked])["values"].undefined is not None
