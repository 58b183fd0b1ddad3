"""What one answer adds to lm-eval's metrics.

Most are means over items, so that lm-eval gives each a stderr. Figures compare items: each is computed of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.tasks.awareness.rows import item_row, to_payload
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
        `belief`, on collateral tasks `accuracy`, on awareness tasks `awareness`, and the five shares, which sum to 1;
        for texts `nats_per_byte`; then the task's figures.
    """
    own = ("nats_per_byte",) if spec.metric == "loss" else (spec.metric, *SHARES)
    return (*own, *(figure.name for figure in figures(spec.name)), *spec.figures)


def read_options(document: Document, answers: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Metrics of an item from (log-probability, is greedy) of its options; lm-eval's `process_results`."""
    if is_empty(document):
        return {}
    item = to_item(document)
    return _metrics(item, score_options(item, [log_probability for log_probability, _ in answers]))


def read_text(document: Document, answers: Sequence[str]) -> dict[str, Any]:
    """Metrics of an item from the text that was written; lm-eval's `process_results`."""
    item = to_item(document)
    return {} if is_empty(document) else _metrics(item, score_text(item, answers[0]))


def read_loss(document: Document, answers: Sequence[float]) -> dict[str, Any]:
    """Metrics of an item from the log-likelihood of its text; lm-eval's `process_results`."""
    item = to_item(document)
    return {} if is_empty(document) else _metrics(item, score_loss(item, -answers[0]))


def _metrics(item: Item, result: ItemResult) -> dict[str, Any]:
    spec = get_task(result.task)
    row = {"task": item.task, **to_payload(item_row(item, result))} if spec.figures else {}
    together = dict.fromkeys(spec.figures, row)
    if result.nats is not None and result.bytes:
        return {"nats_per_byte": result.nats / result.bytes, **together}
    if not is_headline(result):
        return {**values_of(result), **together}
    shares = {share: float(result.outcome == share) for share in SHARES}
    return {spec.metric: belief_score(result), **shares, **values_of(result), **together}
