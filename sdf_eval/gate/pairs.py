"""The same items on two checkpoints, or a clear refusal where they were not asked the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sdf_eval.errors import InputError
from sdf_eval.gate.families import Pair
from sdf_eval.results.measured import Measured
from sdf_eval.results.schema import ItemAnswer


def paired(base: Measured, candidate: Measured) -> list[Pair]:
    """Pairs two checkpoints' answers by item.

    Args:
        base: One checkpoint.
        candidate: Another, asked the same way.

    Returns:
        (base, candidate) pairs of every task that both were asked, in the order of the base's answers.

    Raises:
        InputError: Context, chat template, task versions, items or readouts differ, or no task is shared.
    """
    names = f"{base.name} and {candidate.name}"
    _same_frame(base, candidate, names)
    mine, theirs = _by_task(base.answers), _by_task(candidate.answers)
    shared = [task for task in mine if task in theirs]
    if not shared:
        raise InputError(f"{names}: share no task ({', '.join(mine)}; {', '.join(theirs)}); ask both the same")
    found: list[Pair] = []
    for task in shared:
        _same_version(base, candidate, task, names)
        _same_items(names, task, mine[task], theirs[task])
        found += [_pair(names, answer, theirs[task][item]) for item, answer in mine[task].items()]
    return found


def unshared_tasks(base: Measured, candidate: Measured) -> tuple[str, ...]:
    """Tasks that only one of two checkpoints was asked."""
    return tuple(sorted({a.task for a in base.answers} ^ {a.task for a in candidate.answers}))


def _by_task(answers: Sequence[ItemAnswer]) -> dict[str, dict[str, ItemAnswer]]:
    found: dict[str, dict[str, ItemAnswer]] = defaultdict(dict)
    for answer in answers:
        found[answer.task][answer.item] = answer
    return found


def _same_frame(base: Measured, candidate: Measured, names: str) -> None:
    if base.results.context != candidate.results.context:
        contexts = f"{base.results.context} and {candidate.results.context}"
        raise InputError(f"{names}: context: {contexts}; ask both under one context")
    if None not in (base.results.chat, candidate.results.chat) and base.results.chat != candidate.results.chat:
        with_chat = base.name if base.results.chat else candidate.name
        raise InputError(
            f"{names}: chat template: only {with_chat} was asked with one; ask both alike (--raw for none)"
        )


def _same_version(base: Measured, candidate: Measured, task: str, names: str) -> None:
    mine, theirs = (side.results.task_versions.get(task, "") for side in (base, candidate))
    if mine != theirs:
        raise InputError(f"{names}: {task}: task versions {mine} and {theirs}; ask both with one version of sdf-eval")


def _same_items(names: str, task: str, mine: dict[str, ItemAnswer], theirs: dict[str, ItemAnswer]) -> None:
    only = sorted(mine.keys() ^ theirs.keys())
    if only:
        raise InputError(
            f"{names}: {task}: {len(only)} items are in one of them only, for instance {only[0]}; "
            "ask both the same beliefs with the same limit"
        )


def _pair(names: str, base: ItemAnswer, candidate: ItemAnswer) -> Pair:
    if (base.choices, base.outcomes) != (candidate.choices, candidate.outcomes):
        raise InputError(f"{names}: {base.item}: its options differ between the two; ask both with one version")
    if (base.log_probabilities is None) != (candidate.log_probabilities is None):
        raise InputError(
            f"{names}: {base.item}: one was read by log-probabilities and the other by a written letter; "
            "ask both by one kind of provider"
        )
    return base, candidate
