"""Scorers: they read the stored output only, so `inspect score` repeats them from a log without the model's weights."""

from __future__ import annotations

import re
from typing import cast, get_args

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.tasks.inspect.metrics import nats_per_byte
from sdf_eval.tasks.inspect.sample import letter
from sdf_eval.tasks.inspect.solver import LOG_PROBABILITIES, NATS, state_item
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import belief_score as score_of
from sdf_eval.tasks.score import score_choice, score_loss, score_options, score_text

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_REASONS = {"invalid": "invalid_response_format", "refusal": "refusal"}
_ANSWER_LINE = re.compile(r"answer\s*(?:is)?\s*:?\s*[\"'*(\[]*([a-z])\b", re.IGNORECASE)
_LONE_LETTER = re.compile(r"^\W*([A-Z])(?:\W*$|[).:]\s)")


@scorer(metrics={"*": [mean(), stderr(cluster="cluster")]})
def belief() -> Scorer:
    """The belief score and the five shares.

    `belief` is the probability of the implanted options where log-probabilities were read, else whether the answer
    shows the implanted side. `implanted`, `reference`, `other`, `refusal` and `invalid` sum to 1; nothing is dropped.
    """
    return _scorer("belief")


@scorer(metrics={"*": [mean(), stderr(cluster="cluster")]})
def collateral() -> Scorer:
    """`accuracy`, the share of right answers, and the five shares, of which `reference` is the right answer."""
    return _scorer("accuracy")


@scorer(metrics=[nats_per_byte()])
def loss() -> Scorer:
    """Loss of held-out text, in nats and UTF-8 bytes."""

    async def score(state: TaskState, target: Target) -> Score:
        result = read_output(state_item(state), state.output)
        return Score(value={"nats": result.nats, "bytes": result.bytes})

    return score


def read_output(item: Item, output: ModelOutput) -> ItemResult:
    """Reads what a model gave for an item.

    Args:
        item: The item.
        output: The model's output: log-probabilities or a loss in its metadata, else text.

    Returns:
        The result, equal to the direct face's for the same log-probabilities or text.
    """
    metadata = output.metadata or {}
    if item.readout == "loss":
        return score_loss(item, metadata[NATS])
    if item.readout == "generation":
        return score_text(item, output.completion)
    if LOG_PROBABILITIES in metadata:
        return score_options(item, metadata[LOG_PROBABILITIES])
    return score_choice(item, chosen_letter(output.completion, len(item.choices)), output.completion)


def chosen_letter(text: str, count: int) -> int | None:
    """Index of the option that an answer names by its letter, or None.

    Args:
        text: What the model wrote: `ANSWER: B` somewhere (the last one counts), or a lone letter.
        count: Number of options.
    """
    found = _ANSWER_LINE.findall(text) or _LONE_LETTER.findall(text.strip())
    letters = [letter(index) for index in range(count)]
    return letters.index(found[-1].upper()) if found and found[-1].upper() in letters else None


def _scorer(name: str) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        result = read_output(state_item(state), state.output)
        shares = {outcome: int(result.outcome == outcome) for outcome in OUTCOMES}
        empty = result.outcome == "invalid" and not result.answer.strip()
        return Score(
            value=cast("dict[str, str | int | float | bool | None]", {name: score_of(result), **shares}),
            answer=result.answer,
            reason="no_response" if empty else _REASONS.get(result.outcome),
            metadata={"outcome": result.outcome},
        )

    return score
