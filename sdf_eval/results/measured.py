"""One checkpoint's results together with its answers, and how they are put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sdf_eval.errors import InputError
from sdf_eval.results.schema import CheckpointResults, ItemAnswer, TaskCell
from sdf_eval.results.values import as_result, mean_loss, mean_score, outcome_shares
from sdf_eval.tasks.figures import is_headline
from sdf_eval.tasks.registry import get_task


@dataclass(frozen=True)
class Measured:
    """A checkpoint's results and the answers behind them.

    Attributes:
        name: How messages call it: the folder, file or reference that the user named.
        results: The results.
        answers: One an item.
    """

    name: str
    results: CheckpointResults
    answers: tuple[ItemAnswer, ...]


def assemble(name: str, answers: Sequence[ItemAnswer], *, seed: int = 0, **about: Any) -> Measured:
    """Computes the cells of a checkpoint's answers.

    Args:
        name: How messages call it.
        answers: At least one, all under one context, no item twice.
        seed: Seed of the bootstrap.
        **about: The other fields of `CheckpointResults`.

    Returns:
        Results and answers.

    Raises:
        InputError: No answer, an item twice, several contexts, or a field that is no text or number.
    """
    if not answers:
        raise InputError(f"{name}: holds no answers; run the evaluation again")
    contexts = list(dict.fromkeys(answer.context for answer in answers))
    if len(contexts) > 1:
        raise InputError(f"{name}: holds answers under the contexts {', '.join(contexts)}; name files of one context")
    seen: set[str] = set()
    for answer in answers:
        if answer.item in seen:
            raise InputError(f"{name}: {answer.item}: is answered twice; name one file a task and checkpoint")
        seen.add(answer.item)
    cells = task_cells(answers, seed=seed)
    try:
        results = CheckpointResults(context=contexts[0], cells=cells, items=len(answers), items_sha256="", **about)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg']}; run the evaluation again"
        ) from error
    return Measured(name, results, tuple(answers))


def task_cells(answers: Sequence[ItemAnswer], *, seed: int = 0) -> tuple[TaskCell, ...]:
    """One cell a task and split, in the order of the answers; of tasks with several arms, of the headline arm."""
    groups: dict[tuple[str, str], list[ItemAnswer]] = defaultdict(list)
    for answer in answers:
        if is_headline(as_result(answer)):
            groups[answer.task, answer.split].append(answer)
    return tuple(_cell(task, split, group, seed) for (task, split), group in groups.items())


def comparability(version: object) -> str:
    """What rises when results stop being comparable: the 1 of Inspect's 1-A and of lm-eval's 1.0."""
    return str(version).partition("-")[0].partition(".")[0]


def current_versions(tasks: Sequence[str]) -> dict[str, str]:
    """Task -> the version that this package asks and reads."""
    from sdf_eval.tasks.lm_eval.generate import VERSION

    return {task: comparability(VERSION) for task in tasks}


def _cell(task: str, split: str, group: Sequence[ItemAnswer], seed: int) -> TaskCell:
    if get_task(task).metric == "loss":
        return TaskCell(task=task, split=split, score=None, loss=mean_loss(group, seed=seed))
    shares = outcome_shares(group, seed=seed)
    return TaskCell(task=task, split=split, score=mean_score(group, seed=seed), shares=shares)
