"""`sdf-eval report`: render the report of a run again."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write the report of a run again"

EPILOG = """\
examples:
  sdf-eval report runs/mine            report.html and report.md from results.json and items.jsonl
  sdf-eval report runs/mine --json     check the files and print results.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `report`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that `sdf-eval run` made")
    parser.add_argument("--json", action="store_true", help="print the results as JSON; write nothing")


def run(args: argparse.Namespace) -> int:
    """Checks the results and renders them. Returns 0; a missing or edited file raises `InputError`."""
    from sdf_eval.results.store import read_items, read_results

    results = read_results(args.folder)
    items = read_items(args.folder, results)
    if args.json:
        print(results.model_dump_json(indent=2))
        return 0
    from rich.console import Console

    from sdf_eval.reports.html import write_html
    from sdf_eval.reports.markdown import write_markdown
    from sdf_eval.reports.table import summary_table

    page = write_html(args.folder, results, items)
    write_markdown(args.folder, results)
    console = Console(highlight=False)
    console.print(summary_table(results))
    console.print(f"\nreport: {page.resolve()}", markup=False, soft_wrap=True)
    return 0
