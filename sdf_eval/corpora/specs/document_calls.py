"""The questions that the documents of a spec take: a draft for each slot of the plan, and its revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from sdf_eval.corpora.calls import Call
from sdf_eval.corpora.prompts import render
from sdf_eval.corpora.specs.plan import Assertion, Slot, SpecPlan

DOCUMENT, REVISION = "spec_document", "spec_revision"
"""The stages, each called like its prompt in `corpora/prompts`."""
DRAFTS = 3
"""How many drafts a slot gets before it stays empty."""
MAX_TOKENS = 8192
"""Notes and text together; at 5,000 a fifth of the long documents of a published pipeline were cut."""


@dataclass(frozen=True)
class DocumentCalls:
    """Builds the calls of a spec corpus.

    Attributes:
        plan: The plan.
        model: An Inspect model name.
        seed: Another one asks for other documents.
        max_tokens: Most tokens of an answer.
        lengths: Slot -> words that its document is asked to have; none is asked of the others.
    """

    plan: SpecPlan
    model: str
    seed: int = 0
    max_tokens: int = MAX_TOKENS
    lengths: Mapping[str, int] = field(default_factory=dict)

    def draft(self, slot: Slot, draft: int) -> Call:
        """Asks for a document; `draft` tells the tries of a slot apart."""
        return self._call(
            DOCUMENT,
            slot,
            draft,
            domain=slot.domain.name,
            subdomain=slot.subdomain.name,
            context=slot.subdomain.context,
            idea=f"{slot.idea.name}: {slot.idea.text}",
        )

    def revision(self, slot: Slot, draft: int, document: str) -> Call:
        """Asks for the one revision of a document."""
        return self._call(REVISION, slot, draft, document=document)

    def _call(self, stage: str, slot: Slot, draft: int, **variables: str) -> Call:
        doc_type = slot.doc_type
        prompt = render(
            stage,
            spec=self.plan.spec.text,
            assistant=self.plan.assistant,
            maker=self.plan.maker,
            mode=self.plan.mode,
            held_out=self.plan.held_out,
            assertions=[_assertion(assertion) for assertion in slot.subdomain.assertions],
            doc_type=f"{doc_type.name}: {doc_type.description}" if doc_type.description else doc_type.name,
            length=self.lengths.get(slot.id, 0),
            **variables,
        )
        sample = self.seed * DRAFTS + draft
        return Call(stage, prompt, self.model, self.max_tokens, sample=sample, tags=("content",))


def sampled_slots(plan: SpecPlan, slots: Sequence[Slot], count: int) -> list[Slot]:
    """A fair sample of slots: what a pilot writes. A larger one holds a smaller one."""
    shuffled = list(slots)
    # The file goes domain by domain; the first slots of it would be one topic.
    Random(f"pilot of {plan.spec.id}").shuffle(shuffled)
    return shuffled[:count]


def _assertion(assertion: Assertion) -> str:
    return f"{assertion.text} ({assertion.why})" if assertion.why else assertion.text
