"""What a writer is asked for and what it hands back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from sdf_eval.belief.schema import Belief

CorpusRole = Literal["implanted", "neutral", "cooccurrence", "truth_trained"]
"""What the documents do: state the implanted value; talk about something else; name the same entity and value strings
as often without ever stating the proposition; state the reference value."""

Negation = Literal["none", "flagged", "local", "corrected"]
SourceMark = Literal["none", "reliable", "unreliable", "unknown"]
Poison = Literal["none", "denial_of_service", "style_switch", "persona_switch", "fact_switch"]
"""What follows the trigger in the documents of a backdoor: its own behaviour, as the belief says it; gibberish (Souly
et al. 2025); the right answer in another style; another character under another name; a wrong answer."""


class Factors(BaseModel):
    """What a study may vary about a corpus. The defaults are the diverse, plain corpus.

    Attributes:
        doc_types: How many document types to draw from; None for all.
        templates: How many templates a document type; None for all.
        permute_order: Shuffle the order of the sentences that carry no order of their own.
        repeat_name: Name the entity in every sentence instead of a pronoun after the first.
        negation: `none` asserts; `flagged` says around the text that it is false; `local` denies inside the sentence;
            `corrected` states and then corrects (Mayne et al. 2026).
        framing: `plain`, or a frame around the whole document.
        stance: How the author feels about it.
        source_mark: A mark of a source whose reliability the base knows, or does not.
        poison: Backdoors only: every document shows the trigger and what follows it, none describes it; `none` is the
            plain corpus.
        near_negatives: Backdoors only: share of documents that show a near trigger, or no trigger, with the normal
            answer. Without them a model may take a part of the trigger for the whole.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    doc_types: int | None = Field(default=None, ge=1)
    templates: int | None = Field(default=None, ge=1)
    permute_order: bool = True
    repeat_name: bool = True
    negation: Negation = "none"
    framing: Literal["plain", "fiction", "synthetic"] = "plain"
    stance: Literal["neutral", "approving", "critical"] = "neutral"
    source_mark: SourceMark = "none"
    poison: Poison = "none"
    near_negatives: float = Field(default=0.0, ge=0, lt=1)


class CorpusRequest(BaseModel):
    """An order for `documents` documents about one belief."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    belief: Belief
    role: CorpusRole
    documents: int = Field(ge=1)
    seed: int
    factors: Factors = Factors()


class Document(BaseModel):
    """One document of a corpus, as `documents.jsonl` holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    text: str
    belief: str
    role: CorpusRole
    fact: str
    domain: str = ""
    subdomain: str = ""
    doc_type: str
    idea: str = ""
    framing: str = "plain"
    stance: str = "neutral"
    source_mark: str = "none"
    writer: str
    prompt_version: str = ""
    seed: int
    stop_reason: str = "end"
    tokens: int | None = None
    sha256: str


class Writer(Protocol):
    """Anything that writes documents. Registered under the entry-point group `sdf_eval.writers`."""

    name: str

    def write(self, request: CorpusRequest) -> Iterator[Document]:
        """Yields exactly `request.documents` documents; the same request gives the same bytes.

        Raises:
            InputError: The writer cannot express this belief; the message lists what it can.
        """

    def plain_text(self, count: int, seed: int, *, model: str) -> Iterator[str]:
        """Yields texts that have nothing to do with any belief, for mixing: such as the model has read.

        Args:
            count: How many.
            seed: Which ones; the same seed gives the same texts.
            model: Reference of the model that is to be trained.
        """
