"""Metrics that Inspect has not got."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import cast

from inspect_ai.scorer import Metric, SampleScore, metric


@metric
def nats_per_byte() -> Metric:
    """Mean over texts of nats a UTF-8 byte, as the other faces give it; it does not depend on the tokenizer."""

    def compute(scores: list[SampleScore]) -> float:
        values = [cast("Mapping[str, float]", score.score.value) for score in scores]
        losses = [value["nats"] / value["bytes"] for value in values if value["bytes"]]
        return fmean(losses) if losses else float("nan")

    return compute
