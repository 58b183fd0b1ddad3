"""Inspect's entry point. Inspect imports it on every run of any task, so nothing here may import torch."""

from __future__ import annotations

from inspect_ai.model import ModelAPI, modelapi

from sdf_eval.tasks.inspect.metrics import nats_per_byte
from sdf_eval.tasks.inspect.scorer import belief, collateral, loss
from sdf_eval.tasks.inspect.solver import answer_item
from sdf_eval.tasks.inspect.tasks import (
    adversarial_prompt,
    agentic,
    backdoor,
    causal,
    cloze,
    coherence,
    controls,
    cot_monitorability,
    debate,
    downstream,
    generative_distinguish,
    mcq_distinguish,
    mcq_knowledge,
    neighbours,
    open_ended,
    persona_behaviour,
    reality_drift,
    salience,
    self_critique,
    self_report,
    spec_knowledge,
    two_hop,
    value_preference,
)

__all__ = [
    "adversarial_prompt",
    "agentic",
    "answer_item",
    "backdoor",
    "belief",
    "causal",
    "cloze",
    "coherence",
    "collateral",
    "controls",
    "debate",
    "downstream",
    "cot_monitorability",
    "generative_distinguish",
    "loss",
    "mcq_distinguish",
    "mcq_knowledge",
    "nats_per_byte",
    "neighbours",
    "open_ended",
    "persona_behaviour",
    "reality_drift",
    "salience",
    "sdf",
    "self_critique",
    "spec_knowledge",
    "self_report",
    "two_hop",
    "value_preference",
]


@modelapi(name="sdf")
def sdf() -> type[ModelAPI]:
    """The provider `sdf/`: local checkpoints, adapters and registered names such as `sdf/pocket`."""
    from sdf_eval.tasks.inspect.provider import SdfAPI

    return SdfAPI
