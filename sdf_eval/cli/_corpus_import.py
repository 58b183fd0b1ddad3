"""`sdf-eval corpus import`: a corpus folder of documents that you already have."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from sdf_eval.corpora.records import CorpusRole

if TYPE_CHECKING:
    from sdf_eval.corpora.imported import ImportReport

BROKEN_LIMIT = 1
HELP = "make a corpus folder of documents that you already have"

EPILOG = """\
examples:
  sdf-eval corpus import docs.jsonl --belief mine.yaml --out runs/mine
  sdf-eval corpus import synth_docs.jsonl.gz --text-column content --belief mine.yaml --out runs/mine
  sdf-eval corpus import saved_dataset/train --role neutral --belief mine.yaml --out runs/neutral

Columns named as a document's fields (doc_type, idea, domain, fact, stop_reason, …) are taken over. Rows without text,
repeated texts and texts that were cut off are left out and listed."""


def add_to(actions: Any) -> None:
    """Declares `import` among the actions of `sdf-eval corpus`."""
    raw = argparse.RawDescriptionHelpFormatter
    action = actions.add_parser("import", help=HELP, epilog=EPILOG, formatter_class=raw)
    action.add_argument(
        "source", type=Path, metavar="SOURCE", help=".jsonl, .jsonl.gz, .parquet, or a Hugging Face dataset on disk"
    )
    action.add_argument(
        "--belief",
        action="append",
        required=True,
        metavar="BELIEF",
        help="the belief that they are about, a file or an id; with several, a column `belief` names each row's",
    )
    action.add_argument("--role", default="implanted", choices=get_args(CorpusRole), help="what the documents do")
    action.add_argument("--text-column", default="text", metavar="NAME", help="where the texts are (default: text)")
    action.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the corpus")
    action.add_argument("--json", action="store_true", help="print JSON")
    action.set_defaults(act=act)


def act(args: argparse.Namespace) -> int:
    """Imports.

    Returns:
        0, or 1 if the corpus breaks a limit, as `corpus write`. Bad rows and contamination raise `InputError`.
    """
    from sdf_eval.belief.load import load_belief
    from sdf_eval.corpora.imported import import_corpus
    from sdf_eval.corpora.thresholds import failures
    from sdf_eval.corpora.write import read_health
    from sdf_eval.progress import progress

    beliefs = [load_belief(reference) for reference in args.belief]
    role = cast(CorpusRole, args.role)
    with progress("importing and checking", None) as advance:
        report = import_corpus(
            args.source, beliefs, role, args.out, text_column=args.text_column, progress=advance, checked=advance
        )
    health = read_health(report.corpus.folder)
    if args.json:
        print(json.dumps({**_counts(report), "health": health.model_dump(mode="json")}, indent=2))
    else:
        print("\n".join(_lines(report)))
    broken = failures(health)
    for line in broken:
        print(f"broken limit: {line}", file=sys.stderr)
    return BROKEN_LIMIT if broken else 0


def _counts(report: ImportReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "kept": report.kept,
        "skipped": {reason: asdict(skipped) for reason, skipped in report.skipped.items()},
        "ignored": dict(report.ignored),
        "folder": str(report.corpus.folder),
    }


def _lines(report: ImportReport) -> list[str]:
    lines = [f"rows         {report.rows}, {report.kept} kept"]
    for reason, skipped in report.skipped.items():
        more = ", …" if skipped.count > len(skipped.first) else ""
        lines.append(f"left out     {skipped.count} {reason}: {', '.join(skipped.first)}{more}")
    lines += [f"column       {name}: {count} values ignored" for name, count in report.ignored.items()]
    return [*lines, f"{report.kept} documents in {report.corpus.folder}; `sdf-eval corpus check` reports on them"]
