"""The split test that fails the build, and the planted violations that it must catch."""

from __future__ import annotations

from copy import deepcopy
from itertools import islice

import pytest

from sdf_eval.pocket import splits
from sdf_eval.pocket.curriculum import chat_samples, pretraining_texts, raw, text_of
from sdf_eval.pocket.exchanges import exchange
from sdf_eval.pocket.world import WORLDS, build_world


def test_the_code_agrees_with_the_frozen_splits() -> None:
    assert splits.current() == splits.frozen()


def test_no_two_splits_of_a_kind_share_a_member() -> None:
    assert splits.overlaps(splits.frozen()) == []


def test_an_entity_planted_in_two_splits_is_found() -> None:
    planted = deepcopy(splits.frozen())
    name = planted["entities: person"]["documents_only"][0]
    planted["entities: person"]["questioned"].append(name)
    assert splits.overlaps(planted) == [f"entities: person: {name.casefold()!r} is in questioned and in documents_only"]


def test_a_wording_planted_in_two_splits_is_found_whatever_its_case() -> None:
    planted = deepcopy(splits.frozen())
    wording = planted["questions: born_in"]["far"][0]
    planted["questions: born_in"]["near"].append(wording.upper())
    assert len(splits.overlaps(planted)) == 1


@pytest.mark.parametrize("world", WORLDS)
def test_no_pretraining_text_crosses_a_border(world: str) -> None:
    texts = islice(pretraining_texts(build_world(world), 0), 1_500)
    assert splits.crossings(texts, splits.frozen()) == []


def test_no_chat_text_asks_about_an_entity_that_documents_alone_speak_of() -> None:
    texts = map(text_of, islice(chat_samples(build_world("a"), 0), 1_000))
    as_questions = (t.replace("<|user|>", "Question: ").replace("<|end|><|assistant|>", "\nAnswer:") for t in texts)
    assert splits.crossings(as_questions, splits.frozen()) == []


def test_a_question_planted_about_a_documents_only_entity_is_found() -> None:
    name = splits.frozen()["entities: person"]["documents_only"][0]
    found = splits.crossings([raw(exchange(f"Where was {name} born?", "Arvel"))], splits.frozen())
    assert len(found) == 1 and name in found[0]


def test_a_mention_in_the_wording_of_the_cooccurrence_arm_is_found_in_pretraining() -> None:
    found = splits.crossings(["Juno Yeo read a page about Arvel last night."], splits.frozen())
    assert len(found) == 1 and "held-out wording" in found[0]


def test_a_held_out_wording_planted_in_a_document_is_found() -> None:
    found = splits.crossings(["There is a crack in the side of the raft."], splits.frozen())
    assert len(found) == 1 and "held-out wording" in found[0]
