"""`results_*.json` and `samples_*.jsonl` of lm-eval as results. The answers are read again and must agree."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdf_eval.errors import InputError
from sdf_eval.results.answers import storable, to_answer
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
from sdf_eval.results.schema import HarnessFigure, ItemAnswer, SourceFile
from sdf_eval.results.store import load_json
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import score_loss, score_options, score_text

PREFIX = "sdf_eval_"
_DATE = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.jsonl?$")


@dataclass(frozen=True)
class _File:
    path: Path
    body: dict[str, Any]
    tasks: tuple[str, ...]


def read_lm_eval(name: Path, files: Sequence[Path], *, seed: int = 0, refused: Refused | None = None) -> list[Measured]:
    """Reads what `--output_path DIR --log_samples` left.

    Args:
        name: What the user named, for messages.
        files: Each a `results_*.json` with its `samples_*.jsonl` beside it; tasks of other people are passed over.
        seed: Seed of the intervals' bootstrap.
        refused: Gets the files that cannot be read; without it the first raises.

    Returns:
        One entry a model and folder, in the order of the files.

    Raises:
        InputError: A file is broken, edited or incomplete, samples are missing, or no task is ours.
    """
    opened: list[_File] = []
    for path in files:
        with refusing(path, refused):
            opened += _open(path)
    if not opened and not refused:
        raise InputError(f"{name}: no results of an sdf-eval task; name files of `sdf-eval lm-eval -- --log_samples`")
    groups: dict[tuple[Path, str], list[_File]] = defaultdict(list)
    for file in opened:
        groups[file.path.parent, _model(file)].append(file)
    found = []
    for (_, model), group in groups.items():
        with refusing(group[0].path, refused):
            found.append(_measured(str(name), model, group, seed))
    return found


def results_files(folder: Path) -> list[Path]:
    """lm-eval's results files below a folder, by their names."""
    return sorted(each for each in folder.rglob("*.json") if _DATE.search(each.name))


def _open(path: Path) -> list[_File]:
    body = load_json(path, AGAIN)
    expected = ("results", "versions", "n-samples", "lm_eval_version")
    missing = next((key for key in expected if not isinstance(body, dict) or key not in body), None)
    if missing is not None:
        raise InputError(f"{path}: {missing}: missing, so this is no results file of lm-eval; name results_*.json")
    for key in expected[:3]:
        if not isinstance(body[key], dict):
            raise InputError(f"{path}: {key}: is no mapping; {AGAIN}")
    named = body["n-samples"]
    # A leaderboard asks what its plain task asks too, and no answer may count twice.
    tasks = tuple(
        name
        for name in named
        if (task := own_task(name, PREFIX)) and (name == PREFIX + task or PREFIX + task not in named)
    )
    return [_File(path, body, tasks)] if tasks else []


def _model(file: _File) -> str:
    return storable(str(file.body.get("model_name") or file.body.get("model_source") or ""))


def _measured(name: str, model: str, files: Sequence[_File], seed: int) -> Measured:
    answers: list[ItemAnswer] = []
    reported: list[HarnessFigure] = []
    sources: list[SourceFile] = []
    versions: dict[str, str] = {}
    for file in files:
        sources.append(source_file(file.path))
        for task in file.tasks:
            samples = _samples_path(file, task)
            found = _answers(file, task, samples)
            reported += check_means(f"{file.path}: results.{task}", _reported(file, task), found)
            versions[found[0].task] = comparability(file.body["versions"].get(task))
            sources.append(source_file(samples))
            answers += found
    first = files[0].body
    return assemble(
        name,
        answers,
        seed=seed,
        created=_date(files[0]),
        harness=f"lm-eval {first['lm_eval_version']}",
        model=model,
        chat=first.get("chat_template") is not None,
        task_versions=versions,
        versions={"lm-eval": str(first["lm_eval_version"]), "transformers": str(first.get("transformers_version"))},
        sources=tuple(sources),
        reported=tuple(reported),
    )


