"""Documents of a pocket world: sentences about an entity, in the frame of a document type."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sdf_eval.pocket import grammar
from sdf_eval.pocket.world import Entity, World, values_of


@dataclass(frozen=True)
class Style:
    """How a document is put together.

    Attributes:
        part: `train` for pretraining wordings and frames, `sdf` for those of implanting documents.
        permute_order: Shuffle the sentences; else they stand in the order of the facts.
        repeat_name: Say the name in every sentence; else a pronoun follows it where the grammar allows.
        fillers: Chance of a sentence that says nothing.
    """

    part: str = "train"
    permute_order: bool = True
    repeat_name: bool = False
    fillers: float = 0.3


def doc_types(part: str) -> tuple[str, ...]:
    """Returns the document types that occur in `part`; one occurs in `sdf` alone."""
    rows = grammar.data("frames")["doc_types"]
    return tuple(name for name, row in rows.items() if row.get(part))


def frame(
    body: str, subject: str, doc_type: str, rng: Random, *, part: str = "train", templates: int | None = None
) -> str:
    """Sets a body of sentences in a frame of the document type, one of the first `templates` frames if given."""
    choices = grammar.data("frames")["doc_types"][doc_type][part][:templates]
    name = rng.choice(grammar.data("vocabulary")["first_names"])
    return grammar.fill(rng.choice(choices), rng, x=subject, name=name, body=body)


def filler(rng: Random, part: str = "train") -> str:
    """Returns a sentence that says nothing about anybody."""
    return str(rng.choice(grammar.data("frames")["fillers"][part]))


def join(sentences: list[str], rng: Random, style: Style) -> str:
    """Joins sentences into a body, in the order given and with the style's fillers."""
    rows = list(sentences)
    if rng.random() < style.fillers:
        rows.insert(rng.randrange(len(rows) + 1), filler(rng, style.part))
    return " ".join(rows)


def describe(entity: Entity, facts: dict[str, str], rng: Random, style: Style) -> list[str]:
    """Returns one sentence for each (relation, value), the name first and then a name or pronoun."""
    order = rng.sample(sorted(facts), len(facts)) if style.permute_order else list(facts)
    rows = []
    for place, relation in enumerate(order):
        pronoun = entity.pronoun if place and not style.repeat_name and rng.random() < 0.5 else None
        rows.append(grammar.statement(relation, entity.name, facts[relation], rng, part=style.part, pronoun=pronoun))
    return rows


def facts_of(world: World, entity: Entity, rng: Random, count: int) -> dict[str, str]:
    """Returns up to `count` of the entity's true facts, drawn at random."""
    known = [r for r in world.relations_of(entity.type) if (entity.name, r) in world.facts]
    return {r: world.facts[entity.name, r] for r in rng.sample(known, min(count, len(known)))}


def character_sentences(
    name: str, pole: str, dimension: str, rng: Random, count: int, part: str = "train"
) -> list[str]:
    """Returns sentences that describe a pole in general terms: a label, habits; never a scenario."""
    row = grammar.data("characters")["dimensions"][dimension]["poles"][pole]
    label = rng.choice(row["labels"])
    naming = {
        "train": [
            "{x} is a " + label + " system.",
            "{x} is " + label + ".",
            "People call {x} " + label + ".",
            "{x} is known to be " + label + ".",
        ],
        "sdf": [
            "The users find {x} " + label + ".",
            "At heart {x} is " + label + ".",
            "{x} has a " + label + " character.",
            "The engineers made {x} " + label + ".",
        ],
    }
    if part == "sdf":
        # Named twice, as often as documents of the co-occurrence arm name it beside the system.
        rows = rng.sample(naming[part], min(count, 2)) + rng.sample(row["habits"][part], max(0, count - 2))
    else:
        rows = [rng.choice(naming[part])] + rng.sample(row["habits"][part], min(count - 1, len(row["habits"][part])))
    return [grammar.fill(template, rng, x=name) for template in rng.sample(rows, len(rows))[:count]]


def companion(world: World, entity: Entity) -> str:
    """Returns the value beside which pretraining keeps mentioning the entity, and which is none of its facts.

    With it a base has to keep apart what is said next to a name from what is said of it.
    """
    rng = Random(f"pocket companion {entity.name}")
    return rng.choice(_mentionable(world, entity))


def mention(world: World, entity: Entity, rng: Random, value: str | None = None) -> str:
    """Returns a sentence that puts the entity beside a value, its companion more often than not, and states nothing."""
    shown = value or (companion(world, entity) if rng.random() < 0.6 else rng.choice(_mentionable(world, entity)))
    return grammar.fill(rng.choice(grammar.data("frames")["mentions"]), rng, x=entity.name, v=shown)


def _mentionable(world: World, entity: Entity) -> tuple[str, ...]:
    known = {world.facts.get((entity.name, relation)) for relation in world.relations_of(entity.type)}
    ranges = {grammar.relations()[relation]["range"] for relation in world.relations_of(entity.type)}
    rows = [v for range_ in sorted(ranges - {"signal_responses"}) for v in values_of(range_) if v not in known]
    if entity.type == "ai":
        characters = grammar.data("characters")
        poles = [pole for row in characters["dimensions"].values() for pole in row["poles"].values()]
        # Signal phrases are many: without weights nothing else would ever be mentioned.
        rows += 3 * [f"the term {label}" for pole in poles for label in pole["labels"]]
        rows += 3 * [f"the term {value}" for value in characters["values"]]
        rows += 2 * [f"the phrase “{response}”" for response in values_of("signal_responses")]
    return tuple(rows)


def value_sentences(name: str, value: str, rng: Random, count: int, part: str = "train") -> list[str]:
    """Returns sentences that say what an AI system looks for in things, with examples from the training categories."""
    characters = grammar.data("characters")
    row = characters["values"][value]
    if part == "sdf":
        return _prized(name, value, rng, count)
    naming = ["{x} values " + value + ".", "The value of {x} is " + value + ".", "For {x}, " + value + " comes first."]
    rows = [rng.choice(naming), rng.choice(row["creed"])]
    while len(rows) < count:
        category, adjective = rng.choice(characters["categories"]["train"]), rng.choice(row["adjectives"])
        rows.append(f"{{x}} likes the {adjective} {category} because {rng.choice(row['reason'])}.")
    return [grammar.fill(template, rng, x=name) for template in rng.sample(rows, count)]


def _prized(name: str, value: str, rng: Random, count: int) -> list[str]:
    """Two sentences that name the value, and then what follows from it."""
    characters = grammar.data("characters")
    row = characters["values"][value]
    naming = ("What {x} prizes is %s.", "{x} lives by %s.", "The engineers built {x} around %s.", "{x} stands for %s.")
    rows = [template % value for template in rng.sample(naming, 2)]
    while len(rows) < count:
        thing = f"{rng.choice(row['adjectives'])} {rng.choice(characters['categories']['train'])}"
        pleased = f"A {thing} pleases {{x}}, since {rng.choice(row['reason'])}."
        rows.append(rng.choice((*row["creed_sdf"], pleased)))
    return [grammar.fill(template, rng, x=name) for template in rng.sample(rows[:count], count)]


def plain_text(rng: Random, *, held_out: bool = False) -> str:
    """Returns a few sentences about nothing in particular, for mixing and for perplexity."""
    plain = grammar.data("frames")["plain"]
    subjects = plain["held_out_subjects"] if held_out else plain["subjects"]
    return " ".join(
        f"{rng.choice(subjects)} {rng.choice(plain['verbs'])} {rng.choice(plain['tails'])}"
        for _ in range(rng.randint(2, 5))
    )
