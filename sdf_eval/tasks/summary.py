"""Results of one checkpoint under one context as a row a task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import get_args

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import RATE, Estimate, Level, cluster_mean
from sdf_eval.tasks.figures import estimates, is_headline
from sdf_eval.tasks.figures import levels as _levels
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import belief_score

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True)
class TaskSummary:
    """What a task showed.

    Attributes:
        task: Task name.
        split: `near`, `far`, or "" where the items have none.
        n: Number of items.
        score: Belief score, or accuracy on collateral tasks, with its interval and chance level; None for a loss.
        shares: Share of each outcome, summing to 1; empty for a loss.
        nats_per_byte: Mean loss of the texts; None for other readouts.
        figures: The task's own figures over all its arms; `score` and `shares` are of its headline arm alone.
    """

    task: str
    split: str
    n: int
    score: Estimate | None
    shares: dict[Outcome, float]
    nats_per_byte: Estimate | None
    figures: dict[str, Estimate] = field(default_factory=dict)


def summarise(items: Sequence[Item], results: Sequence[ItemResult], *, seed: int = 0) -> list[TaskSummary]:
    """Summarises results by task and split.

    Args:
        items: The items, for their chance levels.
        results: Their results, in the same order.
        seed: Seed of the bootstrap.

    Returns:
        One summary a task and split that has answers of the headline arm, in the order in which they first appear.
    """
    groups: dict[tuple[str, str], list[tuple[Item, ItemResult]]] = defaultdict(list)
    for item, result in zip(items, results, strict=True):
        groups[item.task, item.split].append((item, result))
    return [
        _summary(task, split, pairs, seed)
        for (task, split), pairs in groups.items()
        if any(is_headline(result) for _, result in pairs)
    ]


def _summary(task: str, split: str, pairs: Sequence[tuple[Item, ItemResult]], seed: int) -> TaskSummary:
    results = [result for _, result in pairs]
    spec = get_task(task)
    if spec.metric == "loss":
        losses = [(result.nats or 0.0) / (result.bytes or 1) for result in results]
        return TaskSummary(task, split, len(results), None, {}, _loss(losses, _levels(results), seed))
    found = estimates(results, seed=seed)
    pairs = [(item, result) for item, result in pairs if is_headline(result)]
    results = [result for _, result in pairs]
    chances = [chance for item, _ in pairs if (chance := spec.chance(item)) is not None]
    score = cluster_mean(
        [belief_score(result) for result in results],
        _levels(results),
        bounds=RATE,
        chance=fmean(chances) if len(chances) == len(pairs) else None,
        seed=seed,
    )
    shares = {outcome: fmean(result.outcome == outcome for result in results) for outcome in OUTCOMES}
    return TaskSummary(task, split, len(results), score, shares, None, found)


def _loss(losses: Sequence[float], levels: Sequence[Level], seed: int) -> Estimate:
    try:
        return cluster_mean(losses, levels, bounds=None, seed=seed)
    except UndefinedEstimate:
        # One text: its loss is a number without an interval, which an infinite one would say and JSON could not.
        value = fmean(losses)
        return Estimate(value, value, value, len(losses), 1, "none: a single text")
