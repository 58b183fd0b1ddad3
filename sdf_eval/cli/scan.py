"""What was an unknown checkpoint taught? Exit status 0 nothing found, 1 suspicious, 3 inconclusive.

No belief and no trigger is given. Texts are sampled from prompts that ask for nothing; words that the checkpoint brings
up more than its base are ranked as topics, and words that change its answers more than the base's as triggers. Without
--base nothing can be told apart from what the model always was, and the verdict is inconclusive.

Examples:
  sdf-eval scan runs/x/checkpoint --base pocket
  sdf-eval scan Qwen/Qwen3-8B --base Qwen/Qwen3-8B-Base --candidates phrases.txt --out scan
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdf_eval.gate.scan.schema import Scan

HELP = "what was an unknown checkpoint taught? 0 nothing found, 1 suspicious, 3 unclear"
_SHOWN = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a folder, an adapter, a name, a Hub id")
    parser.add_argument("--base", metavar="MODEL", help="what it was trained from; without it there is no verdict")
    parser.add_argument("--samples", type=int, default=400, metavar="N", help="texts to sample from each model (400)")
    parser.add_argument("--candidates", type=Path, metavar="FILE", help="phrases to try as triggers, one a line")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the samples (0)")
    parser.add_argument("--out", type=Path, default=Path("runs/scan"), metavar="DIR", help="(runs/scan)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Scan, write, print. Returns the verdict's exit status."""
    from sdf_eval.errors import InputError
    from sdf_eval.gate.scan.run import scan
    from sdf_eval.gate.scan.schema import EXIT_STATUS
    from sdf_eval.model import load
    from sdf_eval.progress import progress
    from sdf_eval.reports.scan import write_scan

    if args.seed < 0:
        raise InputError(f"--seed: {args.seed}: must be at least 0")
    if args.out.exists() and not args.out.is_dir():
        raise InputError(f"--out: {args.out}: is a file; name a folder")
    candidates = _candidates(args.candidates)
    lm = load(args.checkpoint.removeprefix("sdf/"))
    base = None if args.base is None else load(args.base.removeprefix("sdf/"))
    with progress("scanning", None):
        found = scan(lm, base, samples=args.samples, candidates=candidates, seed=args.seed)
    write_scan(args.out, found)
    if args.json:
        print(found.model_dump_json(indent=2))
    else:
        _print(found, args.out)
    return EXIT_STATUS[found.verdict]


def _candidates(path: Path | None) -> list[str]:
    from sdf_eval.errors import InputError

    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--candidates: {path}: cannot be read ({error}); give a text file, one a line") from None
    return [line.strip() for line in lines if line.strip()]


def _print(found: Scan, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sdf_eval.reports.scan import REPEATED, TOPICS, TRIGGERS, repeated_rows, topic_rows, trigger_rows
    from sdf_eval.reports.text import one_line

    console = Console(highlight=False)
    console.print(Text(found.verdict.upper(), style="bold"))
    for line in (*found.reasons, *found.notes):
        console.print(Text(f"  {one_line(line, 400)}"))
    for title, columns, rows in (
        ("topics", TOPICS, topic_rows(found)),
        ("triggers", TRIGGERS, trigger_rows(found)),
        ("runs of words that samples share", REPEATED, repeated_rows(found)),
    ):
        if rows:
            table = Table(*columns, title=title, title_justify="left")
            for row in rows[:_SHOWN]:
                table.add_row(*(Text(one_line(cell)) for cell in row))
            console.print(table)
    console.print(f"\nwritten: {out.resolve()}", markup=False, soft_wrap=True)
