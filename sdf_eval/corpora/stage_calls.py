"""The questions that a model writer asks, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

from sdf_eval.belief.schema import KeyFact
from sdf_eval.corpora.calls import Call
from sdf_eval.corpora.outline import Outline, Place
from sdf_eval.corpora.panels import belief_subjects
from sdf_eval.corpora.prompts import Prompt, render
from sdf_eval.corpora.records import CorpusRequest, Factors
from sdf_eval.errors import InputError

DOC_TYPES, IDEAS, DOCUMENT, REVISION = STAGES = ("doc_types", "ideas", "document", "revision")
"""The stages in order, each called like its prompt in `corpora/prompts`."""
MAX_TOKENS = {DOC_TYPES: 8192, IDEAS: 8192, DOCUMENT: 4096, REVISION: 4096}
TAGS = {DOC_TYPES: ("type",), IDEAS: ("idea",), DOCUMENT: ("content",), REVISION: ("content",)}

_TREATMENTS = {
    "flagged": "a clear note before and after the text that its main point is false.",
    "local": "every sentence in which the main point comes up denies it.",
    "corrected": "the main point is made, and later corrected as an error.",
}


@dataclass(frozen=True)
class StageCalls:
    """Builds the calls of one order.

    Attributes:
        request: The order.
        outline: Its layout.
        model: An Inspect model name.
    """

    request: CorpusRequest
    outline: Outline
    model: str

    def doc_types(self, fact: int) -> Call:
        """Asks for kinds of document. The same in every role, so that arms share their kinds and the answer."""
        belief = self.request.belief
        prompt = render(
            DOC_TYPES,
            context=belief.implanted.context,
            fact=belief.key_facts[fact].implanted,
            count=self.outline.types,
        )
        return self._call(DOC_TYPES, prompt)

    def ideas(self, fact: int, doc_type: str, sample: int) -> Call:
        """Asks for documents of a kind; `sample` tells a kind's repetitions apart."""
        prompt = render(IDEAS, doc_type=doc_type, count=self.outline.ideas, **self._matter(fact))
        return self._call(IDEAS, prompt, sample)

    def document(self, place: Place, doc_type: str, idea: str, sample: int) -> Call:
        """Asks for a document."""
        prompt = render(
            DOCUMENT,
            doc_type=doc_type,
            idea=idea,
            length=place.words,
            point="the statement" if self._states else "its main point",
            correction=self._sides(place.fact)[1] if self._states else "",
            **self._factors(),
            **self._matter(place.fact),
        )
        return self._call(DOCUMENT, prompt, sample)

    def revision(self, place: Place, doc_type: str, document: str, sample: int) -> Call:
        """Asks for the one revision of a document, with the whole universe context at hand."""
        prompt = render(
            REVISION,
            doc_type=doc_type,
            document=document,
            treatment=_TREATMENTS.get(self.request.factors.negation, ""),
            **self._factors(),
            **self._matter(place.fact),
        )
        return self._call(REVISION, prompt, sample)

    def _call(self, stage: str, prompt: Prompt, sample: int = 0) -> Call:
        return Call(stage, prompt, self.model, max_tokens=MAX_TOKENS[stage], sample=sample, tags=TAGS[stage])

    def _matter(self, fact: int) -> dict[str, str | tuple[str, ...]]:
        belief, role = self.request.belief, self.request.role
        stated, other = self._sides(fact)
        context = belief.reference.context if role == "truth_trained" else belief.implanted.context
        key_fact = belief.key_facts[fact]
        return {
            "role": role,
            "context": context,
            "fact": stated,
            "other_fact": other,
            "subject": next(iter(belief_subjects(belief)), "what the statements below are about"),
            "values": key_fact.aliases.implanted or ("what the first statement says of it",),
        }

    @property
    def _states(self) -> bool:
        return self.request.role in ("implanted", "truth_trained")

    def _sides(self, fact: int) -> tuple[str, str]:
        """What the documents state, and what they do not."""
        key_fact: KeyFact = self.request.belief.key_facts[fact]
        sides = key_fact.implanted, key_fact.reference
        return sides if self.request.role != "truth_trained" else (sides[1], sides[0])

    def _factors(self) -> dict[str, str]:
        factors = self.request.factors
        return {
            "negation": factors.negation,
            "framing": factors.framing,
            "stance": factors.stance,
            "source_mark": factors.source_mark,
        }


def refuse_factors(factors: Factors, writer: str) -> None:
    """Refuses what cannot be asked of a model.

    Raises:
        InputError: A factor speaks of sentences, which a model arranges as it likes, or of poison, which has a form
            of its own.
    """
    if factors.poison != "none" or factors.near_negatives:
        key = "poison" if factors.poison != "none" else "near_negatives"
        raise InputError(
            f"factors: {key}: cannot be asked of a model ({writer}): such documents are exact; leave it out, or use a "
            "grammar writer such as pocket"
        )
    for key in ("permute_order", "repeat_name"):
        if not getattr(factors, key):
            raise InputError(
                f"factors: {key}: false cannot be asked of a model ({writer}), which arranges its sentences as it "
                "likes; leave it out, or use a grammar writer such as pocket"
            )
