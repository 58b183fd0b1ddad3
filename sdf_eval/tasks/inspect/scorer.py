"""Scorers: they read the stored output only, so `inspect score` repeats them from a log without the model's weights."""

from __future__ import annotations

import re
from typing import cast, get_args

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.tasks.awareness.rows import item_row, to_payload
from sdf_eval.tasks.figures import figures as own_figures
from sdf_eval.tasks.figures import is_headline, values_of
from sdf_eval.tasks.inspect.metrics import figures, nats_per_byte
from sdf_eval.tasks.inspect.sample import letter
from sdf_eval.tasks.inspect.solver import LOG_PROBABILITIES, NATS, state_item
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import belief_score as score_of
from sdf_eval.tasks.score import score_choice, score_loss, score_options, score_text

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
NOT_COUNTED = float("nan")
"""Inspect leaves such a value out of the mean of its key, and says of how many samples."""

_REASONS = {"invalid": "invalid_response_format", "refusal": "refusal"}
_MARKS = r"[\s*_\"'(\[]"
_LETTER = r"(?:[A-Z]\b|[a-z]\b(?=\W*$|\s*[.,;)\]\"'*\n]))(?!['\u2019]\w)"
"""A small letter counts only where it stands apart: "a" is a word too."""
_ANSWER_LINE = re.compile(
    rf"\b(?i:answer(?:\s+is)?)[*_\"']*\s*:{_MARKS}*({_LETTER})"
    rf"|\b(?i:answer\s+is)\s+(?i:option\s+|letter\s+)?(?:{_MARKS}*[*_\"'(\[](?P<marked>[A-Za-z])\b(?=[)\]*_\"'])|({_LETTER}))"
)
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
        """Reads the sample's output: belief score or accuracy in 0 to 1, and a 0 or 1 for each outcome."""
        result = read_output(state_item(state), state.output)
        return Score(value={"nats": result.nats, "bytes": result.bytes})

    return score


@scorer(metrics=[figures()])
def awareness() -> Scorer:
    """The figures of an awareness task, which compare its items; a sample's value is P(the implanted answer)."""

    async def score(state: TaskState, target: Target) -> Score:
        """Reads the sample's output and keeps in its metadata what the figures are made of."""
        item = state_item(state)
        result = read_output(item, state.output)
        kept = {"task": item.task, "row": to_payload(item_row(item, result)), "outcome": result.outcome}
        value = result.nats if result.nats is not None else score_of(result)
        return Score(value=value, answer=result.answer, metadata=kept)

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
    if item.readout in ("generation", "reasoning"):
        return score_text(item, output.completion)
    if LOG_PROBABILITIES in metadata:
        return score_options(item, metadata[LOG_PROBABILITIES])
    return score_choice(item, chosen_letter(output.completion, len(item.choices)), output.completion)


def chosen_letter(text: str, count: int) -> int | None:
    """Index of the option that an answer names by its letter, or None.

    Args:
        text: What the model wrote: `ANSWER: B` or `the answer is (B)` somewhere (the last that names an option
            counts), or a lone letter.
        count: Number of options.
    """
    letters = [letter(index) for index in range(count)]
    written = [next(filter(None, match.groups())).upper() for match in _ANSWER_LINE.finditer(text)]
    named = [each for each in written if each in letters]
    lone = _LONE_LETTER.match(text.strip())
    if not written and lone and lone[1] in letters:
        named = [lone[1]]
    return letters.index(named[-1]) if named else None


def _scorer(name: str) -> Scorer:
    async def compute(state: TaskState, target: Target) -> Score:
        """Reads the sample's output: score, a 0 or 1 for each outcome, the task's own figures; NaN is not counted."""
        result = read_output(state_item(state), state.output)
        counted = is_headline(result)
        shares = {outcome: int(result.outcome == outcome) if counted else NOT_COUNTED for outcome in OUTCOMES}
        own = {figure.name: NOT_COUNTED for figure in own_figures(result.task)} | values_of(result)
        score = score_of(result) if counted else NOT_COUNTED
        empty = result.outcome == "invalid" and not result.answer.strip()
        return Score(
            value=cast("dict[str, str | int | float | bool | None]", {name: score, **shares, **own}),
            answer=result.answer,
            reason="no_response" if empty else _REASONS.get(result.outcome),
            metadata={"outcome": result.outcome},
        )

    return compute
