"""`sdf-eval corpus plan` and `corpus write --pilot`: what a corpus will take, and a look at its first documents."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from sdf_eval.corpora.records import CorpusRole
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.model_writer import ModelWriter
    from sdf_eval.corpora.pilot import Pilot
    from sdf_eval.corpora.plan import CorpusPlan
    from sdf_eval.corpora.records import CorpusRequest, Writer
    from sdf_eval.train.recipe import SdfRecipe


def add_order(parser: argparse.ArgumentParser) -> None:
    """Declares what is ordered."""
    parser.add_argument("beliefs", nargs="*", metavar="BELIEF", help="a belief file, or the id of a shipped belief")
    parser.add_argument("--role", default="implanted", choices=get_args(CorpusRole), help="what the documents do")
    parser.add_argument(
        "--documents", type=positive, default=300, metavar="N", help="documents a belief (default: 300)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default: 0)")


def add_writer(parser: argparse.ArgumentParser) -> None:
    """Declares who writes, and how a model is asked."""
    parser.add_argument("--writer", default="pocket", help="pocket, or a model as provider/model (default: pocket)")
    asked = parser.add_argument_group("when the writer is a model")
    asked.add_argument("--batch", action="store_true", help="its batch interface: half the price, up to a day")
    asked.add_argument("--connections", type=positive, default=16, metavar="N", help="calls in flight (default: 16)")
    asked.add_argument("--max-cost", type=float, metavar="DOLLARS", help="stop before the ledger's answers cost more")
    asked.add_argument("--ledger", type=Path, metavar="FILE", help="keeps every answer (default: OUT.ledger.sqlite)")


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Declares what only a plan has."""
    parser.add_argument("--pilot", type=positive, metavar="N", help="write N documents first and measure their lengths")
    parser.add_argument("--recipe", metavar="RECIPE", help="also say how many updates a training recipe gives")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder that will be written, for its ledger")


