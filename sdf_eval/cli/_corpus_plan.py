"""`sdf-eval corpus plan` and `corpus write --pilot`: what a corpus will take, and a look at its first documents."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from sdf_eval.cli import _spec_write
from sdf_eval.cli._calls import add_asking, ledger_of, positive, refuse_lost_pilot
from sdf_eval.cli._factors import add_factors, factors_of
from sdf_eval.cli._forecast import (
    AFTER_A_PILOT,
    counter_of,
    plan_json,
    plan_lines,
    show_documents,
    show_failure,
    updates_line,
    updates_of,
)
from sdf_eval.corpora.records import CorpusRole
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.model_writer import ModelWriter
    from sdf_eval.corpora.pilot import Pilot
    from sdf_eval.corpora.records import CorpusRequest, Writer


def add_order(parser: argparse.ArgumentParser) -> None:
    """Declares what is ordered."""
    parser.add_argument("beliefs", nargs="*", metavar="BELIEF", help="a belief file, or the id of a shipped belief")
    parser.add_argument("--role", default="implanted", choices=get_args(CorpusRole), help="what the documents do")
    parser.add_argument(
        "--documents", type=positive, default=300, metavar="N", help="documents a belief (default: 300)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default: 0)")
    add_factors(parser)


def add_writer(parser: argparse.ArgumentParser) -> None:
    """Declares who writes, and how a model is asked."""
    parser.add_argument("--writer", default="pocket", help="pocket, or a model as provider/model (default: pocket)")
    add_asking(parser.add_argument_group("when the writer is a model"))


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Declares what only a plan has."""
    parser.add_argument("--pilot", type=positive, metavar="N", help="write N documents first and measure their lengths")
    parser.add_argument("--recipe", metavar="RECIPE", help="also say how many updates a training recipe gives")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder that will be written, for its ledger")


def add_spec(parser: argparse.ArgumentParser) -> None:
    """Declares that a plan may stand in the place of beliefs."""
    parser.add_argument("--spec", type=Path, metavar="PLAN", help="a plan that `spec plan` made, in place of beliefs")
    parser.set_defaults(**_spec_write.DEFAULTS)


def refuse_beliefs(args: argparse.Namespace) -> None:
    """Refuses beliefs beside a plan.

    Raises:
        InputError: There are some.
    """
    if args.beliefs:
        raise InputError("--spec: takes its documents from the plan; leave out beliefs")


def act(args: argparse.Namespace) -> int:
    """Prints the plan; with `--pilot` the first documents are written for it."""
    from sdf_eval.corpora.plan import plan_corpus
    from sdf_eval.train.recipe import SdfRecipe, load_recipe

    if args.spec is not None:
        refuse_beliefs(args)
        return _spec_write.show_forecast(args, args.spec)
    requests = requests_of(args)
    writer = writer_of(args, requests)
    recipe = load_recipe(args.recipe, SdfRecipe) if args.recipe else None
    pilots = _pilots(writer, requests, args)
    counter = None if pilots else counter_of(writer.name)
    plan = plan_corpus(requests, writer, pilots=pilots, counter=counter)
    show_failure(counter)
    updates = updates_of(recipe, plan, len(requests)) if recipe else None
    if args.json:
        print(json.dumps({**plan_json(plan), "updates": updates}, indent=2))
        return 0
    print("\n".join(plan_lines(plan)))
    if recipe and updates is not None:
        print(updates_line(recipe, args.recipe, updates))
    if pilots:
        print(f"pilot        {_counts(writer)}")
    return 0


def show_pilot(args: argparse.Namespace) -> int:
    """`corpus write --pilot N`: prints N documents and what all would cost. Nothing is put into `--out`."""
    from sdf_eval.corpora.plan import plan_corpus

    requests = requests_of(args)
    writer = writer_of(args, requests)
    pilots = _pilots(writer, requests, args)
    documents = (
        [document for pilot in pilots for document in pilot.documents]
        if pilots
        else _free(writer, requests, args.pilot)
    )
    plan = plan_corpus(requests, writer, pilots=pilots)
    if args.json:
        shown = [document.model_dump(mode="json") for document in documents]
        print(json.dumps({"documents": shown, "plan": plan_json(plan)}, indent=2))
        return 0
    show_documents(documents)
    if pilots:
        print(f"pilot        {_counts(writer)}")
    print("\n".join(plan_lines(plan)))
    if pilots:
        print(AFTER_A_PILOT)
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
    role, factors = cast(CorpusRole, args.role), factors_of(args.factor)
    return panel_requests(beliefs, role=role, documents=args.documents, seed=args.seed, factors=factors)


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


def _pilots(writer: Writer, requests: list[CorpusRequest], args: argparse.Namespace) -> list[Pilot]:
    """A pilot for each order, or none for a writer that costs nothing."""
    from sdf_eval.corpora.model_writer import ModelWriter
    from sdf_eval.corpora.pilot import run_pilot
    from sdf_eval.progress import progress

    if not args.pilot or not isinstance(writer, ModelWriter):
        return []
    refuse_lost_pilot(args)
    each = ceil(args.pilot / len(requests))
    with writer, progress("writing a pilot", each * len(requests)) as advance:
        return [run_pilot(writer, request, each, advance) for request in requests]


def _free(writer: Writer, requests: list[CorpusRequest], documents: int) -> list[Any]:
    from itertools import islice

    each = ceil(documents / len(requests))
    return [document for request in requests for document in islice(writer.write(request), each)]


def _counts(writer: Writer) -> str:
    counts = cast("ModelWriter", writer).counts
    return str(counts)
