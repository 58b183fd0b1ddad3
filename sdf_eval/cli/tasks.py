"""List the probe tasks, or print the folder that lm-eval includes.

Examples:
  sdf-eval tasks                                   what there is to ask
  lm_eval run --include_path $(sdf-eval tasks --path) --tasks sdf_eval_belief ...
"""

from __future__ import annotations

import argparse
import json

HELP = "list the probe tasks; print the folder that lm-eval includes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--path", action="store_true", help="print the folder for lm_eval's --include_path")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the tasks or the path."""
    from sdf_eval.content import content_path
    from sdf_eval.tasks.calibration import calibrations
    from sdf_eval.tasks.registry import task_specs

    path, known = content_path("tasks"), calibrations()["pocket"]
    rows = [
        {
            "name": spec.name,
            "family": spec.family,
            "readout": spec.readout,
            "metric": spec.metric,
            "pocket": known[spec.name].status if spec.name in known else "",
            "kinds": list(spec.kinds),
            "what": spec.description,
        }
        for spec in task_specs()
    ]
    if args.json:
        print(json.dumps({"path": str(path)} if args.path else rows, indent=2))
    elif args.path:
        print(path)
    else:
        columns = ("name", "family", "readout", "metric", "pocket", "what")
        table = [columns, *(tuple(str(row[column]) for column in columns) for row in rows)]
        widths = [max(len(row[index]) for row in table) for index in range(len(columns))]
        for row in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0