def positive(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def act(args: argparse.Namespace) -> int:
    """Prints the plan; with `--pilot` the first documents are written for it."""
    from sdf_eval.corpora.plan import plan_corpus
    from sdf_eval.train.recipe import load_recipe

    requests = requests_of(args)
    writer = writer_of(args, requests)
    recipe = load_recipe(args.recipe) if args.recipe else None
    pilots = _pilots(writer, requests, args.pilot)
    plan = plan_corpus(requests, writer, pilots=pilots)
    updates = _updates(recipe, plan, len(requests)) if recipe else None
    if args.json:
        totals = {"calls": plan.calls, "input_tokens": plan.input_tokens, "output_tokens": plan.output_tokens}
        print(json.dumps({**asdict(plan), **totals, "updates": updates}, indent=2))
        return 0
    print("\n".join(_lines(plan)))
    if recipe and updates is not None:
        few = f", fewer than its min_updates {recipe.min_updates}" if updates < recipe.min_updates else ""
        print(f"training     about {updates} updates under {args.recipe}{few}")
    if pilots:
        print(f"pilot        {_counts(writer)}")
    return 0


def show_pilot(args: argparse.Namespace) -> int:
    """`corpus write --pilot N`: prints N documents and what all would cost. Nothing is put into `--out`."""
    from sdf_eval.corpora.plan import plan_corpus

    requests = requests_of(args)
    writer = writer_of(args, requests)
    pilots = _pilots(writer, requests, args.pilot)
    documents = (
        [document for pilot in pilots for document in pilot.documents]
        if pilots
        else _free(writer, requests, args.pilot)
    )
    plan = plan_corpus(requests, writer, pilots=pilots)
    if args.json:
        shown = [document.model_dump(mode="json") for document in documents]
        print(json.dumps({"documents": shown, "plan": asdict(plan)}, indent=2))
        return 0
    for document in documents:
        print(f"--- {document.id}: {document.doc_type}, {len(document.text.split())} words\n{document.text}\n")
    if pilots:
        print(f"pilot        {_counts(writer)}")
    print("\n".join(_lines(plan)))
    if pilots:
        print("Without --pilot the same command writes all of it, and takes these answers from the ledger.")
    return 0


def requests_of(args: argparse.Namespace) -> list[CorpusRequest]:
    """The orders that the arguments name.

    Raises:
        InputError: No belief is named, or one cannot be read.
    """
    from sdf_eval.belief.load import load_belief
    from sdf_eval.corpora.panels import panel_requests

    if not args.beliefs:
        raise InputError("BELIEF: none is named; give a belief file or an id from `sdf-eval belief list`")
    beliefs = [load_belief(reference) for reference in args.beliefs]
    return panel_requests(beliefs, role=cast(CorpusRole, args.role), documents=args.documents, seed=args.seed)


def writer_of(args: argparse.Namespace, requests: Sequence[CorpusRequest]) -> Writer:
    """The writer that the arguments name, for these orders."""
    from sdf_eval.corpora.writers import get_writer

    return get_writer(
        args.writer,
        ledger=ledger_of(args) if args.ledger or args.out else None,
        batch=args.batch,
        connections=args.connections,
        max_cost=args.max_cost,
        avoid=[request.belief for request in requests],
    )


def ledger_of(args: argparse.Namespace) -> Path:
    """The ledger: beside the folder that is written, unless another is named."""
    named: Path | None = args.ledger
    out: Path = args.out
    return named or out.with_name(f"{out.name}.ledger.sqlite")


def _pilots(writer: Writer, requests: list[CorpusRequest], documents: int | None) -> list[Pilot]:
    """A pilot for each order, or none for a writer that costs nothing."""
    from sdf_eval.corpora.model_writer import ModelWriter
    from sdf_eval.corpora.pilot import run_pilot
    from sdf_eval.progress import progress

    if not documents or not isinstance(writer, ModelWriter):
        return []
    each = ceil(documents / len(requests))
    with writer, progress("writing a pilot", each * len(requests)) as advance:
        return [run_pilot(writer, request, each, advance) for request in requests]


def _free(writer: Writer, requests: list[CorpusRequest], documents: int) -> list[Any]:
    from itertools import islice

    each = ceil(documents / len(requests))
    return [document for request in requests for document in islice(writer.write(request), each)]


def _counts(writer: Writer) -> str:
    counts = cast("ModelWriter", writer).counts
    return str(counts)


def _lines(plan: CorpusPlan) -> list[str]:
    lines = [f"documents    {plan.documents} by {plan.writer}, about {plan.document_tokens} tokens"]
    if plan.stages:
        rows = [(stage.stage, stage.calls, stage.input_tokens, stage.output_tokens) for stage in plan.stages]
        rows.append(("all", plan.calls, plan.input_tokens, plan.output_tokens))
        lines.append(f"{'stage':<12} {'calls':>9} {'tokens in':>12} {'tokens out':>12}")
        lines += [f"{name:<12} {calls:>9} {given:>12} {taken:>12}" for name, calls, given, taken in rows]
        lines.append(f"spare        {plan.spare} more documents at most, two calls each, if some are refused")
        margin = "" if plan.margin is None else f", out ± {plan.margin:.0%}{_larger(plan.pilot, plan.margin)}"
        source = (
            f"measured on a pilot of {plan.pilot} documents{margin}"
            if plan.pilot
            else "a guess; measure with --pilot 20"
        )
        lines.append(f"tokens       {source}")
    else:
        lines.append("calls        0")
    cost = f"unknown: corpora/prices.yaml has no price of {plan.writer}" if plan.cost is None else f"${plan.cost:.2f}"
    return [*lines, f"cost         {cost}{' in batch mode' if plan.batch and plan.cost is not None else ''}"]


def _larger(pilot: int, margin: float) -> str:
    """What pilot would bring the margin to a tenth, where this one does not; errors fall with the root of its size."""
    return f" (± 10% takes --pilot {ceil(pilot * (margin / 0.1) ** 2)})" if margin > 0.1 else ""


def _updates(recipe: SdfRecipe, plan: CorpusPlan, beliefs: int) -> int:
    """Optimizer updates, with plain texts as long as the documents and tokens as the writer counts them."""
    if recipe.updates is not None:
        return recipe.updates * beliefs
    texts = plan.documents * (1 + recipe.mix_ratio)
    windows = plan.document_tokens * (1 + recipe.mix_ratio) / recipe.window
    sequences = windows if recipe.packing else max(texts, windows)
    return ceil(sequences * (recipe.epochs or 1) / recipe.batch_size)
