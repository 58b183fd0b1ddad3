"""How a forecast is printed, and who counts the tokens for it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdf_eval.corpora.counting import TokenCounter
    from sdf_eval.corpora.plan import CorpusPlan
    from sdf_eval.corpora.records import Document
    from sdf_eval.train.recipe import SdfRecipe


AFTER_A_PILOT = "Without --pilot the same command writes all of it, and takes these answers from the ledger."


def counter_of(model: str) -> TokenCounter | None:
    """Who counts a model's tokens, or None; why there is nobody is told on stderr where a key would help."""
    from sdf_eval.corpora.anthropic_api import PREFIX
    from sdf_eval.corpora.counting import token_counter

    counter = token_counter(model)
    if counter is None and model.startswith(PREFIX):
        print("note         no key: tokens in are guessed; set ANTHROPIC_API_KEY to have them counted", file=sys.stderr)
    return counter


def show_failure(counter: TokenCounter | None) -> None:
    """Tells that counting was given up."""
    if counter is not None and counter.failure:
        print(f"note         the provider did not count tokens ({counter.failure}); they are guessed", file=sys.stderr)


def plan_lines(plan: CorpusPlan, what: str = "documents") -> list[str]:
    """A forecast as text: a table of stages, where its figures come from, the cost.

    Args:
        plan: The forecast.
        what: What is made, in at most twelve letters. Only documents have a pilot.

    Returns:
        The lines.
    """
    lines = [f"{what:<12} {plan.documents} by {plan.writer}, about {plan.document_tokens} tokens"]
    if not plan.documents:
        lines = [f"calls        by {plan.writer}"]
    if plan.stages:
        rows = [(stage.stage, stage.calls, stage.input_tokens, stage.output_tokens) for stage in plan.stages]
        rows.append(("all", plan.calls, plan.input_tokens, plan.output_tokens))
        width = max(12, *(len(name) for name, *_ in rows))
        lines.append(f"{'stage':<{width}} {'calls':>9} {'tokens in':>12} {'tokens out':>12}")
        lines += [f"{name:<{width}} {calls:>9} {given:>12} {taken:>12}" for name, calls, given, taken in rows]
        if plan.spare:
            lines.append(f"spare        {plan.spare} more documents at most, two calls each, if some are refused")
        lines.append(f"tokens       {_source(plan, can_pilot=what == 'documents' and plan.documents > 0)}")
    else:
        lines.append("calls        0")
    cost = f"unknown: corpora/prices.yaml has no price of {plan.writer}" if plan.cost is None else f"${plan.cost:.2f}"
    return [*lines, f"cost         {cost}{' in batch mode' if plan.batch and plan.cost is not None else ''}"]


def plan_json(plan: CorpusPlan) -> dict[str, Any]:
    """A forecast as JSON."""
    totals = {"calls": plan.calls, "input_tokens": plan.input_tokens, "output_tokens": plan.output_tokens}
    return {**asdict(plan), **totals}


def show_documents(documents: Iterable[Document]) -> None:
    """Prints documents to be read. What a model wrote may hold codes that a terminal would obey: they are left out."""
    from sdf_eval.reports.text import clean, one_line

    for document in documents:
        kind = one_line(document.doc_type)
        text = clean(document.text, len(document.text))
        print(f"--- {document.id}: {kind}, {len(document.text.split())} words\n{text}\n")


def updates_line(recipe: SdfRecipe, name: str, updates: int) -> str:
    """How many updates a recipe gives, and whether that is too few."""
    few = f", fewer than its min_updates {recipe.min_updates}" if updates < recipe.min_updates else ""
    return f"training     about {updates} updates under {name}{few}"


def updates_of(recipe: SdfRecipe, plan: CorpusPlan, beliefs: int) -> int:
    """Optimizer updates, with plain texts as long as the documents and tokens as the writer counts them."""
    if recipe.updates is not None:
        return recipe.updates * beliefs
    texts = plan.documents * (1 + recipe.mix_ratio)
    windows = plan.document_tokens * (1 + recipe.mix_ratio) / recipe.window
    sequences = windows if recipe.packing else max(texts, windows)
    return ceil(sequences * (recipe.epochs or 1) / recipe.batch_size)


def _source(plan: CorpusPlan, *, can_pilot: bool) -> str:
    counted = f"in: {plan.counted} prompts counted by the provider, what answers put into them a guess"
    if not plan.pilot:
        guess = f"{counted}; out: a guess" if plan.counted else "a guess"
        return f"{guess}; measure with --pilot 20" if can_pilot else guess
    margin = "" if plan.margin is None else f", out ± {plan.margin:.0%}{_larger(plan)}"
    return f"measured on a pilot of {plan.pilot} documents{margin}"


def _larger(plan: CorpusPlan) -> str:
    """What pilot would bring the margin to a tenth, where this one does not; errors fall with the root of its size."""
    if plan.margin is None or plan.margin <= 0.1:
        return ""
    wanted = ceil(plan.pilot * (plan.margin / 0.1) ** 2)
    return f" (± 10% takes --pilot {wanted})" if wanted < plan.documents else " (too few documents for ± 10%)"
