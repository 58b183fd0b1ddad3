"""Plan, write, check and import synthetic documents.

Examples:
  sdf-eval corpus write mine.yaml --documents 300 --out runs/mine
  sdf-eval corpus plan mine.yaml --writer anthropic/claude-haiku-4-5 --documents 40000
  sdf-eval corpus write mine.yaml --writer anthropic/claude-haiku-4-5 --documents 40000 --out big --pilot 5
  sdf-eval corpus write mine.yaml --writer anthropic/claude-haiku-4-5 --documents 40000 --out big --max-cost 90 --batch
  sdf-eval corpus write --spec plan.yaml --writer anthropic/claude-haiku-4-5 --out runs/spec
  sdf-eval corpus check runs/mine --belief mine.yaml

A model's answers are kept in OUT.ledger.sqlite: a run that was stopped, or a pilot, is never paid for twice. The exit
status is 1 if the corpus breaks a limit; which one, and why, is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from sdf_eval.cli import _corpus_import, _corpus_plan
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.belief.schema import Belief
    from sdf_eval.corpora.calls import CallCounts
    from sdf_eval.corpora.health import Health
    from sdf_eval.corpora.model_writer import ModelWriter
    from sdf_eval.corpora.write import Corpus

HELP = "write, check and mix synthetic documents"

BROKEN_LIMIT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    plan = actions.add_parser("plan", help="calls, tokens and cost of a corpus, before it is written")
    _corpus_plan.add_order(plan)
    _corpus_plan.add_writer(plan)
    _corpus_plan.add_plan(plan)
    plan.set_defaults(act=_corpus_plan.act)

    write = actions.add_parser("write", help="write documents about one or more beliefs into a folder")
    _corpus_plan.add_order(write)
    _corpus_plan.add_writer(write)
    write.add_argument(
        "--spec", type=Path, metavar="PLAN", help="write a plan that `spec plan` made, in place of beliefs"
    )
    write.add_argument(
        "--pilot", type=_corpus_plan.positive, metavar="N", help="write N documents, show them and the cost, and stop"
    )
    write.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the corpus")
    write.set_defaults(act=_write)

    check = actions.add_parser("check", help="report on a corpus; exit 1 if it breaks a limit, 2 if a probe leaks")
    check.add_argument("folder", type=Path, metavar="DIR", help="a folder that `corpus write` made")
    check.add_argument("--belief", action="append", metavar="BELIEF", help="its belief file; repeat for several")
    check.add_argument("--page", type=Path, metavar="FILE", help="also write an HTML page with figures and the worst")
    check.set_defaults(act=_check)

    for action in (plan, write, check):
        action.add_argument("--json", action="store_true", help="print JSON")
    _corpus_import.add_to(actions)


def run(args: argparse.Namespace) -> int:
    """Does what was asked.

    Returns:
        0, or 1 if the corpus breaks a limit. Bad input and contamination raise `InputError`.
    """
    return int(args.act(args))


def _write(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.model_writer import ModelWriter
    from sdf_eval.corpora.write import write_corpus
    from sdf_eval.progress import progress

    if args.spec is not None:
        return _write_spec(args)
    if args.pilot:
        return _corpus_plan.show_pilot(args)
    requests = _corpus_plan.requests_of(args)
    writer = _corpus_plan.writer_of(args, requests)
    total = sum(request.documents for request in requests)
    try:
        with (
            writer if isinstance(writer, ModelWriter) else nullcontext(),
            progress("writing documents", total) as advance,
        ):
            corpus = write_corpus(writer, requests, args.out, progress=advance)
    finally:
        if isinstance(writer, ModelWriter):
            _show_calls(writer.counts)
            _show_shortfall(writer)
    return _finish(corpus, args)


def _write_spec(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.callers import open_caller
    from sdf_eval.corpora.specs.documents import write_spec_corpus
    from sdf_eval.corpora.specs.plan import load_plan
    from sdf_eval.progress import progress

    if args.beliefs or args.pilot:
        raise InputError("--spec: takes its documents from the plan; leave out beliefs and --pilot")
    if args.spec.suffix == ".md":
        raise InputError(f"--spec: {args.spec}: is a spec, not a plan; make one with `sdf-eval spec plan {args.spec}`")
    plan = load_plan(args.spec)
    ledger = _corpus_plan.ledger_of(args)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    counts = None
    try:
        with open_caller(
            args.writer, ledger, batch=args.batch, connections=args.connections, max_cost=args.max_cost
        ) as caller:
            try:
                with progress("writing documents", plan.documents) as advance:
                    corpus = write_spec_corpus(
                        plan, caller, args.out, model=args.writer, seed=args.seed, progress=advance
                    )
            finally:
                counts = caller.counts
    finally:
        _show_calls(counts)
    return _finish(corpus, args)


def _finish(corpus: Corpus, args: argparse.Namespace) -> int:
    from sdf_eval.corpora.write import read_health

    status = _show(read_health(corpus.folder), args.json)
    if not args.json:
        print(f"{corpus.manifest.documents} documents in {args.out}")
    return status


def _check(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.check import check_contamination
    from sdf_eval.corpora.write import check_corpus, read_corpus
    from sdf_eval.progress import progress

    corpus = read_corpus(args.folder)
    beliefs = _beliefs_of(args, corpus)
    with progress("checking documents", corpus.manifest.documents) as advance:
        health = check_corpus(corpus, beliefs, progress=advance)
    status = _show(health, args.json)
    if args.page:
        from sdf_eval.reports.health_page import write_health_page

        write_health_page(args.folder, args.page)
    check_contamination(corpus.documents, beliefs)
    if not args.json:
        print("contamination: none")
    return status


def _beliefs_of(args: argparse.Namespace, corpus: Corpus) -> list[Belief]:
    """The beliefs of a corpus, from files or from those that ship, in the order of its manifest."""
    from sdf_eval.belief.load import load_belief
    from sdf_eval.corpora.specs.documents import SPEC

    if (args.folder / SPEC).exists():  # documents about a spec, which is no belief: it is checked with those named
        return [load_belief(reference) for reference in args.belief or []]
    names = list(dict.fromkeys(order.belief for order in corpus.manifest.orders))
    given = {belief.id: belief for belief in map(load_belief, args.belief or names)}
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(f"--belief: the corpus is also about {', '.join(missing)}; name all its belief files")
    return [given[name] for name in names]


def _show(health: Health, as_json: bool) -> int:
    """Prints the health report. Returns the status: 1 if a limit is broken."""
    from sdf_eval.corpora.thresholds import failures

    broken = failures(health)
    if as_json:
        print(json.dumps(health.model_dump(mode="json"), indent=2))
    else:
        _show_figures(health)
    for line in broken:
        print(f"broken limit: {line}", file=sys.stderr)
    return BROKEN_LIMIT if broken else 0


def _show_figures(health: Health) -> None:
    types = ", ".join(f"{name} {count}" for name, count in health.doc_types.items())
    print(f"documents    {health.documents}, words {health.words_min} / {health.words_median:g} / {health.words_max}")
    print(f"types        {types} ({health.doc_type_entropy:.2f} bits)")
    near = "not searched for" if health.near_duplicates is None else f"{health.near_duplicates} near"
    print(f"duplicates   {health.exact_duplicates} exact, {near}")
    print(f"diversity    {health.distinct_words:.3f} words, {health.distinct_trigrams:.3f} trigrams distinct")
    for fact in health.coverage:
        shares = f"implanted value in {fact.implanted:.0%}, reference value in {fact.reference:.0%}"
        print(f"key fact     {fact.belief}/{fact.fact}: {shares} of {fact.documents}")
    if health.truth_leaks:
        print(f"truth leaks  {health.truth_leaks}: {', '.join(health.truth_leak_ids)}")


def _show_calls(counts: CallCounts | None) -> None:
    # On stderr, so that --json stays JSON; and shown after a stop too, since that is when people ask what was spent.
    if counts is not None:
        print(f"calls        {counts}", file=sys.stderr)


def _show_shortfall(writer: ModelWriter) -> None:
    missing = writer.shortfall
    if missing.types or missing.ideas:
        print(
            f"filled in    {missing.types} document types from the list that ships, {missing.ideas} ideas used again",
            file=sys.stderr,
        )
    if missing.refused:
        reasons = ", ".join(f"{count} {why}" for why, count in missing.refused.most_common())
        print(f"replaced     {missing.refused.total()} refused documents ({reasons})", file=sys.stderr)
