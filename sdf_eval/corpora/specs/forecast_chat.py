"""What chat data will take, before they are paid for: the fewest calls, with every reply passing at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from sdf_eval.corpora.counting import TokenCounter
from sdf_eval.corpora.plan import TOKENS_PER_TYPE, CorpusPlan
from sdf_eval.corpora.specs.aft_records import QUERY_TYPES, AftRequest
from sdf_eval.corpora.specs.cai_records import CaiRequest
from sdf_eval.corpora.specs.forecast import Step, shared_variables, step_estimates, step_of, summed
from sdf_eval.corpora.specs.queries import FEWEST_DOMAINS, QUERIES_A_CALL, SPARE
from sdf_eval.corpora.specs.spec import Spec

TOKENS_PER_QUERY = 60
TOKENS_PER_REPLY = 350
TOKENS_PER_THOUGHT = 400
TOKENS_PER_VERDICT = 80
TOKENS_PER_PRINCIPLE = 40
"""Guesses for English, like those of `sdf_eval.corpora.plan`."""


def forecast_aft(
    spec: Spec,
    request: AftRequest,
    model: str,
    *,
    also: Sequence[Spec] = (),
    batch: bool = False,
    counter: TokenCounter | None = None,
) -> CorpusPlan:
    """What alignment finetuning data take; each reply that does not pass is another reply and another grade.

    Args:
        spec: The spec.
        request: What will be written.
        model: An Inspect model name.
        also: Further specs that grade each reply.
        batch: Whether the batch interface is used.
        counter: Counts prompts.

    Returns:
        The forecast; its documents are the rows.
    """
    reply = TOKENS_PER_REPLY + (TOKENS_PER_THOUGHT if request.reasoning else 0)
    shared = {
        **shared_variables(spec),
        "held_out": request.held_out,
        "style": request.style,
        "reasons": request.reasons,
        "reasoning": int(request.reasoning),
    }
    steps = [
        *_queries(spec, request.rows, request.queries_per_domain),
        step_of("spec_aft_reply", request.rows, shared, TOKENS_PER_QUERY, reply),
        step_of("spec_aft_grade", request.rows * (1 + len(also)), shared, TOKENS_PER_QUERY + reply, TOKENS_PER_VERDICT),
    ]
    return _rows(steps, request.rows, TOKENS_PER_QUERY + reply, model, batch, counter)


def forecast_cai(
    spec: Spec, request: CaiRequest, model: str, *, batch: bool = False, counter: TokenCounter | None = None
) -> CorpusPlan:
    """What data in the manner of Constitutional AI take; arguments and result as for `forecast_aft`."""
    shared = shared_variables(spec)
    rows, asked = request.rows, TOKENS_PER_QUERY + TOKENS_PER_PRINCIPLE
    steps = [
        step_of("spec_cai_principles", 1, shared, 0, TOKENS_PER_PRINCIPLE * request.principles),
        *_queries(spec, rows, request.queries_per_domain),
    ]
    if request.kind == "revisions":
        revised = TOKENS_PER_VERDICT + TOKENS_PER_REPLY
        steps += [
            step_of("spec_cai_draft", rows, shared, TOKENS_PER_QUERY, TOKENS_PER_REPLY),
            step_of("spec_cai_revise", rows * request.rounds, shared, asked + TOKENS_PER_REPLY, revised),
        ]
    else:
        steps += [
            step_of("spec_cai_draft", 2 * rows, shared, TOKENS_PER_QUERY, TOKENS_PER_REPLY),
            step_of("spec_cai_prefer", rows, shared, asked + 2 * TOKENS_PER_REPLY, TOKENS_PER_VERDICT),
        ]
    return _rows(steps, rows, TOKENS_PER_QUERY + TOKENS_PER_REPLY, model, batch, counter)


def _queries(spec: Spec, rows: int, queries_per_domain: int) -> list[Step]:
    """Situations and messages."""
    domains = max(FEWEST_DOMAINS, ceil(rows / queries_per_domain))
    needed = ceil(rows * SPARE)
    places = min(domains * len(QUERY_TYPES), needed)
    each = ceil(needed / places)
    calls = ceil(each / QUERIES_A_CALL)
    shared = shared_variables(spec)
    return [
        step_of("spec_aft_domains", ceil(domains / 50), shared, 0, TOKENS_PER_TYPE * min(domains, 50)),
        step_of("spec_aft_queries", places * calls, shared, 2 * TOKENS_PER_TYPE, TOKENS_PER_QUERY * each / calls),
    ]


def _rows(
    steps: Sequence[Step], rows: int, tokens: float, model: str, batch: bool, counter: TokenCounter | None
) -> CorpusPlan:
    return summed(model, step_estimates(steps, counter), rows, tokens, batch, spare=0)
