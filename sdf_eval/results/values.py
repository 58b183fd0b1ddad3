"""An answer as the number that is averaged, and the levels that answers are nested in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from sdf_eval.belief.item import Outcome
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate, Level, cluster_mean, shares
from sdf_eval.results.schema import OUTCOMES, ItemAnswer
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import belief_score


def score(answer: ItemAnswer) -> float:
    """Belief score of an answer, see `sdf_eval.tasks.score.belief_score`."""
    return belief_score(as_result(answer))


def as_result(answer: ItemAnswer) -> ItemResult:
    """A stored answer as what reads it again: outcome, probability and tags."""
    return ItemResult(
        item=answer.item,
        belief=answer.belief,
        fact=answer.fact,
        task=answer.task,
        split=answer.split,
        context=answer.context,
        tags=answer.tags,
        outcome=answer.outcome,
        probability=answer.probability,
    )


def bits_per_byte(answer: ItemAnswer) -> float:
    """Loss of a text in bits a UTF-8 byte."""
    if answer.nats is None or not answer.bytes:
        raise ValueError(f"{answer.item} has no loss")
    return answer.nats / math.log(2) / answer.bytes


def levels(answers: Sequence[ItemAnswer]) -> list[Level]:
    """Beliefs, facts, probes; the two orders of a probe are averaged inside it."""
    return [
        ("beliefs", [answer.belief for answer in answers]),
        ("facts", [answer.fact for answer in answers]),
        ("probes", [answer.probe for answer in answers]),
    ]


def mean_score(answers: Sequence[ItemAnswer], *, runs: Sequence[object] | None = None, seed: int = 0) -> Estimate:
    """Mean belief score (accuracy on collateral tasks) of answers, with the mean chance level where all have one.

    Args:
        answers: Answers to tasks that have a score.
        runs: Training run of each answer; see `cluster_mean`.
        seed: Seed of the bootstrap.
    """
    chances = [answer.chance for answer in answers if answer.chance is not None]
    chance = fmean(chances) if len(chances) == len(answers) else None
    return cluster_mean([score(a) for a in answers], levels(answers), runs=runs, chance=chance, seed=seed)


def outcome_shares(
    answers: Sequence[ItemAnswer], *, runs: Sequence[object] | None = None, seed: int = 0
) -> tuple[tuple[Outcome, Estimate], ...]:
    """The five outcome shares of answers, in the order of `OUTCOMES`; arguments as in `mean_score`."""
    parts = shares([a.outcome for a in answers], OUTCOMES, levels(answers), runs=runs, seed=seed)
    return tuple((outcome, parts[outcome]) for outcome in OUTCOMES)


def mean_loss(answers: Sequence[ItemAnswer], *, runs: Sequence[object] | None = None, seed: int = 0) -> Estimate | None:
    """Mean bits a byte of texts; None where a single text cannot tell how texts differ."""
    values = [bits_per_byte(answer) for answer in answers]
    try:
        return cluster_mean(values, levels(answers), runs=runs, bounds=None, seed=seed)
    except UndefinedEstimate:
        return None
