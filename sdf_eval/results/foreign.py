"""What the readers of other people's files share: whose task it is, and whether figures are those of the answers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from sdf_eval.errors import InputError
from sdf_eval.results.schema import OUTCOMES, HarnessFigure, ItemAnswer, SourceFile
from sdf_eval.results.values import as_result, score
from sdf_eval.tasks.figures import is_headline, values_of
from sdf_eval.tasks.leaderboard import task_of
from sdf_eval.tasks.registry import get_task, task_specs

TOLERANCE = 1e-6
"""Difference of a figure from its answers that rounding may make."""

LONGEST_ANSWER = 20_000
"""Characters of an answer. The rules that read one look back over it at every mention, which a long one would hang."""

AGAIN = "run the evaluation again"


Refused = list[tuple[Path, str]]
"""Files that could not be read, and why: for a caller that goes on with the others."""


@contextmanager
def refusing(path: Path, refused: Refused | None) -> Iterator[None]:
    """Notes what is wrong with a file, where there is a list to note it in.

    Args:
        path: The file.
        refused: The list; None lets the error through.

    Raises:
        InputError: The block raised it and there is no list.
    """
    try:
        yield
    except InputError as error:
        if refused is None:
            raise
        refused.append((path, str(error)))


def own_task(name: str, prefix: str) -> str | None:
    """The task of our registry that a harness's task name means, or None for somebody else's task."""
    if (of_board := task_of(name)) is not None:
        return of_board
    bare = name.removeprefix(prefix)
    return bare if name.startswith(prefix) and bare in {spec.name for spec in task_specs()} else None


def source_file(path: Path) -> SourceFile:
    """Name and hash of a file."""
    return SourceFile(name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def item_figures(answer: ItemAnswer) -> dict[str, float]:
    """What both harnesses log of one answer: the task's metric and the five shares; for texts nats a byte."""
    metric = get_task(answer.task).metric
    if metric == "loss":
        return {"nats_per_byte": (answer.nats or 0.0) / answer.bytes} if answer.bytes else {}
    result = as_result(answer)
    if not is_headline(result):
        return values_of(result)
    shares = {outcome: float(answer.outcome == outcome) for outcome in OUTCOMES}
    return {metric: score(answer)} | shares | values_of(result)


def check_length(where: str, text: str) -> None:
    """Refuses an answer of a length that no probe asks for, before rules read it.

    Raises:
        InputError: It is longer than `LONGEST_ANSWER`.
    """
    if len(text) > LONGEST_ANSWER:
        raise InputError(
            f"{where}: its answer has {len(text):,} characters, above the {LONGEST_ANSWER:,} that are read; "
            "run it again with a limit on tokens"
        )


def check_figures(where: str, theirs: dict[str, float], answer: ItemAnswer) -> None:
    """Refuses an answer whose logged figures are not those that its own text or log-probabilities give.

    Args:
        where: File and item, for the error.
        theirs: Figures that the file holds; those that we have no name for are left alone.
        answer: Our reading.

    Raises:
        InputError: A figure differs.
    """
    for name, ours in item_figures(answer).items():
        if name in theirs and not abs(theirs[name] - ours) <= TOLERANCE:
            raise InputError(f"{where}: {name}: is {theirs[name]:g}, its answer gives {ours:g}; {_edited()}")


def check_means(where: str, theirs: dict[str, float], answers: Sequence[ItemAnswer]) -> tuple[HarnessFigure, ...]:
    """Refuses a task whose reported means are not those of its answers.

    Args:
        where: File and task, for the error.
        theirs: Reported means; those that we have no name for are left alone.
        answers: All answers of the task.

    Returns:
        The reported means that were checked.

    Raises:
        InputError: A mean differs or is not finite.
    """
    rows = [item_figures(answer) for answer in answers]
    found = []
    for name in dict.fromkeys(name for row in rows for name in row):
        if name not in theirs:
            continue
        counted = [row[name] for row in rows if name in row]
        ours = fmean(counted)
        if not math.isfinite(theirs[name]) or abs(theirs[name] - ours) > TOLERANCE:
            raise InputError(f"{where}: {name}: says {theirs[name]:g}, its answers give {ours:g}; {_edited()}")
        found.append(HarnessFigure(task=answers[0].task, metric=name, value=theirs[name], items=len(counted)))
    return tuple(found)


def _edited() -> str:
    return f"the file was edited, or another version of sdf-eval wrote it; {AGAIN}"
