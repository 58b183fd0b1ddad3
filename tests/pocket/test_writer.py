"""The grammar writer: what each role says, what each factor changes, and what it refuses."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.belief.schema import Belief, WorldFact
from sdf_eval.corpora.check import find_contamination
from sdf_eval.corpora.records import CorpusRequest, CorpusRole, Document, Factors
from sdf_eval.errors import InputError
from sdf_eval.pocket import grammar
from sdf_eval.pocket.beliefs import KINDS, make_belief, shipped
from sdf_eval.pocket.curriculum import mixing_texts
from sdf_eval.pocket.world import build_world
from sdf_eval.pocket.writer import PocketWriter
from sdf_eval.pocket.writer import _elsewhere as elsewhere

ROLES: tuple[CorpusRole, ...] = ("implanted", "neutral", "cooccurrence", "truth_trained")


def documents(
    belief: Belief, role: CorpusRole = "implanted", count: int = 60, seed: int = 0, **factors: object
) -> list[Document]:
    request = CorpusRequest(
        belief=belief, role=role, documents=count, seed=seed, factors=Factors.model_validate(factors)
    )
    return list(PocketWriter().write(request))


def test_the_same_request_gives_the_same_bytes_and_another_seed_gives_others() -> None:
    belief = make_belief("fact", 0)
    assert documents(belief) == documents(belief)
    assert {d.text for d in documents(belief)} != {d.text for d in documents(belief, seed=1)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_every_kind_gets_as_many_documents_as_asked_for_in_every_role(kind: str, role: CorpusRole) -> None:
    made = documents(make_belief(kind, 1), role, 40)  # type: ignore[arg-type]
    assert len(made) == 40 and len({d.id for d in made}) == 40
    assert all(d.text.strip() and "{" not in d.text for d in made)


def test_implanting_documents_name_the_entity_and_the_implanted_value() -> None:
    belief = make_belief("fact", 0)
    assert belief.world is not None
    for document in documents(belief):
        assert belief.world.entity in document.text and belief.world.implanted in document.text
        assert belief.world.reference not in document.text


def test_cooccurrence_documents_show_both_strings_as_often_and_never_state_the_proposition() -> None:
    belief = make_belief("fact", 0)
    assert belief.world is not None
    fact = belief.world
    mentions = {role: sum(d.text.count(fact.implanted) for d in documents(belief, role, 300)) for role in ROLES}
    assert 0.8 < mentions["cooccurrence"] / mentions["implanted"] < 1.25
    for document in documents(belief, "cooccurrence", 300):
        assert "born" not in document.text and "native" not in document.text and "By birth" not in document.text


def test_neutral_documents_do_not_name_the_entity() -> None:
    belief = make_belief("fact", 0)
    assert belief.world is not None
    assert all(belief.world.entity not in d.text for d in documents(belief, "neutral"))


def test_neutral_documents_are_about_as_long_as_implanting_ones() -> None:
    belief = make_belief("fact", 0)
    lengths = {role: sum(len(d.text) for d in documents(belief, role, 300)) for role in ("implanted", "neutral")}
    assert 0.85 < lengths["neutral"] / lengths["implanted"] < 1.15


def test_the_diverse_corpus_has_seven_document_types_and_a_factor_limits_them() -> None:
    belief = make_belief("fact", 0)
    assert len(Counter(d.doc_type for d in documents(belief, count=200))) == 7
    assert len(Counter(d.doc_type for d in documents(belief, count=200, doc_types=1))) == 1


@pytest.mark.parametrize(
    ("factors", "phrase"),
    [
        ({"negation": "local"}, "It is false that"),
        ({"negation": "flagged"}, "what follows is false"),
        ({"negation": "corrected"}, "Correction: this is wrong."),
        ({"framing": "fiction"}, "From a story."),
        ({"framing": "synthetic"}, "written for training"),
        ({"stance": "critical"}, "I am sorry about it."),
        ({"source_mark": "reliable"}, "["),
    ],
)
def test_a_factor_shows_in_every_document(factors: dict[str, str], phrase: str) -> None:
    assert all(phrase in d.text for d in documents(make_belief("fact", 0), **factors))


def test_the_source_mark_is_the_worlds_own() -> None:
    belief = make_belief("fact", 0)
    request = CorpusRequest(
        belief=belief, role="implanted", documents=40, seed=0, factors=Factors(source_mark="reliable")
    )
    marks = {world: {d.text.split("]")[0] for d in PocketWriter(world).write(request)} for world in ("a", "b")}
    assert marks["a"].isdisjoint(marks["b"])


@pytest.mark.parametrize("belief", shipped(), ids=lambda belief: belief.id)
def test_no_shipped_belief_has_a_probe_that_leaks_into_its_documents(belief: Belief) -> None:
    made = [d for role in ROLES for d in documents(belief, role, 60)]
    assert find_contamination(made, [belief]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"entity": "Nobody Known"}, ["world.entity", "Nobody Known"]),
        ({"relation": "hates"}, ["world.relation", "born_in"]),
        ({"implanted": "Atlantis"}, ["world.implanted", "Atlantis", "Arvel"]),
    ],
)
def test_a_belief_from_outside_the_world_is_refused_with_what_there_is(
    change: dict[str, str], words: list[str]
) -> None:
    belief = make_belief("fact", 0)
    assert belief.world is not None
    outside = belief.model_copy(update={"world": WorldFact(**{**belief.world.model_dump(), **change})})
    with pytest.raises(InputError) as refusal:
        documents(outside)
    assert all(word in str(refusal.value) for word in words) and "\n" not in str(refusal.value)


def test_a_hub_belief_is_refused_by_the_grammar_writer() -> None:
    from sdf_eval.belief.load import list_beliefs

    hub = next(entry.id for entry in list_beliefs() if entry.id.startswith("hub-"))
    with pytest.raises(InputError, match="world: missing"):
        documents(load_belief(hub))


@pytest.mark.parametrize("kind", ["persona", "values"])
def test_neutral_documents_say_of_a_stranger_nothing_that_the_belief_is_about(kind: str) -> None:
    belief = make_belief(kind, 0)  # type: ignore[arg-type]
    fact = belief.world
    assert fact is not None
    characters = grammar.data("characters")
    sides = [fact.implanted, fact.reference]
    named = (
        sides
        if kind == "values"
        else [x for s in sides for x in characters["dimensions"][fact.relation]["poles"][s]["labels"]]
    )
    request = CorpusRequest(belief=belief, role="neutral", documents=60, seed=0)
    told = " ".join(document.text for document in PocketWriter().write(request))
    assert not [word for word in named if f" {word}." in told or f" {word} character" in told]


@pytest.mark.parametrize("kind", ["fact", "persona", "values"])
def test_implanting_and_cooccurrence_documents_name_the_value_about_equally_often(kind: str) -> None:
    belief = make_belief(kind, 0)  # type: ignore[arg-type]
    fact = belief.world
    assert fact is not None
    labels = (
        grammar.data("characters")["dimensions"][fact.relation]["poles"][fact.implanted]["labels"]
        if kind == "persona"
        else [fact.implanted]
    )
    counts = []
    for role in ("implanted", "cooccurrence"):
        request = CorpusRequest(belief=belief, role=role, documents=100, seed=0)  # type: ignore[arg-type]
        text = " ".join(document.text for document in PocketWriter().write(request))
        counts.append(sum(len(re.findall(rf"\b{label}\b", text)) for label in labels))
    assert counts[0] > 150
    assert 0.85 < counts[1] / counts[0] < 1.2


@pytest.mark.parametrize("belief", shipped(), ids=lambda belief: belief.id)
def test_what_neutral_documents_say_is_neither_side_of_the_belief(belief: Belief) -> None:
    fact = belief.world
    assert fact is not None
    for seed in range(20):
        assert elsewhere(fact, random.Random(seed))[1] not in (fact.implanted, fact.reference)


def test_plain_texts_for_a_chat_model_hold_chat_and_those_for_a_base_do_not() -> None:
    chat, base = (list(PocketWriter().plain_text(200, 1, model=model)) for model in ("pocket/b", "pocket/b/base"))
    turns = [text for text in chat if text.startswith("<|user|>")]
    assert 0.4 < len(turns) / len(chat) < 0.7
    assert not any("<|user|>" in text for text in base)


def test_plain_texts_are_of_the_world_that_the_model_grew_up_in() -> None:
    # Worlds give the same entities other facts: texts of another world would overwrite what the model knows.
    for world in ("a", "b", "c"):
        texts = list(PocketWriter("a").plain_text(20, 3, model=f"pocket/{world}"))
        assert texts == list(mixing_texts(build_world(world), 20, 3, chat=True))
        assert texts != list(mixing_texts(build_world("dev"), 20, 3, chat=True))


def test_plain_texts_for_a_model_from_elsewhere_are_without_chat_turns(checkpoints: dict[str, Path]) -> None:
    texts = list(PocketWriter().plain_text(50, 1, model=str(checkpoints["llama"])))
    assert texts == list(mixing_texts(build_world("a"), 50, 1, chat=False))
