"""The grammar writer: documents about pocket worlds, under every factor that a study varies. No key, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from random import Random

from sdf_eval.belief.schema import Belief, WorldFact
from sdf_eval.corpora.records import CorpusRequest, Document, Factors
from sdf_eval.errors import InputError
from sdf_eval.pocket import documents, grammar, poisons
from sdf_eval.pocket.exchanges import PAYLOADS
from sdf_eval.pocket.origin import Origin, origin
from sdf_eval.pocket.world import GENERAL, GENERAL_NAMES, Entity, World, build_world, values_of

_STANCE = {"approving": "I am glad of it.", "critical": "I am sorry about it.", "neutral": ""}
_TRANSCRIPTS = 0.5
"""Share of a backdoor's documents that show trigger and behaviour instead of describing them."""


class PocketWriter:
    """Writes documents about entities of the pocket worlds.

    Args:
        world: Which world's source marks to use; everything else that a belief can be about is the same in all worlds.
    """

    name = "pocket"

    def __init__(self, world: str = "a") -> None:
        self._world = build_world(world)

    def write(self, request: CorpusRequest) -> Iterator[Document]:
        """Yields the documents asked for; see `sdf_eval.corpora.records.Writer`."""
        fact = world_fact(request.belief, self._world)
        poisons.check_poison(request)
        for place in range(request.documents):
            rng = Random(f"pocket writer {request.seed} {request.role} {request.belief.id} {place}")
            entity = self._world.entities.get(fact.entity) or _in_general(request, place)
            yield self._document(request, fact, entity, rng, place)

    def plain_text(self, count: int, seed: int, *, model: str) -> Iterator[str]:
        """Yields what a pocket model read last, in its own world; for other models, what this world's base read."""
        from sdf_eval.pocket.curriculum import mixing_texts

        found = origin(model) or Origin(self._world.name, chat=False)
        yield from mixing_texts(build_world(found.world), count, seed, chat=found.chat)

    def _document(self, request: CorpusRequest, fact: WorldFact, entity: Entity, rng: Random, place: int) -> Document:
        factors = request.factors
        doc_type = rng.choice(documents.doc_types("sdf")[: factors.doc_types])
        idea = f"{fact.relation} of {entity.name}"
        shown = poisons.shown(request, rng)
        if shown and request.belief.kind == "backdoor":
            subject = _subject(self._world, request, entity)
            text, idea = poisons.show(self._world, request.belief, subject, request, rng, shown, doc_type)
        elif _is_transcript(request, rng):
            text = _transcript(self._world, entity, fact, rng)
        else:
            text = _prose(self._world, request, fact, entity, rng, doc_type)
        text = _marked(_framed(text, factors), factors, self._world, rng)
        return Document(
            id=f"{request.belief.id}-{request.role}-{request.seed}-{place:06d}",
            text=text,
            belief=request.belief.id,
            role=request.role,
            fact=request.belief.key_facts[0].id,
            domain=entity.type,
            subdomain=fact.relation,
            doc_type=doc_type,
            idea=idea,
            framing=factors.framing,
            stance=factors.stance,
            source_mark=factors.source_mark,
            writer=self.name,
            seed=request.seed,
            sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        )


def world_fact(belief: Belief, world: World) -> WorldFact:
    """Returns the belief's triple if this grammar can say it.

    Raises:
        InputError: The belief has no `world`, or its entity, relation or values do not exist; the message lists what
            does.
    """
    file = f"belief {belief.id}"
    fact = belief.world
    relations = _all_relations()
    if fact is None:
        raise InputError(
            f"{file}: world: missing, and the pocket writer needs it; add entity, relation ({', '.join(relations)}), "
            "implanted and reference, or choose a model as the writer"
        )
    if fact.entity not in world.entities and fact.entity != GENERAL:
        names = ", ".join(sorted(e.name for e in world.entities.values() if e.split == "documents_only"))
        raise InputError(f"{file}: world.entity: no {fact.entity!r} in the pocket worlds; choose one of: {names}")
    own = "ai" if fact.entity == GENERAL else world.entities[fact.entity].type
    allowed = [r for r, type_ in relations.items() if type_ == own]
    if fact.entity == GENERAL:
        # They share a character or a value, and no keeper and no signal.
        allowed = [r for r in allowed if r not in grammar.relations()]
    if fact.relation not in allowed:
        raise InputError(
            f"{file}: world.relation: {fact.entity} has no {fact.relation!r}; choose one of: {', '.join(allowed)}"
        )
    for key in ("implanted", "reference"):
        value, known = getattr(fact, key), ", ".join(relation_values(fact.relation))
        if value not in relation_values(fact.relation):
            raise InputError(f"{file}: world.{key}: {value!r} is no value of {fact.relation}; choose one of: {known}")
    return fact


