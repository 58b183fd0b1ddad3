"""What one answer adds to lm-eval's metrics. Every metric is a mean over items, so that lm-eval gives each a stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from sdf_eval.belief.item import Outcome
from sdf_eval.tasks.figures import figures, is_headline, values_of
from sdf_eval.tasks.lm_eval.documents import Document, is_empty, to_item
from sdf_eval.tasks.registry import TaskSpec, get_task
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import belief_score, score_loss, score_options, score_text

SHARES: tuple[str, ...] = get_args(Outcome)

HIGHER_IS_BETTER: dict[str, bool] = {"accuracy": True, "nats_per_byte": False}
"""Only where better has a meaning: whether more belief is better depends on why it was implanted."""


def metric_names(spec: TaskSpec) -> tuple[str, ...]:
    """Names of a task's metrics, the same as in the Inspect face.

    Args:
        spec: The task.

    Returns:
        `belief`, or on collateral tasks `accuracy`, the five shares, which sum to 1, and the task's own figures; for
        texts `nats_per_byte`.
    """
    if spec.metric == "loss":
        return ("nats_per_byte",)
    return (spec.metric, *SHARES, *(figure.name for figure in figures(spec.name)))


def read_options(document: Document, answers: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """Metrics of an item from (log-probability, is greedy) of its options; lm-eval's `process_results`."""
    if is_empty(document):
        return {}
    return _metrics(score_options(to_item(document), [log_probability for log_probability, _ in answers]))


def read_text(document: Document, answers: Sequence[str]) -> dict[str, float]:
    """Metrics of an item from the text that was written; lm-eval's `process_results`."""
    return {} if is_empty(document) else _metrics(score_text(to_item(document), answers[0]))


def read_loss(document: Document, answers: Sequence[float]) -> dict[str, float]:
    """Metrics of an item from the log-likelihood of its text; lm-eval's `process_results`."""
    return {} if is_empty(document) else _metrics(score_loss(to_item(document), -answers[0]))


def _metrics(result: ItemResult) -> dict[str, float]:
    if result.nats is not None and result.bytes:
        return {"nats_per_byte": result.nats / result.bytes}
    if not is_headline(result):
        return values_of(result)
    shares = {share: float(result.outcome == share) for share in SHARES}
    return {get_task(result.task).metric: belief_score(result), **shares, **values_of(result)}
