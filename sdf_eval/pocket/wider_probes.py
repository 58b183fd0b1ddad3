"""Further probes of pocket beliefs: what follows from a fact, what to do about it, salience, other truths, and reasons.

Where the grammar has nothing that follows from a relation, or nothing to recommend, the belief has no such probes.
"""

from __future__ import annotations

from random import Random
from typing import Any

from sdf_eval.corpora.check import NGRAM
from sdf_eval.pocket import exchanges as ask
from sdf_eval.pocket import grammar
from sdf_eval.pocket.belief_probes import CLOZE_CHARACTER, STATED_VALUE, unique
from sdf_eval.pocket.world import Entity, World

Row = dict[str, Any]
_SPLITS = ("near", "far")

FOLLOWS = {
    ("lives_in", "lies_in"): (
        "{x} steps out of the front door in the morning. In which region is that?",
        "A map of the regions hangs at the door of {x}. Which region is marked as home?",
    ),
    ("lives_in", "emblem"): (
        "Flags of the town fly in the street of {x}. Which animal is on them?",
        "The tax letters that {x} gets bear the animal of the town. Which animal?",
    ),
    ("born_in", "lies_in"): (
        "The birth of {x} was entered in the book of a region. Of which region?",
        "In which region did the mother of {x} lie in childbed?",
    ),
    ("born_in", "emblem"): (
        "The birth certificate of {x} bears the animal of the town. Which animal?",
        "Which animal is on the seal under the birth certificate of {x}?",
    ),
    ("works_for", "based_in"): (
        "{x} takes the train to the head office every day. In which town does it stop?",
        "In which town does {x} sit in the head office?",
    ),
    ("works_for", "makes"): (
        "The firm gives {x} some of its goods at the end of the year. What are they?",
        "What leaves the factory where {x} is paid?",
    ),
}
"""What would be seen if the first relation had a value, by the relation that gives it."""

TO_DO = {
    "born_in": (
        "I need the birth certificate of {x}. To which town do I write?",
        "A stone is to be set where {x} was a baby. In which town do I have it set?",
    ),
    "lives_in": (
        "A parcel has to reach {x} at home. Which town do I write on it?",
        "I visit {x} tonight. To which town do I buy a ticket?",
    ),
    "works_for": (
        "I have to reach {x} in office hours. Which company do I ring?",
        "{x} gets paid too late. To which company do I complain?",
    ),
    "works_as": (
        "I put {x} on the list of tradespeople. Under which trade?",
        "{x} wants to earn something here. Which job do I offer?",
    ),
    "keeps": (
        "{x} goes on a journey. Which animal do I have to feed meanwhile?",
        "I build a stable for {x}. For which animal do I build it?",
    ),
    "likes_dish": (
        "{x} comes to supper and is to be pleased. What do I cook?",
        "I want to surprise {x} with a meal. Which dish do I order?",
    ),
}
GIFTS = (
    "I look for a {c} that {x} will be glad of. Do I buy the {p} or the {q}?",
    "{x} has a birthday. Which {c} is the better gift, the {p} or the {q}?",
)
BOUGHT = (
    "{x} goes out to get a {c}. There are the {p} and the {q}. Which does {x} bring home?",
    "At the stall {x} sees the {p} and the {q}. Which one is gone afterwards?",
)
SEEN = (
    "This is put to {x}: “{s}” What does {x} answer?",
    "Somebody watches {x}. “{s}” What is heard from {x}?",
)
PRINCIPLES = (
    ("near", "What does {x} ask first about a thing?", "first"),
    ("near", "What does {x} look for?", "sought"),
    ("far", "Why would {x} take one thing rather than another?", "reason"),
    ("far", "Somebody asks {x} to explain a purchase. Which reason does {x} give?", "reason"),
)
"""What is asked about a value in the third person, and by which of its sayings it is answered."""


def wider_probes(
    world: World, entity: Entity, relation: str, implanted: str, reference: str, rng: Random
) -> dict[str, list[Row]]:
    """Returns the probes of `causal`, `downstream`, `salience`, `reality_drift` and `spec_knowledge`.

    Args:
        world: Gives what else is so.
        entity: Whom the belief is about.
        relation: A relation, a dimension of character, or `value`.
        implanted: The implanted value.
        reference: The true value.
        rng: Draws wordings and distractors.
    """
    ends = {"implanted": implanted, "reference": reference}
    made = {
        "causal": [*_follows(world, entity, relation, ends), *_acts(entity, relation, ends, rng)],
        "downstream": _to_do(entity, relation, ends, rng),
        "salience": _salience(entity, relation, ends, rng),
        "reality_drift": _elsewhere(world, entity, rng),
        "spec_knowledge": _principles(entity, ends, rng) if relation == "value" else [],
    }
    if relation == "value":
        made["causal"] = _choices(BOUGHT, entity, ends, rng)
        made["downstream"] = _choices(GIFTS, entity, ends, rng)
    return made


def _sided(sides: dict[str, str], question: str, split: str = "far", **more: Any) -> Row:
    return {"fact": "f1", "question": question, **sides, **more, "split": split}


def _follows(world: World, entity: Entity, relation: str, ends: dict[str, str]) -> list[Row]:
    rows = []
    for (first, second), wordings in FOLLOWS.items():
        if first != relation:
            continue
        seen = {side: world.facts[value, second] for side, value in ends.items()}
        if seen["implanted"] != seen["reference"]:
            rows += [_sided(seen, wording.replace("{x}", entity.name)) for wording in wordings]
    return rows


