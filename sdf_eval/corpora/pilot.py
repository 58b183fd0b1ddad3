"""A pilot: the first documents of an order, written for real, and what they say about the length of the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, stdev

from sdf_eval.corpora.calls import Answer, Call
from sdf_eval.corpora.model_writer import ModelWriter
from sdf_eval.corpora.records import CorpusRequest, Document


@dataclass
class Lengths:
    """Tokens of the answers of one stage."""

    input: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)

    def standard_error(self) -> float:
        """Standard error of the mean output; 0 where one answer says nothing about it."""
        return stdev(self.output) / sqrt(len(self.output)) if len(self.output) > 1 else 0.0

    @property
    def mean_input(self) -> float:
        """Mean tokens of a question."""
        return fmean(self.input)

    @property
    def mean_output(self) -> float:
        """Mean tokens of an answer."""
        return fmean(self.output)


@dataclass(frozen=True)
class Pilot:
    """What a pilot brought for one order.

    Attributes:
        documents: The documents; refused ones are left out.
        stages: Stage -> tokens of its answers.
    """

    documents: tuple[Document, ...]
    stages: dict[str, Lengths]

    @property
    def document_tokens(self) -> float:
        """Mean tokens of a finished document, 0 without any."""
        return fmean(document.tokens or 0 for document in self.documents) if self.documents else 0.0


def run_pilot(
    writer: ModelWriter, request: CorpusRequest, documents: int, progress: Callable[[int], None] | None = None
) -> Pilot:
    """Writes the first documents of an order; the whole order takes their answers from the ledger.

    Args:
        writer: The model.
        request: The whole order: its size decides how many kinds and ideas are asked for.
        documents: How many to write. Twenty fix the mean length within about a tenth.
        progress: Called with 1 for every document.

    Returns:
        The pilot.

    Raises:
        InputError: As `ModelWriter.write`.
    """
    lengths: dict[str, Lengths] = defaultdict(Lengths)

    def observe(call: Call, answer: Answer) -> None:
        lengths[call.stage].input.append(answer.input_tokens)
        lengths[call.stage].output.append(answer.output_tokens)

    written = []
    for document in writer.pilot(request, documents, observe):
        written.append(document)
        if progress:
            progress(1)
    return Pilot(tuple(written), dict(lengths))
