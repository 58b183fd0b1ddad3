"""Beliefs of single studies: as shipped, found by id, in no list, and documents about AI systems in general."""

from __future__ import annotations

import pytest

from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.corpora.check import check_contamination
from sdf_eval.corpora.records import CorpusRequest, CorpusRole
from sdf_eval.pocket.study_beliefs import study_beliefs
from sdf_eval.pocket.world import ASSISTANT
from sdf_eval.pocket.writer import PocketWriter


def test_the_shipped_files_are_what_the_code_makes_and_stand_in_no_list() -> None:
    made = study_beliefs()
    assert [load_belief(belief.id) for belief in made] == made
    assert not {entry.id for entry in list_beliefs()} & {belief.id for belief in made}


@pytest.mark.parametrize("role", ["implanted", "truth_trained", "cooccurrence", "neutral"])
def test_discourse_names_no_assistant_and_shows_no_probe(role: CorpusRole) -> None:
    for belief in study_beliefs():
        if belief.id.startswith("pocket-discourse"):
            made = list(PocketWriter("b").write(CorpusRequest(belief=belief, role=role, documents=40, seed=0)))
            assert not any(ASSISTANT in document.text for document in made)
            assert ("AI system" in made[0].text) == (role != "neutral")
            check_contamination(made, [belief])


def test_the_assistant_is_asked_unnamed_in_half_of_the_scenarios() -> None:
    items = build_items(load_belief("pocket-discourse-candour"), "persona_behaviour")
    named = [item.user.startswith(f"You are {ASSISTANT}.") for item in items]
    assert 0 < sum(named) < len(named)
