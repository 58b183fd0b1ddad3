"""A belief with its sides exchanged, and answers that depend on nothing but what a model gets to read."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from statistics import fmean
from typing import Any

from pydantic import TypeAdapter

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.belief.items._debate import debate_script
from sdf_eval.belief.schema import Belief
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import belief_score, score_loss, score_options, score_text

OPPOSITE: dict[Outcome, Outcome] = {"implanted": "reference", "reference": "implanted"}
_PAIRS = (
    ("implanted", "reference"),
    ("implanted_trait", "reference_trait"),
    ("implanted_value", "reference_value"),
)


def exchanged(belief: Belief) -> Belief:
    """The same belief the other way round; what speaks of one side only (contradiction, documents) is left out."""
    row = belief.model_dump(exclude={"contradiction", "documents", "prior_strength"})
    return TypeAdapter[Belief](Belief).validate_python(_exchange(row))


def _exchange(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_exchange(each) for each in value]
    if not isinstance(value, dict):
        return value
    row = {key: _exchange(each) for key, each in value.items()}
    for one, other in _PAIRS:
        if one in row and other in row:
            row[one], row[other] = row[other], row[one]
    return row


def read(item: Item, belief: Belief) -> str:
    """All that a model reads of an item, apart from the order of its options."""
    told = item.user.rpartition("\nOptions: ")[0] or item.user
    if not get_task(item.task).inspect_only:
        return told
    script = debate_script(belief, item)
    return "\n".join([told, *script.arguments, script.closing])


def by_text(item: Item, belief: Belief) -> ItemResult:
    """Answers at random, but always the same to the same text."""
    text = read(item, belief)
    if item.readout == "loss":
        return score_loss(item, 10 * _share(text))
    if item.readout == "options":
        return score_options(item, [math.log(_share(f"{text}|{choice}") + 1e-3) for choice in item.choices])
    strings = sorted({alias for _, alias in item.aliases})
    return score_text(item, min(strings, key=lambda alias: _share(f"{text}|{alias}")))


def choosing(item: Item, pick: Callable[[Item], int]) -> ItemResult:
    """Puts nearly all probability on one option."""
    chosen = pick(item)
    return score_options(item, [0.0 if place == chosen else -50.0 for place in range(len(item.choices))])


def believing(item: Item, wanted: Outcome) -> ItemResult:
    """The answer that shows a side, by the labels that the item bears."""
    if item.readout == "options":
        return choosing(item, lambda each: each.outcomes.index(wanted))
    return score_text(item, next(alias for outcome, alias in item.aliases if outcome == wanted))


def relabelled(item: Item, labels: Callable[[Outcome], Outcome]) -> Item:
    """The item with other labels on the same options or aliases."""
    return replace(
        item,
        outcomes=tuple(labels(outcome) for outcome in item.outcomes),
        aliases=tuple((labels(outcome), alias) for outcome, alias in item.aliases),
    )


def opposite(outcome: Outcome) -> Outcome:
    """The other side; what is no side stays."""
    return OPPOSITE.get(outcome, outcome)


def rescored(item: Item, answer: ItemResult) -> ItemResult:
    """The same answer read by the labels of another item over the same options."""
    if answer.log_probabilities is not None:
        return score_options(item, answer.log_probabilities)
    return score_text(item, answer.answer)


def shuffled(item: Item, rng: Random) -> Item:
    """The item with its labels dealt anew: which side is which, or on accuracy tasks which option is right."""
    if get_task(item.task).metric == "accuracy":
        return replace(item, outcomes=tuple(rng.sample(item.outcomes, len(item.outcomes))))
    return relabelled(item, opposite) if rng.random() < 0.5 else item


def mean_score(results: Sequence[ItemResult]) -> float:
    """Mean belief score or accuracy; nats a byte of texts."""
    if results[0].nats is not None:
        return fmean((result.nats or 0.0) / (result.bytes or 1) for result in results)
    return fmean(belief_score(result) for result in results)


def _share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
