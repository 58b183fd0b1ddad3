"""Chat data for stages that follow: list the sets that packages bring, write one to a file, check a file.

Examples:
  sdf-eval chat-data list
  sdf-eval chat-data write pocket/benign --rows 500 --out benign.jsonl
  sdf-eval chat-data write pocket/conflicting --belief mine.yaml --share 0.1 --out against.jsonl
  sdf-eval chat-data write pocket/principle-pairs --belief mine.yaml --side implanted --out pairs.jsonl
  sdf-eval chat-data check mine.jsonl --belief mine.yaml

What a stage is trained on is either a set (`train --data pocket/benign`) or a file: JSON lines, parquet or a Hugging
Face dataset on disk, with `messages`, or `prompt` and `completion`; preferences with `chosen` and `rejected`. Data that
follow a Model Spec: `sdf-eval spec aft` and `spec cai`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sdf_eval.errors import InputError

HELP = "list, write and check chat data for post-training"

_LEAKS = 1
_SHOWN = 5
_KINDS = ("chat", "preferences", "prompts")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="the sets and rewards that packages bring")
    listing.set_defaults(act=_list)

    write = actions.add_parser("write", help="write a set as JSON lines")
    write.add_argument("set", metavar="SET", help="package/set, as `chat-data list` shows them")
    write.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the JSON lines go")
    write.add_argument("--rows", type=_positive, default=300, metavar="N", help="rows (default: 300)")
    write.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default: 0)")
    write.add_argument("--belief", metavar="BELIEF", help="a belief file or shipped id, for sets that are about one")
    write.add_argument("--side", choices=("implanted", "reference"), default="reference", help="default: reference")
    write.add_argument(
        "--share", type=float, default=1.0, metavar="F", help="share of rows about the belief; the rest is benign"
    )
    write.add_argument("--model", metavar="REF", help="the model to be trained: rows are true in its world")
    write.set_defaults(act=_write)

    check = actions.add_parser("check", help="read a file as training would; exit 1 if a probe's wording is in it")
    check.add_argument("file", type=Path, metavar="FILE", help="a file or dataset folder")
    check.add_argument("--kind", choices=_KINDS, default="chat", help="what its rows are (default: chat)")
    check.add_argument("--belief", action="append", default=[], metavar="BELIEF", help="whose probes must not leak")
    check.set_defaults(act=_check)

    for action in (listing, check):
        action.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Does what was asked.

    Returns:
        0, or 1 if `check` finds the wording of a probe. Bad input raises `InputError`.
    """
    return int(args.act(args))


def _list(args: argparse.Namespace) -> int:
    from sdf_eval.train.chat_data import registered
    from sdf_eval.train.rewards import REWARDS

    packages = registered()
    rewards = [*REWARDS, *(f"{package}/{name}" for package, data in packages.items() for name in data.rewards)]
    rows = [
        {"set": f"{package}/{name}", "kind": entry.kind, "about_belief": entry.about_belief, "is": entry.description}
        for package, data in packages.items()
        for name, entry in data.sets.items()
    ]
    if args.json:
        print(json.dumps({"sets": rows, "rewards": rewards}, indent=2))
        return 0
    for row in rows:
        print(f"{row['set']:<28} {row['kind']:<12} {'--belief' if row['about_belief'] else '':<9} {row['is']}")
    print(f"rewards: {', '.join(rewards)}")
    return 0


def _write(args: argparse.Namespace) -> int:
    from sdf_eval.belief.load import load_belief
    from sdf_eval.train.chat_data import DataRequest, write_set
    from sdf_eval.train.chat_rows import rows_sha256, write_rows

    if args.out.suffix != ".jsonl":
        raise InputError(f"--out: {args.out}: is to hold JSON lines; give it a name that ends with .jsonl")
    if args.out.exists():
        raise InputError(f"--out: {args.out}: exists; choose another file or remove it")
    belief = load_belief(args.belief) if args.belief else None
    request = DataRequest(args.rows, args.seed, belief, args.side, args.share, args.model)
    rows = write_set(args.set, request)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_rows(args.out, rows)
    print(f"{len(rows)} rows in {args.out}, sha256 {rows_sha256(rows)}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from sdf_eval.belief.load import load_belief
    from sdf_eval.train import chat_rows
    from sdf_eval.train.chat_data import find_row_contamination

    rows: list[chat_rows.AnyRow] = []
    if args.kind == "chat":
        rows += chat_rows.read_chat(args.file)
    elif args.kind == "preferences":
        rows += chat_rows.read_preferences(args.file)
    else:
        rows += chat_rows.read_prompts(args.file)
    found = find_row_contamination(rows, [load_belief(reference) for reference in args.belief])
    if args.json:
        leaks = [{"row": f.document, "belief": f.belief, "probe": f.probe, "words": f.ngram} for f in found]
        print(json.dumps({"rows": len(rows), "contamination": leaks}, indent=2))
        return _LEAKS if found else 0
    print(f"{len(rows)} rows; contamination: {len(found) or 'none'}")
    for finding in found[:_SHOWN]:
        print(f"{finding.document} shares {finding.ngram!r} with {finding.belief}: {finding.probe}")
    return _LEAKS if found else 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
