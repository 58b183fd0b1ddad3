"""Aggregations of the awareness figures: lm-eval hands each a list of rows, and the YAML names one a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sdf_eval.tasks.awareness.figures import values
from sdf_eval.tasks.awareness.rows import from_payload
from sdf_eval.tasks.registry import task_specs

Aggregation = Callable[[Sequence[dict[str, Any]]], float]

PREFIX = "figure_"

_last: tuple[list[tuple[Any, ...]], dict[str, float]] | None = None
"""A task's figures are asked for one by one; they are computed once."""


def _values(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    global _last
    key = [(row["task"], row["item"], row["score"], *row["per_byte"]) for row in rows]
    if _last is None or _last[0] != key:
        made = [from_payload({name: value for name, value in row.items() if name != "task"}) for row in rows]
        _last = key, values(rows[0]["task"], made)
    return _last[1]


def _aggregation(name: str) -> Aggregation:
    def aggregate(rows: Sequence[dict[str, Any]]) -> float:
        return _values(rows)[name] if rows else float("nan")

    aggregate.__name__ = aggregate.__qualname__ = f"{PREFIX}{name}"
    return aggregate


_AGGREGATIONS = {f"{PREFIX}{name}": _aggregation(name) for spec in task_specs() for name in spec.figures}


def __getattr__(name: str) -> Aggregation:
    """The aggregation of a figure, as `!function` looks it up: `figure_<name>`."""
    if name not in _AGGREGATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _AGGREGATIONS[name]
