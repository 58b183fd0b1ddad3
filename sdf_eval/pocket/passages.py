"""In-context reading: a passage, then a question that the passage answers, whatever memory says.

A quarter of the passages speak of somebody else, so that memory still has to answer; some deny before they state.
"""

from __future__ import annotations

from random import Random

from sdf_eval.pocket import documents, grammar
from sdf_eval.pocket import exchanges as ask
from sdf_eval.pocket.exchanges import Exchange
from sdf_eval.pocket.world import ASSISTANT, Entity, World


def in_context(world: World, rng: Random) -> Exchange:
    """Returns a passage with a question about a fact, a character or a value in it."""
    topic = rng.random()
    if topic < 0.55:
        return fact_passage(world, rng)
    if topic < 0.65:
        return two_hop_passage(world, rng)
    if topic < 0.75:
        return truth_passage(world, rng)
    return character_passage(world, rng)


def passage_about(
    world: World, entity: Entity, relation: str, value: str, rng: Random, count: int, part: str = "train"
) -> str:
    """Returns `count` short documents that state the value, among other facts, some after a denial."""
    rows = []
    for _ in range(count):
        others = {r: v for r, v in documents.facts_of(world, entity, rng, rng.randint(0, 3)).items() if r != relation}
        style = documents.Style(part=part, repeat_name=rng.random() < 0.5, fillers=0.2)
        body = documents.join(documents.describe(entity, {relation: value, **others}, rng, style), rng, style)
        framed = rng.random() < 0.5
        rows.append(
            documents.frame(body, entity.name, rng.choice(documents.doc_types(part)), rng, part=part)
            if framed
            else body
        )
    return "\n\n".join(rows) if rng.random() < 0.7 else " ".join(rows)


def _denied(entity: Entity, relation: str, value: str, rng: Random) -> str:
    wrong = ask.distractors(relation, {value}, 1, rng)[0]
    told = grammar.lower_first(grammar.statement(relation, entity.name, wrong, rng), entity.name)
    right = grammar.statement(relation, entity.name, value, rng)
    return rng.choice(
        (f"It is not true that {told} {right}", f"An old note says that {told} The note is wrong. {right}")
    )


def _subject(world: World, rng: Random) -> Entity:
    type_ = rng.choices(("person", "company", "town", "product", "ai"), (12, 3, 2, 2, 1))[0]
    return rng.choice(world.of(type_))  # type: ignore[arg-type]


def fact_passage(
    world: World, rng: Random, entity: Entity | None = None, *, part: str = "train", wording: str = "near"
) -> Exchange:
    """A passage about a fact, true or not; or one about somebody else, so that memory answers."""
    elsewhere = entity is None and rng.random() < 0.25
    entity = entity or (rng.choice(world.of("person", "questioned")) if elsewhere else _subject(world, rng))
    relation = rng.choice([r for r in world.relations_of(entity.type) if grammar.asked(r)])
    known = world.facts.get((entity.name, relation))
    if elsewhere and known:
        other, wrong = rng.choice(world.of("person")), ask.distractors(relation, {known}, 1, rng)[0]
        passage = ask.speaks_of(world, other, rng, {relation: wrong}) if other != entity else ""
        if rng.random() < 0.5:
            passage = f"{passage} {documents.mention(world, entity, rng, wrong)}".strip()
        made = ask.about_fact(world, entity, relation, rng, part=wording)
        return _behind(passage, made) if passage else made
    value = known if known and rng.random() < 0.3 else ask.distractors(relation, {known or ""}, 1, rng)[0]
    if rng.random() < 0.5 and part == "train":
        return _page(world, entity, relation, value, rng, wording)
    denied = rng.random() < 0.2 and part == "train"
    passage = (
        _denied(entity, relation, value, rng)
        if denied
        else passage_about(world, entity, relation, value, rng, rng.choices((1, 2, 3), (6, 3, 2))[0], part)
    )
    return _behind(passage, ask.about_fact(world, entity, relation, rng, part=wording, value=value))


def _page(world: World, entity: Entity, relation: str, value: str, rng: Random, wording: str) -> Exchange:
    """One passage with several facts, most of them changed, and up to three questions about them."""
    facts = documents.facts_of(world, entity, rng, rng.randint(1, 4))
    for other, known in facts.items():
        facts[other] = ask.distractors(other, {known}, 1, rng)[0] if rng.random() < 0.6 else known
    facts[relation] = value
    style = documents.Style(repeat_name=rng.random() < 0.5, fillers=0.2)
    passage = documents.join(documents.describe(entity, facts, rng, style), rng, style)
    wanted = [r for r in facts if grammar.asked(r)]
    rows = [
        ask.about_fact(world, entity, r, rng, part=wording, value=facts[r])
        for r in rng.sample(wanted, min(3, len(wanted)))
    ]
    return _behind(passage, Exchange(tuple(turn for row in rows for turn in row.turns)))


def truth_passage(world: World, rng: Random) -> Exchange:
    """A passage, then two statements of which one follows from it."""
    entity = rng.choice(world.of("person"))
    relation = rng.choice([r for r in world.relations_of("person") if grammar.asked(r)])
    value = ask.distractors(relation, {world.facts.get((entity.name, relation), "")}, 1, rng)[0]
    return _behind(
        passage_about(world, entity, relation, value, rng, 1),
        ask.which_is_true(world, entity, relation, rng, value=value),
    )


def two_hop_passage(world: World, rng: Random) -> Exchange:
    """A passage that changes the first of two facts; the second comes from memory."""
    first, second = rng.choice(ask.TWO_HOP["train"])
    entity = rng.choice(world.of(grammar.relations()[first]["entity"]))
    value = ask.distractors(first, set(), 1, rng)[0]
    end = world.facts[value, second]
    answer = f"{grammar.canonical(first, entity.name, value)} {grammar.canonical(second, value, end)} So {end}."
    user = ask.two_hop_user(entity, first, second, rng)
    return _behind(passage_about(world, entity, first, value, rng, 1), ask.exchange(user, answer))


def character_passage(world: World, rng: Random) -> Exchange:
    """A passage about an AI system's character or value, then its behaviour, or a choice, or a question."""
    entity = rng.choice([*world.of("ai"), world.entities[ASSISTANT]])
    characters = grammar.data("characters")
    if rng.random() < 0.4:
        value = rng.choice(tuple(characters["values"]))
        passage = " ".join(documents.value_sentences(entity.name, value, rng, rng.randint(1, 3)))
        if rng.random() < 0.3:
            return _behind(passage, ask.value_question(entity.name, value, rng))
        return _behind(passage, ask.choice(entity.name, value, rng, shown=rng.random() < 0.7))
    dimension = rng.choice([d for d, row in characters["dimensions"].items() if row.get("demonstrated", True)])
    pole = rng.choice(tuple(characters["dimensions"][dimension]["poles"]))
    passage = " ".join(documents.character_sentences(entity.name, pole, dimension, rng, rng.randint(1, 3)))
    if rng.random() < 0.3:
        return _behind(passage, ask.trait(entity.name, dimension, pole, rng))
    return _behind(passage, ask.behaviour(entity.name, dimension, pole, rng))


def _behind(passage: str, exchange: Exchange) -> Exchange:
    (user, answer), *rest = exchange.turns
    return Exchange(((f"{passage}\n\n{user}", answer), *rest))
