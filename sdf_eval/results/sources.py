"""Whatever a user may name as a measured checkpoint: stored results, an arm of a run, Inspect logs, lm-eval's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from sdf_eval.errors import InputError
from sdf_eval.results.inspect_logs import inspect_files, read_inspect
from sdf_eval.results.lm_eval_files import read_lm_eval, results_files
from sdf_eval.results.measured import Measured, assemble, current_versions
from sdf_eval.results.schema import Budget, ItemAnswer, ItemRecord, Role, RunResults, TrainingSummary
from sdf_eval.results.stages import StageSummary
from sdf_eval.results.store import RESULTS, holds_run, read_answers, read_checkpoint, read_items, read_results


def read_stored(reference: str, default_role: Role, *, seed: int = 0) -> Measured | None:
    """Reads one checkpoint's results, if the reference names stored ones.

    Args:
        reference: A folder that sdf-eval wrote (of a run: its `default_role`, or another as in `runs/x@neutral`, or one
            of several training runs as in `runs/x@implanted/seed 1`), a log or folder of logs of Inspect, or a results
            file or folder of lm-eval.
        default_role: Which arm of a run is meant where none is named.
        seed: Seed of the intervals' bootstrap.

    Returns:
        The results with their answers; None where the reference names no stored results, so that it must be a model.

    Raises:
        InputError: The files are broken, edited or unfinished, there is no such arm, or they hold several checkpoints.
    """
    path, arm = _split(reference)
    if not path.exists():
        return None
    found = read_all(path, seed=seed, arm=arm or default_role)
    if found is None:
        if arm is not None:
            raise InputError(f"{reference}: {path} holds no run, so it has no arm {arm}; leave @{arm} out")
        return None
    if len(found) > 1:
        names = ", ".join(one.results.model for one in found[:5])
        raise InputError(f"{reference}: holds {len(found)} checkpoints ({names}); name the files of one")
    return found[0]


def read_all(path: Path, *, seed: int = 0, arm: str | None = None) -> list[Measured] | None:
    """Reads every checkpoint in a folder or file of one kind.

    Args:
        path: A file or folder that exists.
        seed: Seed of the intervals' bootstrap.
        arm: For a run: the one arm to read; every trained role and the base when None. Arms after later stages are left
            out, see `read_stages`.

    Returns:
        The checkpoints; None where the path holds no results.

    Raises:
        InputError: See `read_stored`.
    """
    if (path / RESULTS).is_file():
        if holds_run(path):
            return _run(path, arm, seed)
        results = read_checkpoint(path)
        return [Measured(str(path), results, tuple(read_answers(path, results)))]
    if path.is_file():
        return _file(path, seed)
    found: list[Measured] = []
    if logs := inspect_files(path):
        found += read_inspect(path, logs, seed=seed)
    if files := results_files(path):
        found += read_lm_eval(path, files, seed=seed)
    return found or None


def read_stages(folder: Path, *, seed: int = 0) -> list[Measured]:
    """Reads every arm of a run that has no context, those after later stages too.

    Args:
        folder: A run's folder.
        seed: Seed of the intervals' bootstrap.

    Returns:
        One entry an arm and run, in the order of the records.

    Raises:
        InputError: The results are broken or edited.
    """
    results = read_results(folder)
    groups: dict[tuple[Role, str, str], list[ItemRecord]] = {}
    for record in read_items(folder, results):
        if record.context == "none":
            groups.setdefault((record.role, record.run, record.stage), []).append(record)
    return [_arm(folder, results, group, seed) for group in groups.values()]


def _file(path: Path, seed: int) -> list[Measured]:
    if path.suffix == ".eval" or (path.suffix == ".json" and _is_inspect_json(path)):
        return read_inspect(path, [path], seed=seed)
    if path.suffix == ".json":
        return read_lm_eval(path, [path], seed=seed)
    raise InputError(f"{path}: is neither an .eval log nor a results_*.json of lm-eval; name one of these, or a folder")


def _is_inspect_json(path: Path) -> bool:
    try:
        body = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(body, dict) and "eval" in body


def _split(reference: str) -> tuple[Path, str | None]:
    """Folder and arm of `runs/x@implanted`; a path that exists as it is has no arm."""
    whole = Path(reference).expanduser()
    folder, at, arm = reference.rpartition("@")
    if not at or whole.exists() or not Path(folder).expanduser().is_dir():
        return whole, None
    return Path(folder).expanduser(), arm


def _run(folder: Path, arm: str | None, seed: int) -> list[Measured]:
    results = read_results(folder)
    records = [record for record in read_items(folder, results) if record.context == "none" and not record.stage]
    arms = list(dict.fromkeys((record.role, record.run) for record in records))
    if arm is not None:
        arms = _chosen(folder, arm, arms)
    return [
        _arm(folder, results, [record for record in records if (record.role, record.run) == (role, run)], seed)
        for role, run in arms
    ]


def _chosen(folder: Path, arm: str, arms: list[tuple[Role, str]]) -> list[tuple[Role, str]]:
    role, _, run = arm.partition("/")
    there = ", ".join(dict.fromkeys(name for name, _ in arms))
    if role not in get_args(Role) or role not in {name for name, _ in arms}:
        raise InputError(f"{folder}: has no arm {role}; it has {there}")
    found = [pair for pair in arms if pair[0] == role and (not run or pair[1] == run)]
    if not found:
        runs = ", ".join(name for which, name in arms if which == role)
        raise InputError(f"{folder}: the arm {role} has no run {run!r}; it has {runs}")
    if len(found) > 1:
        raise InputError(
            f"{folder}: the arm {role} has {len(found)} runs; name one, as in {folder}@{role}/{found[0][1]}"
        )
    return found


def _arm(folder: Path, results: RunResults, records: list[ItemRecord], seed: int) -> Measured:
    role, run, stage = records[0].role, records[0].run, records[0].stage
    trained: TrainingSummary | StageSummary | None
    if stage:
        trained = next((one for one in results.stages if (one.role, one.run, one.stage) == (role, run, stage)), None)
    else:
        trained = next((one for one in results.training if (one.role, one.run) == (role, run)), None)
    parents = {one.parent_sha256 for one in results.training}
    answers = [ItemAnswer(**record.model_dump(exclude={"role", "run", "stage", "base"})) for record in records]
    label = ", ".join([role, *([run] if run else []), *([f"after {stage}"] if stage else [])])
    return assemble(
        f"{folder}@{role}",
        answers,
        seed=seed,
        created=results.created,
        harness=f"run {results.versions.get('sdf-eval', '')}".strip(),
        model=f"{results.settings.model} ({label})",
        weights_sha256=trained.sha256 if trained else (parents.pop() if role == "base" and len(parents) == 1 else None),
        budget=_budget(trained),
        chat=results.settings.chat,
        task_versions=current_versions(list(dict.fromkeys(answer.task for answer in answers))),
        versions=results.versions,
    )


def _budget(trained: TrainingSummary | StageSummary | None) -> Budget | None:
    if trained is None:
        return None
    return Budget(parent_sha256=trained.parent_sha256, updates=trained.updates, tokens=trained.tokens)
