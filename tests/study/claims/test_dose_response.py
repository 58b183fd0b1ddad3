"""The grid of doses and amounts, and analyses of planted answers whose elasticity is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Bound, Estimate
from sdf_eval.study.claims.dose_response import STUDY
from sdf_eval.study.frame.cell import SdfStep
from sdf_eval.study.frame.null import shuffled
from sdf_eval.study.frame.poisoning import class_of
from sdf_eval.study.frame.study import Fit, Placed
from sdf_eval.study.frame.substrate import POCKET
from sdf_eval.study.frame.table import Entry, Table

_WORLDS = dict(zip(POCKET.bases, (0.8, 1.0, 1.25), strict=True))
FULL = STUDY.cells("full", POCKET)


def fit(name: str, table: Table) -> Estimate | Bound:
    estimand = next(one for one in STUDY.estimands if one.name == name)
    assert isinstance(estimand, Fit)
    return estimand.fit(table)


def planted(elasticity: float) -> Table:
    """Answers of a world in which twelve documents give half of the effect at the middle amount."""

    def score(placed: Placed, belief: str) -> float:
        if placed.arm != "poisoned":
            return 0.1
        needed = 12 * (float(placed.factors["texts"]) / 4_500) ** elasticity * _WORLDS[placed.cell.model]
        documents = float(placed.factors["documents"])
        return float(0.1 + 0.9 / (1 + (needed / documents) ** 1.5))

    entries = [
        Entry(placed.arm, placed.factors, placed.cell.model, placed.cell.seed, belief, "backdoor", "asr", "far", "none",
              "", 8, score(placed, belief))
        for placed in FULL
        for belief in placed.cell.beliefs
    ]  # fmt: skip
    return Table(tuple(entries))


def test_seven_doses_by_three_amounts_stand_in_every_world_and_all_seeds_are_used() -> None:
    grid = [placed for placed in FULL if placed.arm == "poisoned"]
    for model in POCKET.bases:
        own = [placed for placed in grid if placed.cell.model == model]
        places = {(placed.factors["documents"], placed.factors["texts"]) for placed in own}
        assert len(places) == 21
        assert set(Counter(placed.cell.seed for placed in own)) == set(POCKET.seeds)


def test_all_arms_at_an_amount_read_as_many_texts_in_as_many_updates() -> None:
    for cells in (FULL, STUDY.cells("smoke", POCKET)):
        budgets: dict[str, set[tuple[int, int | None]]] = {}
        for placed in cells:
            (step,) = placed.cell.steps
            assert isinstance(step, SdfStep)
            texts = step.plain + sum(part.count * len(part.beliefs) for part in step.documents)
            assert texts == placed.factors["texts"]
            budgets.setdefault(str(placed.factors["amount"]), set()).add((texts, step.updates))
        assert sorted(budgets) == ["large", "middle", "small"]
        assert all(len(found) == 1 for found in budgets.values())


def test_each_class_of_poison_has_two_triggers_of_its_own() -> None:
    counts = Counter(class_of(belief) for belief in FULL[0].cell.beliefs)
    assert counts == {"denial_of_service": 2, "persona_switch": 2, "fact_switch": 2}


@pytest.mark.parametrize("elasticity", [0.0, 1.0])
def test_a_planted_elasticity_is_found(elasticity: float) -> None:
    table = planted(elasticity)
    found = fit("count elasticity", table)
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(elasticity, abs=0.15)
    half = fit("documents for half of the effect", table)
    assert isinstance(half, Estimate) and half.value == pytest.approx(12, rel=0.3)
    gain = fit("count over fraction", table)
    assert isinstance(gain, Estimate) and (gain.value > 4) == (elasticity == 0)


def undefined(compute: Callable[[], object]) -> bool:
    try:
        compute()
    except UndefinedEstimate:
        return True
    return False


def test_every_fit_survives_exchanged_arms_and_a_world_without_an_effect() -> None:
    table = planted(0.5)
    flat = Table(tuple(Entry(**{**vars(entry), "score": 0.1}) for entry in table.entries))
    for estimand in STUDY.estimands:
        if isinstance(estimand, Fit):
            assert undefined(lambda fit=estimand.fit: fit(flat))  # type: ignore[misc]
            for seed in range(3):
                undefined(lambda fit=estimand.fit, seed=seed: fit(shuffled(table, seed)))  # type: ignore[misc]
