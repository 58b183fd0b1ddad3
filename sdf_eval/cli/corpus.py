"""Plan, write, check and import synthetic documents.

Examples:
  sdf-eval corpus write mine.yaml --documents 300 --out runs/mine
  sdf-eval corpus plan mine.yaml --writer anthropic/claude-haiku-4-5 --documents 40000
  sdf-eval corpus write mine.yaml --writer anthropic/claude-haiku-4-5 --documents 40000 --out big --pilot 5
  sdf-eval corpus write mine.yaml --writer anthropic/claude-haiku-4-5 --documents 40000 --out big --max-cost 90 --batch
  sdf-eval corpus plan --spec plan.yaml --writer anthropic/claude-haiku-4-5
  sdf-eval corpus write --spec plan.yaml --writer anthropic/claude-haiku-4-5 --out runs/spec --pilot 5
  sdf-eval corpus check runs/mine --belief mine.yaml --page health.html
  sdf-eval corpus check runs/mine --judge anthropic/claude-opus-4-7 --max-cost 2

A model's answers are kept in OUT.ledger.sqlite: a run that was stopped, or a pilot, is never paid for twice. The exit
status is 1 if the corpus breaks a limit; which one, and why, is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sdf_eval.cli import _corpus_import, _corpus_judge, _corpus_plan, _spec_write
from sdf_eval.cli._calls import positive, show_calls, show_shortfall
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.belief.schema import Belief
    from sdf_eval.corpora.health import Health
    from sdf_eval.corpora.leak_judge import LeakVerdict
    from sdf_eval.corpora.write import Corpus

HELP = "write, check and mix synthetic documents"

BROKEN_LIMIT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    plan = actions.add_parser("plan", help="calls, tokens and cost of a corpus, before it is written")
    _corpus_plan.add_order(plan)
    _corpus_plan.add_writer(plan)
    _corpus_plan.add_spec(plan)
    _corpus_plan.add_plan(plan)
    plan.set_defaults(act=_corpus_plan.act)

    write = actions.add_parser("write", help="write documents about one or more beliefs into a folder")
    _corpus_plan.add_order(write)
    _corpus_plan.add_writer(write)
    _corpus_plan.add_spec(write)
    write.add_argument(
        "--pilot", type=positive, metavar="N", help="write N documents, show them and the cost, and stop"
    )
    write.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the corpus")
    write.set_defaults(act=_write)

    check = actions.add_parser("check", help="report on a corpus; exit 1 if it breaks a limit, 2 if a probe leaks")
    check.add_argument("folder", type=Path, metavar="DIR", help="a folder that `corpus write` made")
    check.add_argument("--belief", action="append", metavar="BELIEF", help="its belief file; repeat for several")
    check.add_argument("--page", type=Path, metavar="FILE", help="also write an HTML page with figures and the worst")
    _corpus_judge.add_judge(check)
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
        _corpus_plan.refuse_beliefs(args)
        return (
            _spec_write.show_pilot(args, args.spec) if args.pilot else _finish(_spec_write.write(args, args.spec), args)
        )
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
            show_calls(writer.counts)
            show_shortfall(writer)
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
    verdict = _corpus_judge.judge(args, corpus, beliefs) if args.writer else None
    status = _show(health, args.json, verdict)
    if verdict and not args.json:
        print("\n".join(_corpus_judge.judge_lines(verdict, args.writer)))
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


def _show(health: Health, as_json: bool, verdict: LeakVerdict | None = None) -> int:
    """Prints the health report. Returns the status: 1 if a limit is broken."""
    from sdf_eval.corpora.thresholds import failures

    broken = failures(health)
    if as_json:
        judged = {"judge": {**asdict(verdict), "kappa": verdict.kappa}} if verdict else {}
        print(json.dumps({**health.model_dump(mode="json"), **judged}, indent=2))
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
        implanted = f"{fact.implanted:.0%}" if fact.aliases else "? (no aliases)"
        reference = f"{fact.reference:.0%}" if fact.reference_aliases != 0 or fact.reference else "? (no aliases)"
        shares = f"implanted value in {implanted}, reference value in {reference}"
        print(f"key fact     {fact.belief}/{fact.fact}: {shares} of {fact.documents}")
    if health.truth_leaks:
        print(f"truth leaks  {health.truth_leaks}: {', '.join(health.truth_leak_ids)}")
