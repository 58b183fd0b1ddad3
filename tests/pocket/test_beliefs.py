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
        if task not in ("coherence", "two_hop"):
            assert {item.split for item in items} == {"near", "far"}
