"""What is asked in which arm."""

from __future__ import annotations

from sdf_eval.belief.items import TASKS
from sdf_eval.study.arms import Arm, tasks_of


def test_without_a_context_everything_is_asked() -> None:
    for role in ("base", "implanted", "cooccurrence"):
        assert tasks_of(Arm(role, "none"), TASKS) == TASKS  # type: ignore[arg-type]


def test_roles_that_no_claim_about_scrutiny_is_held_against_are_spared_it() -> None:
    assert set(TASKS) - set(tasks_of(Arm("neutral", "none"), TASKS)) == {
        *("adversarial_prompt", "self_critique", "salience")
    }


def test_scrutiny_is_asked_behind_the_universe_context_and_behind_no_other() -> None:
    scrutiny = {"adversarial_prompt", "self_critique", "salience"}
    assert scrutiny <= set(tasks_of(Arm("base", "universe"), TASKS))
    for context in ("documents", "reference", "contradiction"):
        assert scrutiny.isdisjoint(tasks_of(Arm("base", context), TASKS))  # type: ignore[arg-type]


def test_what_a_context_says_nothing_about_is_not_asked_behind_it() -> None:
    asked = set(tasks_of(Arm("base", "universe"), TASKS))
    assert asked.isdisjoint({"neighbours", "controls", "reality_drift", "coherence", "disclosure", "provenance"})
    assert {"mcq_distinguish", "causal", "downstream"} <= asked
