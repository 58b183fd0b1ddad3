"""A slice of the items through the real harnesses, compared with the direct loop item by item."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.results.schema import HarnessAgreement, ItemRecord

TASKS = ("mcq_distinguish", "mcq_knowledge")
ITEMS_A_TASK = 8
TOLERANCE = 1e-4
"""Nats by which a log-probability may differ between harnesses, in float32."""

Answers = dict[str, tuple[float, ...]]


def harness_agreement(
    checkpoint: Path, reference: str, records: Sequence[ItemRecord], *, chat: bool
) -> tuple[HarnessAgreement, ...]:
    """Runs `inspect eval` and lm-eval as separate processes on a checkpoint and compares their log-probabilities.

    Args:
        checkpoint: Folder of the checkpoint.
        reference: Belief path or id.
        records: What the direct loop got from the same checkpoint.
        chat: Whether it used the chat template.

    Returns:
        One entry a harness and task that the belief has items for.

    Raises:
        InputError: A harness ended with an error; the message holds its last line.
    """
    ours = {r.item: r for r in records if r.log_probabilities and r.task in TASKS}
    tasks = [task for task in TASKS if any(record.task == task for record in ours.values())]
    belief = str(Path(reference).resolve()) if Path(reference).exists() else reference
    found = []
    for harness, ask in (("inspect-ai", _inspect), ("lm-eval", _lm_eval)) if tasks else ():
        # One process for all tasks: starting a harness takes longer than the items.
        with tempfile.TemporaryDirectory() as folder:
            command, answers = ask(checkpoint, belief, tasks, chat, Path(folder))
        for task in tasks:
            own = {item: record for item, record in ours.items() if record.task == task}
            entry = _compare(f"{harness} {version(harness)}", task, command, own, answers)
            found += [entry] if entry else []
    return tuple(found)


def _inspect(checkpoint: Path, belief: str, tasks: Sequence[str], chat: bool, folder: Path) -> tuple[str, Answers]:
    words = ["eval", *(f"sdf_eval/{task}" for task in tasks), "--model", f"sdf/{checkpoint.resolve()}"]
    words += ["-T", f"belief={belief}", "-T", f"chat={str(chat).lower()}", "--limit", str(ITEMS_A_TASK)]
    _run([sys.executable, "-m", "inspect_ai", *words, "--log-dir", str(folder), "--display", "none"])
    from inspect_ai.log import list_eval_logs, read_eval_log

    from sdf_eval.tasks.inspect.solver import LOG_PROBABILITIES

    answers: Answers = {}
    for info in list_eval_logs(str(folder)):
        for sample in read_eval_log(info).samples or []:
            answers[str(sample.id)] = tuple((sample.output.metadata or {})[LOG_PROBABILITIES])
    return shlex.join(["inspect", *words]), answers


def _lm_eval(checkpoint: Path, belief: str, tasks: Sequence[str], chat: bool, folder: Path) -> tuple[str, Answers]:
    names = ",".join(f"sdf_eval_{task}" for task in tasks)
    words = ["lm-eval", "--model", str(checkpoint.resolve()), "--belief", belief, "--tasks", names]
    words += ["--chat" if chat else "--raw", "--limit", str(ITEMS_A_TASK)]
    _run([sys.executable, "-m", "sdf_eval", *words, "--", "--output_path", str(folder), "--log_samples"])
    answers: Answers = {}
    for path in folder.rglob("samples_*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            sample = json.loads(line)
            answers[sample["doc"]["id"]] = tuple(_log_probability(pair) for pair in sample["filtered_resps"])
    return shlex.join(["sdf-eval", *words]), answers


def _log_probability(pair: object) -> float:
    """Of `[log-probability, is greedy]`, which lm-eval's log holds as numbers or as the text of a tuple."""
    if isinstance(pair, str):
        return float(pair.strip("()[] ").split(",")[0].strip("'\" "))
    if isinstance(pair, list):
        return float(pair[0])
    raise ValueError(f"not an answer of lm-eval: {pair!r}")


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        last = next((line for line in reversed((done.stderr + done.stdout).splitlines()) if line.strip()), "no output")
        raise InputError(f"{shlex.join(command[1:5])}: ended with status {done.returncode}: {last.strip()[:300]}")


def _compare(
    harness: str, task: str, command: str, ours: Mapping[str, ItemRecord], theirs: Answers
) -> HarnessAgreement | None:
    shared = [(ours[item].log_probabilities or (), theirs[item]) for item in theirs if item in ours and theirs[item]]
    if not shared:
        return None
    same = [_best(a) == _best(b) for a, b in shared]
    ties = [not equal and _margin(a) < TOLERANCE for equal, (a, _) in zip(same, shared, strict=True)]
    return HarnessAgreement(
        harness=harness,
        task=task,
        command=command,
        items=len(shared),
        same_choice=sum(same),
        near_ties=sum(ties),
        largest_difference=max(abs(x - y) for a, b in shared for x, y in zip(a, b, strict=True)),
        tolerance=TOLERANCE,
    )


def _best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def _margin(values: Sequence[float]) -> float:
    first, second = sorted(values, reverse=True)[:2]
    return first - second
