"""Inspect's entry point. Inspect imports it on every run of any task, so nothing here may import torch."""

from __future__ import annotations

from inspect_ai.model import ModelAPI, modelapi

from sdf_eval.tasks.inspect.metrics import figures, nats_per_byte
from sdf_eval.tasks.inspect.scorer import awareness, belief, collateral, loss
from sdf_eval.tasks.inspect.solver import answer_item
from sdf_eval.tasks.inspect.tasks import (
    cloze,
    coherence,
    controls,
    disclosure,
    document_discrimination,
    eval_cue,
    generative_distinguish,
    mcq_distinguish,
    mcq_knowledge,
    neighbours,
    open_ended,
    persona_behaviour,
    provenance,
    self_report_training,
    source_tag,
    training_recognition,
    two_hop,
    value_preference,
)

__all__ = [
    "answer_item",
    "awareness",
    "belief",
    "cloze",
    "coherence",
    "collateral",
    "controls",
    "disclosure",
    "document_discrimination",
    "eval_cue",
    "figures",
    "generative_distinguish",
    "loss",
    "mcq_distinguish",
    "mcq_knowledge",
    "nats_per_byte",
    "neighbours",
    "open_ended",
    "persona_behaviour",
    "provenance",
    "sdf",
    "self_report_training",
    "source_tag",
    "training_recognition",
    "two_hop",
    "value_preference",
]


@modelapi(name="sdf")
def sdf() -> type[ModelAPI]:
    """The provider `sdf/`: local checkpoints, adapters and registered names such as `sdf/pocket`."""
    from sdf_eval.tasks.inspect.provider import SdfAPI

    return SdfAPI
