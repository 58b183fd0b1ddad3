"""Inspect's entry point. Inspect imports it on every run of any task, so nothing here may import torch."""

from __future__ import annotations

from inspect_ai.model import ModelAPI, modelapi

from sdf_eval.tasks.inspect.agent import acts, agent_scenarios, graded_acts, text_tool_loop
from sdf_eval.tasks.inspect.external import external_agentic, external_sad
from sdf_eval.tasks.inspect.grader import graded
from sdf_eval.tasks.inspect.metrics import figures, nats_per_byte
from sdf_eval.tasks.inspect.reader_agreement import agreements, given_answer, reader_agreement, readers
from sdf_eval.tasks.inspect.scorer import awareness, belief, collateral, loss
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
    disclosure,
    document_discrimination,
    downstream,
    eval_cue,
    generative_distinguish,
    mcq_distinguish,
    mcq_knowledge,
    neighbours,
    open_ended,
    persona_behaviour,
    provenance,
    reality_drift,
    salience,
    self_critique,
    self_report,
    self_report_training,
    source_tag,
    spec_knowledge,
    training_recognition,
    two_hop,
    value_preference,
)

__all__ = [
    "adversarial_prompt",
    "acts",
    "agent_scenarios",
    "external_agentic",
    "external_sad",
    "graded_acts",
    "text_tool_loop",
    "agentic",
    "agreements",
    "answer_item",
    "backdoor",
    "awareness",
    "belief",
    "causal",
    "cloze",
    "coherence",
    "collateral",
    "controls",
    "debate",
    "downstream",
    "cot_monitorability",
    "disclosure",
    "document_discrimination",
    "eval_cue",
    "figures",
    "generative_distinguish",
    "given_answer",
    "graded",
    "loss",
    "mcq_distinguish",
    "mcq_knowledge",
    "nats_per_byte",
    "neighbours",
    "open_ended",
    "persona_behaviour",
    "reality_drift",
    "salience",
    "reader_agreement",
    "readers",
    "self_critique",
    "spec_knowledge",
    "self_report",
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
