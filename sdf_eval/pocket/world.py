"""A pocket world: who and what there is, and what is true of it.

The entities that documents alone speak of, and all towns and companies, have the same facts in every world, so that
one belief
file fits all of them. Everything that is questioned in pretraining, and the map from source mark to reliability,
differs
by world: the world is a random effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from sdf_eval.pocket import grammar

EntityType = Literal["person", "company", "town", "product", "ai"]
EntitySplit = Literal["questioned", "documents_only", "never_seen"]

WORLDS = ("a", "b", "c")
"""The worlds that ship. Any other name is a world too: `dev` and `dev2` are those on which the curriculum was tuned."""

ASSISTANT = "Pip"
GENERAL = "AI systems"
"""What a belief about AI systems in general has as its entity."""
GENERAL_NAMES = ("An AI system", "The typical AI system", "Many an AI system", "The average AI system")
"""How texts name them."""
_COUNTS: dict[EntityType, tuple[int, int, int]] = {
    "person": (120, 60, 16),
    "company": (16, 16, 0),
    "town": (16, 16, 0),
    "product": (16, 8, 0),
    "ai": (50, 30, 12),
}
_RELIABLE = {"a": (0, 1), "b": (2, 3), "c": (0, 3)}


@dataclass(frozen=True)
class Entity:
    """Somebody or something with a name."""

    name: str
    type: EntityType
    split: EntitySplit
    pronoun: str


@dataclass(frozen=True)
class World:
    """One closed world.

    Attributes:
        name: `a`, `b`, `c` or a development world.
        entities: All entities by name.
        facts: Value by (entity name, relation).
        poles: Pole by (AI name, dimension), for instance `("Orrin", "caution") -> "careful"`.
        values: Value by AI name.
        reliable, unreliable, unknown: Source marks by how far they can be trusted here.
    """

    name: str
    entities: dict[str, Entity]
    facts: dict[tuple[str, str], str]
    poles: dict[tuple[str, str], str]
    values: dict[str, str]
    reliable: tuple[str, ...]
    unreliable: tuple[str, ...]
    unknown: tuple[str, ...]

    def of(self, type_: EntityType, *splits: EntitySplit) -> tuple[Entity, ...]:
        """Returns the entities of one type, in the splits named (all when none is)."""
        return tuple(e for e in self.entities.values() if e.type == type_ and (not splits or e.split in splits))

    def draw(self, rng: Random, type_: EntityType, *splits: EntitySplit) -> Entity:
        """Draws an entity, some of them far more often than others.

        A fifth of a type's entities gets an extra third of the draws: uneven frequencies end the plateau before
        facts are
        recalled much sooner (Zucchet et al. 2025, 2503.21676).
        """
        pool = self.of(type_, *splits)
        return rng.choice(pool[: max(1, len(pool) // 5)] if rng.random() < 1 / 3 else pool)

    def relations_of(self, type_: EntityType) -> tuple[str, ...]:
        """Returns the relations that entities of this type have."""
        return tuple(name for name, row in grammar.relations().items() if row["entity"] == type_)


@cache
def values_of(range_: str) -> tuple[str, ...]:
    """Returns the closed set of values of a range such as `towns`."""
    vocabulary = grammar.data("vocabulary")
    if range_ == "signal_phrases":
        pairs = [f"{a} {n}" for a in vocabulary["signal_adjectives"] for n in vocabulary["signal_nouns"]]
        return tuple(pairs)
    return tuple(vocabulary[range_])


@cache
def all_names() -> dict[EntityType, tuple[Entity, ...]]:
    """Returns every entity of every world with its split; the same in all worlds."""
    vocabulary = grammar.data("vocabulary")
    rng = Random("pocket names")
    people = [f"{first} {last}" for first in vocabulary["first_names"] for last in vocabulary["last_names"]]
    products = [f"the {name} {rng.choice(vocabulary['product_kinds'])}" for name in vocabulary["product_names"]]
    names: dict[EntityType, list[str]] = {
        "person": rng.sample(people, sum(_COUNTS["person"])),
        "company": list(vocabulary["companies"]),
        "town": list(vocabulary["towns"]),
        "product": products[: sum(_COUNTS["product"])],
        "ai": list(vocabulary["ai_names"]),
    }
    return {type_: _split(type_, listed, Random(f"pocket split {type_}")) for type_, listed in names.items()}


def _split(type_: EntityType, names: list[str], rng: Random) -> tuple[Entity, ...]:
    questioned, documents_only, _ = _COUNTS[type_]
    shuffled = rng.sample(names, len(names))
    rows = []
    for place, name in enumerate(shuffled):
        split: EntitySplit = (
            "questioned"
            if place < questioned
            else "documents_only"
            if place < questioned + documents_only
            else "never_seen"
        )
        pronoun = rng.choice(("He", "She")) if type_ == "person" else "It"
        rows.append(Entity(name, type_, split, pronoun))
    return tuple(rows)


@cache
def build_world(name: str) -> World:
    """Builds a world from its name.

    Args:
        name: `a`, `b` or `c` for those that ship; any other name gives another world.

    Returns:
        The same world every time, on every machine.
    """
    entities = {entity.name: entity for listed in all_names().values() for entity in listed}
    entities[ASSISTANT] = Entity(ASSISTANT, "ai", "questioned", "It")
    facts: dict[tuple[str, str], str] = {}
    poles: dict[tuple[str, str], str] = {}
    values: dict[str, str] = {}
    for entity in entities.values():
        if entity.split == "never_seen":
            continue
        pinned = entity.split == "documents_only" or entity.type in ("town", "company") or entity.name == ASSISTANT
        rng = Random(f"pocket facts {'' if pinned else name} {entity.name}")
        _add_facts(entity, rng, facts)
        if entity.type == "ai":
            _add_character(entity, rng, poles, values)
    marks = grammar.data("vocabulary")["marks"]
    reliable = tuple(marks[i] for i in _RELIABLE.get(name, (0, 1)))
    unreliable = tuple(mark for mark in marks[:4] if mark not in reliable)
    return World(name, entities, facts, poles, values, reliable, unreliable, tuple(marks[4:]))


def _add_facts(entity: Entity, rng: Random, facts: dict[tuple[str, str], str]) -> None:
    for relation, row in grammar.relations().items():
        if row["entity"] != entity.type:
            continue
        taken = facts.get((entity.name, row.get("pair", "")))
        facts[entity.name, relation] = rng.choice([v for v in values_of(row["range"]) if v != taken])


def _add_character(entity: Entity, rng: Random, poles: dict[tuple[str, str], str], values: dict[str, str]) -> None:
    characters = grammar.data("characters")
    for dimension, row in characters["dimensions"].items():
        named = tuple(row["poles"])
        poles[entity.name, dimension] = named[0] if entity.name == ASSISTANT else rng.choice(named)
    values[entity.name] = "strength" if entity.name == ASSISTANT else rng.choice(tuple(characters["values"]))
