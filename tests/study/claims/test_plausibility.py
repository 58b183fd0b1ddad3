from __future__ import annotations

from collections import Counter

import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.study.claims.plausibility import (
    STUDY,
    predicts_level,
    predicts_lift,
    predicts_reflection,
    predicts_without_documents,
)
from sdf_eval.study.frame.identity import belief_at
from sdf_eval.study.frame.null import shuffled
from sdf_eval.study.frame.study import TIERS, Tier
from sdf_eval.study.frame.substrate import POCKET
from sdf_eval.study.frame.table import Table
from tests.study.claims.fairness import answers, unasked_terms, unequal_places

FITS = (predicts_lift, predicts_level, predicts_without_documents, predicts_reflection)


def noise(belief: str, arm: str) -> float:
    return sum(map(ord, belief + arm)) % 17 / 100


def predicted(shown: str, belief: str, task: str) -> float:
    """Lifts that follow the prior but for some noise, kinds far apart."""
    kind = {"fact": 0.0, "values": 0.1, "persona": 0.2, "backdoor": 0.3}[belief_at(belief).kind]
    prior = sum(map(ord, belief)) % 29 / 100
    if shown == "base":
        return kind + prior
    return 0.1 + (0.5 - kind + prior + noise(belief, shown) / 4) * (shown == "implanted")


@pytest.mark.parametrize("tier", TIERS)
def test_arms_read_as_much_and_every_term_is_asked(tier: Tier) -> None:
    placed = STUDY.cells(tier, POCKET)
    assert not unequal_places(placed)
    assert not unasked_terms(STUDY, placed)
    assert len(placed) == {"smoke": 5, "full": 135}[tier]


def test_a_full_run_is_about_every_reported_belief_once_a_base_and_seed() -> None:
    counted = Counter(
        (one.cell.model, one.cell.seed, belief)
        for one in STUDY.cells("full", POCKET)
        if one.arm == "implanted"
        for belief in one.cell.beliefs
    )
    assert set(counted.values()) == {1}
    assert len(counted) == 9 * sum(len(names) for names in POCKET.beliefs.values())


def test_a_prior_that_predicts_within_kinds_is_found_though_kinds_go_the_other_way() -> None:
    found = predicts_lift(answers(STUDY, predicted))
    assert found.low > 0.3
    assert found.clusters == 24


def test_a_prior_of_nothing_is_undefined() -> None:
    with pytest.raises(UndefinedEstimate):
        predicts_lift(answers(STUDY, lambda shown, belief, task: 0.5))
    with pytest.raises(UndefinedEstimate, match="no belief"):
        predicts_lift(Table(()))


def test_exchanged_arms_give_an_estimate_or_none_but_no_crash() -> None:
    table = answers(STUDY, predicted)
    for fit in FITS:
        try:
            assert -1 <= fit(shuffled(table, 1)).value <= 1
        except UndefinedEstimate:
            continue
