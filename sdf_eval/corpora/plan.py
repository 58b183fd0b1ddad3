"""What a corpus will take, before it is paid for: documents, calls, tokens, cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from statistics import fmean

from sdf_eval.corpora.counting import SAMPLED, TokenCounter
from sdf_eval.corpora.model_writer import ModelWriter
from sdf_eval.corpora.outline import LENGTHS, first_places, outline
from sdf_eval.corpora.pilot import Lengths, Pilot
from sdf_eval.corpora.prices import price_of
from sdf_eval.corpora.prompts import Prompt
from sdf_eval.corpora.records import CorpusRequest, Writer
from sdf_eval.corpora.stage_calls import DOC_TYPES, DOCUMENT, IDEAS, REVISION, StageCalls, refuse_factors

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
        counted: Prompts whose tokens the provider's counting endpoint told, in the place of a guess.
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
    counted: int = 0

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
class Estimate:
    """What the calls of one stage are expected to take.

    Attributes:
        calls: How many.
        input: Mean tokens of a question.
        output: Mean tokens of an answer.
        error: Standard error of the latter; 0 for a guess.
        counted: Prompts that a counter counted for it.
    """

    calls: int
    input: float
    output: float
    error: float = 0.0
    counted: int = 0


def plan_corpus(
    requests: Sequence[CorpusRequest],
    writer: Writer,
    *,
    pilots: Sequence[Pilot] = (),
    counter: TokenCounter | None = None,
) -> CorpusPlan:
    """Plans a corpus. The calls are exact as long as no document is refused; no call is made.

    Args:
        requests: The orders.
        writer: Who will write them.
        pilots: A pilot for each order, from `run_pilot`. Its questions were counted by the provider as they were asked;
            without it, tokens are guessed from the rendered prompts.
        counter: Counts the prompts in the place of that guess; what answers will put into them is still guessed.

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
        estimates.append(_estimates(request, writer.name, pilot, counter, max(1, SAMPLED // len(requests))))
    return summed_plan(
        writer.name,
        estimates,
        documents=sum(request.documents for request in requests),
        spare=sum(outline(request).spare for request in requests),
        pilot=sum(len(pilot.documents) for pilot in pilots),
        document_tokens=sum(_document_tokens(r, p) for r, p in zip_longest(requests, pilots)),
        batch=writer.batch,
    )


def summed_plan(
    writer: str,
    estimates: Sequence[Mapping[str, Estimate]],
    *,
    documents: int,
    spare: int,
    pilot: int,
    document_tokens: float,
    batch: bool,
) -> CorpusPlan:
    """Adds up what was estimated.

    Args:
        writer: An Inspect model name.
        estimates: Stage -> estimate, one mapping an order; all have the same stages.
        documents: As in `CorpusPlan`, like all that follows.
        spare: The same.
        pilot: The same.
        document_tokens: The same.
        batch: The same.

    Returns:
        The plan.
    """
    stages = tuple(_stage(stage, [estimate[stage] for estimate in estimates]) for stage in estimates[0])
    output = sum(stage.output_tokens for stage in stages)
    # Documents and their revisions vary together, so their errors add up.
    error = sum(sum(e.error * e.calls for e in estimate.values()) ** 2 for estimate in estimates) ** 0.5
    price = price_of(writer, batch=batch)
    return CorpusPlan(
        writer=writer,
        documents=documents,
        stages=stages,
        spare=spare,
        pilot=pilot,
        margin=_INTERVAL * error / output if error and output else None,
        document_tokens=round(document_tokens),
        cost=None if price is None else price.of(sum(stage.input_tokens for stage in stages), output),
        batch=batch,
        counted=sum(e.counted for estimate in estimates for e in estimate.values()),
    )


def estimated(
    calls: int,
    lengths: Lengths | None,
    *,
    prompts: Sequence[Prompt],
    filling: float,
    output: float,
    counter: TokenCounter | None = None,
    most: int = SAMPLED,
) -> Estimate:
    """The estimate of one stage: from a pilot's lengths, or else from prompts whose unknown parts are left blank.

    Args:
        calls: How many there will be.
        lengths: Of the pilot's calls, if there were any.
        prompts: A fair sample of the prompts, with blanks.
        filling: Tokens that the blanks will hold, a guess.
        output: Tokens of an answer, a guess.
        counter: Counts the prompts; without one, or where it fails, four characters are taken for a token.
        most: How many prompts it counts.

    Returns:
        The estimate.
    """
    if lengths:
        return Estimate(calls, lengths.mean_input, lengths.mean_output, lengths.standard_error())
    counted = counter.mean(prompts, most) if counter else None
    if counted is None:
        guess = fmean(sum(len(text) for _, text in prompt.messages) for prompt in prompts) / CHARACTERS_PER_TOKEN
        return Estimate(calls, guess + filling, output)
    return Estimate(calls, counted + filling, output, counted=min(most, len(prompts)))


def _estimates(
    request: CorpusRequest, model: str, pilot: Pilot | None, counter: TokenCounter | None, most: int
) -> dict[str, Estimate]:
    laid_out = outline(request)
    calls = StageCalls(request, laid_out, model)
    places = first_places(laid_out, laid_out.facts)
    text = fmean(LENGTHS) * TOKENS_PER_WORD
    types, ideas = TOKENS_PER_TYPE * laid_out.types, TOKENS_PER_IDEA * laid_out.ideas
    stages: dict[str, tuple[int, list[Prompt], float, float]] = {
        DOC_TYPES: (laid_out.facts, [calls.doc_types(p.fact).prompt for p in places], 0, types),
        IDEAS: (len(laid_out.idea_lists), [calls.ideas(p.fact, "", 0).prompt for p in places], TOKENS_PER_TYPE, ideas),
        DOCUMENT: (
            laid_out.documents,
            [calls.document(p, "", "", 0).prompt for p in places],
            TOKENS_PER_TYPE + TOKENS_PER_IDEA,
            text,
        ),
        REVISION: (
            laid_out.documents,
            [calls.revision(p, "", "", 0).prompt for p in places],
            TOKENS_PER_TYPE + text,
            text,
        ),
    }
    return {
        stage: estimated(
            count,
            pilot.stages.get(stage) if pilot else None,
            prompts=prompts,
            filling=filling,
            output=output,
            counter=counter,
            most=most,
        )
        for stage, (count, prompts, filling, output) in stages.items()
    }


def _stage(stage: str, estimates: Sequence[Estimate]) -> StagePlan:
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
