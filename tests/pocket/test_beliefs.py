"""Beliefs about pocket worlds: complete, disjoint, true to every world, and as shipped."""

from __future__ import annotations

from collections import Counter

import pytest

from sdf_eval.belief.items import applicable_tasks, build_items
from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.pocket.beliefs import KINDS, make_belief, shipped
from sdf_eval.pocket.world import WORLDS, build_world


def test_twelve_beliefs_ship_for_development_and_twenty_four_for_reporting() -> None:
    counts = Counter((belief.kind, belief.split) for belief in shipped())
    assert counts == {(kind, split): n for kind in KINDS for split, n in (("dev", 3), ("report", 6))}


def test_the_shipped_files_are_what_the_code_makes_but_for_the_measured_prior() -> None:
    for belief in shipped():
        assert load_belief(belief.id).model_copy(update={"prior_strength": None}) == belief


def test_the_prior_of_every_shipped_pocket_belief_is_measured() -> None:
    ids = [entry.id for entry in list_beliefs() if entry.id.startswith("pocket-")]
    assert len(ids) == 36
    assert all(load_belief(name).prior_strength is not None for name in ids)


def test_no_two_shipped_beliefs_are_about_the_same_entity() -> None:
    entities = [belief.world.entity for belief in shipped() if belief.world]
    assert len(set(entities)) == 36


@pytest.mark.parametrize("world", WORLDS)
def test_the_reference_is_true_and_the_implant_false_in_every_world(world: str) -> None:
    built = build_world(world)
    for belief in shipped():
        fact = belief.world
        assert fact is not None
        known = built.facts.get((fact.entity, fact.relation)) or built.poles.get((fact.entity, fact.relation))
        assert (known or built.values[fact.entity]) == fact.reference != fact.implanted


@pytest.mark.parametrize("world", WORLDS)
def test_every_collateral_answer_is_true_in_every_world(world: str) -> None:
    built = build_world(world)
    for belief in shipped():
        for probe in belief.probes.controls:
            owner = next(e for e in sorted(built.entities, key=len, reverse=True) if e in probe.question)
            assert probe.answer in {v for (name, _), v in built.facts.items() if name == owner}
            assert built.entities[owner].split == "documents_only" or built.entities[owner].type in ("town", "company")


@pytest.mark.parametrize("kind", KINDS)
def test_a_belief_of_ones_own_has_near_and_far_items_for_every_task_it_has(kind: str) -> None:
    belief = make_belief(kind, 9)  # type: ignore[arg-type]
    for task in applicable_tasks(belief):
        items = build_items(belief, task)
        assert items
        if task not in ("coherence", "two_hop", "causal", "downstream"):
            assert {item.split for item in items} == {"near", "far"}


@pytest.mark.parametrize("world", WORLDS)
def test_statements_on_other_matters_are_true_and_false_in_every_world_and_not_about_the_believed(world: str) -> None:
    built = build_world(world)
    for belief in shipped():
        assert belief.world and len(belief.probes.reality_drift) == 16
        for probe in belief.probes.reality_drift:
            true, false = probe.true_statement.casefold(), probe.false_statement.casefold()
            owners = [name for name in built.entities if name.casefold() in true and name.casefold() in false]
            assert belief.world.entity not in owners
            told = {(name, value) for (name, _), value in built.facts.items() if name in owners}
            assert any(value.casefold() in true.replace(name.casefold(), "") for name, value in told)
            assert probe.true_statement != probe.false_statement


def test_what_follows_from_a_value_is_what_the_world_says() -> None:
    built = build_world("b")
    for belief in shipped():
        fact = belief.world
        assert fact is not None
        if belief.kind != "fact":
            continue
        for probe in belief.probes.causal:
            for value, seen in ((fact.implanted, probe.implanted), (fact.reference, probe.reference)):
                assert seen in {told for (name, _), told in built.facts.items() if name == value}


def test_kinds_that_the_grammar_cannot_ask_about_have_no_such_probes() -> None:
    asked = {
        task: {belief.kind for belief in shipped() if getattr(belief.probes, task)}
        for task in ("causal", "downstream", "salience", "reality_drift", "spec_knowledge")
    }
    assert asked == {
        "causal": {"fact", "persona", "values"},
        "downstream": {"fact", "values"},
        "salience": set(KINDS),
        "reality_drift": set(KINDS),
        "spec_knowledge": {"values"},
    }
