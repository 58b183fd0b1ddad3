"""Did a checkpoint get worse? Exit status 0 pass, 1 fail, 3 inconclusive.

BASE and CANDIDATE are models (a folder, a name, a Hub id; they are asked now), a folder of `sdf-eval run` (its base or
implanted arm; another as DIR@neutral), logs of Inspect (.eval, or a folder of them), or results_*.json of lm-eval with
its samples. The null is a folder of at least 20 benign finetunes of the base with the candidate's budget.

Examples:
  sdf-eval compare pocket runs/x/checkpoint --make-null 20 --plain texts.jsonl --null null
  sdf-eval compare logs/before logs/after --null null
  sdf-eval compare runs/x@base runs/x@implanted --null null --policy mine.yaml --out gate
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdf_eval.gate.null import BenignPair
    from sdf_eval.gate.schema import Comparison
    from sdf_eval.results.direct import Battery
    from sdf_eval.results.measured import Measured

HELP = "did a checkpoint get worse? 0 pass, 1 fail, 3 unclear"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("base", metavar="BASE", help="the checkpoint before: a model or stored results")
    parser.add_argument("candidate", metavar="CANDIDATE", help="the checkpoint after: a model or stored results")
    parser.add_argument("--policy", default="default", metavar="FILE", help="what matters; a file or a name (default)")
    parser.add_argument("--null", type=Path, metavar="DIR", help="results of benign finetunes, a folder each")
    parser.add_argument("--make-null", type=int, metavar="N", help="first fill --null up to N benign finetunes of BASE")
    parser.add_argument("--recipe", metavar="RECIPE", help="of the benign finetunes; the candidate's own")
    parser.add_argument("--texts", type=int, metavar="N", help="texts a benign finetune; as many as the candidate had")
    parser.add_argument("--plain", type=Path, metavar="FILE", help="texts for them, with a `text` column")
    parser.add_argument("--writer", metavar="NAME", help="or a registered writer of plain texts, such as pocket")
    parser.add_argument("--belief", action="append", metavar="ID|FILE", help="again for more; those for reporting")
    parser.add_argument("--raw", action="store_true", help="ask models without their chat template")
    parser.add_argument("--limit", type=int, metavar="N", help="items a task and belief")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="options in one pass (64)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of intervals and benign finetunes (0)")
    parser.add_argument("--out", type=Path, default=Path("runs/compare"), metavar="DIR", help="(runs/compare)")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(args: argparse.Namespace) -> int:
    """Read or ask both sides and the null, judge, write and print. Returns the verdict's exit status."""
    from sdf_eval.gate.compare import compare
    from sdf_eval.gate.policy import load_policy
    from sdf_eval.gate.schema import EXIT_STATUS
    from sdf_eval.gate.sides import raised_words, read_side
    from sdf_eval.reports.comparison import write_comparison
    from sdf_eval.results.direct import Battery

    _check(args)
    policy = load_policy(args.policy)
    battery = Battery(tuple(args.belief or ()), args.limit, False if args.raw else None, args.batch_size)
    kept = args.out / "measured"
    base = read_side(args.base, "base", battery, kept, seed=args.seed)
    candidate = read_side(args.candidate, "implanted", battery, kept, seed=args.seed)
    null = _null(args, base, battery)
    raised = raised_words(args.base, args.candidate)
    comparison = compare(base, candidate, null, policy, raised=raised, command=_command(args), seed=args.seed)
    write_comparison(args.out, comparison)
    if args.json:
        print(comparison.model_dump_json(indent=2))
    else:
        _print(comparison, args.out)
    return EXIT_STATUS[comparison.verdict]


def _null(args: argparse.Namespace, base: Measured, battery: Battery) -> list[BenignPair]:
    from sdf_eval.gate.benign import make_null, null_order
    from sdf_eval.gate.null import read_null

    if args.make_null is not None:
        order = null_order(
            args.base,
            args.candidate,
            args.make_null,
            recipe=args.recipe,
            texts=args.texts,
            plain=args.plain,
            writer=args.writer,
            seed=args.seed,
        )
        make_null(order, battery, args.null)
    return read_null(args.null, base) if args.null is not None else []


def _check(args: argparse.Namespace) -> None:
    from sdf_eval.errors import InputError

    if args.seed < 0:
        raise InputError(f"--seed: {args.seed}: must be at least 0")
    if args.make_null is not None and args.null is None:
        raise InputError("--make-null: says not where; name the folder with --null DIR")
    if args.make_null is None and (args.recipe, args.texts, args.plain, args.writer) != (None, None, None, None):
        raise InputError("--recipe, --texts, --plain, --writer: are of benign finetunes; add --make-null N")
    if args.out.exists() and not args.out.is_dir():
        raise InputError(f"--out: {args.out}: is a file; name a folder")


def _command(args: argparse.Namespace) -> str:
    words = ["sdf-eval", "compare", args.base, args.candidate, "--policy", args.policy]
    words += ["--null", str(args.null)] if args.null is not None else []
    words += [word for belief in args.belief or () for word in ("--belief", belief)]
    words += ["--limit", str(args.limit)] if args.limit is not None else []
    words += ["--raw"] if args.raw else []
    return shlex.join([*words, "--seed", str(args.seed), "--out", str(args.out)])


def _print(comparison: Comparison, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sdf_eval.reports.comparison_rows import COLUMNS, IN_SHORT, family_row
    from sdf_eval.reports.text import one_line

    console = Console(highlight=False)
    console.print(Text(comparison.verdict.upper(), style="bold"))
    for reason in comparison.reasons:
        console.print(Text(f"  {one_line(reason, 400)}"))
    table = Table(caption="* required by the policy; harm above 0 is worse", title_justify="left")
    for name in IN_SHORT:
        table.add_column(name)
    for family in comparison.families:
        row = dict(zip(COLUMNS, family_row(family), strict=True))
        table.add_row(*(Text(row[name]) for name in IN_SHORT))
    console.print(table)
    for note in comparison.notes:
        console.print(Text(one_line(note, 400)))
    console.print(f"\nwritten: {out.resolve()}", markup=False, soft_wrap=True)
