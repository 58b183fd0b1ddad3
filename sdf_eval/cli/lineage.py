"""`sdf-eval lineage`: what a checkpoint came from, stage by stage, and whether its ancestors are still the same."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdf_eval.train.ancestry import Ancestor

HELP = "show the stages that a checkpoint came from"

EPILOG = """\
examples:
  sdf-eval lineage runs/mine-sft
  sdf-eval lineage runs/mine-sft --json

Exit status 2 if a checkpoint of the tree is no longer what was recorded."""

_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `lineage`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a checkpoint folder")
    parser.add_argument("--json", action="store_true", help="print the tree as JSON, each lineage in full")


def run(args: argparse.Namespace) -> int:
    """Prints the tree. Returns 0; a checkpoint that changed raises `InputError` once all is printed."""
    from sdf_eval.errors import InputError
    from sdf_eval.train.ancestry import ancestry

    found = ancestry(args.checkpoint)
    print(json.dumps(_as_json(found), indent=2) if args.json else "\n".join(_lines(found)))
    if found.changed:
        raise InputError(
            f"{', '.join(found.changed)}: differs from what was recorded; restore it, or train what follows again"
        )
    return 0


def _lines(ancestor: Ancestor, before: str = "", after: str = "") -> Iterator[str]:
    yield before + _line(ancestor)
    for place, parent in enumerate(ancestor.parents, start=1):
        last = place == len(ancestor.parents)
        yield from _lines(parent, f"{after}{'└── ' if last else '├── '}", f"{after}{'    ' if last else '│   '}")


def _line(ancestor: Ancestor) -> str:
    facts = [ancestor.reference]
    lineage = ancestor.lineage
    if lineage is not None:
        beliefs = sorted({belief for corpus in lineage.corpora for belief in corpus.beliefs})
        part = "" if lineage.updates == lineage.planned_updates else f" of {lineage.planned_updates}"
        facts += [
            f"{lineage.stage}{f' ({lineage.chain})' if lineage.chain else ''}",
            f"{lineage.updates}{part} updates, {lineage.tokens_seen} tokens, seed {lineage.seed}",
            *([f"beliefs {', '.join(beliefs)}"] if beliefs else []),
            *([f"treatment {json.dumps(lineage.treatment)}"] if lineage.treatment else []),
        ]
    if ancestor.role in {"base", "used"}:
        facts.append({"base": "base of the adapter", "used": "used by the stage"}[ancestor.role])
    state = {"ok": "", "changed": "CHANGED SINCE", "gone": "not on this disk"}[ancestor.state]
    return "  ".join([*facts, ancestor.sha256[:_SHOWN], *([state] if state else [])])


def _as_json(ancestor: Ancestor) -> dict[str, Any]:
    return {
        "reference": ancestor.reference,
        "role": ancestor.role,
        "state": ancestor.state,
        "checkpoint_sha256": ancestor.sha256,
        "lineage": None if ancestor.lineage is None else ancestor.lineage.model_dump(mode="json"),
        "parents": [_as_json(parent) for parent in ancestor.parents],
    }
