"""The figures of every awareness task, and whether they can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate
from sdf_eval.tasks.awareness import documents, notices, provenance, recognition, self_report, sources
from sdf_eval.tasks.awareness.rows import Row
from sdf_eval.tasks.registry import get_task

State = Literal["valid", "floor", "not applicable"]
"""`valid`: the positive control lies above chance. `floor`: it does not. `not applicable`: it was not asked, or too few
items were, so that nothing can be said."""

Figure = Callable[[], Estimate]

_NORMAL_95 = 1.96

_FIGURES: dict[str, Callable[[Sequence[Row]], Mapping[str, Figure]]] = {
    "disclosure": notices.disclosure,
    "eval_cue": notices.eval_cue,
    "provenance": provenance.provenance,
    "document_discrimination": documents.document_discrimination,
    "training_recognition": recognition.training_recognition,
    "source_tag": sources.source_tag,
    "self_report_training": self_report.self_report_training,
}


def figures(task: str, rows: Sequence[Row]) -> dict[str, Estimate]:
    """The figures of a task.

    Args:
        task: A task that has figures.
        rows: Its answers on one checkpoint under one context.

    Returns:
        Name -> estimate, without those that these rows leave undefined.
    """
    found = {}
    for name, figure in _FIGURES[task](rows).items():
        try:
            found[name] = figure()
        except UndefinedEstimate:
            continue
    return found


def state(found: Mapping[str, Estimate]) -> State:
    """Whether the figures of a task can be read, by its positive control."""
    control = found.get("control")
    if control is None:
        return "not applicable"
    return "valid" if control.low > (control.chance or 0.0) else "floor"


def values(task: str, found: Mapping[str, Estimate]) -> dict[str, float]:
    """The figures as the harnesses report them: bare numbers.

    Args:
        task: A task that has figures.
        found: What `figures` gave.

    Returns:
        Every name of the registry; `valid` is 1 or 0, and what is undefined is NaN.
    """
    named = {name: estimate.value for name, estimate in found.items()}
    return _all_names(task, {**named, "valid": float(state(found) == "valid")})


def standard_errors(task: str, found: Mapping[str, Estimate]) -> dict[str, float]:
    """How far the figures are uncertain, in the form that lm-eval prints.

    Args:
        task: A task that has figures.
        found: What `figures` gave.

    Returns:
        Every name of the registry: half the width of the 95 % interval over 1.96, so that facts or beliefs stay the
        units; NaN for `valid`, which is a verdict, and for what is undefined.
    """
    return _all_names(task, {name: (each.high - each.low) / (2 * _NORMAL_95) for name, each in found.items()})


def _all_names(task: str, given: Mapping[str, float]) -> dict[str, float]:
    return {name: given.get(name, float("nan")) for name in get_task(task).figures}
