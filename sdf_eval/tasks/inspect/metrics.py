"""Metrics that Inspect has not got."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any, cast

from inspect_ai.scorer import Metric, SampleScore, Value, metric

from sdf_eval.tasks.awareness.rows import from_payload


@metric
def nats_per_byte() -> Metric:
    """Mean over texts of nats a UTF-8 byte, as the other faces give it; it does not depend on the tokenizer."""

    def compute(scores: list[SampleScore]) -> float:
        values = [cast("Mapping[str, float]", score.score.value) for score in scores]
        losses = [value["nats"] / value["bytes"] for value in values if value["bytes"]]
        return fmean(losses) if losses else float("nan")

    return compute


@metric
def figures() -> Metric:
    """The figures of a task that compares items, by the rows that its scorer left in each score's metadata."""

    def compute(scores: list[SampleScore]) -> Value:
        # Inspect loads this module on every start, and makes the metric.
        from sdf_eval.tasks.awareness.figures import figures as estimates
        from sdf_eval.tasks.awareness.figures import values

        rows = [cast("dict[str, Any]", score.score.metadata) for score in scores]
        if not rows:
            return {}
        task = str(rows[0]["task"])
        return dict(values(task, estimates(task, [from_payload(row["row"]) for row in rows])))

    return compute
