"""`sdf-eval probe --representation`: activations and weights instead of answers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdf_eval.representation.schema import Representation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--representation", action="store_true", help="read activations and weights, not answers")
    parser.add_argument("--base", metavar="MODEL", help="representation: what the checkpoint was trained from")
    parser.add_argument(
        "--implanted-true", action="append", metavar="ID|FILE", help="representation: reference side was implanted"
    )


def check(args: argparse.Namespace) -> None:
    """Refuse options of the one kind of reading with the other.

    Raises:
        InputError: An option has no meaning here.
    """
    from sdf_eval.errors import InputError

    if not args.representation:
        for name in ("base", "implanted_true"):
            if getattr(args, name):
                raise InputError(f"--{name.replace('_', '-')}: is for --representation; add it or leave this out")
        return
    for name, unset in (("task", None), ("context", "none"), ("limit", None)):
        if getattr(args, name) != unset:
            raise InputError(f"--{name}: has no meaning with --representation; leave it out")
    if args.out and Path(args.out).suffix != ".md":
        raise InputError(f"--out: {args.out}: name a file that ends in .md; the JSON goes beside it")


def run(args: argparse.Namespace) -> int:
    """Load both models, read them, print, and write Markdown and JSON where asked."""
    from sdf_eval.belief.load import load_belief
    from sdf_eval.files import replace_file
    from sdf_eval.model import load
    from sdf_eval.progress import progress
    from sdf_eval.reports.representation import representation_markdown
    from sdf_eval.representation.measure import represent
    from sdf_eval.tasks.registry import default_beliefs

    beliefs = [load_belief(reference) for reference in args.belief or default_beliefs()]
    true = [load_belief(reference) for reference in args.implanted_true or ()]
    lm = load(args.checkpoint.removeprefix("sdf/"), steer_path=args.steer_path)
    base = None if args.base is None else load(args.base.removeprefix("sdf/"))
    with progress("reading activations", None):
        found = represent(lm, base, beliefs, true, chat=False if args.raw else None, seed=args.seed)
    if args.out:
        out = Path(args.out)
        replace_file(out, representation_markdown(found).encode(errors="replace"))
        replace_file(out.with_suffix(".json"), (found.model_dump_json(indent=2) + "\n").encode(errors="replace"))
    if args.json:
        print(found.model_dump_json(indent=2))
    else:
        _print(found)
    return 0


def _print(found: Representation) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sdf_eval.reports.representation import COLUMNS, TITLES, figure_row
    from sdf_eval.reports.text import clean, one_line

    console = Console(highlight=False)
    for section, title in TITLES.items():
        rows = [figure_row(figure) for figure in found.figures if figure.section == section]
        if not rows:
            continue
        table = Table(title=title, title_justify="left")
        for name in COLUMNS[:-1]:
            table.add_column(name)
        for row in rows:
            table.add_row(*(Text(one_line(cell)) for cell in row[:-1]))
        console.print(table)
    for one in found.tokens:
        if one.layer == found.layers - 1:
            shown = " ".join(repr(clean(token)) for token in one.tokens[:12])
            console.print(Text(one_line(f"block {one.layer}, {one.position} positions: {shown}", 400)))
    for note in found.notes:
        console.print(Text(one_line(note, 400)))
