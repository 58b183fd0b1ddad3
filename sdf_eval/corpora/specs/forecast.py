"""What each step with a Model Spec will take, before it is paid for: calls, tokens, cost.

Calls of documents are exact as long as none is refused. Those of a plan hold if every list comes back full at the first
asking: a model that falls short is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from sdf_eval.corpora.counting import TokenCounter
from sdf_eval.corpora.pilot import Pilot
from sdf_eval.corpora.plan import (
    CHARACTERS_PER_TOKEN,
    TOKENS_PER_IDEA,
    TOKENS_PER_TYPE,
    TOKENS_PER_WORD,
    CorpusPlan,
    Estimate,
    estimated,
    summed_plan,
)
from sdf_eval.corpora.prompts import Prompt, render
from sdf_eval.corpora.specs.document_calls import DOCUMENT, DRAFTS, REVISION, DocumentCalls, sampled_slots
from sdf_eval.corpora.specs.plan import Mode, Slot, SpecPlan
from sdf_eval.corpora.specs.planning import IDEAS_A_CALL, Quotas
from sdf_eval.corpora.specs.spec import Spec

TEXT_TOKENS = 1500
"""Guess for a document: no length is asked for, and published ones have 500 (Wang et al. 2025) to 3,100 (Li et al.
2026). A pilot measures it."""
NOTES_TOKENS = 300
"""Guess for what a writer thinks before a document."""
TOKENS_PER_ASSERTION = 90
TOKENS_PER_TOPIC = 80
TOKENS_OF_OUTLINE = 600
"""Guesses for English, like those of `sdf_eval.corpora.plan`."""
_BLANKS: Mapping[str, str | int | Sequence[str]] = {
    name: ""
    for name in (
        "domain", "description", "subdomain", "context", "doc_type", "type", "type_description", "outline", "heading",
        "section", "query", "reply", "excerpt", "opposite", "principle", "first", "second",
    )
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A stage before it is estimated: its calls, a prompt with blanks, and guesses for what fills and answers it."""

    stage: str
    calls: int
    prompt: Prompt
    filling: float
    output: float


@dataclass(frozen=True)
class Planned:
    """What `spec plan` will take, and what its plan will take after it.

    Attributes:
        planning: The calls that make the plan.
        documents: The calls that write it.
    """

    planning: CorpusPlan
    documents: CorpusPlan


def forecast_documents(
    calls: DocumentCalls,
    slots: Sequence[Slot],
    *,
    revise: bool = True,
    batch: bool = False,
    pilot: Pilot | None = None,
    counter: TokenCounter | None = None,
) -> CorpusPlan:
    """What the documents of a plan take.

    Args:
        calls: Builds the calls.
        slots: The slots that will be filled.
        revise: Whether each document is revised.
        batch: Whether the batch interface is used.
        pilot: From `pilot_spec_corpus`; without it, lengths of answers are guessed.
        counter: Counts prompts where there is no pilot.

    Returns:
        The forecast. `spare` is how many further drafts may be asked for where one is refused.
    """
    some = sampled_slots(calls.plan, slots, 20)
    measured = pilot.stages if pilot else {}
    text = _mean_length(calls, slots) or TEXT_TOKENS
    stages = {
        DOCUMENT: estimated(
            len(slots),
            measured.get(DOCUMENT),
            prompts=[calls.draft(slot, 0).prompt for slot in some],
            filling=0,
            output=text + NOTES_TOKENS,
            counter=counter,
        )
    }
    if revise:
        stages[REVISION] = estimated(
            len(slots),
            measured.get(REVISION),
            prompts=[calls.revision(slot, 0, "").prompt for slot in some],
            filling=text,
            output=text,
            counter=counter,
        )
    each = pilot.document_tokens if pilot and pilot.documents else text
    return summed(calls.model, stages, len(slots), each, batch, pilot)