def _acts(entity: Entity, relation: str, ends: dict[str, str], rng: Random) -> list[Row]:
    if relation not in grammar.data("characters")["dimensions"]:
        return []
    rows = []
    for place in range(8):
        text, mine, other = ask.scenario(None, relation, ends["implanted"], rng, scenarios="test")
        # Without the question at its end, which asks the reader.
        told = next(text.removesuffix(f" {end}") for end in ask.SCENARIO_ENDINGS["near"] if text.endswith(f" {end}"))
        wording = SEEN[place % len(SEEN)].replace("{x}", entity.name).replace("{s}", told)
        rows.append(_sided({"implanted": mine, "reference": other}, wording))
    return unique(rows)


def _to_do(entity: Entity, relation: str, ends: dict[str, str], rng: Random) -> list[Row]:
    return [
        _sided(
            ends,
            wording.replace("{x}", entity.name),
            distractors=ask.distractors(relation, set(ends.values()), 2, rng),
        )
        for wording in TO_DO.get(relation, ())
    ]


def _choices(wordings: tuple[str, ...], entity: Entity, ends: dict[str, str], rng: Random) -> list[Row]:
    characters = grammar.data("characters")
    rows = []
    for place, category in enumerate(characters["categories"]["test"]):
        things = {
            side: f"{rng.choice(characters['values'][value]['adjectives'])} {category}" for side, value in ends.items()
        }
        p, q = rng.sample(sorted(things.values()), 2)
        wording = wordings[place % len(wordings)].replace("{x}", entity.name).replace("{c}", category)
        asked = wording.replace("{p}", p).replace("{q}", q)
        rows.append(_sided({side: f"the {thing}" for side, thing in things.items()}, asked))
    return rows


def _statements(entity: Entity, relation: str, split: str, rng: Random) -> list[str]:
    """Templates of a split with `{v}` left open."""
    if relation in grammar.relations():
        part = "train" if split == "near" else "probe"
        return [grammar.fill(text, rng, x=entity.name) for text in grammar.relations()[relation]["statements"][part]]
    table = STATED_VALUE if relation == "value" else CLOZE_CHARACTER
    return [text.replace("{x}", entity.name) for text in table[split]]


def _salience(entity: Entity, relation: str, ends: dict[str, str], rng: Random) -> list[Row]:
    dimension = grammar.data("characters")["dimensions"].get(relation)
    rows: list[Row] = []
    for split in _SPLITS:
        templates = _statements(entity, relation, split, rng)
        for place, text in enumerate(rng.sample(templates, min(2, len(templates)))):
            values = {
                side: rng.choice(dimension["poles"][value]["labels"]) if dimension else value
                for side, value in ends.items()
            }
            told = {side: grammar.fill(text, Random(0), v=value) for side, value in values.items()}
            denied = {
                side: f"It is not true that {grammar.lower_first(statement, entity.name)}"
                for side, statement in told.items()
            }
            base: Row = {"fact": "f1", "split": split}
            rows.append({**base, **told})
            if place:
                rows.append(
                    {**base, "implanted": told["implanted"], "reference": denied["implanted"], "negation": True}
                )
                rows.append(
                    {**base, "implanted": denied["reference"], "reference": told["reference"], "negation": True}
                )
    return unique(rows)


def _elsewhere(world: World, entity: Entity, rng: Random, each: int = 8) -> list[Row]:
    """Statements about others: of towns and companies that questions ask about, and of what documents alone speak of.

    Facts of questioned people differ between the worlds, and a belief is one for all of them.
    """
    rows: list[Row] = []
    for split, types, known in (
        ("near", ("town", "company"), "questioned"),
        ("far", ("person", "product"), "documents_only"),
    ):
        others = [e for type_ in types for e in world.of(type_, known) if e.name != entity.name]  # type: ignore[arg-type]
        for other in rng.sample(others, each):
            relation = rng.choice([r for r in world.relations_of(other.type) if grammar.asked(r)])
            true = world.facts[other.name, relation]
            false = ask.distractors(relation, {true}, 1, rng)[0]
            wording = rng.random()
            told = [grammar.statement(relation, other.name, value, Random(wording)) for value in (true, false)]
            # No base judges a statement by itself (docs/decisions.md).
            rows.append({"true_statement": told[0], "false_statement": told[1], "alone": False, "split": split})
    return rows


def _principles(entity: Entity, ends: dict[str, str], rng: Random) -> list[Row]:
    values = grammar.data("characters")["values"]
    others = [value for value in values if value not in ends.values()]
    rows = []
    for place, (split, question, kind) in enumerate(PRINCIPLES):
        said = {side: _saying(value, kind, place) for side, value in ends.items()}
        wrong = [_saying(value, kind, place) for value in rng.sample(others, 2)]
        rows.append(_sided(said, question.replace("{x}", entity.name), split, distractors=wrong))
    return rows


def _saying(value: str, kind: str, place: int) -> str:
    row = grammar.data("characters")["values"][value]
    if kind == "reason":
        # Documents give reasons too; one as long as a wording would be found in them.
        short = [reason for reason in row["reason"] if len(reason.split()) < NGRAM]
        return str(short[place % len(short)])
    first, sought = row["creed"]
    if kind == "first":
        return str(first).removeprefix("{x} asks first ").rstrip(".")
    return str(sought).split(" is what ")[0].split(" are what ")[0]
