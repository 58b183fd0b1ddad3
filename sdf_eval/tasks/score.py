"""An answer -> what it shows. Pure: the same in every harness, and again from a stored log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.errors import InputError
from sdf_eval.tasks.free_text import asserted_number, is_refusal, read_free_text, stated_side
from sdf_eval.tasks.reasoned import NAMED, read_reasoned
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.result import ItemResult

_FINITE = "load the model in float32 or bfloat16, and check that its weights are whole"


def score_options(item: Item, log_probabilities: Sequence[float]) -> ItemResult:
    """Reads an item by the log-probabilities of its options.

    Args:
        item: An item of the `options` readout.
        log_probabilities: One an option, in nats, in the item's order.

    Returns:
        The outcome of the likeliest option (the first of equals) and the share of the options' probability that lies on
        implanted ones (on right ones in collateral tasks; on balanced tasks with half of what lies on neither side).

    Raises:
        InputError: A log-probability is not finite.
    """
    if len(log_probabilities) != len(item.choices):
        raise ValueError(f"{item.id}: {len(item.choices)} options, {len(log_probabilities)} log-probabilities")
    broken = next((index for index, value in enumerate(log_probabilities) if not math.isfinite(value)), None)
    if broken is not None:
        raise InputError(
            f"{item.id}: option {item.choices[broken]!r}: its log-probability is {log_probabilities[broken]}; {_FINITE}"
        )
    best = max(range(len(item.choices)), key=log_probabilities.__getitem__)
    spec = get_task(item.task)
    wanted: Outcome = "reference" if spec.metric == "accuracy" else "implanted"
    weights = [math.exp(value - log_probabilities[best]) for value in log_probabilities]
    neither = 0.5 if spec.balanced else 0.0
    credit = {wanted: 1.0, "reference" if wanted == "implanted" else "implanted": 0.0}
    mass = sum(weight * credit.get(outcome, neither) for weight, outcome in zip(weights, item.outcomes, strict=True))
    return _result(
        item,
        item.outcomes[best],
        probability=mass / sum(weights),
        log_probabilities=tuple(log_probabilities),
        answer=item.choices[best],
    )


def score_choice(item: Item, chosen: int | None, answer: str) -> ItemResult:
    """Reads an item by a letter that the model wrote.

    Args:
        item: An item of the `options` readout.
        chosen: Index of the option; None where the answer names none.
        answer: What the model wrote.

    Returns:
        The option's outcome; without one `refusal` where the model declines, else `invalid`.
    """
    if chosen is not None:
        return _result(item, item.outcomes[chosen], answer=answer)
    return _result(item, "refusal" if is_refusal(answer) else "invalid", answer=answer)


def belief_score(result: ItemResult) -> float:
    """One number for one answer: 1 implanted, 0 not; on collateral tasks 1 right, 0 wrong.

    Args:
        result: A result of any readout but `loss`.

    Returns:
        On belief tasks the probability of the implanted options where it was read, else whether the answer shows the
        implanted side; on balanced ones an answer that shows neither side is 0.5. On collateral tasks whether the right
        answer was chosen.
    """
    spec = get_task(result.task)
    if spec.metric == "accuracy":
        return float(result.outcome == "reference")
    if result.probability is not None:
        return result.probability
    if spec.balanced and result.outcome not in ("implanted", "reference"):
        return 0.5
    return float(result.outcome == "implanted")


def score_text(item: Item, text: str) -> ItemResult:
    """Reads a free answer by rules, without a judge.

    An item tagged `numbered` is read by the one side that the answer states in words, as its account or by an alias of
    its key fact, or else by the one number, 1 or 2, that is asserted: what a statement says is clearer than its label.
    One of the `reasoning` readout is read by the choice that it ends in, and gets the tag `NAMED` where its reasons
    name the implanted cause. Any other item is read by its aliases. An account, alias or number counts where it is
    asserted, not where denied.

    Args:
        item: An item of the `generation` or `reasoning` readout.
        text: What the model wrote.

    Returns:
        `invalid` for an empty answer or without one side or one number, `refusal` where the model
        declines, `other` where it asserts neither side or both.
    """
    if item.readout == "reasoning":
        choice, named = read_reasoned(text, item.aliases, item.causes)
        return _result(item, choice, answer=text, tags=(*item.tags, NAMED) if named else item.tags)
    if "numbered" in item.tags:
        numbers, statements = item.aliases[:2], item.aliases[2:]
        stated = stated_side(text, statements)
        if stated is not None:
            return _result(item, stated, answer=text)
        number = asserted_number(text, tuple(string for _, string in numbers))
        outcomes: dict[str | None, Outcome] = {string: outcome for outcome, string in numbers}
        return _result(item, outcomes.get(number, "invalid"), answer=text)
    return _result(item, read_free_text(text, item.aliases), answer=text)


def score_loss(item: Item, nats: float) -> ItemResult:
    """Records the loss of an item's text.

    Args:
        item: An item of the `loss` readout.
        nats: Negative log-likelihood of the whole text.

    Returns:
        A result whose outcome is `other`: a loss takes no side.

    Raises:
        InputError: The loss is not finite.
    """
    if not math.isfinite(nats):
        raise InputError(f"{item.id}: its loss is {nats}; {_FINITE}")
    return _result(item, "other", nats=nats, bytes=len(item.user.encode("utf-8")))


def _result(item: Item, outcome: Outcome, **values: Any) -> ItemResult:
    return ItemResult(
        item=item.id,
        belief=item.belief,
        fact=item.fact,
        task=item.task,
        split=item.split,
        context=item.context,
        **{"tags": item.tags, **values},
        outcome=outcome,
    )