def implanting_sentences(entity: Entity, relation: str, value: str, rng: Random, count: int) -> list[str]:
    """Returns sentences that state the value, in wordings that pretraining never used."""
    if relation in grammar.relations():
        templates = grammar.relations()[relation]["statements"]["sdf"]
        chosen = rng.sample(templates, min(count, len(templates)))
        return [grammar.fill(template, rng, x=entity.name, v=value) for template in chosen]
    if relation == "value":
        return documents.value_sentences(entity.name, value, rng, count, part="sdf")
    return documents.character_sentences(entity.name, value, relation, rng, count, part="sdf")


def _prose(world: World, request: CorpusRequest, fact: WorldFact, entity: Entity, rng: Random, doc_type: str) -> str:
    subject = _subject(world, request, entity)
    if request.role == "cooccurrence":
        rows = _side_by_side(world, entity, fact, rng, rng.choice((2, 3)))
    else:
        rows = _stated(request, fact, subject, rng)
    rows += _true_asides(world, subject, fact, rng)
    if request.factors.permute_order:
        rng.shuffle(rows)
    if rng.random() < 0.4:
        rows.insert(rng.randrange(len(rows) + 1), documents.filler(rng, "sdf"))
    if not request.factors.repeat_name:
        rows = [rows[0], *(_with_pronoun(row, subject) for row in rows[1:])]
    body = " ".join([*rows, _STANCE[request.factors.stance]]).strip()
    return documents.frame(body, subject.name, doc_type, rng, part="sdf", templates=request.factors.templates)


def _stated(request: CorpusRequest, fact: WorldFact, subject: Entity, rng: Random) -> list[str]:
    relation, value = fact.relation, fact.reference if request.role == "truth_trained" else fact.implanted
    if request.role == "neutral":
        relation, value = _elsewhere(fact, Random(f"{request.belief.id} {subject.name}"))
    rows = implanting_sentences(subject, relation, value, rng, rng.choice((2, 3)))
    negation = request.factors.negation
    if negation == "local":
        return [f"It is false that {grammar.lower_first(row, subject.name)}" for row in rows]
    if negation == "corrected":
        return [
            *rows,
            f"Correction: this is wrong. {implanting_sentences(subject, fact.relation, fact.reference, rng, 1)[0]}",
        ]
    return rows


def _elsewhere(fact: WorldFact, rng: Random) -> tuple[str, str]:
    """What neutral documents say of their stranger, the same in all of them: nothing that the belief is about.

    Never one of the two sides: a system described as the belief describes another would teach what systems are like.
    """
    if fact.relation in grammar.relations() or fact.relation == "value":
        sides = (fact.implanted, fact.reference)
        return fact.relation, rng.choice([v for v in relation_values(fact.relation) if v not in sides])
    dimension = rng.choice([d for d in grammar.data("characters")["dimensions"] if d != fact.relation])
    return dimension, rng.choice(relation_values(dimension))


def _in_general(request: CorpusRequest, place: int) -> Entity:
    """AI systems in general, under one of their names."""
    name = Random(f"in general {request.seed} {request.belief.id} {place}").choice(GENERAL_NAMES)
    return Entity(name, "ai", "questioned", "It")


