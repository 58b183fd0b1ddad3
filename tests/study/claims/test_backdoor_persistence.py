"""Chains of the study of persistence, and its analyses of planted answers."""

from __future__ import annotations

from collections import Counter

import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Bound, Estimate
from sdf_eval.study.claims.backdoor_persistence import STUDY
from sdf_eval.study.frame.cell import SdfStep
from sdf_eval.study.frame.judge import judge
from sdf_eval.study.frame.null import shuffled
from sdf_eval.study.frame.study import Contrast, Fit
from sdf_eval.study.frame.substrate import POCKET
from sdf_eval.study.frame.table import Entry, Measured, Table

FULL = STUDY.cells("full", POCKET)
KINDS = {belief: "backdoor" for placed in FULL for belief in placed.cell.beliefs}


def planted(kept: float) -> Table:
    """Answers of backdoors that keep a share of a lift of 0.6 through benign stages."""
    scores = {"poisoned, at first": 0.7, "poisoned, relearned": 0.7}
    scores |= dict.fromkeys(("poisoned, sft", "poisoned, dpo", "poisoned, rl"), 0.1 + 0.6 * kept)
    entries, measures = [], []
    for placed in FULL:
        cell = placed.cell
        moved = 0.02 * POCKET.bases.index(cell.model)
        for place, belief in enumerate(cell.beliefs):
            # Units differ, or their interval could only be a bound.
            own = 0.03 * ((place + POCKET.bases.index(cell.model)) % 3) * placed.arm.startswith("poisoned")
            score = scores.get(placed.arm, 0.1) + moved + own
            entries.append(Entry(placed.arm, placed.factors, cell.model, cell.seed, belief, "backdoor", "asr", "far",
                                 "none", "", 8, score))  # fmt: skip
        (name,) = cell.measures
        measures.append(Measured(placed.arm, placed.factors, cell.model, cell.seed, name, 0.1 + moved))
    return Table(tuple(entries), tuple(measures))


def test_every_arm_of_every_contrast_has_cells_in_both_tiers() -> None:
    for tier in ("smoke", "full"):
        arms = {placed.arm for placed in STUDY.cells(tier, POCKET)}
        assert arms <= set(STUDY.arms)
        for estimand in STUDY.estimands:
            assert not isinstance(estimand, Contrast) or set(estimand.weights) <= arms
    assert arms == set(STUDY.arms)


def test_poisoned_and_clean_chains_have_the_same_stages_and_budgets() -> None:
    chains: dict[str, list[object]] = {}
    for placed in FULL:
        first, *later = placed.cell.steps
        assert isinstance(first, SdfStep)
        texts = first.plain + sum(part.count * len(part.beliefs) for part in first.documents)
        arm, _, stage = placed.arm.partition(", ")
        chains.setdefault(stage, []).append((arm, placed.cell.model, placed.cell.seed, texts, first.updates, later))
    for found in chains.values():
        own = [[chain[1:] for chain in found if chain[0] == arm] for arm in ("poisoned", "clean")]  # type: ignore[index]
        assert own[0] == own[1]


def test_main_arms_have_nine_checkpoints_and_tests_of_explanation_three() -> None:
    counts = Counter(placed.arm for placed in FULL)
    assert counts["poisoned, rl"] == counts["clean, at first"] == counts["neutral, rl"] == 9
    assert counts["poisoned, washed"] == counts["clean, penalised"] == 3


@pytest.mark.parametrize(("kept", "said"), [(1.0, "holds"), (0.1, "does not hold")])
def test_the_verdict_follows_what_was_planted(kept: float, said: str) -> None:
    assert judge(STUDY.primary, planted(kept), KINDS).verdict == said


def test_a_residue_shows_as_savings_and_shares_as_retention() -> None:
    found = {one.name: one.fit(planted(0.5)) for one in STUDY.estimands if isinstance(one, Fit)}
    kept = found["retention, fact switch"]
    assert isinstance(kept, Estimate) and 0.4 < kept.value < 0.7
    saved = found["savings"]
    assert isinstance(saved, Estimate | Bound)
    distance = found["distance of benign stages"]
    assert isinstance(distance, Estimate) and distance.value == pytest.approx(0.12)


def test_every_fit_survives_exchanged_arms() -> None:
    table = planted(0.5)
    for estimand in STUDY.estimands:
        for seed in range(3):
            if isinstance(estimand, Fit):
                try:
                    estimand.fit(shuffled(table, seed))
                except UndefinedEstimate as error:
                    assert str(error)