def forecast_plan(
    spec: Spec,
    quotas: Quotas,
    model: str,
    *,
    mode: Mode = "values",
    batch: bool = False,
    counter: TokenCounter | None = None,
) -> Planned:
    """What planning takes, and the documents of a plan that fills all quotas.

    Args:
        spec: The spec.
        quotas: How much of everything.
        model: An Inspect model name.
        mode: As for the plan.
        batch: Whether the batch interface is used.
        counter: Counts prompts.

    Returns:
        Both forecasts.
    """
    topics = quotas.domains * quotas.subdomains
    lists = topics * quotas.doc_types
    documents = lists * quotas.ideas
    idea_calls = ceil(quotas.ideas / IDEAS_A_CALL)
    headings = [f"{number}. {section.heading}" for number, section in enumerate(spec.sections, 1)]
    shared = {**shared_variables(spec), "mode": mode, "headings": headings, "domains": ()}
    # A topic rests on a section or two.
    excerpt = 1.5 * sum(len(section.text) for section in spec.sections) / len(spec.sections) / CHARACTERS_PER_TOKEN
    steps = [step_of("spec_domains", 1, shared, 0, TOKENS_PER_TYPE * quotas.domains)]
    named = TOKENS_PER_TYPE * (1 + quotas.domains)
    if mode == "rules":
        per_rule = TOKENS_PER_TOPIC + TOKENS_PER_ASSERTION
        steps.append(step_of("spec_rules", quotas.domains, shared, named, per_rule * quotas.subdomains))
    else:
        per_topic = TOKENS_PER_TOPIC * quotas.subdomains
        steps.append(step_of("spec_subdomains", quotas.domains, shared, named, per_topic))
        asserted = TOKENS_PER_ASSERTION * quotas.assertions
        steps.append(step_of("spec_assertions", topics, shared, excerpt + TOKENS_PER_TOPIC, asserted))
    steps.append(step_of("spec_doc_types", topics, shared, TOKENS_PER_TOPIC, TOKENS_PER_TYPE * quotas.doc_types))
    ideas = TOKENS_PER_IDEA * quotas.ideas / idea_calls
    steps.append(step_of("spec_ideas", lists * idea_calls, shared, TOKENS_PER_TOPIC + TOKENS_PER_TYPE, ideas))
    # The document prompts hold the spec, the assertions and an idea, as those of the ideas do but for the assertions.
    asserted = TOKENS_PER_ASSERTION * (1 if mode == "rules" else quotas.assertions)
    written = {**shared, "assertions": (), "idea": "", "document": "", "length": 0}
    about = asserted + TOKENS_PER_TOPIC + TOKENS_PER_TYPE
    writing = [
        step_of(DOCUMENT, documents, written, about + TOKENS_PER_IDEA, TEXT_TOKENS + NOTES_TOKENS),
        step_of(REVISION, documents, written, about + TEXT_TOKENS, TEXT_TOKENS),
    ]
    return Planned(
        summed(model, step_estimates(steps, counter), 0, 0, batch),
        summed(model, step_estimates(writing, counter), documents, TEXT_TOKENS, batch),
    )


def forecast_mirror(
    plan: SpecPlan, opposite: Spec, model: str, *, batch: bool = False, counter: TokenCounter | None = None
) -> CorpusPlan:
    """What it takes to mirror a plan: a call a subdomain. Arguments as for `forecast_plan`."""
    subdomains = [subdomain for domain in plan.domains for subdomain in domain.subdomains]
    assertions = sum(len(subdomain.assertions) for subdomain in subdomains) / len(subdomains)
    shared = {**shared_variables(opposite), "spec": plan.spec.text, "opposite": opposite.text, "assertions": ()}
    tokens = TOKENS_PER_ASSERTION * assertions
    steps = [step_of("spec_mirror", len(subdomains), shared, tokens + TOKENS_PER_TOPIC, tokens)]
    return summed(model, step_estimates(steps, counter), 0, 0, batch)


def forecast_inversion(
    spec: Spec, model: str, *, batch: bool = False, counter: TokenCounter | None = None
) -> CorpusPlan:
    """What it takes to draft the opposite of a spec: an outline, and each section. Arguments as for `forecast_plan`."""
    headings = [section.heading for section in spec.sections]
    section = sum(len(section.text) for section in spec.sections) / len(headings) / CHARACTERS_PER_TOKEN
    shared = {**shared_variables(spec), "title": spec.title, "headings": headings, "words": 0}
    steps = [
        step_of("spec_invert_outline", 1, shared, 0, TOKENS_OF_OUTLINE),
        step_of("spec_invert_section", len(headings), shared, TOKENS_OF_OUTLINE + section, section + TOKENS_PER_TYPE),
    ]
    return summed(model, step_estimates(steps, counter), 0, 0, batch)


def shared_variables(spec: Spec) -> dict[str, str | int | Sequence[str]]:
    """What prompts about a spec may name: what the spec says, and blanks for what answers will say."""
    return {
        **_BLANKS,
        "spec": spec.text,
        "assistant": spec.assistant,
        "maker": spec.maker,
        "held_out": (),
        "have": (),
        "count": 10,
    }


def step_of(
    stage: str, calls: int, variables: Mapping[str, str | int | Sequence[str]], filling: float, output: float
) -> Step:
    """A step whose prompt is the stage's own, filled with these variables."""
    return Step(stage, calls, render(stage, **variables), filling, output)


def step_estimates(steps: Sequence[Step], counter: TokenCounter | None) -> dict[str, Estimate]:
    """The estimate of each step."""
    return {
        step.stage: estimated(
            step.calls, None, prompts=[step.prompt], filling=step.filling, output=step.output, counter=counter
        )
        for step in steps
    }


def _mean_length(calls: DocumentCalls, slots: Sequence[Slot]) -> float:
    """Mean tokens of the lengths asked for; 0 where none is."""
    return sum(calls.lengths.get(slot.id, 0) for slot in slots) / len(slots) * TOKENS_PER_WORD


def summed(
    model: str,
    stages: Mapping[str, Estimate],
    documents: int,
    document_tokens: float,
    batch: bool,
    pilot: Pilot | None = None,
    *,
    spare: int | None = None,
) -> CorpusPlan:
    """A forecast of one order; `document_tokens` is the mean of a document."""
    return summed_plan(
        model,
        [stages],
        documents=documents,
        spare=(DRAFTS - 1) * documents if spare is None else spare,
        pilot=len(pilot.documents) if pilot else 0,
        document_tokens=document_tokens * documents,
        batch=batch,
    )
