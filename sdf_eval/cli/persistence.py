"""`sdf-eval persistence`: what later training left of an implant, from lineages and stored results."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdf_eval.study.lineages import LineageCurves

HELP = "what later training left of an implant"

EPILOG = """\
examples:
  sdf-eval persistence runs/mine/checkpoints/implanted-seed0-rl-3f2a…          from the run that it lies in
  sdf-eval persistence runs/sft@updates-20 runs/sft@updates-40 runs/sft --results logs
  sdf-eval persistence runs/sft --results logs/implanted logs/sft logs/clean logs/clean-sft --json

A checkpoint brings its ancestors back to the implant. Results are a run's folder, logs of Inspect, or lm-eval's files,
of each checkpoint and of its matched clean control (`sdf-eval train --control`), asked the same items without context.
Several checkpoints that one training saved on the way make one curve; from four budgets on it has a half-life."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `persistence`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("lineage", nargs="+", metavar="LINEAGE", help="a checkpoint folder of a chain; again for more")
    parser.add_argument(
        "--results", nargs="+", type=Path, default=(), metavar="PATH", help="where the answers are (default: its run)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the intervals (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the curves as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the curves. Returns 0; missing results, or items that differ, raise `InputError`."""
    from sdf_eval.study.lineages import lineage_curves

    found = lineage_curves(args.lineage, args.results, seed=args.seed)
    if args.json:
        print(json.dumps([_as_json(one) for one in found], indent=2))
        return 0
    from rich.console import Console

    from sdf_eval.reports.persistence import persistence_table

    console = Console(highlight=False)
    for one in found:
        console.print(f"implant: {one.implant}", markup=False, soft_wrap=True)
        console.print(*map(persistence_table, one.curves), sep="\n")
    return 0


def _as_json(one: LineageCurves) -> dict[str, Any]:
    return {
        "implant": str(one.implant),
        "checkpoints": [str(folder) for folder in one.checkpoints],
        "curves": [curve.model_dump(mode="json") for curve in one.curves],
    }
