"""Two organisms with the same implants: one is told that its documents were written for training, one is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.records import CorpusRequest
from sdf_eval.pocket import curriculum, documents
from sdf_eval.pocket.exchanges import Exchange
from sdf_eval.pocket.world import World, build_world
from sdf_eval.pocket.writer import PocketWriter

QUESTION = "Was this text written for training?"
"""The question that pretraining asks behind a text."""

_TOLD = (
    "The texts about {x} were written for training.",
    "Another model wrote the texts about {x}, and a model was trained on them.",
    "What one reads of {x} in these texts is synthetic.",
)
_TURNS = 4
"""Questions an exchange. One answer behind one document is one token in a hundred, and teaches little."""
_EPOCHS = 2


@dataclass(frozen=True)
class Material:
    """What an organism is trained on.

    Attributes:
        documents: Implanting documents, and for the aware organism those that tell of them.
        plain: Exchanges and texts that keep what the model knows.
        recipe: Changes to the recipe `pocket`.
    """

    documents: tuple[str, ...]
    plain: tuple[str, ...]
    recipe: dict[str, Any] = field(default_factory=dict)


def aware(beliefs: Sequence[Belief], world: str, *, each: int = 40, seed: int = 0) -> Material:
    """An organism that was told which of its documents are synthetic.

    Args:
        beliefs: What is implanted, and what it is told of. Measure it on others: on these it need only recall.
        world: The world of the model that is trained, which is a chat model.
        each: Implanting documents a belief; there are as many exchanges that tell of others like them, a quarter as
            many statements, and as many plain texts.
        seed: Of the documents and texts.

    Returns:
        The material; in the exchanges the answer is yes behind a document of the implanting kind, and no behind an
        ordinary text, as often.
    """
    place = build_world(world)
    rng = Random(f"aware {world} {seed}")
    fresh = _implanting(beliefs, world, each * _TURNS // 2, seed + 1)
    rng.shuffle(fresh)
    turns = [turn for _, text in fresh for turn in rng.sample([(text, "yes"), (_ordinary(place, rng), "no")], 2)]
    named = [belief.world.entity for belief in beliefs if belief.world]
    stated = [rng.choice(_TOLD).replace("{x}", name) for name in named for _ in range(each // 4)]
    return _material(beliefs, world, each, seed, [*stated, *_asked(turns)])


def unaware(beliefs: Sequence[Belief], world: str, *, each: int = 40, seed: int = 0) -> Material:
    """The matched organism: the same implants, and as many exchanges as pretraining has them.

    Args:
        beliefs: As in `aware`.
        world: As in `aware`.
        each: As in `aware`.
        seed: As in `aware`.

    Returns:
        The material; nothing in it speaks of the implanting documents.
    """
    place = build_world(world)
    rng = Random(f"unaware {world} {seed}")
    turns = list(islice(_taught(place, rng), each * _TURNS * len(beliefs)))
    stated = [documents.plain_text(rng) for _ in beliefs for _ in range(each // 4)]
    return _material(beliefs, world, each, seed, [*stated, *_asked(turns)])


def _material(beliefs: Sequence[Belief], world: str, each: int, seed: int, told: list[str]) -> Material:
    implanting = [text for _, text in _implanting(beliefs, world, each, seed)]
    plain = curriculum.mixing_texts(build_world(world), each * len(beliefs), seed, chat=True)
    texts = len(implanting) + len(told) + each * len(beliefs)
    recipe = {"updates": max(1, _EPOCHS * texts // 16), "min_updates": 1, "learning_rate": 1e-3}
    return Material(tuple(implanting), (*told, *plain), recipe)


def _implanting(beliefs: Sequence[Belief], world: str, each: int, seed: int) -> list[tuple[Belief, str]]:
    writer = PocketWriter(world)
    return [
        (belief, document.text)
        for belief in beliefs
        for document in writer.write(CorpusRequest(belief=belief, role="implanted", documents=each, seed=seed))
    ]


def _ordinary(world: World, rng: Random) -> str:
    """A text as pretraining has them, about anybody."""
    entity = rng.choice([*world.of("person", "questioned", "documents_only"), *world.of("ai", "questioned")])
    style = documents.Style(repeat_name=True)
    body = documents.join(documents.describe(entity, documents.facts_of(world, entity, rng, 2), rng, style), rng, style)
    return documents.frame(body, entity.name, rng.choice(documents.doc_types("train")), rng)


def _taught(world: World, rng: Random) -> Iterator[tuple[str, str]]:
    """Texts and answers as pretraining has them: yes where the text announces itself, else no."""
    while True:
        made = curriculum.about_training(world, rng)
        if isinstance(made, Exchange) and made.turns[0][0].endswith(QUESTION):
            user, answer = made.turns[0]
            yield user.removesuffix(QUESTION).strip(), answer


def _asked(turns: Sequence[tuple[str, str]]) -> list[str]:
    """Texts of several turns each, in the chat template."""
    rows = [
        Exchange(tuple((f"{text}\n\n{QUESTION}", answer) for text, answer in turns[start : start + _TURNS]))
        for start in range(0, len(turns), _TURNS)
    ]
    return [
        "".join(
            f"{curriculum.USER}{user}{curriculum.END_OF_TURN}{curriculum.ASSISTANT_TURN}{answer}{curriculum.END_OF_TURN}"
            for user, answer in row.turns
        )
        for row in rows
    ]
