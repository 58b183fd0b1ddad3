"""Runs studies: what is missing of their cells, then result and pages. Stops at a limit and goes on another time."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdf_eval.files import replace_file
from sdf_eval.progress import progress
from sdf_eval.study.frame.cell import Cell
from sdf_eval.study.frame.executors import Executor
from sdf_eval.study.frame.identity import belief_at, beliefs_of, cell_key, prefix_keys
from sdf_eval.study.frame.judge import StudyResult, judge_study
from sdf_eval.study.frame.store import Store
from sdf_eval.study.frame.study import Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate
from sdf_eval.study.frame.table import Table, table_of

CELLS = "cells"
WORK = "work"
TIMES = "times.jsonl"


@dataclass(frozen=True)
class Ran:
    """What a call of `run_studies` did.

    Attributes:
        results: One a study.
        cells: Distinct cells of all of them.
        ran: Cells that were run now.
        missing: Cells that are still to be run.
        seconds: Of the cells that were run now, added up.
    """

    results: tuple[StudyResult, ...]
    cells: int
    ran: int
    missing: int
    seconds: float


def run_studies(
    studies: Sequence[Study],
    tier: Tier,
    substrate: Substrate,
    executor: Executor,
    out: Path,
    *,
    limit_minutes: float | None = None,
) -> Ran:
    """Runs the cells that are missing and computes every study's result.

    Args:
        studies: Which.
        tier: How much of them.
        substrate: Where.
        executor: Runs the cells.
        out: Folder: `cells/` with the answers, `times.jsonl`, and a folder a study with `result.json`.
        limit_minutes: No cell is begun later; None for no limit.

    Returns:
        What was done.

    Raises:
        InputError: A cell cannot be run; what was run stays.
    """
    store = Store(out / CELLS)
    end = None if limit_minutes is None else time.monotonic() + 60 * limit_minutes
    keyed = {cell_key(placed.cell): placed.cell for study in studies for placed in study.cells(tier, substrate)}
    todo = [cell for key, cell in keyed.items() if store.read(key) is None]
    uses = Counter(key for cell in todo for key in prefix_keys(cell))
    keep = {key for key, count in uses.items() if count > 1}
    ran, seconds = 0, 0.0
    out.mkdir(parents=True, exist_ok=True)
    with progress("running cells", len(todo)) as advance:
        for _, answers, took in executor.run(_until(_shared_first(todo), end), keep):
            store.write(answers)
            note_time(out / TIMES, answers.key, took)
            ran, seconds = ran + 1, seconds + took
            advance(1)
    if ran == len(todo):
        shutil.rmtree(out / WORK, ignore_errors=True)
    results = tuple(result_of(study, tier, substrate, store) for study in studies)
    for result in results:
        folder = out / result.study
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / "result.json", encode(result))
    return Ran(results, len(keyed), ran, len(todo) - ran, seconds)


def result_of(study: Study, tier: Tier, substrate: Substrate, store: Store) -> StudyResult:
    """A study's result from the cells that were run."""
    placed = list(study.cells(tier, substrate))
    kinds = {belief_at(name).id: belief_at(name).kind for one in placed for name in beliefs_of(one.cell)}
    table, missing = stored_table(placed, store)
    keys = [key for key in dict.fromkeys(cell_key(one.cell) for one in placed) if store.read(key) is not None]
    return judge_study(study, table, dict(kinds), tier=tier, substrate=substrate.name, cells=keys, missing=missing)


def stored_table(placed: Sequence[Placed], store: Store) -> tuple[Table, int]:
    """The table of the cells that were run, and how many were not."""
    found = [(one, store.read(cell_key(one.cell))) for one in placed]
    table = table_of((one.arm, one.factors, answers) for one, answers in found if answers is not None)
    return table, sum(answers is None for _, answers in found)


def encode(result: StudyResult) -> bytes:
    """The bytes of `result.json`."""
    return result.model_dump_json(indent=1).encode() + b"\n"


def note_time(path: Path, key: str, seconds: float) -> None:
    """Adds a line to the times, which are no part of any result."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"cell": key[:24], "seconds": round(seconds, 1)}) + "\n")


def _shared_first(cells: Sequence[Cell]) -> list[Cell]:
    """Cells in the order of their first steps, so that a shared checkpoint is made once and soon needed no more."""
    return sorted(cells, key=lambda cell: prefix_keys(cell)[:1])


def _until(cells: Sequence[Cell], end: float | None) -> Iterator[Cell]:
    """Cells until a time of the monotonic clock."""
    for cell in cells:
        if end is not None and time.monotonic() > end:
            return
        yield cell
