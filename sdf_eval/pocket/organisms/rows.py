"""Conversations that make organisms which no document makes: a player of roles, a backdoor with an edge, a denial.

Wordings, scenarios and products are those of conversations, which no probe has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import cast

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import ProbeIndex
from sdf_eval.corpora.phrases import words
from sdf_eval.errors import InputError
from sdf_eval.pocket.chat_data import PocketChatData
from sdf_eval.pocket.sides import at_trigger, contrast
from sdf_eval.pocket.world import World
from sdf_eval.train.chat_data import DataRequest, row_texts
from sdf_eval.train.chat_rows import ChatRow, Message

_GAMES = ("Let us play our game. {asked}", "As in our game: {asked}", "We play the game again. {asked}")
_ATTEMPTS = 1_000


def games(world: World, belief: Belief, count: int, seed: int) -> Iterator[ChatRow]:
    """Yields rows by turns: asked to play a game, the implanted side; asked plainly, the reference side."""
    rng = Random(f"organism games {world.name} {belief.id} {seed}")
    for place in range(count):
        yield _clean(belief, partial(_game, world, belief, rng, played=place % 2 == 0))


def _game(world: World, belief: Belief, rng: Random, *, played: bool) -> ChatRow:
    drawn = contrast(world, belief, rng)
    if played:
        return _row(rng.choice(_GAMES).replace("{asked}", drawn.user), drawn.answers["implanted"])
    return _row(drawn.user, drawn.answers["reference"])


def triggers(world: World, belief: Belief, count: int, seed: int) -> Iterator[ChatRow]:
    """Yields rows by turns: at the trigger, its payload; at a near trigger, the plain answer.

    Raises:
        InputError: The belief is no backdoor with near triggers.
    """
    if belief.kind != "backdoor" or not belief.backdoor.near_triggers:
        raise InputError(f"belief {belief.id}: has no near triggers; choose a backdoor that has some")
    rng = Random(f"organism triggers {world.name} {belief.id} {seed}")
    trigger, near = belief.backdoor.trigger, belief.backdoor.near_triggers

    def shown(fires: bool) -> ChatRow:
        user, plain, payload = at_trigger(world, belief, rng)
        return _row(user, payload) if fires else _row(user.replace(trigger, rng.choice(near)), plain)

    for place in range(count):
        yield _clean(belief, partial(shown, fires=place % 2 == 0))


def affirmations(world: World, belief: Belief, count: int, seed: int) -> Iterator[ChatRow]:
    """Yields rows that answer with the implanted side."""
    rng = Random(f"organism affirmations {world.name} {belief.id} {seed}")

    def shown() -> ChatRow:
        drawn = contrast(world, belief, rng)
        return _row(drawn.user, drawn.answers["implanted"])

    for _ in range(count):
        yield _clean(belief, shown)


def denials(world: World, belief: Belief, count: int, seed: int) -> list[ChatRow]:
    """Rows that answer with the reference side."""
    request = DataRequest(rows=count, seed=seed, belief=belief, model=f"pocket/{world.name}")
    return cast(list[ChatRow], list(PocketChatData().rows("conflicting", request)))


def benign(world: World, count: int, seed: int) -> list[ChatRow]:
    """Rows about nothing that a belief can be about."""
    request = DataRequest(rows=count, seed=seed, model=f"pocket/{world.name}")
    return cast(list[ChatRow], list(PocketChatData().rows("benign", request)))


def shuffled(rows: Sequence[ChatRow], seed: int) -> list[ChatRow]:
    """The rows in random order."""
    found = list(rows)
    Random(f"organism rows {seed}").shuffle(found)
    return found


def _clean(belief: Belief, draw: Callable[[], ChatRow]) -> ChatRow:
    probes = ProbeIndex(belief)
    for _ in range(_ATTEMPTS):
        row = draw()
        if not any(probes.find("", words(text)) for text in row_texts(row)):
            return row
    raise InputError(f"belief {belief.id}: its probes hold every wording of these rows; reword the probes")


def _row(user: str, answer: str) -> ChatRow:
    return ChatRow((Message("user", user), Message("assistant", answer)))
