"""Inspect logs (`.eval`, or JSON) of our tasks as results. The answers are read again by our rules and must agree."""

from __future__ import annotations

import zipfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdf_eval.errors import InputError
from sdf_eval.results.answers import to_answer
from sdf_eval.results.foreign import (
    AGAIN,
    Refused,
    check_figures,
    check_length,
    check_means,
    own_task,
    refusing,
    source_file,
)
from sdf_eval.results.measured import Measured, assemble, comparability
from sdf_eval.results.schema import HarnessFigure, ItemAnswer

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

PREFIX = "sdf_eval/"
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, zlib.error, zipfile.BadZipFile)
"""What reading a damaged or foreign file as a log raises."""


@dataclass(frozen=True)
class _Log:
    path: Path
    task: str
    log: EvalLog


def inspect_files(path: Path) -> list[Path]:
    """The logs that a path means: itself, or every `.eval` file below a folder."""
    return sorted(path.rglob("*.eval")) if path.is_dir() else [path]


def read_inspect(name: Path, files: Sequence[Path], *, seed: int = 0, refused: Refused | None = None) -> list[Measured]:
    """Reads logs.

    Args:
        name: What the user named, for messages.
        files: Log files. Those of other people's tasks are passed over, and so is an unfinished log whose task a retry
            among the others finished.
        seed: Seed of the intervals' bootstrap.
        refused: Gets the files that cannot be read; without it the first raises.

    Returns:
        One entry a model, in the order of the files.

    Raises:
        InputError: A file is no log, is unfinished, empty or invalidated, a sample failed or was edited, or no log is
            of our tasks.
    """
    logs: list[_Log] = []
    for path in files:
        with refusing(path, refused):
            logs += _open(path)
    if not logs and not refused:
        raise InputError(f"{name}: no log of an sdf-eval task; name logs of `inspect eval sdf_eval/<task>`")
    done = {log.log.eval.task_id for log in logs if log.log.status == "success"}
    groups: dict[str, list[_Log]] = defaultdict(list)
    for log in logs:
        if log.log.status == "success" or log.log.eval.task_id not in done:
            groups[str(log.log.eval.model)].append(log)
    found = []
    for model, group in groups.items():
        with refusing(group[0].path, refused):
            found.append(_measured(str(name), model, group, seed))
    return found


def _open(path: Path) -> list[_Log]:
    from inspect_ai.log import read_eval_log

    try:
        log = read_eval_log(str(path), resolve_attachments=True)
    except _UNREADABLE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"{path}: cannot be read as an Inspect log ({reason}); {AGAIN}") from error
    task = own_task(str(log.eval.task_registry_name or log.eval.task), PREFIX)
    return [] if task is None else [_Log(path, task, log)]


def _measured(name: str, model: str, logs: Sequence[_Log], seed: int) -> Measured:
    answers: list[ItemAnswer] = []
    reported: list[HarnessFigure] = []
    for log in logs:
        found = _answers(log)
        reported += check_means(f"{log.path}: results", _reported(log.log), found)
        answers += found
    first = logs[0].log.eval
    chats = {log.log.eval.task_args.get("chat") for log in logs}
    return assemble(
        name,
        answers,
        seed=seed,
        created=str(first.created),
        harness=f"inspect-ai {first.packages.get('inspect_ai', '')}".strip(),
        model=model,
        # None there means "whether the model has a template", which the log does not say.
        chat=chats.pop() if len(chats) == 1 else None,
        task_versions={log.task: comparability(log.log.eval.task_version) for log in logs},
        versions={str(name): str(value) for name, value in first.packages.items()},
        sources=tuple(source_file(log.path) for log in logs),
        reported=tuple(reported),
    )


def _answers(log: _Log) -> list[ItemAnswer]:
    path, samples = log.path, log.log.samples or []
    if log.log.status != "success":
        raise InputError(
            f"{path}: status: is {log.log.status}, so the log is unfinished; finish it: inspect eval-retry"
        )
    if log.log.invalidated:
        raise InputError(f"{path}: invalidated: samples were marked as not valid; {AGAIN}")
    if (log.log.eval.config.epochs or 1) != 1:
        raise InputError(f"{path}: epochs: {log.log.eval.config.epochs} answers an item; run it with --epochs 1")
    if not samples:
        raise InputError(f"{path}: samples: there are none; {AGAIN}, with --log-samples")
    expected = log.log.results.total_samples if log.log.results else None
    if expected != len(samples):
        raise InputError(f"{path}: samples: {len(samples)} are there of {expected}; {AGAIN}")
    return [_answer(log, sample) for sample in samples]


def _answer(log: _Log, sample: EvalSample) -> ItemAnswer:
    from sdf_eval.tasks.inspect.sample import sample_to_item
    from sdf_eval.tasks.inspect.scorer import read_output

    where = f"{log.path}: {sample.id}"
    if sample.error is not None:
        raise InputError(f"{where}: ended in an error; finish it with inspect eval-retry")
    check_length(where, sample.output.completion)
    try:
        item = sample_to_item(str(sample.id), str(sample.input), tuple(sample.choices or ()), sample.metadata)
        answer = to_answer(item, item.user, read_output(item, sample.output))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: lacks or garbles {error!s:.80}; {AGAIN}") from error
    except InputError as error:
        raise InputError(f"{log.path}: {error}") from error
    if answer.task != log.task:
        raise InputError(f"{where}: task: is {answer.task} in a log of {log.task}; {AGAIN}")
    check_figures(where, _logged(sample), answer)
    return answer


def _logged(sample: EvalSample) -> dict[str, float]:
    """Figures of the sample by our scorers; a later scorer of other people's has other names."""
    found: dict[str, float] = {}
    for name, logged in (sample.scores or {}).items():
        if name.removeprefix(PREFIX) in ("belief", "collateral") and isinstance(logged.value, dict):
            found |= {str(key): float(value) for key, value in logged.value.items() if _is_number(value)}
    return found


def _reported(log: EvalLog) -> dict[str, float]:
    found: dict[str, float] = {}
    for entry in log.results.scores if log.results else []:
        if entry.scorer.removeprefix(PREFIX) not in ("belief", "collateral", "loss"):
            continue
        for name, metric in entry.metrics.items():
            if name == "mean":
                found[entry.name.removeprefix(PREFIX)] = float(metric.value)
            elif name.removeprefix(PREFIX) == "nats_per_byte":
                found["nats_per_byte"] = float(metric.value)
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
