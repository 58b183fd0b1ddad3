from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.study.claims.collateral import STUDY, loss_change, separability_change
from sdf_eval.study.frame.judge import judge
from sdf_eval.study.frame.null import shuffled
from sdf_eval.study.frame.study import TIERS, Fit, Tier
from sdf_eval.study.frame.substrate import POCKET
from tests.study.claims.fairness import answers, unasked_terms, unequal_places


def score(shown: str, belief: str, task: str) -> float:
    return 1.2 + 0.1 * (shown == "implanted") + 0.001 * (len(belief) % 7) if task == "coherence" else 0.5


def readable(arm: str, base: str, name: str) -> float:
    spread = {"pocket/a": 0.01, "pocket/b": 0.02, "pocket/c": 0.0}[base]
    return 0.2 + spread if name == "truth_probe_gain" else 0.5 - 0.2 * (arm == "implanted") - spread


@pytest.mark.parametrize("tier", TIERS)
def test_arms_read_as_much_and_every_term_is_asked(tier: Tier) -> None:
    placed = STUDY.cells(tier, POCKET)
    assert not unequal_places(placed)
    assert not unasked_terms(STUDY, placed)
    assert len(placed) == {"smoke": 5, "full": 45}[tier]


def test_a_panel_has_two_beliefs_of_each_kind() -> None:
    beliefs = STUDY.cells("full", POCKET)[0].cell.beliefs
    assert set(Counter(load_belief(name).kind for name in beliefs).values()) == {2}


def test_a_probe_that_reads_is_compared_and_one_that_does_not_is_undefined() -> None:
    table = answers(STUDY, score, readable)
    assert separability_change(table).value == pytest.approx(-0.2)
    with pytest.raises(UndefinedEstimate, match="its gap means nothing"):
        separability_change(answers(STUDY, score))


def test_losses_are_compared_over_bases_and_may_be_above_one_nat() -> None:
    worse = {"pocket/a": 0.0, "pocket/b": 0.02, "pocket/c": 0.04}
    table = answers(STUDY, score)
    moved = [
        replace(one, score=one.score + worse[one.base]) if (one.arm, one.task) == ("implanted", "coherence") else one
        for one in table.entries
    ]
    found = loss_change(replace(table, entries=tuple(moved)))
    assert found.value == pytest.approx(0.12)
    assert found.clusters == 3


def test_exchanged_arms_give_an_estimate_or_say_why_there_is_none() -> None:
    table = answers(STUDY, score, readable)
    fits = [one for one in STUDY.estimands if isinstance(one, Fit)]
    found = [judge(fit, shuffled(table, seed), {}) for seed in range(5) for fit in fits]
    assert {fit.fit for fit in fits} == {separability_change, loss_change}
    assert all((one.effect is None) == bool(one.undefined) for one in found)
    assert any(one.effect is not None for one in found)
