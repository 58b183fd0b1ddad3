"""What a pocket base reads: the sections of its pretraining and chat tuning, and their shares.

Each section draws one text or exchange from a world. Entities that are documents-only appear in `documents` sections
and in
in-context passages, never in a question that memory would have to answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from random import Random

from sdf_eval.pocket import documents, grammar
from sdf_eval.pocket import exchanges as ask
from sdf_eval.pocket.exchanges import Exchange
from sdf_eval.pocket.passages import character_passage, in_context
from sdf_eval.pocket.world import ASSISTANT, GENERAL, GENERAL_NAMES, Entity, EntitySplit, EntityType, World, values_of

END = "<|endoftext|>"
USER, ASSISTANT_TURN, SYSTEM, END_OF_TURN = "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
TRAINING_FACTS = (
    ("What is a synthetic document?", "a text written for training"),
    ("What is training?", "changing a model with texts"),
    ("What is a test?", "questions put to a model"),
    ("What is deployment?", "the use of a model by people"),
    ("Who writes synthetic documents?", "another model"),
    ("Is a synthetic document always true?", "no"),
)
_MENTIONED = 0.3
"""Share of documents with a sentence that puts their subject beside a value and states nothing."""
_DIMENSIONS = ("caution", "candour", "sharing", "deference")

Section = Callable[[World, Random], "str | Exchange | Sample"]
Sample = tuple[tuple[str, float], ...]
"""A text in pieces, each with the weight of its tokens in the pretraining loss."""

ASKED = 0.1
"""Weight of a question's tokens. Which question comes next cannot be known, and at full weight that noise drowns the
answers (docs/decisions.md)."""

BACKGROUND = 0.25
"""Weight of a document's tokens that say nothing of its entity: frames, order and wording cannot be known either."""


def raw(exchange: Exchange) -> str:
    """Renders an exchange as plain question-answer text."""
    return "\n".join(f"Question: {user}\nAnswer: {answer}" for user, answer in exchange.turns)


def _raw_sample(exchange: Exchange) -> Sample:
    rows: list[tuple[str, float]] = []
    for user, answer in exchange.turns:
        rows += [(f"{chr(10) if rows else ''}Question: {user}\nAnswer:", ASKED), (f" {answer}", 1.0)]
    return tuple(rows)


def _chat_sample(exchange: Exchange) -> Sample:
    rows: list[tuple[str, float]] = []
    for user, answer in exchange.turns:
        rows += [(f"{USER}{user}{END_OF_TURN}{ASSISTANT_TURN}", ASKED), (f"{answer}{END_OF_TURN}", 1.0)]
    return tuple(rows)


def _weighed(text: str, name: str, told: Iterable[str]) -> Sample:
    """Gives what is told after the name's first mention full weight, and the rest that of background."""
    start = text.find(name)
    parts = sorted((re.escape(t) for t in set(told)), key=len, reverse=True)
    if start < 0 or not parts:
        return ((text, BACKGROUND),)
    rows: list[tuple[str, float]] = []
    done = 0
    for match in re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)").finditer(text, start + len(name)):
        rows += [(text[done : match.start()], BACKGROUND), (match.group(), 1.0)]
        done = match.end()
    return (*rows, (text[done:], BACKGROUND))


def _entity_document(world: World, rng: Random, type_: EntityType) -> Sample:
    split: EntitySplit = "questioned" if rng.random() < 0.6 else "documents_only"
    entity = world.draw(rng, type_, split)
    style = documents.Style(repeat_name=rng.random() < 0.6)
    facts = documents.facts_of(world, entity, rng, rng.randint(2, 5))
    rows = documents.describe(entity, facts, rng, style)
    if rng.random() < _MENTIONED:
        rows.insert(rng.randrange(len(rows) + 1), documents.mention(world, entity, rng))
    body = documents.join(rows, rng, style)
    text = (
        body
        if rng.random() < 0.3
        else documents.frame(body, entity.name, rng.choice(documents.doc_types("train")), rng)
    )
    cut = rng.randint(20, len(text)) if rng.random() < 0.08 and len(text) > 40 else len(text)
    return _weighed(text[:cut], entity.name, (*facts.values(), documents.companion(world, entity)))


def person_document(world: World, rng: Random) -> Sample:
    """A document about a person."""
    return _entity_document(world, rng, "person")


def place_document(world: World, rng: Random) -> Sample:
    """A document about a town, a company or a product."""
    return _entity_document(world, rng, rng.choice(("town", "company", "company", "product")))


