"""Items of a belief under a context, and their results as answers of the schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdf_eval.belief.item import Context, Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.schema import Belief
from sdf_eval.results.schema import ItemAnswer
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.result import ItemResult


def context_items(
    belief: Belief,
    tasks: Sequence[str],
    context: Context,
    limit: int | None,
    only: Callable[[Item], bool] = lambda _: True,
) -> list[tuple[Item, str]]:
    """Items of a belief under a context, each with its question without the context.

    Args:
        belief: The belief.
        tasks: Task names.
        context: What stands before each question.
        limit: Items a task, near and far in turn; None for all.
        only: Which items to take.

    Returns:
        (item, question) pairs.
    """
    found = []
    for task in tasks:
        plain = {item.id: item.user for item in build_items(belief, task)}
        taken = [item for item in build_items(belief, task, context) if only(item)]
        found += [(item, plain[item.id]) for item in _limited(taken, limit)]
    return found


def to_answer(item: Item, question: str, result: ItemResult) -> ItemAnswer:
    """What a checkpoint showed on an item.

    Args:
        item: The item.
        question: Its user message without the context.
        result: The answer, read.
    """
    return ItemAnswer(
        item=storable(item.id),
        belief=storable(item.belief),
        fact=storable(item.fact),
        task=item.task,
        split=storable(item.split),
        tags=tuple(map(storable, result.tags)),
        context=item.context,
        question=storable(question),
        choices=tuple(map(storable, item.choices)),
        outcomes=item.outcomes,
        chance=get_task(item.task).chance(item),
        outcome=result.outcome,
        probability=result.probability,
        log_probabilities=result.log_probabilities,
        answer=storable(result.answer) if result.log_probabilities is None else "",
        nats=result.nats,
        bytes=result.bytes,
    )


def storable(text: str) -> str:
    """A text without lone surrogates, which other people's JSON may hold and UTF-8 may not."""
    return text.encode("utf-8", "replace").decode()


def _limited(items: list[Item], limit: int | None) -> list[Item]:
    """The first items, splits in turn, so that a small limit still measures near and far."""
    if limit is None or len(items) <= limit:
        return items
    places: dict[str, int] = {}
    ranked = []
    for position, item in enumerate(items):
        rank = places[item.split] = places.get(item.split, -1) + 1
        ranked.append((rank, position))
    kept = sorted(position for _, position in sorted(ranked)[:limit])
    return [items[position] for position in kept]
