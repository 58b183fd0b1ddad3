"""What a corpus will take, before it is paid for: documents, calls, tokens, cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from statistics import fmean

from sdf_eval.corpora.model_writer import ModelWriter
from sdf_eval.corpora.outline import LENGTHS, Outline, first_places, outline
from sdf_eval.corpora.pilot import Pilot
from sdf_eval.corpora.prices import price_of
from sdf_eval.corpora.prompts import Prompt
from sdf_eval.corpora.records import CorpusRequest, Writer
from sdf_eval.corpora.stage_calls import DOC_TYPES, DOCUMENT, IDEAS, REVISION, STAGES, StageCalls, refuse_factors

CHARACTERS_PER_TOKEN = 4.0
TOKENS_PER_WORD = 1.35
TOKENS_PER_TYPE = 35
TOKENS_PER_IDEA = 90
"""Guesses for English, used without a pilot."""
_SAMPLED = 20
_INTERVAL = 1.73
"""Of the standard error, for 90 % with about twenty documents (Student's t)."""


@dataclass(frozen=True)
class StagePlan:
    """Calls of one stage and their tokens."""

    stage: str
    calls: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class CorpusPlan:
    """What a corpus will take.

    Attributes:
        writer: Name of the writer.
        documents: Documents that will be written.
        stages: Calls and tokens of each stage; none for a writer that is no model.
        spare: Documents that may be written in the place of refused ones, two calls each: not part of the figures.
        pilot: Documents that the lengths were measured on; 0 is a guess.
        margin: By what share the output tokens may differ from the figure (90 %); None without a pilot of two.
        document_tokens: Tokens of the finished documents, by the writer's tokenizer, or a guess from their length.
        cost: Dollars; 0 for a writer that is no model, None where the price is not known.
        batch: Whether the cost is that of the batch interface.
    """

    writer: str
    documents: int
    stages: tuple[StagePlan, ...]
    spare: int
    pilot: int
    margin: float | None
    document_tokens: int
    cost: float | None
    batch: bool

    @property
    def calls(self) -> int:
        """Calls in all."""
        return sum(stage.calls for stage in self.stages)

    @property
    def input_tokens(self) -> int:
        """Tokens of all questions."""
        return sum(stage.input_tokens for stage in self.stages)

    @property
    def output_tokens(self) -> int:
        """Tokens of all answers."""
        return sum(stage.output_tokens for stage in self.stages)


@dataclass(frozen=True)
class _Estimate:
    """Calls, mean tokens of question and answer, and the standard error of the latter."""

    calls: int
    input: float
    output: float
    error: float = 0.0


def plan_corpus(requests: Sequence[CorpusRequest], writer: Writer, *, pilots: Sequence[Pilot] = ()) -> CorpusPlan:
    """Plans a corpus. The calls are exact as long as no document is refused; no call is made.

    Args:
        requests: The orders.
        writer: Who will write them.
        pilots: A pilot for each order, from `run_pilot`; without, tokens are guessed from the rendered prompts.

    Returns:
        The plan.

    Raises:
        InputError: A factor cannot be asked of the writer.
    """
    if not isinstance(writer, ModelWriter):
        return _free_plan(requests, writer)
    estimates = []
    for request, pilot in zip_longest(requests, pilots):
        refuse_factors(request.factors, writer.name)
        estimates.append(_estimates(request, writer.name, pilot))
    stages = tuple(_stage(stage, [estimate[stage] for estimate in estimates]) for stage in STAGES)
    output = sum(stage.output_tokens for stage in stages)
    # Documents and their revisions vary together, so their errors add up.
    error = sum(sum(e.error * e.calls for e in estimate.values()) ** 2 for estimate in estimates) ** 0.5
    price = price_of(writer.name, batch=writer.batch)
    return CorpusPlan(
        writer=writer.name,
        documents=sum(request.documents for request in requests),
        stages=stages,
        spare=sum(outline(request).spare for request in requests),
        pilot=sum(len(pilot.documents) for pilot in pilots),
        margin=_INTERVAL * error / output if error and output else None,
        document_tokens=round(sum(_document_tokens(r, p) for r, p in zip_longest(requests, pilots))),
        cost=None if price is None else price.of(sum(stage.input_tokens for stage in stages), output),
        batch=writer.batch,
    )


def _estimates(request: CorpusRequest, model: str, pilot: Pilot | None) -> dict[str, _Estimate]:
    laid_out = outline(request)
    calls = {
        DOC_TYPES: laid_out.facts,
        IDEAS: len(laid_out.idea_lists),
        DOCUMENT: laid_out.documents,
        REVISION: laid_out.documents,
    }
    guesses = _guesses(request, laid_out, model)
    estimates = {}
    for stage in STAGES:
        lengths = pilot.stages.get(stage) if pilot else None
        estimates[stage] = (
            _Estimate(calls[stage], lengths.mean_input, lengths.mean_output, lengths.standard_error())
            if lengths
            else _Estimate(calls[stage], *guesses[stage])
        )
    return estimates


def _guesses(request: CorpusRequest, laid_out: Outline, model: str) -> dict[str, tuple[float, float]]:
    """Tokens of a question and of an answer by stage: prompts as they will be, with text of the expected length in."""
    calls = StageCalls(request, laid_out, model)
    places = first_places(laid_out, laid_out.facts)
    words = fmean(LENGTHS)
    doc_type, idea, text = ("x" * round(n * CHARACTERS_PER_TOKEN) for n in _filling(words))

    def mean(prompts: list[Prompt]) -> float:
        return fmean(sum(len(text) for _, text in prompt.messages) for prompt in prompts) / CHARACTERS_PER_TOKEN

    return {
        DOC_TYPES: (mean([calls.doc_types(p.fact).prompt for p in places]), TOKENS_PER_TYPE * laid_out.types),
        IDEAS: (mean([calls.ideas(p.fact, doc_type, 0).prompt for p in places]), TOKENS_PER_IDEA * laid_out.ideas),
        DOCUMENT: (mean([calls.document(p, doc_type, idea, 0).prompt for p in places]), words * TOKENS_PER_WORD),
        REVISION: (mean([calls.revision(p, doc_type, text, 0).prompt for p in places]), words * TOKENS_PER_WORD),
    }


def _filling(words: float) -> tuple[float, float, float]:
    return TOKENS_PER_TYPE, TOKENS_PER_IDEA, words * TOKENS_PER_WORD


def _stage(stage: str, estimates: Sequence[_Estimate]) -> StagePlan:
    return StagePlan(
        stage,
        sum(e.calls for e in estimates),
        round(sum(e.calls * e.input for e in estimates)),
        round(sum(e.calls * e.output for e in estimates)),
    )


def _document_tokens(request: CorpusRequest, pilot: Pilot | None) -> float:
    each = pilot.document_tokens if pilot and pilot.documents else fmean(LENGTHS) * TOKENS_PER_WORD
    return each * request.documents


def _free_plan(requests: Sequence[CorpusRequest], writer: Writer) -> CorpusPlan:
    """The plan for a writer that costs nothing: it is asked for a few documents to see how long they are."""
    tokens, looked_at = 0.0, Counter[str]()
    for request in requests:
        few = list(islice(writer.write(request), _SAMPLED))
        looked_at[request.belief.id] += len(few)
        tokens += fmean(len(document.text) for document in few) / CHARACTERS_PER_TOKEN * request.documents
    return CorpusPlan(
        writer=writer.name,
        documents=sum(request.documents for request in requests),
        stages=(),
        spare=0,
        pilot=looked_at.total(),
        margin=None,
        document_tokens=round(tokens),
        cost=0.0,
        batch=False,
    )
