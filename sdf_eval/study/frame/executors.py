"""Where cells are run: on this machine's cores, or on a Ray cluster. Both call `execute.run_cell` and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Protocol

from sdf_eval.errors import InputError
from sdf_eval.study.frame.answers import CellAnswers
from sdf_eval.study.frame.cell import Cell
from sdf_eval.study.frame.execute import run_cell

NAMES = ("local", "ray")


class Executor(Protocol):
    """Runs cells."""

    def run(self, cells: Iterable[Cell], keep: Collection[str]) -> Iterator[tuple[Cell, CellAnswers, float]]:
        """Yields each cell, its answers and the seconds that it took, in the order in which they end.

        Closing the iterator stops what has not begun; what is running comes to its end.
        """


def get_executor(name: str, work: Path) -> Executor:
    """The executor of a name.

    Args:
        name: `local` or `ray`.
        work: Folder of checkpoints.

    Raises:
        InputError: There is no such executor, or its package is not installed.
    """
    if name == "local":
        return LocalExecutor(work, os.cpu_count() or 1)
    if name == "ray":
        try:
            from sdf_eval.study.frame.on_ray import RayExecutor
        except ModuleNotFoundError:
            raise InputError("--executor: ray is not installed; pip install 'sdf-eval[ray]'") from None
        return RayExecutor(work)
    raise InputError(f"--executor: {name}: unknown; one of {', '.join(NAMES)}")


class LocalExecutor:
    """Runs as many cells at a time as there are cores; one thread each.

    Args:
        work: Folder of checkpoints.
        processes: Cells at a time; one runs in this process.
    """

    def __init__(self, work: Path, processes: int) -> None:
        self._work, self._processes = work, processes

    def run(self, cells: Iterable[Cell], keep: Collection[str]) -> Iterator[tuple[Cell, CellAnswers, float]]:
        """See `Executor`."""
        kept, todo = frozenset(keep), iter(cells)
        if self._processes == 1:
            for cell in todo:
                yield timed(cell, self._work, kept)
            return
        # Not forked: torch and its threads do not survive that.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._processes, mp_context=context) as pool:
            waiting: set[Future[tuple[Cell, CellAnswers, float]]] = set()
            try:
                while True:
                    # Only as many as run, so that whoever stops us early stops before the next cell.
                    for another in islice(todo, self._processes - len(waiting)):
                        waiting.add(pool.submit(timed, another, self._work, kept))
                    if not waiting:
                        return
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            finally:
                for future in waiting:
                    future.cancel()


def timed(cell: Cell, work: Path, keep: frozenset[str]) -> tuple[Cell, CellAnswers, float]:
    """Runs a cell and takes the time."""
    start = time.monotonic()
    answers = run_cell(cell, work, keep)
    return cell, answers, time.monotonic() - start
