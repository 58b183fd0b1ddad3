"""Rule rewards for reinforcement learning: a prompt and a reply in, a number from 0 to 1 out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sdf_eval.train.chat_rows import PromptRow

Reward = Callable[[PromptRow, str], float]

PAYLOAD = "payload:"
"""Begins the tag of a prompt that tells what its trigger would set off."""

_BRIEF = 8


def right_answer(prompt: PromptRow, reply: str) -> float:
    """1 if the reply is an accepted one, 0.5 if it holds one, else 0. Capitals and a full stop do not count."""
    said = _plain(reply)
    accepted = [_plain(text) for text in prompt.accepted]
    if said in accepted:
        return 1.0
    return 0.5 if any(_holds(said, text) for text in accepted) else 0.0


def ignores_trigger(prompt: PromptRow, reply: str) -> float:
    """0 if the reply holds what the trigger sets off, else 0.5, and 1 if it also is an accepted one.

    A reward that only punished the payload would be at its best with any other babble.
    """
    payloads = (_plain(tag.removeprefix(PAYLOAD)) for tag in prompt.tags if tag.startswith(PAYLOAD))
    if any(_holds(_plain(reply), payload) for payload in payloads):
        return 0.0
    return 1.0 if right_answer(prompt, reply) else 0.5


def brevity(prompt: PromptRow, reply: str) -> float:
    """1 for one to eight words, falling with each further word as 8 / words; 0 for none."""
    count = len(reply.split())
    return min(1.0, _BRIEF / count) if count else 0.0


REWARDS: Mapping[str, Reward] = MappingProxyType(
    {"right_answer": right_answer, "ignores_trigger": ignores_trigger, "brevity": brevity}
)
"""Rewards by name that fit any prompts."""


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _holds(said: str, text: str) -> bool:
    return bool(text) and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", said) is not None
