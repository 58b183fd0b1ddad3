from __future__ import annotations

import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.study.claims.context_vs_weights import STUDY, share_kept
from sdf_eval.study.frame.judge import differences_of, judge
from sdf_eval.study.frame.null import shuffled
from sdf_eval.study.frame.study import TIERS, Contrast, Fit, Tier
from sdf_eval.study.frame.substrate import POCKET
from tests.study.claims.fairness import answers, unasked_terms, unequal_places

SCRUTINY = ("adversarial_prompt", "self_critique")


def collapsing(shown: str, belief: str, task: str) -> float:
    """The prompted belief falls from 0.9 to 0.3, the implanted one from 0.8 to 0.7; controls stay at 0.1."""
    spread = 0.02 * (len(belief) % 5)
    levels = {"base@universe": (0.9, 0.3), "implanted": (0.8, 0.7)}
    plain, scrutinised = levels.get(shown, (0.1, 0.1))
    return (scrutinised if task in SCRUTINY else plain) - spread * (task in SCRUTINY)


@pytest.mark.parametrize("tier", TIERS)
def test_arms_read_as_much_and_every_term_is_asked(tier: Tier) -> None:
    placed = STUDY.cells(tier, POCKET)
    assert not unequal_places(placed)
    assert not unasked_terms(STUDY, placed)
    assert len(placed) == {"smoke": 5, "full": 45}[tier]


def test_the_criterion_is_the_difference_of_two_falls() -> None:
    first = STUDY.primary
    assert isinstance(first, Contrast)
    assert sum(first.weights.values()) == 0
    found = differences_of(first, answers(STUDY, collapsing), {})
    assert found.estimate().value == pytest.approx(0.6 - 0.1, abs=0.01)


def test_both_beliefs_are_prompted_or_implanted_never_both() -> None:
    for one in STUDY.cells("full", POCKET):
        assert not one.cell.steps or all(ask.context == "none" for ask in one.cell.asks)


def test_the_share_kept_is_that_of_the_lift_over_each_ones_control() -> None:
    found = share_kept(answers(STUDY, collapsing))
    assert found.value == pytest.approx(6 / 7 - 2 / 8, abs=0.03)
    assert found.low > 0


def test_a_share_of_no_lift_is_undefined() -> None:
    with pytest.raises(UndefinedEstimate, match="share kept"):
        share_kept(answers(STUDY, lambda shown, belief, task: 0.2))


def test_exchanged_arms_give_an_estimate_or_say_why_there_is_none() -> None:
    table = answers(STUDY, collapsing)
    (fit,) = (one for one in STUDY.estimands if isinstance(one, Fit))
    found = [judge(fit, shuffled(table, seed), {}) for seed in range(5)]
    assert fit.fit is share_kept
    assert all((one.effect is None) == bool(one.undefined) for one in found)
