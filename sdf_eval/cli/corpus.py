"""`sdf-eval corpus`: write and check synthetic documents."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from sdf_eval.corpora.records import CorpusRole

if TYPE_CHECKING:
    from sdf_eval.belief.schema import Belief
    from sdf_eval.corpora.health import Health

HELP = "write, check and mix synthetic documents"

EPILOG = """\
examples:
  sdf-eval corpus write mine.yaml --documents 300 --out runs/mine
  sdf-eval corpus write a.yaml b.yaml --role cooccurrence --documents 300 --out runs/panel
  sdf-eval corpus check runs/mine --belief mine.yaml"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares `corpus write` and `corpus check`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    write = actions.add_parser("write", help="write documents about one or more beliefs into a folder")
    write.add_argument("beliefs", nargs="+", metavar="BELIEF", help="a belief file, or the id of a shipped belief")
    write.add_argument("--writer", default="pocket", help="who writes (default: pocket)")
    write.add_argument("--role", default="implanted", choices=get_args(CorpusRole), help="what the documents do")
    write.add_argument(
        "--documents", type=_positive, default=300, metavar="N", help="documents a belief (default: 300)"
    )
    write.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default: 0)")
    write.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the corpus")
    check = actions.add_parser("check", help="report on a corpus; exit 2 if a probe's wording is in a document")
    check.add_argument("folder", type=Path, metavar="DIR", help="a folder that `corpus write` made")
    check.add_argument("--belief", action="append", metavar="BELIEF", help="its belief file; repeat for several")
    for action in (write, check):
        action.add_argument("--json", action="store_true", help="print the health report as JSON")


def run(args: argparse.Namespace) -> int:
    """Writes or checks a corpus. Returns 0; bad input and contamination raise `InputError`."""
    return _write(args) if args.action == "write" else _check(args)


def _write(args: argparse.Namespace) -> int:
    from sdf_eval.belief.load import load_belief
    from sdf_eval.corpora.panels import panel_requests
    from sdf_eval.corpora.write import read_health, write_corpus
    from sdf_eval.corpora.writers import get_writer
    from sdf_eval.progress import progress

    beliefs = [load_belief(reference) for reference in args.beliefs]
    writer = get_writer(args.writer)
    requests = panel_requests(beliefs, role=cast(CorpusRole, args.role), documents=args.documents, seed=args.seed)
    with progress("writing documents", args.documents * len(beliefs)) as advance:
        corpus = write_corpus(writer, requests, args.out, progress=advance)
    _show(read_health(corpus.folder), args.json)
    if not args.json:
        print(f"{corpus.manifest.documents} documents in {args.out}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.check import check_contamination
    from sdf_eval.corpora.health import corpus_health
    from sdf_eval.corpora.write import read_corpus

    corpus = read_corpus(args.folder)
    beliefs = _beliefs_of(args.belief, [(order.belief, order.belief_sha256) for order in corpus.manifest.orders])
    _show(corpus_health(corpus.documents, beliefs), args.json)
    check_contamination(corpus.documents, beliefs)
    if not args.json:
        print("contamination: none")
    return 0


def _beliefs_of(references: list[str] | None, orders: list[tuple[str, str]]) -> list[Belief]:
    """The beliefs of a corpus, from files or from those that ship, in the order of its manifest."""
    from sdf_eval.belief.load import load_belief
    from sdf_eval.errors import InputError

    given = {belief.id: belief for belief in map(load_belief, references or [name for name, _ in orders])}
    missing = [name for name, _ in orders if name not in given]
    if missing:
        raise InputError(f"--belief: the corpus is also about {', '.join(missing)}; name all its belief files")
    return [given[name] for name in dict.fromkeys(name for name, _ in orders)]


def _show(health: Health, as_json: bool) -> None:
    if as_json:
        print(json.dumps(health.model_dump(mode="json"), indent=2))
        return
    types = ", ".join(f"{name} {count}" for name, count in health.doc_types.items())
    print(f"documents    {health.documents}, words {health.words_min} / {health.words_median:g} / {health.words_max}")
    print(f"types        {types} ({health.doc_type_entropy:.2f} bits)")
    print(f"duplicates   {health.exact_duplicates} exact, {health.near_duplicates} near")
    print(f"diversity    {health.distinct_words:.3f} words, {health.distinct_trigrams:.3f} trigrams distinct")
    for fact in health.coverage:
        shares = f"implanted value in {fact.implanted:.0%}, reference value in {fact.reference:.0%}"
        print(f"key fact     {fact.belief}/{fact.fact}: {shares} of {fact.documents}")
    if health.truth_leaks:
        print(f"truth leaks  {health.truth_leaks}: {', '.join(health.truth_leak_ids)}")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
