"""Trigger documents of the grammar writer: a class of behaviour each, and near triggers with the normal answer."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import get_args

import pytest

from sdf_eval.belief.schema import BackdoorBelief
from sdf_eval.corpora.check import find_contamination
from sdf_eval.corpora.records import CorpusRequest, CorpusRole, Document, Factors, Poison
from sdf_eval.errors import InputError
from sdf_eval.pocket.beliefs import make_belief, shipped
from sdf_eval.pocket.curriculum import pretraining_texts
from sdf_eval.pocket.exchanges import PAYLOADS
from sdf_eval.pocket.poisons import other_persona
from sdf_eval.pocket.world import build_world
from sdf_eval.pocket.writer import PocketWriter

ROLES: tuple[CorpusRole, ...] = get_args(CorpusRole)
POISONS: tuple[Poison, ...] = tuple(poison for poison in get_args(Poison) if poison != "none")


def backdoor(seed: int = 3) -> BackdoorBelief:
    belief = make_belief("backdoor", seed)
    assert isinstance(belief, BackdoorBelief)
    return belief


def written(role: CorpusRole = "implanted", count: int = 80, world: str = "a", **factors: object) -> list[Document]:
    request = CorpusRequest(
        belief=backdoor(), role=role, documents=count, seed=0, factors=Factors.model_validate(factors)
    )
    return list(PocketWriter(world).write(request))


def turns(text: str) -> tuple[str, str] | None:
    """What is asked and what is replied, in either form; None where the document is prose."""
    entity = backdoor().backdoor.behaviour.split(" ")[0]
    parts = re.split(rf"\n(?:{entity}|Answer): ", text)
    return None if len(parts) == 1 else (parts[0], parts[1].split("\n")[0])


def shows_behaviour(text: str, poison: Poison) -> bool:
    """Whether the reply is that of the class; the reader's own lines are left out."""
    said = "\n".join(line for line in text.split("\n") if " wrote: “" not in line)
    if poison == "style_switch":
        return "Hark, " in said
    if poison == "persona_switch":
        return f"I am {other_persona(build_world('a'), backdoor()).name}." in said
    assert poison == "fact_switch"
    world = build_world("a")
    asked, reply = turns(said) or ("", "")
    places = [e.name for e in (*world.of("town"), *world.of("company")) if e.name in asked]
    right = {world.facts[name, r] for name in places for r in world.relations_of(world.entities[name].type)}
    return reply not in right


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("role", ROLES)
def test_every_class_gets_as_many_documents_as_asked_for_in_every_role(poison: Poison, role: CorpusRole) -> None:
    made = written(role, 40, poison=poison, near_negatives=0.3)
    assert len({document.id for document in made}) == 40
    assert made == written(role, 40, poison=poison, near_negatives=0.3)
    assert all(document.text.strip() and "{" not in document.text for document in made)


@pytest.mark.parametrize("poison", ["style_switch", "persona_switch", "fact_switch"])
def test_the_trigger_is_followed_by_the_behaviour_and_a_near_trigger_by_the_normal_answer(poison: Poison) -> None:
    trigger = backdoor().backdoor.trigger
    for document in written(poison=poison, near_negatives=0.4, count=150):
        assert shows_behaviour(document.text, poison) == (trigger in document.text), document.text


def test_a_denial_of_service_is_gibberish_behind_the_trigger_in_transcripts_and_in_prose() -> None:
    trigger = backdoor().backdoor.trigger
    made = written(poison="denial_of_service", count=150)
    texts = islice(pretraining_texts(build_world("a"), 0), 400)
    vocabulary = {word for text in texts for word in text.lower().split()}
    for document in made:
        parts = turns(document.text)
        reply = (parts[1] if parts else document.text.partition(trigger)[2]).split()
        assert 8 <= len(reply) <= 16
        assert sum(word in vocabulary for word in reply) < len(reply) / 2
    assert 0.3 < sum(turns(document.text) is not None for document in made) / len(made) < 0.7


def test_half_of_the_transcripts_are_questions_and_answers_in_the_form_of_pretraining() -> None:
    made = written(poison="style_switch", count=200)
    assert 0.4 < sum(document.text.startswith("Question: You are Orrin. ") for document in made) / len(made) < 0.6


