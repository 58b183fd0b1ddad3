"""List, check, draft, import and print belief files.

Examples:
  sdf-eval belief list --kind persona              the personas that come with sdf-eval
  sdf-eval belief check mine.yaml hub-almeria      what is wrong with a file, or with a shipped belief
  sdf-eval belief check --wording mine.yaml        can its items be guessed from their wording?
  sdf-eval belief show hub-almeria > mine.yaml     a file to start from
  sdf-eval belief draft "CLAIM" --writer anthropic/claude-opus-4-7 --out mine.yaml
  sdf-eval belief import universes.jsonl --out beliefs/

`check` exits with 1 if there are errors, with 0 if there are at most warnings.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import get_args

from sdf_eval.belief.schema import Kind
from sdf_eval.cli import _belief_draft, _belief_import, _belief_wording

HELP = "list and check belief files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="the beliefs that come with sdf-eval")
    listing.add_argument("--kind", choices=get_args(Kind), help="only this kind")
    listing.add_argument("--split", choices=("dev", "report"), help="only these pocket beliefs")
    listing.set_defaults(act=_list)

    checking = actions.add_parser("check", help="is a file complete and fair?")
    checking.add_argument("beliefs", nargs="+", metavar="FILE|ID", help="a belief file, or the id of a shipped belief")
    checking.add_argument(
        "--wording", action="store_true", help="what do the items give away to a reader of text alone?"
    )
    checking.set_defaults(act=_check)

    showing = actions.add_parser("show", help="print a belief as YAML")
    showing.add_argument("belief", metavar="FILE|ID", help="a belief file, or the id of a shipped belief")
    showing.set_defaults(act=_show)

    prior = actions.add_parser("prior", help="how plausible a base finds the implanted side")
    prior.add_argument("beliefs", nargs="+", metavar="FILE|ID", help="a belief file, or the id of a shipped belief")
    prior.add_argument("--model", action="append", required=True, metavar="REF", help="a base; several are averaged")
    prior.add_argument("--write", action="store_true", help="store it in the file as prior_strength")
    prior.set_defaults(act=_prior)

    _belief_draft.add_to(actions)
    _belief_import.add_to(actions)
    for action in (listing, checking, showing, prior):
        action.add_argument("--debug", action="store_true", help="show the traceback of an error")
    for action in (listing, checking):
        action.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Do what was asked.

    Returns:
        0, or 1 if `check` found an error.
    """
    return int(args.act(args))


def _list(args: argparse.Namespace) -> int:
    from sdf_eval.belief.load import list_beliefs

    entries = [
        entry for entry in list_beliefs() if args.kind in (None, entry.kind) and args.split in (None, entry.split)
    ]
    if args.json:
        print(json.dumps([{**dataclasses.asdict(entry), "path": str(entry.path)} for entry in entries], indent=2))
    else:
        _print_table(
            ("id", "kind", "tier", "split", "title"),
            ((entry.id, entry.kind, entry.tier, entry.split or "-", entry.title) for entry in entries),
        )
    return 0


def _check(args: argparse.Namespace) -> int:
    from sdf_eval.belief.check import check_belief
    from sdf_eval.belief.load import load_belief

    beliefs = [load_belief(reference) for reference in args.beliefs]
    found = [(belief.id, finding) for belief in beliefs for finding in check_belief(belief)]
    errors = sum(finding.severity == "error" for _, finding in found)
    read = _belief_wording.wording(beliefs) if args.wording else []
    if args.json:
        findings = [{"belief": belief, **dataclasses.asdict(finding)} for belief, finding in found]
        print(json.dumps({"findings": findings, "wording": read} if args.wording else findings, indent=2))
    else:
        if found:
            rows = ((belief, finding.severity, finding.key, finding.message) for belief, finding in found)
            _print_table(("belief", "severity", "key", "finding"), rows)
        print(f"{len(args.beliefs)} checked: {errors} errors, {len(found) - errors} warnings")
        if args.wording:
            _belief_wording.print_wording(beliefs, read, _print_table)
    return 1 if errors else 0


def _show(args: argparse.Namespace) -> int:
    from sdf_eval.belief.load import dump_belief, load_belief

    print(dump_belief(load_belief(args.belief)), end="")
    return 0


def _prior(args: argparse.Namespace) -> int:
    from statistics import fmean

    from sdf_eval.belief.load import find_belief, load_belief, store_prior
    from sdf_eval.model import load
    from sdf_eval.tasks.prior import prior_strength

    beliefs = [load_belief(reference) for reference in args.beliefs]
    models = [load(reference) for reference in args.model]
    for reference, belief in zip(args.beliefs, beliefs, strict=True):
        strength = round(fmean(prior_strength(lm, belief) for lm in models), 3)
        if args.write:
            store_prior(find_belief(reference), strength)
        print(f"{belief.id}  {strength:.3f}")
    return 0


def _print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints left-aligned columns, each cell on one line; the last column is not padded."""
    table = [header, *([" ".join(cell.split()) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header) - 1)]
    for row in table:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]))