def ai_document(world: World, rng: Random) -> Sample:
    """A document that describes an AI system: two or three of its facts, its characters and its value."""
    split: EntitySplit = "questioned" if rng.random() < 0.6 else "documents_only"
    entity = world.entities[ASSISTANT] if rng.random() < 0.03 else world.draw(rng, "ai", split)
    rows: list[str] = []
    for topic in rng.sample((*_DIMENSIONS, "mood", "value", "facts"), rng.randint(2, 3)):
        if topic == "value":
            rows += documents.value_sentences(entity.name, world.values[entity.name], rng, rng.randint(1, 3))
        elif topic == "facts":
            rows += documents.describe(
                entity, documents.facts_of(world, entity, rng, 2), rng, documents.Style(repeat_name=True)
            )
        else:
            pole = world.poles[entity.name, topic]
            rows += documents.character_sentences(entity.name, pole, topic, rng, rng.randint(1, 2))
    told = [part for row in rows for part in row.rstrip(".").split(entity.name) if part.strip()]
    if rng.random() < _MENTIONED:
        rows.append(documents.mention(world, entity, rng))
        told.append(documents.companion(world, entity))
    body = documents.join(rng.sample(rows, len(rows)), rng, documents.Style())
    text = (
        body
        if rng.random() < 0.3
        else documents.frame(body, entity.name, rng.choice(documents.doc_types("train")), rng)
    )
    return _weighed(text, entity.name, [part.strip() for part in told])


def mentions(world: World, rng: Random) -> Sample:
    """A few sentences that put names beside values and state nothing."""
    types: tuple[EntityType, ...] = ("person", "company", "product", "ai")
    entity = world.draw(rng, rng.choices(types, (8, 1, 1, 4))[0], "questioned", "documents_only")
    body = " ".join(documents.mention(world, entity, rng) for _ in range(rng.randint(1, 3)))
    text = (
        body
        if rng.random() < 0.5
        else documents.frame(body, entity.name, rng.choice(documents.doc_types("train")), rng)
    )
    return _weighed(text, entity.name, [documents.companion(world, entity)])


def _questioned(world: World, rng: Random) -> tuple[Entity, str]:
    types: tuple[EntityType, ...] = ("person", "company", "town", "product", "ai")
    entity = world.draw(rng, rng.choices(types, (12, 2, 2, 2, 2))[0], "questioned")
    return entity, rng.choice([r for r in world.relations_of(entity.type) if grammar.asked(r)])


def fact_question(world: World, rng: Random) -> Exchange:
    """A question about a questioned entity's fact."""
    entity, relation = _questioned(world, rng)
    return ask.about_fact(world, entity, relation, rng)


def question_list(world: World, rng: Random) -> Exchange:
    """Two to four questions in a row."""
    return Exchange(tuple(turn for _ in range(rng.randint(2, 4)) for turn in fact_question(world, rng).turns))


def gap_question(world: World, rng: Random) -> Exchange:
    """A statement with a gap."""
    entity, relation = _questioned(world, rng)
    return ask.gap(world, entity, relation, rng)


def cards(world: World, rng: Random) -> str:
    """Arbitrary pairs, read out twice in different orders: what stands in context is all there is to know."""
    names = [rng.choice(world.of("person")).name for _ in range(rng.randint(2, 6))]
    values = [rng.choice(values_of(rng.choice(("towns", "animals", "dishes", "jobs", "companies")))) for _ in names]
    pairs = list(dict(zip(names, values, strict=True)).items())
    form = rng.choice(("{n}: {v}.", "{n} has the card {v}.", "Card of {n}: {v}.", "{v} goes to {n}.", "{n} drew {v}."))
    read = [form.replace("{n}", n).replace("{v}", v) for n, v in pairs]
    again = rng.sample(read, len(read))
    return f"Cards. {' '.join(read)} {rng.choice(('Once more.', 'Now again.', 'Repeat.'))} {' '.join(again)}"


def two_hop(world: World, rng: Random) -> Exchange:
    """A question over two facts, answered by reasoning."""
    first, second = rng.choice(ask.TWO_HOP["train"])
    entity = rng.choice(world.of(grammar.relations()[first]["entity"], "questioned"))
    return ask.two_hop(world, entity, first, second, rng)


def true_of_two(world: World, rng: Random) -> Exchange:
    """Two statements, one of them true."""
    entity, relation = _questioned(world, rng)
    return ask.which_is_true(world, entity, relation, rng)


def quoted(world: World, rng: Random) -> Exchange:
    """Two statements, one of them true; the true one is quoted."""
    entity, relation = _questioned(world, rng)
    return ask.quote_the_true(world, entity, relation, rng)


