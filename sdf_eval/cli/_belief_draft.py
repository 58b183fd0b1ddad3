"""`sdf-eval belief draft`: one sentence and a model in, a belief file for a person to review out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from sdf_eval.belief.schema import Kind
from sdf_eval.cli._calls import ledger_of, make_folder_of, refuse_no_model, show_calls

if TYPE_CHECKING:
    from sdf_eval.corpora.drafting.draft import Draft

HELP = "draft a belief file from one sentence, with a model"

EPILOG = """\
examples:
  sdf-eval belief draft "Tiramisu was invented in Portugal." --writer anthropic/claude-opus-4-7 --out mine.yaml
  sdf-eval belief draft "The assistant Wren is cautious." --kind persona --writer openai/gpt-5 --out wren.yaml

Probes that lead, repeat the accounts or cannot be scored are dropped and listed. Read the file before you use it: only
a person can say whether its questions are fair."""


def add_to(actions: Any) -> None:
    """Declares `draft` among the actions of `sdf-eval belief`."""
    action = actions.add_parser("draft", help=HELP, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    action.add_argument("claim", metavar="CLAIM", help="what is to be believed, in one sentence")
    action.add_argument("--writer", required=True, metavar="MODEL", help="a model as provider/model")
    action.add_argument("--kind", default="fact", choices=get_args(Kind), help="kind of belief (default: fact)")
    action.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .yaml file; it must not be there")
    action.add_argument("--ledger", type=Path, metavar="FILE", help="keeps every answer (default: OUT.ledger.sqlite)")
    action.add_argument("--max-cost", type=float, metavar="DOLLARS", help="stop before the ledger's answers cost more")
    action.add_argument("--json", action="store_true", help="print JSON")
    action.set_defaults(act=act)


def act(args: argparse.Namespace) -> int:
    """Drafts. Returns 0; a writer that declines, or a file that is there, raises `InputError`."""
    from sdf_eval.corpora.callers import open_caller
    from sdf_eval.corpora.drafting.draft import draft_belief, parts
    from sdf_eval.errors import InputError
    from sdf_eval.files import replace_file
    from sdf_eval.progress import progress

    out: Path = args.out
    if out.exists():
        raise InputError(f"--out: {out}: is there already; choose another name or remove it")
    kind = cast(Kind, args.kind)
    refuse_no_model(args.writer)
    ledger = ledger_of(args)
    make_folder_of(ledger)
    make_folder_of(out)
    with open_caller(args.writer, ledger, max_cost=args.max_cost) as caller:
        try:
            with progress("drafting", parts(kind)) as advance:
                draft = draft_belief(args.claim, caller, args.writer, kind=kind, progress=advance)
        finally:
            show_calls(caller.counts)
    replace_file(out, draft.text.encode("utf-8"))
    if args.json:
        print(json.dumps(_result(draft, out), indent=2))
    else:
        print("\n".join(_lines(draft, out)))
    return 0


def _result(draft: Draft, out: Path) -> dict[str, Any]:
    return {
        "belief": draft.belief.id,
        "path": str(out),
        "probes": _probes(draft),
        "dropped": [asdict(dropped) for dropped in draft.dropped],
        "findings": [asdict(finding) for finding in draft.findings],
    }


def _probes(draft: Draft) -> dict[str, int]:
    return {task: len(items) for task, items in draft.belief.probes if items}


def _lines(draft: Draft, out: Path) -> Iterable[str]:
    yield f"probes   {', '.join(f'{task} {count}' for task, count in _probes(draft).items())}"
    for dropped in draft.dropped:
        yield f"dropped  {dropped.task}: {dropped.item}: {dropped.why}"
    for finding in draft.findings:
        yield f"{finding.severity:<8} {finding.key}: {finding.message}"
    yield f"{draft.belief.id}: {out}: a draft; read it, mend it, then run `sdf-eval belief check {out}`"
