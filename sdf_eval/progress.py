"""How a long step shows that it is alive: one small interface over rich, plain lines, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TextIO

Advance = Callable[[int], None]
"""Called with how many units were finished since the last call."""

SECONDS_BETWEEN_LINES = 5.0


class Style(Enum):
    """What the display is made of."""

    RICH = "rich"
    PLAIN = "plain"
    NONE = "none"


def style_of(stream: TextIO) -> Style:
    """The style that suits a stream: rich on a terminal, plain on a dumb one, none in a pipe or a file."""
    if not stream.isatty():
        return Style.NONE
    from rich.console import Console

    return Style.PLAIN if Console(file=stream).is_dumb_terminal else Style.RICH


@contextmanager
def progress(
    label: str, total: int | None, *, style: Style | None = None, stream: TextIO | None = None
) -> Iterator[Advance]:
    """Show progress while the block runs.

    Args:
        label: What is being done, a few words.
        total: Units of work, or None when unknown.
        style: The display; None takes the one that suits the stream.
        stream: Where it is shown; None is stderr, so that stdout stays the command's result.

    Yields:
        A function to call with the number of units that were just finished.

    Example:
        with progress("scoring", len(batches)) as advance:
            for batch in batches:
                score(batch)
                advance(1)
    """
    stream = stream or sys.stderr
    display = {Style.RICH: _rich, Style.PLAIN: _plain, Style.NONE: _none}[style or style_of(stream)]
    with display(label, total, stream) as advance:
        yield advance


@contextmanager
def _rich(label: str, total: int | None, stream: TextIO) -> Iterator[Advance]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as bars:
        task = bars.add_task(escape(label), total=total)
        yield lambda units: bars.advance(task, units)


@contextmanager
def _plain(label: str, total: int | None, stream: TextIO) -> Iterator[Advance]:
    started = shown = time.monotonic()
    done = 0

    def advance(units: int) -> None:
        nonlocal done, shown
        done += units
        now = time.monotonic()
        if now - shown >= SECONDS_BETWEEN_LINES:
            shown = now
            print(f"{label}: {_of(done, total)}", file=stream, flush=True)

    yield advance
    print(f"{label}: {_of(done, total)} in {time.monotonic() - started:.0f} s", file=stream, flush=True)


@contextmanager
def _none(label: str, total: int | None, stream: TextIO) -> Iterator[Advance]:
    yield lambda units: None


def _of(done: int, total: int | None) -> str:
    return f"{done}" if total is None else f"{done}/{total}"