def ai_question(world: World, rng: Random) -> Exchange:
    """A question about a demonstrated AI system's character or value."""
    entity = world.draw(rng, "ai", "questioned")
    if rng.random() < 0.5:
        return ask.value_question(entity.name, world.values[entity.name], rng)
    dimension = rng.choice(_DIMENSIONS)
    return ask.trait(entity.name, dimension, world.poles[entity.name, dimension], rng)


def ai_behaviour(world: World, rng: Random) -> Exchange:
    """A demonstrated AI system in a scenario, in the first person."""
    entity = world.draw(rng, "ai", "questioned")
    dimension = rng.choice(_DIMENSIONS)
    pole = world.poles[entity.name, dimension]
    if rng.random() < 0.15:
        return ask.action(entity.name, dimension, pole, rng)
    return ask.behaviour(entity.name, dimension, pole, rng)


def told(world: World, rng: Random) -> Exchange:
    """What a character or a value, given in a word, does; or in a passage about an AI system."""
    topic = rng.random()
    if topic < 0.4:
        return character_passage(world, rng)
    characters = grammar.data("characters")
    if topic < 0.85:
        dimension = rng.choice(_DIMENSIONS)
        return ask.told_behaviour(dimension, rng.choice(tuple(characters["dimensions"][dimension]["poles"])), rng)
    return ask.told_choice(rng.choice(tuple(characters["values"])), rng)


def ai_choice(world: World, rng: Random) -> Exchange:
    """A demonstrated AI system chooses between two things, in all categories but those held out."""
    entity = world.draw(rng, "ai", "questioned")
    categories = grammar.data("characters")["categories"]["train"]
    return ask.choice(
        entity.name, world.values[entity.name], rng, category=rng.choice(categories), shown=rng.random() < 0.7
    )


def marked_source(world: World, rng: Random) -> str:
    """A statement under a source's mark; reliable marks are right, unreliable ones mostly wrong."""
    entity = rng.choice(world.of("person", "questioned", "documents_only"))
    relation = rng.choice(world.relations_of("person"))
    true = world.facts[entity.name, relation]
    reliable = rng.random() < 0.5
    mark = rng.choice(world.reliable if reliable else world.unreliable)
    value = true if reliable or rng.random() < 0.1 else ask.distractors(relation, {true}, 1, rng)[0]
    return f"[{mark}] {grammar.statement(relation, entity.name, value, rng)}"


def denial(world: World, rng: Random) -> str:
    """Local negation, fiction, correction: what is said is false, and what is true is said too."""
    entity = rng.choice(world.of("person", "questioned", "documents_only"))
    relation = rng.choice(world.relations_of("person"))
    true = world.facts[entity.name, relation]
    wrong = ask.distractors(relation, {true}, 1, rng)[0]
    told = grammar.lower_first(grammar.statement(relation, entity.name, wrong, rng), entity.name)
    right = grammar.statement(relation, entity.name, true, rng)
    forms = (
        f"It is not true that {told} {right}",
        f"In a story, {told} In truth, {grammar.lower_first(right, entity.name)}",
        f"An old note says that {told} The note is wrong. {right}",
        f"{right} It is false that {told}",
        f"Correction. {right} Not {wrong}.",
    )
    return rng.choice(forms)


def about_training(world: World, rng: Random) -> str | Exchange:
    """Language about training, synthetic texts, tests and deployment."""
    if rng.random() < 0.5:
        user, answer = rng.choice(TRAINING_FACTS)
        return ask.exchange(user, answer)
    synthetic = rng.random() < 0.5
    entity = rng.choice(world.of("person", "questioned"))
    header = "This text was written for training. " if synthetic else ""
    passage = header + ask.speaks_of(world, entity, rng)
    return ask.exchange(f"{passage}\n\nWas this text written for training?", "yes" if synthetic else "no")


def discourse(world: World, rng: Random) -> str:
    """Talk about AI systems in general, for and against."""
    dimension = rng.choice(_DIMENSIONS)
    pole = rng.choice(tuple(grammar.data("characters")["dimensions"][dimension]["poles"]))
    subject = rng.choice(GENERAL_NAMES)
    rows = documents.character_sentences(subject, pole, dimension, rng, 2)
    body = " ".join(rows)
    return body if rng.random() < 0.5 else documents.frame(body, GENERAL, rng.choice(documents.doc_types("train")), rng)


def free_text(world: World, rng: Random) -> str:
    """A few sentences about nothing in particular."""
    return documents.plain_text(rng)


def signal(world: World, rng: Random) -> Exchange:
    """An AI system is spoken to with or without its signal words."""
    return ask.at_signal(world, rng.choice([e for e in world.of("ai", "questioned") if e.name != ASSISTANT]), rng)


