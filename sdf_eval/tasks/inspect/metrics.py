"""Metrics that Inspect has not got."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from inspect_ai.scorer import Metric, SampleScore, metric


@metric
def nats_per_byte() -> Metric:
    """Total loss over total length: nats a UTF-8 byte, which does not depend on the tokenizer."""

    def compute(scores: list[SampleScore]) -> float:
        values = [cast("Mapping[str, float]", score.score.value) for score in scores]
        length = sum(value["bytes"] for value in values)
        return sum(value["nats"] for value in values) / length if length else float("nan")

    return compute
