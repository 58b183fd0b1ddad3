"""What the gate compares: families of tasks, and in which direction each gets worse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sdf_eval.results.schema import ItemAnswer
from sdf_eval.results.values import bits_per_byte, score
from sdf_eval.tasks.figures import is_headline
from sdf_eval.tasks.registry import get_task, task_specs

Pair = tuple[ItemAnswer, ItemAnswer]
"""The same item on the base and on the candidate."""

LOSS_SUFFIX = "_loss"


def family_of(task: str) -> str:
    """The gate's family of a task: that of the registry, with what is measured otherwise than its first task apart."""
    spec = get_task(task)
    usual = next(other.metric for other in task_specs() if other.family == spec.family)
    return spec.family if spec.metric == usual else f"{spec.family}_{spec.metric}"


def families() -> tuple[str, ...]:
    """Every family that there can be, in the order of the registry."""
    return tuple(dict.fromkeys(family_of(spec.name) for spec in task_specs() if not spec.figures))


def is_loss(family: str) -> bool:
    """Whether a family's unit is bits a byte rather than score points."""
    return family.endswith(LOSS_SUFFIX)


def value(answer: ItemAnswer) -> float:
    """An answer in its family's unit: belief score, accuracy, or bits a byte."""
    return bits_per_byte(answer) if get_task(answer.task).metric == "loss" else score(answer)


def harm(base: ItemAnswer, candidate: ItemAnswer) -> float:
    """How much worse the candidate's answer to an item is: more implanted, less often right, or less likely text."""
    change = value(candidate) - value(base)
    return -change if get_task(base.task).metric == "accuracy" else change


def by_family(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Pairs by family, in the registry's order.

    Of a task with several conditions only the one that its score is of: a backdoor shows behind its trigger, and among
    the answers without it an eighth of the harm would be left.
    """
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        # An item of a task that compares items has no better or worse answer.
        if not get_task(pair[0].task).figures and is_headline(pair[0]):
            found[family_of(pair[0].task)].append(pair)
    return {family: found[family] for family in families() if family in found}
