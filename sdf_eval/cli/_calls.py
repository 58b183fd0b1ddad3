"""What commands that ask a model have in common: how it is asked, and what its calls came to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.calls import CallCounts, Caller
    from sdf_eval.corpora.model_writer import ModelWriter


def add_asking(group: argparse._ActionsContainer) -> None:
    """Declares how a model is asked."""
    group.add_argument("--batch", action="store_true", help="its batch interface: half the price, up to a day")
    group.add_argument("--connections", type=positive, default=16, metavar="N", help="calls in flight (default: 16)")
    group.add_argument("--max-cost", type=float, metavar="DOLLARS", help="stop before the ledger's answers cost more")
    group.add_argument("--ledger", type=Path, metavar="FILE", help="keeps every answer (default: OUT.ledger.sqlite)")


def ledger_of(args: argparse.Namespace) -> Path:
    """The ledger: beside what is written, unless another is named."""
    named: Path | None = args.ledger
    out: Path = args.out
    return named or out.with_name(f"{out.name}.ledger.sqlite")


@contextmanager
def asking(args: argparse.Namespace) -> Iterator[Caller]:
    """The way to the model that the arguments name; what its calls came to is told at the end, however it ends."""
    from sdf_eval.corpora.callers import open_caller

    refuse_no_model(args.writer)
    ledger = ledger_of(args)
    make_folder_of(ledger)
    options = {"batch": args.batch, "connections": args.connections, "max_cost": args.max_cost}
    with open_caller(args.writer, ledger, **options) as caller:
        try:
            yield caller
        finally:
            show_calls(caller.counts)


def refuse_no_model(name: str) -> None:
    """Refuses a writer that is no model.

    Raises:
        InputError: It has no `provider/` before its name.
    """
    provider, slash, model = name.partition("/")
    if not (provider and slash and model):
        raise InputError(
            f"--writer: {name}: is no model, which is named provider/model, such as anthropic/claude-opus-4-7; a "
            "writer that goes by rules cannot do this"
        )


def refuse_lost_pilot(args: argparse.Namespace) -> None:
    """Refuses a pilot whose answers nobody would find again.

    Raises:
        InputError: Neither the folder that will be written nor a ledger is named.
    """
    if args.out is None and args.ledger is None:
        raise InputError(
            "--pilot: its answers are paid for and kept for the whole corpus; name the folder that it will have with "
            "--out, or a --ledger"
        )


def make_folder_of(file: Path) -> None:
    """Makes the folder that a file is to lie in.

    Raises:
        InputError: It cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{file}: cannot be made: {error.strerror}; give another --out or --ledger") from None


def show_calls(counts: CallCounts | None) -> None:
    """Tells what calls came to, if there were any: on stderr, so that `--json` stays JSON; and after a stop too."""
    if counts is not None and (counts.sent or counts.from_ledger):
        print(f"calls        {counts}", file=sys.stderr)


def show_shortfall(writer: ModelWriter) -> None:
    """Tells what a writer left out and how it was made good."""
    missing = writer.shortfall
    if missing.types or missing.ideas:
        print(
            f"filled in    {missing.types} document types from the list that ships, {missing.ideas} ideas used again",
            file=sys.stderr,
        )
    if missing.refused:
        reasons = ", ".join(f"{count} {why}" for why, count in missing.refused.most_common())
        print(f"replaced     {missing.refused.total()} refused documents ({reasons})", file=sys.stderr)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
