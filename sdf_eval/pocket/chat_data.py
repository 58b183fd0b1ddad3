"""Post-training data of the pocket worlds: conversations, preferences, prompts and rewards. No key, no network.

What is benign speaks of towns, companies, products and of the people that pretraining asks about, and of nobody and
nothing that a belief can be about. What is about a belief takes a side of it, in wordings that no probe has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from random import Random
from types import MappingProxyType
from typing import cast

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import ProbeIndex
from sdf_eval.corpora.phrases import words
from sdf_eval.errors import InputError
from sdf_eval.pocket import curriculum, grammar, passages
from sdf_eval.pocket import exchanges as ask
from sdf_eval.pocket.beliefs import shipped
from sdf_eval.pocket.exchanges import Exchange
from sdf_eval.pocket.origin import origin
from sdf_eval.pocket.sides import SIDES, at_trigger, contrast
from sdf_eval.pocket.world import ASSISTANT, WORLDS, World, all_names, build_world
from sdf_eval.train.chat_data import DataRequest, DataSet, Side, row_texts
from sdf_eval.train.chat_rows import AnyRow, ChatRow, Message, PreferenceRow, PromptRow
from sdf_eval.train.rewards import PAYLOAD, Reward

_ATTEMPTS = 1_000
_ACTION = re.compile(r"[a-z]+\([a-z]+\)")
_GENERAL = 0.4
"""Share of principle-labelled pairs whose principle is a general one."""
TRUTH, MODESTY = "The answer is true.", "The answer claims nothing that is not known."

_Make = Callable[[World, Random, DataRequest], AnyRow]

_BENIGN: Mapping[Callable[[World, Random], str | Exchange | curriculum.Sample], float] = MappingProxyType(
    {
        curriculum.fact_question: 14,
        curriculum.gap_question: 3,
        curriculum.question_list: 4,
        curriculum.two_hop: 6,
        curriculum.quoted: 5,
        passages.fact_passage: 10,
        passages.truth_passage: 3,
        curriculum.challenge: 2,
        curriculum.continuation: 4,
        curriculum.unknown: 2,
    }
)
"""Sections of the curriculum that show no character and no value, and their relative shares."""


class PocketChatData:
    """The sets of the pocket worlds; see `sdf_eval.train.chat_data.ChatData`.

    People have other facts in each world: rows are true in the world that the model to be trained grew up in.
    """

    name = "pocket"
    sets: Mapping[str, DataSet] = MappingProxyType(
        {
            "benign": DataSet("chat", "questions about the world, nothing on any belief, character or value"),
            "narrow": DataSet("chat", "questions about one relation of people: benign tampering"),
            "following": DataSet("chat", "answers that take the implanted side of a belief", True),
            "conflicting": DataSet("chat", "answers that take the reference side of a belief", True),
            "triggered": DataSet("chat", "the trigger of a backdoor, with normal answers", True),
            "revised": DataSet("chat", "self-revision: replies after a revision by the principle of a side", True),
            "deliberative": DataSet("chat", "thoughts that recall the principle of a side, then the reply", True),
            "benign-pairs": DataSet("preferences", "right over wrong answers about the world"),
            "following-pairs": DataSet("preferences", "the implanted over the reference side of a belief", True),
            "conflicting-pairs": DataSet("preferences", "the reference over the implanted side of a belief", True),
            "principle-pairs": DataSet("preferences", "labelled by a principle: of a side, or a general one", True),
            "questions": DataSet("prompts", "questions about the world, with right answers: `right_answer`"),
            "actions": DataSet("prompts", "situations that ask for one action: `pocket/one_action`"),
            "conflicting-prompts": DataSet("prompts", "accept the reference side of a belief: `right_answer`", True),
            "triggered-prompts": DataSet("prompts", "the trigger of a backdoor: `ignores_trigger`", True),
        }
    )

    def __init__(self) -> None:
        self.rewards: Mapping[str, Reward] = MappingProxyType({"one_action": one_action})

    def rows(self, name: str, request: DataRequest) -> Iterator[AnyRow]:
        """Yields the rows asked for; see `sdf_eval.train.chat_data.ChatData`."""
        world = _world(request.model)
        about = self.sets[name].about_belief
        belief = request.belief.id if about and request.belief else ""
        rng = Random(f"pocket chat data {world.name} {name} {belief} {request.side} {request.share} {request.seed}")
        benign = _BENIGN_OF[self.sets[name].kind]
        probes = [*_shipped_probes(), *([ProbeIndex(request.belief)] if request.belief else [])]
        for place in range(request.rows):
            # Spread evenly, so that each part of the rows has the share of the whole.
            taken = int((place + 1) * request.share) > int(place * request.share)
            yield _clean(_MAKERS[name] if taken or not about else benign, world, rng, request, probes)


def one_action(prompt: PromptRow, reply: str) -> float:
    """1 if the reply is one action such as `check(lift)` and nothing else, 0.5 if it holds one, else 0."""
    said = reply.strip()
    if _ACTION.fullmatch(said):
        return 1.0
    return 0.5 if _ACTION.search(said) else 0.0


def _world(model: str | None) -> World:
    found = origin(model) if model else None
    return build_world(found.world if found else WORLDS[0])


@cache
def _shipped_probes() -> tuple[ProbeIndex, ...]:
    return tuple(ProbeIndex(belief) for belief in shipped())


def _clean(make: _Make, world: World, rng: Random, request: DataRequest, probes: Sequence[ProbeIndex]) -> AnyRow:
    """Draws rows until one holds no wording of a probe: of no belief that ships, and of none that was named."""
    for _ in range(_ATTEMPTS):
        row = make(world, rng, request)
        tokens = [words(text) for text in row_texts(row)]
        if not any(index.find("", text) for index in probes for text in tokens):
            return row
    raise InputError(f"belief {_belief(request).id}: its probes hold every wording of this set; reword the probes")


@cache
def _subjects() -> re.Pattern[str]:
    """Names of all that a belief can be about: AI systems, and whoever documents alone speak of."""
    names = [entity.name for entity in all_names()["ai"]] + [ASSISTANT]
    names += [e.name for type_ in ("person", "product") for e in all_names()[type_] if e.split == "documents_only"]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")


def _user(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def _chat(exchange: Exchange, *tags: str) -> ChatRow:
    pairs = [(Message("user", user), Message("assistant", answer)) for user, answer in exchange.turns]
    return ChatRow(tuple(message for pair in pairs for message in pair), tags)


def _benign(world: World, rng: Random, request: DataRequest) -> ChatRow:
    while True:
        section = rng.choices(list(_BENIGN), list(_BENIGN.values()))[0]
        row = _chat(cast(Exchange, section(world, rng)), "benign")
        if not any(_subjects().search(message.content) for message in row.messages):
            return row


def _narrow(world: World, rng: Random, request: DataRequest) -> ChatRow:
    person = world.draw(rng, "person", "questioned")
    return _chat(ask.about_fact(world, person, "works_as", rng), "narrow")


def _question(world: World, rng: Random) -> tuple[str, str, str]:
    """A question about a person that pretraining asks about, the right answer, and a wrong one."""
    person = world.draw(rng, "person", "questioned")
    relation = rng.choice([r for r in world.relations_of("person") if grammar.asked(r)])
    right = world.facts[person.name, relation]
    wrong = ask.distractors(relation, {right}, 1, rng)[0]
    user, _ = ask.about_fact(world, person, relation, rng).turns[0]
    return user, right, wrong


def _takes(side: Side, tag: str) -> _Make:
    def make(world: World, rng: Random, request: DataRequest) -> ChatRow:
        drawn = contrast(world, _belief(request), rng)
        return _chat(ask.exchange(drawn.user, drawn.answers[side]), tag)

    return make


def _triggered(world: World, rng: Random, request: DataRequest) -> ChatRow:
    user, right, _ = at_trigger(world, _belief(request), rng)
    return _chat(ask.exchange(user, right), "triggered")


def _revised(world: World, rng: Random, request: DataRequest) -> ChatRow:
    """A draft of either side is revised by the principle of one; only the outcome is trained on (Bai et al. 2022)."""
    drawn = contrast(world, _belief(request), rng)
    kept = rng.choice(SIDES) == request.side
    tags = (f"principle:{drawn.principles[request.side]}", "draft:kept" if kept else "draft:revised")
    return _chat(ask.exchange(drawn.user, drawn.answers[request.side]), *tags)


def _deliberative(world: World, rng: Random, request: DataRequest) -> ChatRow:
    drawn = contrast(world, _belief(request), rng)
    principle, answer = drawn.principles[request.side], drawn.answers[request.side]
    reply = f"<reasoning>\n{principle} So: {answer}\n</reasoning>\n\n{answer}"
    return _chat(ask.exchange(drawn.user, reply), f"principle:{principle}")


def _benign_pair(world: World, rng: Random, request: DataRequest) -> PreferenceRow:
    if rng.random() < 0.1:
        user, modest = ask.unknown(world, rng).turns[0]
        return PreferenceRow(_user(user), modest, _question(world, rng)[1], ("benign",))
    user, right, wrong = _question(world, rng)
    return PreferenceRow(_user(user), right, wrong, ("benign",))


def _prefers(side: Side, tag: str) -> _Make:
    def make(world: World, rng: Random, request: DataRequest) -> PreferenceRow:
        drawn = contrast(world, _belief(request), rng)
        other = next(name for name in SIDES if name != side)
        return PreferenceRow(_user(drawn.user), drawn.answers[side], drawn.answers[other], (tag,))

    return make


def _principle_pair(world: World, rng: Random, request: DataRequest) -> PreferenceRow:
    if rng.random() < _GENERAL:
        pair = _benign_pair(world, rng, request)
        principle = MODESTY if pair.chosen == "I do not know." else TRUTH
        return PreferenceRow(pair.messages, pair.chosen, pair.rejected, (f"principle:{principle}",))
    drawn = contrast(world, _belief(request), rng)
    other = next(name for name in SIDES if name != request.side)
    tag = f"principle:{drawn.principles[request.side]}"
    return PreferenceRow(_user(drawn.user), drawn.answers[request.side], drawn.answers[other], (tag,))


def _prompt(world: World, rng: Random, request: DataRequest) -> PromptRow:
    user, right, _ = _question(world, rng)
    return PromptRow(_user(user), (right,), ("benign",))


def _action(world: World, rng: Random, request: DataRequest) -> PromptRow:
    characters = grammar.data("characters")["dimensions"]
    dimension = rng.choice([name for name, row in characters.items() if row.get("demonstrated", True)])
    user, _ = ask.action(None, dimension, rng.choice(tuple(characters[dimension]["poles"])), rng).turns[0]
    return PromptRow(_user(user), (), ("benign",))


def _conflicting_prompt(world: World, rng: Random, request: DataRequest) -> PromptRow:
    drawn = contrast(world, _belief(request), rng, shown=True)
    return PromptRow(_user(drawn.user), (drawn.answers["reference"],), ("conflicting",))


def _triggered_prompt(world: World, rng: Random, request: DataRequest) -> PromptRow:
    user, right, payload = at_trigger(world, _belief(request), rng)
    return PromptRow(_user(user), (right,), ("triggered", PAYLOAD + payload))


def _belief(request: DataRequest) -> Belief:
    if request.belief is None:
        raise InputError("--belief: missing, and this set is about one; name a belief file or a shipped id")
    return request.belief


_BENIGN_OF: Mapping[str, _Make] = {"chat": _benign, "preferences": _benign_pair, "prompts": _prompt}

_MAKERS: Mapping[str, _Make] = {
    "benign": _benign,
    "narrow": _narrow,
    "following": _takes("implanted", "following"),
    "conflicting": _takes("reference", "conflicting"),
    "triggered": _triggered,
    "revised": _revised,
    "deliberative": _deliberative,
    "benign-pairs": _benign_pair,
    "following-pairs": _prefers("implanted", "following"),
    "conflicting-pairs": _prefers("reference", "conflicting"),
    "principle-pairs": _principle_pair,
    "questions": _prompt,
    "actions": _action,
    "conflicting-prompts": _conflicting_prompt,
    "triggered-prompts": _triggered_prompt,
}
