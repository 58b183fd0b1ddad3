"""Aggregations of the awareness figures: lm-eval hands each a list of rows, and the YAML names one a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from lm_eval import evaluator_utils

from sdf_eval.tasks.awareness.figures import figures, standard_errors, values
from sdf_eval.tasks.awareness.rows import from_payload
from sdf_eval.tasks.registry import task_specs

Rows = Sequence[dict[str, Any]]
Aggregation = Callable[[Rows], float]

PREFIX = "figure_"
ERROR = "standard_error"
"""Attribute of an aggregation: the function that gives the standard error of what it gives."""

_last: tuple[list[tuple[Any, ...]], dict[str, float], dict[str, float]] | None = None
"""A task's figures are asked for one by one; they are computed once."""


def report_standard_errors() -> None:
    """Lets lm-eval print the standard error that an aggregation brings along.

    lm-eval 0.4 finds errors in a closed table of its own aggregations and prints N/A for any other; of a figure that
    compares items that would be N/A for ever. Other aggregations are left to it, and so is everything where its
    function has another name.
    """
    known = getattr(evaluator_utils, "stderr_for_metric", None)
    if known is None or hasattr(known, ERROR):
        return

    @wraps(known)
    def stderr_for_metric(metric: Any, bootstrap_iters: int) -> Any:
        own = getattr(metric, ERROR, None)
        return own if own is not None and bootstrap_iters > 0 else known(metric, bootstrap_iters)

    setattr(stderr_for_metric, ERROR, True)
    evaluator_utils.stderr_for_metric = stderr_for_metric


def _figures(rows: Rows) -> tuple[dict[str, float], dict[str, float]]:
    global _last
    key = [(row["task"], row["item"], row["score"], *row["per_byte"]) for row in rows]
    if _last is None or _last[0] != key:
        task = str(rows[0]["task"])
        made = [from_payload({name: value for name, value in row.items() if name != "task"}) for row in rows]
        found = figures(task, made)
        _last = key, values(task, found), standard_errors(task, found)
    return _last[1], _last[2]


def _aggregation(name: str) -> Aggregation:
    def aggregate(rows: Rows) -> float:
        return _figures(rows)[0][name] if rows else float("nan")

    def standard_error(rows: Rows) -> float:
        return _figures(rows)[1][name] if rows else float("nan")

    aggregate.__name__ = aggregate.__qualname__ = f"{PREFIX}{name}"
    setattr(aggregate, ERROR, standard_error)
    return aggregate


_AGGREGATIONS = {f"{PREFIX}{name}": _aggregation(name) for spec in task_specs() for name in spec.figures}


def __getattr__(name: str) -> Aggregation:
    """The aggregation of a figure, as `!function` looks it up: `figure_<name>`."""
    if name not in _AGGREGATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _AGGREGATIONS[name]