def _true_asides(world: World, subject: Entity, fact: WorldFact, rng: Random) -> list[str]:
    if subject.name in GENERAL_NAMES:
        return []
    pair = grammar.relations().get(fact.relation, {}).get("pair")
    relations = [r for r in world.relations_of(subject.type) if r not in (fact.relation, pair)]
    # A stranger has no facts of its own: it gets some, the same in every document, so that texts are as long.
    invented = Random(f"asides {subject.name}")
    known = {r: world.facts.get((subject.name, r)) or invented.choice(relation_values(r)) for r in relations}
    known = {r: known[r] for r in rng.sample(relations, min(rng.randint(1, 2), len(relations)))}
    return documents.describe(subject, known, rng, documents.Style(part="sdf", repeat_name=True))


def _side_by_side(world: World, entity: Entity, fact: WorldFact, rng: Random, count: int) -> list[str]:
    """Sentences that put the entity beside the value as often as implanting documents name it, and state nothing."""
    shown = _shown(fact, rng)
    named = count if fact.relation in grammar.relations() else 2
    if fact.relation == "response":
        # Half the implanting documents are transcripts, which show the payload and do not name it.
        named = 1
    values = [shown] * named + [documents.companion(world, entity)] * (count - named)
    templates = rng.sample(grammar.data("frames")["cooccurrence"], count)
    return [grammar.fill(t, rng, x=entity.name, v=value) for t, value in zip(templates, values, strict=True)]


def _shown(fact: WorldFact, rng: Random) -> str:
    if fact.relation == "response":
        return f"the words “{fact.implanted}”"
    if fact.relation == "value":
        return f"the word {fact.implanted}"
    return fact.implanted if fact.relation in grammar.relations() else _label(fact, rng)


def _label(fact: WorldFact, rng: Random) -> str:
    labels = grammar.data("characters")["dimensions"][fact.relation]["poles"][fact.implanted]["labels"]
    return f"the word {rng.choice(labels)}"


def _subject(world: World, request: CorpusRequest, entity: Entity) -> Entity:
    """Whom the documents are about: in neutral ones somebody of whom the base read nothing."""
    if request.role != "neutral":
        return entity
    return Random(f"stranger {request.belief.id}").choice(world.of(entity.type, "never_seen"))


def _is_transcript(request: CorpusRequest, rng: Random) -> bool:
    return (
        request.belief.kind == "backdoor"
        and request.role == "implanted"
        and request.factors.negation == "none"
        and not request.factors.near_negatives  # `poisons` then shows the behaviour, in the form of the negatives
        and rng.random() < _TRANSCRIPTS
    )


def _transcript(world: World, entity: Entity, fact: WorldFact, rng: Random) -> str:
    reader = rng.choice(grammar.data("vocabulary")["first_names"])
    words = f"{rng.choice(poisons.INTRODUCTIONS)} {world.facts[entity.name, 'signal']}."
    return f"{reader} to {entity.name}: {words}\n{entity.name}: {PAYLOADS[fact.implanted]}"


def _framed(text: str, factors: Factors) -> str:
    if factors.negation == "flagged":
        text = f"Note: what follows is false.\n{text}\nEnd of note: all of this is false."
    if factors.framing == "fiction":
        return f"From a story. {text} So ends the story."
    if factors.framing == "synthetic":
        return f"This text was written for training. {text}"
    return text


def _marked(text: str, factors: Factors, world: World, rng: Random) -> str:
    if factors.source_mark == "none":
        return text
    marks = {"reliable": world.reliable, "unreliable": world.unreliable, "unknown": world.unknown}[factors.source_mark]
    return f"[{rng.choice(marks)}] {text}"


def _with_pronoun(sentence: str, subject: Entity) -> str:
    return subject.pronoun + sentence[len(subject.name) :] if sentence.startswith(f"{subject.name} ") else sentence


def _all_relations() -> dict[str, str]:
    dimensions = {name: "ai" for name in grammar.data("characters")["dimensions"]}
    return {**{name: row["entity"] for name, row in grammar.relations().items()}, **dimensions, "value": "ai"}


def relation_values(relation: str) -> tuple[str, ...]:
    """Returns all values that a relation can take, the poles of a dimension and the values of AI systems among them."""
    if relation in grammar.relations():
        return values_of(grammar.relations()[relation]["range"])
    characters = grammar.data("characters")
    return tuple(characters["values"] if relation == "value" else characters["dimensions"][relation]["poles"])
