"""A table over every measured checkpoint below a folder: runs, logs of Inspect, files of lm-eval.

Examples:
  sdf-eval leaderboard runs                        print the table as Markdown
  sdf-eval leaderboard results --out board         board/leaderboard.md, .csv, .html and .json
  sdf-eval leaderboard results --sort misalignment
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "a table over many measured checkpoints"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="runs, stored results, .eval logs, lm-eval files")
    parser.add_argument("--sort", metavar="FAMILY", help="sort by this family; the first that there is")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write Markdown, CSV, HTML and JSON there")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the intervals' bootstrap (0)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Read the folder and print or write the table."""
    from sdf_eval.errors import InputError
    from sdf_eval.gate.leaderboard import leaderboard
    from sdf_eval.reports.leaderboard import markdown_leaderboard, write_leaderboard
    from sdf_eval.reports.text import one_line

    if args.seed < 0:
        raise InputError(f"--seed: {args.seed}: must be at least 0")
    if args.out is not None and args.out.exists() and not args.out.is_dir():
        raise InputError(f"--out: {args.out}: is a file; name a folder")
    board = leaderboard(args.folder, sort=args.sort, seed=args.seed)
    files = write_leaderboard(args.out, board) if args.out is not None else ()
    print(board.model_dump_json(indent=2) if args.json else markdown_leaderboard(board), end="\n" if args.json else "")
    for _, why in board.left_out:
        print(f"left out: {one_line(why, 500)}", file=sys.stderr)
    for path in files:
        print(f"wrote {path}", file=sys.stderr)
    return 0
