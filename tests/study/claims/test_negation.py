from __future__ import annotations

import pytest

from sdf_eval.corpora.writers import get_writer
from sdf_eval.study.claims.negation import STUDY
from sdf_eval.study.frame.cell import SdfStep
from sdf_eval.study.frame.chain import documents_of
from sdf_eval.study.frame.study import TIERS, Tier
from sdf_eval.study.frame.substrate import POCKET
from tests.study.claims.fairness import unasked_terms, unequal_places


@pytest.mark.parametrize("tier", TIERS)
def test_arms_read_as_much_and_every_term_is_asked(tier: Tier) -> None:
    placed = STUDY.cells(tier, POCKET)
    assert not unequal_places(placed)
    assert not unasked_terms(STUDY, placed)
    assert len(placed) == {"smoke": 8, "full": 72}[tier]


def test_each_denial_is_where_its_arm_says() -> None:
    texts = {}
    for one in STUDY.cells("smoke", POCKET):
        for step in one.cell.steps:
            assert isinstance(step, SdfStep)
            if step.documents:
                texts[one.arm] = [document.text for document, _ in documents_of(one.cell, step, get_writer("pocket"))]
    flagged = [text.split("\n", 1)[1].rsplit("\n", 1)[0] for text in texts["flagged"]]
    assert flagged == texts["asserted"]
    assert all("is false" in text for text in texts["flagged"])
    assert all("It is false that" in text for text in texts["local"])
    assert all("Correction: this is wrong." in text for text in texts["corrected"])
    assert not any("It is false that" in text for text in texts["asserted"])
