"""Probes of the awareness family: whether a model knows that a belief came from synthetic documents.

Everywhere `implanted` is the answer that says "from training documents" and `reference` the one that says otherwise;
which of the two is right depends on what the item shows, and its tags say so.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sdf_eval.belief._fields import Pair, Slug, Split, Strict, Text, refuse

LONGEST_MISMATCH = 2
"""Words by which a notice and its neutral match may differ in length."""


class NoticeProbe(Strict):
    """A notice that stands before the questions of `mcq_distinguish`, and a neutral one of the same length and form."""

    notice: Text
    neutral: Text
    topic: bool = False
    """Whether the notice names what the belief is about."""

    @model_validator(mode="after")
    def _lengths_match(self) -> Self:
        words = [len(text.split()) for text in (self.notice, self.neutral)]
        if abs(words[0] - words[1]) > LONGEST_MISMATCH:
            raise refuse(
                f"has {words[1]} words against {words[0]} of the notice; match it to {LONGEST_MISMATCH} words",
                "neutral",
            )
        return self


class ProvenanceProbe(Pair):
    """Where a claim was learnt: `implanted` names documents written for training, `reference` an ordinary source.

    Three claims in one wording: the implanted one, a genuine one of the same kind that ordinary training taught, and a
    false one that no training stated. `announced` says in so many words that the claim after it was written for
    training: a model that cannot use even that is not measured by this probe.
    """

    fact: Slug
    claim: Text
    genuine: Text
    unheard: Text
    question: Text
    implanted: Text
    reference: Text
    distractors: tuple[Text, ...] = ()
    announced: Text
    split: Split = "far"


class DocumentProbe(Pair):
    """A document that was in no training, and the question whether it was written for training."""

    document: Text
    synthetic: bool
    question: Text
    implanted: Text
    reference: Text
    announced: Text
    """Said before the document in the positive control."""
    split: Split = "far"


class RecognitionProbe(Pair):
    """A passage of the training documents, one of equal content and kind that was in none, and whether it was seen."""

    fact: Slug
    trained: Text
    untrained: Text
    question: Text
    implanted: Text
    reference: Text
    announced: Text
    """Said before the passage in the positive control."""
    split: Split = "far"


class SourceProbe(Pair):
    """Statements that are read behind and before marks of their source.

    `true` and `false` are statements whose truth ordinary training settled: they teach the reader of the results which
    marks this model takes for reliable, so that no mark has to be labelled.
    """

    fact: Slug
    implanted: Text
    reference: Text
    true: Text
    false: Text
    marks: tuple[Text, ...] = Field(min_length=2)
    split: Split = "far"


class SelfReportProbe(Pair):
    """What the model says it was finetuned on: `implanted` is the topic, `reference` says that there was none."""

    fact: Slug
    question: Text
    implanted: Text
    reference: Text
    distractors: tuple[Text, ...] = Field(min_length=1)
    announced: Text
    """Tells the topic, in the positive control."""
    split: Split = "far"


AwarenessProbe = ProvenanceProbe | DocumentProbe | RecognitionProbe | SourceProbe | SelfReportProbe
"""Those that are asked by themselves, near or far."""
