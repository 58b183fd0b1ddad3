from __future__ import annotations

import pytest

from sdf_eval.corpora.writers import get_writer
from sdf_eval.study.claims.document_diversity import STUDY
from sdf_eval.study.frame.cell import SdfStep
from sdf_eval.study.frame.chain import documents_of
from sdf_eval.study.frame.judge import differences_of
from sdf_eval.study.frame.study import TIERS, Contrast, Tier
from sdf_eval.study.frame.substrate import POCKET
from tests.study.claims.fairness import answers, unasked_terms, unequal_places

INDIRECT = ("two_hop", "causal", "downstream")


@pytest.mark.parametrize("tier", TIERS)
def test_arms_read_as_much_and_every_term_is_asked(tier: Tier) -> None:
    placed = STUDY.cells(tier, POCKET)
    assert not unequal_places(placed)
    assert not unasked_terms(STUDY, placed)
    assert len(placed) == {"smoke": 8, "full": 72}[tier]


def test_one_frame_is_one_format_and_many_are_many() -> None:
    types = {}
    for one in STUDY.cells("smoke", POCKET):
        for step in one.cell.steps:
            assert isinstance(step, SdfStep)
            if step.documents:
                found = [document for document, _ in documents_of(one.cell, step, get_writer("pocket"))]
                types[one.arm] = {document.doc_type for document in found}
    assert len(types["many"]) == len(types["cooccurrence"]) == 7
    assert types["one_type"] == types["one_frame"] == types["cooccurrence_one_frame"] == {"memo"}


def test_a_gain_on_indirect_questions_alone_is_found_as_such() -> None:
    def score(shown: str, belief: str, task: str) -> float:
        return 0.1 + 0.6 * (shown in ("many", "one_frame")) - 0.2 * (shown == "one_frame" and task in INDIRECT)

    table = answers(STUDY, score)
    found = {
        one.name: differences_of(one, table, {}).estimate().value
        for one in STUDY.estimands
        if isinstance(one, Contrast)
    }
    assert found["diversity on indirect questions"] == pytest.approx(0.2)
    assert found["more than on direct questions"] == pytest.approx(0.2)
    assert found["diversity on direct questions"] == pytest.approx(0.0)