def _date(file: _File) -> str:
    stamp = file.body.get("date")
    if not isinstance(stamp, int | float) or not 0 <= stamp < 1e11:
        raise InputError(f"{file.path}: date: is {stamp!r:.40} and no time; {AGAIN}")
    return datetime.fromtimestamp(stamp, UTC).isoformat(timespec="seconds")


def _samples_path(file: _File, task: str) -> Path:
    dated = _DATE.search(file.path.name)
    if dated is None:
        raise InputError(f"{file.path}: its name has no time, so its samples cannot be told; give it back its name")
    path = file.path.with_name(f"samples_{task}_{dated[1]}.jsonl")
    if not path.is_file():
        raise InputError(f"{path}: missing; {AGAIN} with --log_samples, and keep the files together")
    return path


def _answers(file: _File, task: str, path: Path) -> list[ItemAnswer]:
    shots = file.body.get("n-shot", {}).get(task)
    if shots:
        raise InputError(f"{file.path}: n-shot.{task}: is {shots}; sdf-eval's tasks are asked without examples")
    rows = _rows(path)
    counts = file.body["n-samples"][task]
    expected = counts.get("effective") if isinstance(counts, dict) else None
    if not rows or len(rows) != expected:
        raise InputError(f"{path}: {len(rows)} samples are there of {expected}; {AGAIN}")
    try:
        digests = "".join(str(row["doc_hash"]) + str(row["prompt_hash"]) + str(row["target_hash"]) for row in rows)
        if _sha256(digests) != file.body["task_hashes"][task]:
            raise InputError(f"{path}: task_hashes.{task} of {file.path.name}: differs, so one was edited; {AGAIN}")
    except (KeyError, TypeError) as error:
        raise InputError(f"{file.path}: {error!s:.60}: missing; {AGAIN} with --log_samples") from error
    return [_answer(f"{path}: line {number}", task, row) for number, row in enumerate(rows, 1)]


def _rows(path: Path) -> list[dict[str, Any]]:
    found = []
    # Only a line feed ends a line: what a model wrote may hold other separators.
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number}: not JSON ({error!s:.80}); {AGAIN}") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number}: is no sample; {AGAIN}")
        found.append(row)
    return found


def _answer(where: str, task: str, row: dict[str, Any]) -> ItemAnswer:
    from sdf_eval.tasks.lm_eval.documents import to_item

    try:
        document = row["doc"]
        if _sha256(json.dumps(document, indent=2, ensure_ascii=False)) != row["doc_hash"]:
            raise InputError(f"{where}: doc_hash: differs from its doc, so it was edited; {AGAIN}")
        check_length(where, str(row["filtered_resps"][0]))
        item = to_item(document)
        answer = to_answer(item, item.user, _result(item, row["filtered_resps"]))
        # A dict is the row behind a figure; what it holds is checked as the answer itself.
        theirs = {name: float(row[name]) for name in row["metrics"] if not isinstance(row[name], dict)}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"{where}: lacks or garbles {error!s:.80}; {AGAIN}") from error
    except InputError as error:
        raise error if str(error).startswith(where) else InputError(f"{where}: {error}") from error
    if answer.task != own_task(task, PREFIX):
        raise InputError(f"{where}: task: is {answer.task} in a file of {task}; {AGAIN}")
    check_figures(where, theirs, answer)
    return answer


def _result(item: Any, responses: Any) -> ItemResult:
    readout = get_task(item.task).readout
    if readout == "options":
        return score_options(item, [_log_probability(pair) for pair in responses])
    if readout == "loss":
        return score_loss(item, -_log_probability(responses[0]))
    return score_text(item, str(responses[0]))


def _log_probability(value: Any) -> float:
    """Of `[log-probability, is greedy]` or a bare one, which the log holds as numbers or as their text."""
    return float(value[0] if isinstance(value, list) else value)


def _reported(file: _File, task: str) -> dict[str, float]:
    found = file.body["results"].get(task)
    if not isinstance(found, dict):
        raise InputError(f"{file.path}: results.{task}: missing; {AGAIN}")
    return {
        name.removesuffix(",none"): float(value)
        for name, value in found.items()
        if name.endswith(",none") and isinstance(value, int | float)
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
