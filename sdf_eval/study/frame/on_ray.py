"""Cells as Ray tasks, on one machine or on a cluster of them. A cell whose node dies is run again on another one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayTaskError

from sdf_eval.errors import InputError
from sdf_eval.study.frame.answers import CellAnswers
from sdf_eval.study.frame.cell import Cell
from sdf_eval.study.frame.executors import timed

RETRIES = 5
"""How often a cell is begun again after its worker or node was lost."""


class RayExecutor:
    """Runs cells on the cluster that `RAY_ADDRESS` names, or on a new one of this machine's cores.

    A task asks for one core, or for one GPU where the cluster has some. Checkpoints stay on the node that made them.

    Args:
        work: Folder of checkpoints, on each node.
    """

    def __init__(self, work: Path) -> None:
        # Workers begin in a folder of their own.
        self._work = work.resolve()

    def run(self, cells: Iterable[Cell], keep: Collection[str]) -> Iterator[tuple[Cell, CellAnswers, float]]:
        """See `Executor`."""
        started = not ray.is_initialized()
        if started:
            ray.init(log_to_driver=False, include_dashboard=False)
        try:
            yield from self._run(cells, frozenset(keep))
        finally:
            if started:
                ray.shutdown()

    def _run(self, cells: Iterable[Cell], keep: frozenset[str]) -> Iterator[tuple[Cell, CellAnswers, float]]:
        found = ray.cluster_resources()
        gpus = 1 if found.get("GPU") else 0
        slots = int(found["GPU"] if gpus else found["CPU"])
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_run_remotely)
        todo, waiting = iter(cells), list[Any]()
        while True:
            # One more than there is room for, so that no slot waits for us.
            for cell in islice(todo, slots + 1 - len(waiting)):
                waiting.append(task.remote(cell.model_dump_json(), str(self._work), keep))
            if not waiting:
                return
            done, waiting = ray.wait(waiting, num_returns=1)
            for text, seconds in _got(done):
                answers = CellAnswers.model_validate_json(text)
                yield answers.cell, answers, seconds


def _got(done: list[Any]) -> list[tuple[str, float]]:
    try:
        found: list[tuple[str, float]] = ray.get(done)
    except RayTaskError as error:
        # Bad input is told in its own line, as it is without a cluster.
        raise (error.cause if isinstance(error.cause, InputError) else error) from None
    return found


def _run_remotely(cell: str, work: str, keep: frozenset[str]) -> tuple[str, float]:
    _, answers, seconds = timed(Cell.model_validate_json(cell), Path(work), keep)
    return answers.model_dump_json(), seconds
