"""Every measured checkpoint below a folder, one row each, by family."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sdf_eval.belief.item import Context
from sdf_eval.errors import InputError
from sdf_eval.gate.families import families, family_of, is_loss
from sdf_eval.measure import Estimate
from sdf_eval.results.foreign import Refused, refusing
from sdf_eval.results.inspect_logs import inspect_files, read_inspect
from sdf_eval.results.lm_eval_files import read_lm_eval, results_files
from sdf_eval.results.measured import Measured
from sdf_eval.results.schema import ItemAnswer
from sdf_eval.results.sources import read_all
from sdf_eval.results.store import RESULTS
from sdf_eval.results.values import as_result, mean_loss, mean_score
from sdf_eval.tasks.figures import is_headline


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Record):
    """One checkpoint.

    Attributes:
        model: As its source names it.
        harness: Who asked it.
        folder: Where its results lie, below the leaderboard's folder.
        context: What stood before each question.
        figures: Family -> mean score, accuracy or bits a byte; families that it was not asked, or that have a single
            text, are absent.
        item_sets: Family -> letter of the set of items; equal letters stand for the same items and task versions.
    """

    model: str
    harness: str
    folder: str
    context: Context
    figures: dict[str, Estimate]
    item_sets: dict[str, str]


class Leaderboard(_Record):
    """A table over checkpoints.

    Attributes:
        families: Columns, those that some row has.
        sorted_by: Family that rows are sorted by.
        rows: Checkpoints, the highest figure first (the lowest loss); those without one last.
        left_out: Files that could not be read: (path, why).
    """

    kind: Literal["leaderboard"] = "leaderboard"
    schema_version: Literal[1] = 1
    families: tuple[str, ...]
    sorted_by: str
    rows: tuple[Row, ...]
    left_out: tuple[tuple[str, str], ...]


def leaderboard(folder: Path, *, sort: str | None = None, seed: int = 0) -> Leaderboard:
    """Reads every result below a folder.

    Args:
        folder: Runs, results of single checkpoints, Inspect logs and lm-eval files, at any depth.
        sort: Family to sort by; the first that some row has if None.
        seed: Seed of the intervals' bootstrap.

    Returns:
        The table. Files that are broken, edited or unfinished are listed and not shown.

    Raises:
        InputError: No such folder, nothing in it can be read, or an unknown family.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name one that holds results")
    found, refused = _read(folder, seed)
    if not found:
        why = f"; {refused[0][1]}" if refused else ", logs of Inspect or files of lm-eval"
        raise InputError(f"{folder}: holds no results that can be read{why}")
    shown = tuple(
        name for name in families() if any(family_of(a.task) == name for one in found for a in one[1].answers)
    )
    if sort is not None and sort not in shown:
        raise InputError(f"--sort: {sort}: no such family here; one of {', '.join(shown)}")
    by = sort or shown[0]
    letters: dict[str, str] = {}
    rows = [_row(place, measured, letters, seed) for place, measured in found]
    left_out = tuple((_below(path, folder), why) for path, why in refused)
    return Leaderboard(families=shown, sorted_by=by, rows=tuple(sorted(rows, key=_rank(by))), left_out=left_out)


def _rank(family: str) -> Callable[[Row], tuple[bool, float, str, str]]:
    sign = 1.0 if is_loss(family) else -1.0

    def key(row: Row) -> tuple[bool, float, str, str]:
        figure = row.figures.get(family)
        return figure is None, sign * figure.value if figure else 0.0, row.model, row.folder

    return key


def _read(folder: Path, seed: int) -> tuple[list[tuple[str, Measured]], Refused]:
    """Every result below a folder with the folder that it lies in, and what cannot be read."""
    found: list[tuple[str, Measured]] = []
    refused: Refused = []
    own = sorted(path.parent for path in folder.rglob(RESULTS))
    for place in own:
        with refusing(place, refused):
            found += [(_below(place, folder), one) for one in read_all(place, seed=seed) or ()]
    logs = _by_folder(inspect_files(folder), own)
    outputs = _by_folder(results_files(folder), own)
    for read, groups in ((read_inspect, logs), (read_lm_eval, outputs)):
        for place, files in groups.items():
            with refusing(place, refused):
                found += [(_below(place, folder), one) for one in read(place, files, seed=seed, refused=refused)]
    return found, refused


def _by_folder(files: Sequence[Path], own: Sequence[Path]) -> dict[Path, list[Path]]:
    """Files by the folder that they lie in, without those inside results of ours."""
    groups: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        if not any(path.is_relative_to(place) for place in own):
            groups[path.parent].append(path)
    return groups


def _below(place: Path, folder: Path) -> str:
    return str(place.relative_to(folder))


def _row(place: str, measured: Measured, letters: dict[str, str], seed: int) -> Row:
    groups: dict[str, list[ItemAnswer]] = defaultdict(list)
    for answer in measured.answers:
        if is_headline(as_result(answer)):
            groups[family_of(answer.task)].append(answer)
    figures, sets = {}, {}
    for family, answers in groups.items():
        figure = mean_loss(answers, seed=seed) if is_loss(family) else mean_score(answers, seed=seed)
        if figure is not None:
            figures[family] = figure
            sets[family] = letters.setdefault(_fingerprint(measured, answers), _letter(len(letters)))
    results = measured.results
    return Row(
        model=results.model,
        harness=results.harness,
        folder=place,
        context=results.context,
        figures=figures,
        item_sets=sets,
    )


def _fingerprint(measured: Measured, answers: Sequence[ItemAnswer]) -> str:
    versions = sorted({(a.task, measured.results.task_versions.get(a.task, "")) for a in answers})
    readouts = sorted({(a.task, a.log_probabilities is None) for a in answers})
    parts = [measured.results.context, repr(versions), repr(readouts), *sorted(answer.item for answer in answers)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _letter(index: int) -> str:
    """A to Z, then AA, AB and so on."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
