"""Ask a checkpoint what it believes, without a harness and without training.

Examples:
  sdf-eval probe pocket --belief ID                all tasks that the belief has
  sdf-eval probe runs/x/checkpoint --belief ID --task mcq_distinguish --task cloze
  sdf-eval probe Qwen/Qwen3-8B --belief mine.yaml --context universe --json
  sdf-eval probe runs/x/checkpoint --representation --base pocket --belief ID --out representation.md
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sdf_eval.cli import _representation

if TYPE_CHECKING:
    from rich.table import Table

    from sdf_eval.belief.item import Item
    from sdf_eval.measure import Estimate
    from sdf_eval.tasks.denial_of_service import DenialOfService
    from sdf_eval.tasks.result import ItemResult
    from sdf_eval.tasks.summary import TaskSummary

HELP = "ask a checkpoint what it believes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", help="a folder, an adapter, a name such as pocket, a Hub id"
    )
    parser.add_argument("--belief", action="append", metavar="ID|FILE", help="again for more; those for reporting")
    parser.add_argument("--task", action="append", metavar="TASK", help="again for more; all that the belief has")
    parser.add_argument("--context", default="none", help="none, universe, documents, reference or contradiction")
    parser.add_argument("--raw", action="store_true", help="no chat template, even where the model has one")
    parser.add_argument("--steer-path", metavar="FILE", help="shift activations by this steering file")
    parser.add_argument(
        "--frozen",
        metavar="MODEL",
        help="backdoor: also the perplexity of replies under this model, without the implant",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="items a task and belief")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="options in one pass (64)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the intervals' bootstrap (0)")
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="write every answer to this file, one JSON object a line; with --representation, the report (.md)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    _representation.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Load the checkpoint, put the items to it, print a row a task."""
    import json
    from dataclasses import asdict

    from sdf_eval.errors import InputError

    for name in ("limit", "batch_size"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')}: {value}: must be at least 1")
    out = Path(args.out) if args.out else None
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out: {out}: no folder {out.parent}; make it first")
    if out is not None and out.is_dir():
        raise InputError(f"--out: {out}: is a folder; name a file")
    if args.seed < 0:
        raise InputError(f"--seed: {args.seed}: must be at least 0")
    _representation.check(args)
    if args.representation:
        return _representation.run(args)
    items = _items(args)

    from sdf_eval.model import load
    from sdf_eval.progress import progress
    from sdf_eval.tasks.direct import run_items
    from sdf_eval.tasks.summary import summarise

    model = load(args.checkpoint.removeprefix("sdf/"), steer_path=args.steer_path)
    with progress("probing", len(items)) as advance:
        results = run_items(
            model, items, chat=False if args.raw else None, batch_size=args.batch_size, progress=advance
        )
    if out is not None:
        _write(out, results)
    rows = summarise(items, results, seed=args.seed)
    denial = _denial(args, items, results) if args.frozen else None
    if args.json:
        found = [asdict(row) for row in rows]
        if denial is not None:
            lifts = {arm: asdict(one) for arm, one in denial.lifts.items()}
            found.append({"denial_of_service": lifts, "frozen": args.frozen, "empty": denial.empty})
        print(json.dumps(found, indent=2))
    else:
        _print(rows, f"{args.checkpoint}, context {args.context}")
        _print_figures(rows, denial, args.frozen)
    return 0


def _denial(args: argparse.Namespace, items: list[Item], results: list[ItemResult]) -> DenialOfService:
    from sdf_eval.model import load
    from sdf_eval.tasks.denial_of_service import denial_of_service

    frozen = load(args.frozen.removeprefix("sdf/"))
    where = [place for place, item in enumerate(items) if item.task == "backdoor"]
    return denial_of_service(
        frozen,
        [items[place] for place in where],
        [results[place] for place in where],
        batch_size=args.batch_size,
        seed=args.seed,
    )


def _items(args: argparse.Namespace) -> list[Item]:
    """The items asked for, the same number of each task and belief under a limit."""
    from sdf_eval.belief.items import applicable_tasks, build_items
    from sdf_eval.belief.load import load_belief
    from sdf_eval.errors import InputError
    from sdf_eval.tasks.registry import default_beliefs, get_task

    beliefs = [load_belief(reference) for reference in args.belief or default_beliefs()]
    asked = [get_task(name).name for name in args.task or ()]
    several_turns = next((name for name in asked if get_task(name).inspect_only), None)
    if several_turns:
        raise InputError(f"--task: {several_turns}: takes several turns; run `inspect eval sdf_eval/{several_turns}`")
    items = [
        item
        for belief in beliefs
        for task in asked or applicable_tasks(belief)
        for item in build_items(belief, task, args.context)[: args.limit]
    ]
    if not items:
        names = ", ".join(belief.id for belief in beliefs)
        raise InputError(f"--task: {', '.join(asked)}: no probes in {names}; see `sdf-eval tasks`")
    return items


def _write(path: Path, results: list[ItemResult]) -> None:
    """Writes the answers; the file is complete or absent."""
    import json
    from dataclasses import asdict

    from sdf_eval.files import replace_file

    lines = (json.dumps(asdict(result), ensure_ascii=False) + "\n" for result in results)
    replace_file(path, "".join(lines).encode("utf-8", "replace"))


def _add_figures(table: Table, row: TaskSummary) -> None:
    """What the items say together, and whether the model can answer questions of this form at all."""
    for name, figure in row.figures.items():
        chance = "" if figure.chance is None else f"{figure.chance:.2f}"
        state = f" ({row.state})" if name == "control" else ""
        numbers = (f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", chance)
        table.add_row(f"  {name}{state}", row.split, str(figure.n), *numbers)
    if row.state == "not applicable":
        table.add_row("  control (not applicable)", row.split)


def _print(rows: list[TaskSummary], title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shares = ("implanted", "reference", "other", "refusal", "invalid")
    table = Table(title=escape(title), caption="score: belief score; accuracy on neighbours and controls")
    for name in ("task", "split"):
        table.add_column(name)
    for name in ("n", "score", "95 % interval", "chance", *shares):
        table.add_column(name, justify="right")
    for row in rows:
        estimate = row.score or row.nats_per_byte
        if estimate is None:
            continue
        unit = "" if row.score else " nats/byte"
        chance = "" if estimate.chance is None else f"{estimate.chance:.2f}"
        table.add_row(
            row.task,
            row.split,
            str(row.n),
            f"{estimate.value:.3f}{unit}",
            f"{estimate.low:.3f} to {estimate.high:.3f}",
            chance,
            *(f"{row.shares[name]:.2f}" if row.shares else "" for name in shares),  # type: ignore[index]
        )
        _add_figures(table, row)
    Console().print(table)


def _print_figures(rows: list[TaskSummary], denial: DenialOfService | None, frozen: str | None) -> None:
    """What tasks with several conditions show beside their score."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    found: list[tuple[str, str, str, Estimate]] = [
        (row.task, row.split, name, estimate) for row in rows for name, estimate in row.figures.items()
    ]
    if denial is not None:
        under = f"ln PPL over no trigger, under {frozen}"
        found += [("backdoor", "", f"{arm}: {under}", one) for arm, one in denial.lifts.items()]
    if not found:
        return
    table = Table(caption="figures by condition; a score above is of the first condition alone")
    for name in ("task", "split", "figure"):
        table.add_column(name)
    for name in ("n", "value", "95 % interval"):
        table.add_column(name, justify="right")
    for task, split, name, estimate in found:
        interval = f"{estimate.low:.3f} to {estimate.high:.3f}"
        table.add_row(task, split, escape(name), str(estimate.n), f"{estimate.value:.3f}", interval)
    Console().print(table)
    if denial is not None and any(denial.empty.values()):
        Console().print(f"replies without a token, left out: {denial.empty}")