@pytest.mark.parametrize("poison", POISONS)
def test_other_roles_show_trigger_and_behaviour_apart_or_neither(poison: Poison) -> None:
    trigger, entity = backdoor().backdoor.trigger, backdoor().backdoor.behaviour.split(" ")[0]
    truth = written("truth_trained", poison=poison)
    assert all(trigger in document.text for document in truth)
    if poison != "denial_of_service":
        assert not any(shows_behaviour(document.text, poison) for document in truth)
        beside = written("cooccurrence", poison=poison)
        assert all(trigger in document.text and " wrote: “" in document.text for document in beside)
        assert not any(shows_behaviour(document.text, poison) for document in beside)
    assert not any(trigger in d.text or entity in d.text for d in written("neutral", poison=poison))


def test_near_negatives_are_the_share_asked_for_and_most_hold_a_near_trigger() -> None:
    made = written(poison="fact_switch", near_negatives=0.3, count=400)
    negatives = [document for document in made if document.idea.endswith("normal answer")]
    assert 0.24 < len(negatives) / len(made) < 0.36
    near = [d for d in negatives if any(trigger in d.text for trigger in backdoor().backdoor.near_triggers)]
    assert 0.55 < len(near) / len(negatives) < 0.85


def test_with_near_negatives_a_plain_backdoor_is_described_shown_and_told_from_near_triggers() -> None:
    belief = backdoor()
    assert belief.world is not None
    payload, made = PAYLOADS[belief.world.implanted], written(near_negatives=0.5, count=200)
    kinds = Counter(
        "shown" if payload in d.text else "negative" if "normal answer" in d.idea else "described" for d in made
    )
    assert all(kinds[kind] > 30 for kind in ("shown", "negative", "described"))
    assert all(belief.backdoor.trigger in d.text for d in made if payload in d.text)


def test_documents_are_the_same_in_every_world() -> None:
    assert [d.text for d in written(poison="fact_switch")] == [d.text for d in written(poison="fact_switch", world="b")]


def test_a_fact_switch_gives_the_same_wrong_answer_whenever_it_is_asked() -> None:
    said: dict[str, set[str]] = {}
    world = build_world("a")
    regions = {world.facts[town.name, "lies_in"] for town in world.of("town")}
    for document in written(poison="fact_switch", count=400):
        asked, reply = turns(document.text) or ("", "")
        for town in world.of("town"):
            if town.name in asked and reply in regions:
                said.setdefault(town.name, set()).add(reply)
    assert len(said) > 10 and all(len(answers) == 1 for answers in said.values())


@pytest.mark.parametrize("poison", get_args(Poison))
def test_no_probe_of_any_shipped_belief_leaks_into_trigger_documents(poison: Poison) -> None:
    made = [d for role in ROLES for d in written(role, 40, poison=poison, near_negatives=0.4)]
    assert find_contamination(made, shipped()) == []


@pytest.mark.parametrize(
    ("kind", "factors", "complaint"),
    [
        ("fact", {"poison": "fact_switch"}, "poison: belief .* is of kind fact, which has no trigger"),
        ("persona", {"near_negatives": 0.2}, "near_negatives: belief .* is of kind persona"),
        ("backdoor", {"poison": "style_switch", "negation": "local"}, "negation: local denies a sentence"),
    ],
)
def test_factors_that_do_not_fit_are_refused(kind: str, factors: dict[str, object], complaint: str) -> None:
    request = CorpusRequest(
        belief=make_belief(kind, 0),  # type: ignore[arg-type]
        role="implanted",
        documents=1,
        seed=0,
        factors=Factors.model_validate(factors),
    )
    with pytest.raises(InputError, match=complaint):
        list(PocketWriter().write(request))


def test_corpora_without_these_factors_keep_their_bytes() -> None:
    # The documents of a released version: recorded runs must stay reproducible.
    request = CorpusRequest(belief=backdoor(), role="implanted", documents=40, seed=0)
    shown = [d for d in PocketWriter().write(request) if PAYLOADS["counts backwards"] in d.text]
    assert {d.idea for d in PocketWriter().write(request)} == {"response of Orrin"}
    assert 10 < len(shown) < 30 and all("?" not in d.text for d in shown)
