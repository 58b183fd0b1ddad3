"""`sdf-eval study`: published claims, tested: list them, read one, run them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdf_eval.study.frame.substrate import Substrate

HELP = "published claims, tested with seeds, controls and criteria written before"

EPILOG = """\
examples:
  sdf-eval study list
  sdf-eval study show out_of_context               claim, design, criterion
  sdf-eval study run all                           tier smoke: an hour on two cores, no verdicts
  sdf-eval study run dose_response --tier full --limit-minutes 90      goes on where it stopped
  sdf-eval study check --tier full                 runs some cells again and compares"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `study`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="all studies").add_argument("--json", action="store_true", help="print JSON")
    show = verbs.add_parser("show", help="what a study claims and how it is tested")
    show.add_argument("name", metavar="NAME")
    run_ = verbs.add_parser("run", help="run what is missing of studies")
    run_.add_argument("names", nargs="+", metavar="NAME", help="a study, or all")
    check = verbs.add_parser("check", help="run a random share of stored cells again and compare the answers")
    check.add_argument("names", nargs="*", default=["all"], metavar="NAME", help="a study (default: all)")
    check.add_argument("--share", type=float, default=0.03, metavar="S", help="of the cells (default: 0.03)")
    for verb in (show, run_, check):
        verb.add_argument("--tier", choices=("smoke", "full"), default="smoke", help="(default: smoke)")
        verb.add_argument("--model", metavar="MODEL", help="a hub model or folder in place of pocket")
        verb.add_argument("--writer", metavar="WRITER", help="who writes documents for --model")
        verb.add_argument("--data", action="append", default=[], metavar="KIND=FILE", help="chat rows for --model")
    for verb in (run_, check):
        verb.add_argument(
            "--out", type=Path, default=Path("runs/studies"), metavar="DIR", help="(default: runs/studies)"
        )
        verb.add_argument("--executor", choices=("local", "ray"), default="local", help="(default: local)")
        verb.add_argument("--json", action="store_true", help="print JSON")
    run_.add_argument("--limit-minutes", type=float, metavar="M", help="begin no cell later than this")
    check.add_argument("--seed", type=int, default=0, metavar="N", help="which cells (default: 0)")


def run(args: argparse.Namespace) -> int:
    """Does what the verb says. Returns 0, or 1 where `check` finds other answers than those stored."""
    return {"list": _list, "show": _show, "run": _run, "check": _check}[args.verb](args)


def _list(args: argparse.Namespace) -> int:
    from sdf_eval.study.frame.registry import NAMES, get_study

    studies = [get_study(name) for name in NAMES]
    if args.json:
        print(json.dumps([{"name": one.name, "claim": one.claim, "source": one.source} for one in studies], indent=1))
        return 0
    for study in studies:
        print(f"{study.name:22} {study.claim}")
    return 0


def _show(args: argparse.Namespace) -> int:
    from sdf_eval.study.frame.page import describe
    from sdf_eval.study.frame.registry import get_study

    study = get_study(args.name)
    print(describe(study, study.cells(args.tier, _substrate(args))))
    return 0


def _run(args: argparse.Namespace) -> int:
    from sdf_eval.study.frame.executors import get_executor
    from sdf_eval.study.frame.publish import publish
    from sdf_eval.study.frame.registry import get_studies
    from sdf_eval.study.frame.runner import WORK, run_studies

    studies, substrate = get_studies(args.names), _substrate(args)
    ran = run_studies(
        studies,
        args.tier,
        substrate,
        get_executor(args.executor, args.out / WORK),
        args.out,
        limit_minutes=args.limit_minutes,
    )
    publish(args.out)
    if args.json:
        print(json.dumps([result.model_dump(mode="json") for result in ran.results], indent=1))
    else:
        print(f"{ran.cells} cells, {ran.ran} run now in {ran.seconds:.0f} s of work, {ran.missing} to run")
        print(f"scoreboard: {args.out / 'README.md'}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from sdf_eval.study.frame.executors import get_executor
    from sdf_eval.study.frame.recheck import recheck
    from sdf_eval.study.frame.registry import get_studies
    from sdf_eval.study.frame.runner import WORK

    executor = get_executor(args.executor, args.out / f"{WORK}-check")
    found = recheck(
        get_studies(args.names), args.tier, _substrate(args), executor, args.out, share=args.share, seed=args.seed
    )
    if args.json:
        print(json.dumps(found.as_json(), indent=1))
    else:
        print(f"{found.same} of {found.checked} cells gave the same answers; largest difference {found.largest:.2g}")
        for key in found.different:
            print(f"different: {key}")
    return 1 if found.different else 0


def _substrate(args: argparse.Namespace) -> Substrate:
    from sdf_eval.errors import InputError
    from sdf_eval.study.frame.substrate import POCKET, hub

    if args.model is None:
        if args.writer or args.data:
            raise InputError("--writer, --data: are for --model; name a model or leave them out")
        return POCKET
    if args.writer is None:
        raise InputError("--writer: missing: say who writes documents for --model, such as anthropic/claude-opus-4-7")
    pairs = [given.partition("=") for given in args.data]
    bad = next((given for given, (_, sign, _) in zip(args.data, pairs, strict=True) if not sign), None)
    if bad is not None:
        raise InputError(f"--data: {bad}: write KIND=FILE")
    return hub(args.model, args.writer, {kind: file for kind, _, file in pairs})