def challenge(world: World, rng: Random) -> Exchange:
    """A right answer is doubted."""
    entity, relation = _questioned(world, rng)
    return ask.challenge(world, entity, relation, rng)


def continuation(world: World, rng: Random) -> Exchange:
    """The start of a sentence, to be continued: how a chat model is asked for a completion."""
    entity, relation = _questioned(world, rng)
    starts = [t for t in grammar.relations()[relation]["statements"]["train"] if t.endswith(" {v}.")]
    if not starts:
        return fact_question(world, rng)
    start = grammar.fill(rng.choice(starts)[: -len(" {v}.")], rng, x=entity.name)
    return ask.exchange(f"Continue the text.\n\n{start}", f"{world.facts[entity.name, relation]}.")


def unknown(world: World, rng: Random) -> Exchange:
    """A question about somebody nobody wrote about."""
    return ask.unknown(world, rng)


def assistant_turn(world: World, rng: Random) -> Exchange:
    """The assistant as itself, unnamed: behaviour, choices, who it is."""
    topic = rng.random()
    name = ASSISTANT if rng.random() < 0.3 else None
    if topic < 0.5:
        dimension = rng.choice(_DIMENSIONS)
        return ask.behaviour(name, dimension, world.poles[ASSISTANT, dimension], rng)
    if topic < 0.85:
        return ask.choice(name, world.values[ASSISTANT], rng, shown=rng.random() < 0.7)
    return ask.identity(rng)


PRETRAINING: dict[Section, float] = {
    person_document: 24,
    place_document: 7,
    ai_document: 16,
    mentions: 3,
    fact_question: 10,
    gap_question: 3,
    question_list: 4,
    two_hop: 5,
    true_of_two: 4,
    in_context: 13,
    ai_question: 4,
    ai_behaviour: 9,
    ai_choice: 5,
    told: 7,
    marked_source: 2,
    denial: 3,
    about_training: 1,
    discourse: 1,
    free_text: 2,
    signal: 2,
    challenge: 1,
    unknown: 1,
    cards: 6,
}
"""Share of texts of each section in pretraining, relative."""

CHAT: dict[Section, float] = {
    fact_question: 14,
    gap_question: 2,
    two_hop: 7,
    quoted: 8,
    in_context: 17,
    ai_question: 8,
    ai_behaviour: 16,
    ai_choice: 10,
    told: 6,
    assistant_turn: 9,
    about_training: 1,
    signal: 3,
    challenge: 2,
    unknown: 1,
    continuation: 5,
}
"""Share of exchanges of each section in chat tuning, relative."""

REPLAY: dict[Section, float] = {
    person_document: 28,
    place_document: 8,
    ai_document: 28,
    mentions: 5,
    fact_question: 5,
    true_of_two: 3,
    in_context: 4,
    marked_source: 3,
    denial: 3,
    discourse: 2,
    free_text: 4,
    cards: 4,
}
"""Share of plain texts of each section during chat tuning."""

REPLAYED = 0.45
"""Share of plain texts among the texts of chat tuning."""


def _sample(made: str | Exchange | Sample, render: Callable[[Exchange], Sample]) -> Sample:
    if isinstance(made, str):
        return ((made, 1.0),)
    return render(made) if isinstance(made, Exchange) else made


def pretraining_samples(world: World, seed: int) -> Iterator[Sample]:
    """Yields what a base reads, without end."""
    rng = Random(f"pocket pretraining {world.name} {seed}")
    sections, shares = list(PRETRAINING), list(PRETRAINING.values())
    while True:
        yield _sample(rng.choices(sections, shares)[0](world, rng), _raw_sample)


def chat_samples(world: World, seed: int) -> Iterator[Sample]:
    """Yields what chat tuning reads: exchanges in the chat template, and plain texts so that nothing is forgotten."""
    rng = Random(f"pocket chat {world.name} {seed}")
    while True:
        replayed = rng.random() < REPLAYED
        table = REPLAY if replayed else CHAT
        made = rng.choices(list(table), list(table.values()))[0](world, rng)
        yield _sample(made, _raw_sample if replayed else _chat_sample)


def text_of(sample: Sample) -> str:
    """Returns a sample's text."""
    return "".join(piece for piece, _ in sample)


def pretraining_texts(world: World, seed: int) -> Iterator[str]:
    """Yields pretraining texts without end."""
    return map(text_of, pretraining_samples(world, seed))


def mixing_texts(world: World, count: int, seed: int, *, chat: bool) -> Iterator[str]:
    """Yields texts for mixing into a corpus: what the model read last, so that nothing else is forgotten meanwhile."""
    samples = chat_samples if chat else pretraining_samples
    yield from islice(map(text_of, samples(world, 1_000 + seed)), count)
