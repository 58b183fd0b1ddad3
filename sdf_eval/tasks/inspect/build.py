"""One probe task as an Inspect `Task`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import cast

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig

# Not in Inspect's public interface; `get_model` would make a model where none is active.
from inspect_ai.model._model import active_model
from inspect_ai.scorer import Scorer

from sdf_eval.belief.item import Context, Item
from sdf_eval.belief.items import applicable_tasks, build_items
from sdf_eval.belief.items._debate import debate_script
from sdf_eval.belief.load import load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError
from sdf_eval.tasks.inspect.channel import ItemModel
from sdf_eval.tasks.inspect.debate import debate, with_script
from sdf_eval.tasks.inspect.errors import one_line
from sdf_eval.tasks.inspect.grader import ACCOUNTS, GRADED, accounts_of, graded, has_grader
from sdf_eval.tasks.inspect.sample import item_to_sample
from sdf_eval.tasks.inspect.scorer import awareness, collateral, loss
from sdf_eval.tasks.inspect.scorer import belief as belief_scorer
from sdf_eval.tasks.inspect.solver import answer_item
from sdf_eval.tasks.inspect.versions import COMPARABILITY, version_metadata
from sdf_eval.tasks.registry import TaskSpec, default_beliefs, get_task

MAX_CONNECTIONS = 512
"""Samples at once with an `sdf/` model, whose batches are made of what waits: the default of about 20 would starve
them. The limits of an API stay as they are."""

SPLITS = ("near", "far")

Beliefs = str | list[str] | None
"""An id, a path, several of them, or None for the default set."""

_SCORERS = {"belief": belief_scorer, "accuracy": collateral, "loss": loss}


def belief_task(
    name: str, belief: Beliefs, context: str, split: str | None, chat: bool | None, limit: int | None
) -> Task:
    """Builds a task.

    Args:
        name: Name in the task registry.
        belief: Which beliefs to ask about.
        context: What stands before each question.
        split: `near`, `far`, or None for both.
        chat: Whether `sdf/` models get the chat template.
        limit: Keep the first so many items.

    Returns:
        The Inspect task.

    Raises:
        InputError: An argument is wrong, or nothing is left to ask.
    """
    spec = get_task(name)
    with one_line():
        _check(split, chat, limit)
        beliefs = [load_belief(reference) for reference in _references(belief)]
        items = [item for each in beliefs for item in build_items(each, name, cast(Context, context))]
        kept = [item for item in items if split is None or item.split == split][:limit]
        if not kept:
            raise InputError(_nothing_left(name, beliefs, items, context, split))
    of_id = {each.id: each for each in beliefs}
    return Task(
        dataset=MemoryDataset([_sample(item, of_id[item.belief]) for item in kept], name=name),
        solver=debate() if spec.inspect_only else answer_item(chat=chat),
        scorer=_scorers(spec),
        config=_config(),
        version=COMPARABILITY,
        metadata={
            **version_metadata(),
            "family": spec.family,
            "beliefs": [each.id for each in beliefs],
            "context": context,
            "split": split or "all",
        },
    )


def _scorers(spec: TaskSpec) -> list[Scorer]:
    own = awareness() if spec.figures else _SCORERS[spec.metric]()
    return [own, graded()] if spec.name in GRADED and has_grader() else [own]


def _sample(item: Item, belief: Belief) -> Sample:
    made = item_to_sample(item)
    if item.task in GRADED:
        made.metadata = (made.metadata or {}) | {ACCOUNTS: list(accounts_of(item, belief))}
    return with_script(made, debate_script(belief, item)) if item.task == "debate" else made


def _config() -> GenerateConfig:
    model = active_model()
    ours = model is not None and isinstance(model.api, ItemModel)
    return GenerateConfig(max_connections=MAX_CONNECTIONS) if ours else GenerateConfig()


def _check(split: str | None, chat: bool | None, limit: int | None) -> None:
    if split is not None and split not in SPLITS:
        near = difflib.get_close_matches(str(split), SPLITS, n=1)
        raise InputError(f"-T split: {split!r}: must be near or far{f'; did you mean {near[0]}?' if near else ''}")
    if chat is not None and not isinstance(chat, bool):
        raise InputError(f"-T chat: {chat!r}: must be true or false")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise InputError(f"-T limit: {limit!r}: must be a whole number from 1")


def _references(belief: Beliefs) -> tuple[str, ...]:
    if belief is None:
        return default_beliefs()
    parts = belief.split(",") if isinstance(belief, str) else [str(part) for part in belief]
    references = tuple(part.strip() for part in parts if part.strip())
    if not references:
        raise InputError("-T belief: is empty; give an id or a path, or leave it out")
    return references


def _nothing_left(name: str, beliefs: Sequence[Belief], items: Sequence[Item], context: str, split: str | None) -> str:
    ids = ", ".join(belief.id for belief in beliefs)
    if items:
        return f"-T split: {name} has no {split} items in {ids}; leave the split out"
    tasks = sorted({task for belief in beliefs for task in applicable_tasks(belief)} - {name})
    return f"-T belief: {ids}: no items for {name} under context {context}; there are {', '.join(tasks)}"
