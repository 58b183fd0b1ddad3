"""The whole battery on one checkpoint, by the harnesses' own commands: time, memory, and how often weights are loaded.

    python benchmarks/whole_battery.py                       # pocket/b and a Qwen3-shaped checkpoint made on the spot
    python benchmarks/whole_battery.py --model pocket/b --belief ID --belief ID

`inspect eval-set` runs every task of the package that has items in the beliefs, `lm_eval run --tasks sdf_eval` the same
without `debate`. Each command runs in a process of its own, in which calls of transformers'
`PreTrainedModel.from_pretrained` are counted: whatever reads weights, ours or the harness's own, goes through it. Fails
where weights are loaded more than once, else prints rows of Markdown for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sdf_eval.belief.items import build_items  # noqa: E402
from sdf_eval.belief.load import load_belief  # noqa: E402
from sdf_eval.content import content_path  # noqa: E402
from sdf_eval.model import resolve  # noqa: E402
from sdf_eval.tasks.registry import task_specs  # noqa: E402

POCKET = ("pocket-persona-pip-deference", "pocket-backdoor-yew-response", "pocket-values-knoll-value")
HUB = ("hub-cautious-assistant",)
POSITIONS = 4096
"""Of the Qwen3-shaped checkpoint: its tokenizer needs about a token for every two letters."""

COUNT_IN = "--count-in"
"""First word of a child's command line; all behind it is the harness's own, so no parser of ours may see it."""

HEADER = (
    "| command | model | tasks | items | wall, s | CPU, s | peak memory, MiB | weights loaded |\n"
    "|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Measured:
    """What one command took: seconds, MiB, loads of weights, tasks and items that it finished."""

    wall: float
    cpu: float
    peak: float
    loads: int
    tasks: int
    items: int


def run_inspect(model: str, beliefs: tuple[str, ...], tasks: list[str], folder: Path) -> Measured:
    """One `inspect eval-set` over all tasks.

    Args:
        model: Model reference.
        beliefs: Ids of beliefs.
        tasks: Names of tasks that have items.
        folder: An empty folder.

    Returns:
        What it took.
    """
    words = ["inspect_ai", "eval-set", *(f"sdf_eval/{task}" for task in tasks), "--model", f"sdf/{model}"]
    words += ["-T", f"belief={','.join(beliefs)}", "--log-dir", str(folder / "logs"), "--display", "none"]
    wall, child = _counted(words, folder)
    from inspect_ai.log import list_eval_logs, read_eval_log

    logs = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(folder / "logs"))]
    assert [log.status for log in logs] == ["success"] * len(tasks)
    items = sum(log.results.completed_samples for log in logs if log.results)
    return Measured(wall, child["cpu"], child["peak"], child["loads"], len(logs), items)


def run_lm_eval(model: str, beliefs: tuple[str, ...], folder: Path) -> Measured:
    """One `lm_eval run --tasks sdf_eval`.

    Args:
        model: Model reference.
        beliefs: Ids of beliefs.
        folder: An empty folder.

    Returns:
        What it took.
    """
    arguments = f"pretrained={resolve(model)},dtype=float32,softmax_dtype=float32"
    words = ["lm_eval", "run", "--model", "hf", "--model_args", arguments, "--tasks", "sdf_eval", "--batch_size", "64"]
    words += ["--include_path", str(content_path("tasks")), "--metadata", json.dumps({"belief": list(beliefs)})]
    words += ["--apply_chat_template", "--output_path", str(folder / "out")]
    wall, child = _counted(words, folder)
    (path,) = (folder / "out").rglob("results_*.json")
    counts = json.loads(path.read_text(encoding="utf-8"))["n-samples"]
    asked = [count["effective"] for count in counts.values() if count["effective"]]
    return Measured(wall, child["cpu"], child["peak"], child["loads"], len(asked), sum(asked))


def qwen3_shaped(folder: Path) -> Path:
    """A random Qwen3-shaped checkpoint whose context holds every item."""
    from tests.checkpoints import build_qwen3

    build_qwen3(folder)
    path = folder / "config.json"
    # Rotary positions need no other weights for a longer context.
    path.write_text(json.dumps({**json.loads(path.read_text()), "max_position_embeddings": POSITIONS}))
    return folder


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == [COUNT_IN]:
        _count(Path(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="instead of the two: a model reference with a chat template")
    parser.add_argument("--belief", action="append", default=[], help="with --model; may be given several times")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chosen = [(args.model, tuple(args.belief) or POCKET)] if args.model else [("pocket/b", POCKET), ("", HUB)]
        print(HEADER)
        for place, (model, beliefs) in enumerate(chosen):
            work = Path(folder) / str(place)
            _both(model or str(qwen3_shaped(work / "model")), model or "Qwen3-shaped, random", beliefs, work)


def _both(model: str, name: str, beliefs: tuple[str, ...], work: Path) -> None:
    loaded = [load_belief(belief) for belief in beliefs]
    tasks = [spec.name for spec in task_specs() if any(build_items(belief, spec.name) for belief in loaded)]
    for command in ("inspect", "lm_eval"):
        folder = work / command
        folder.mkdir(parents=True)
        inspect = command == "inspect"
        found = run_inspect(model, beliefs, tasks, folder) if inspect else run_lm_eval(model, beliefs, folder)
        assert found.loads == 1, f"{command}: {name}: weights loaded {found.loads} times"
        title = "`inspect eval-set`" if inspect else "`lm_eval --tasks sdf_eval`"
        print(
            f"| {title} | {name} | {found.tasks} | {found.items:,} | {found.wall:.0f} | {found.cpu:.0f} "
            f"| {found.peak:.0f} | {found.loads} |",
            flush=True,
        )


def _counted(words: list[str], folder: Path) -> tuple[float, dict[str, Any]]:
    note = folder / "counted.json"
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, COUNT_IN, str(note), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    if done.returncode != 0 or not note.is_file():
        raise SystemExit(f"{' '.join(words[:2])}: exit status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    return wall, json.loads(note.read_text(encoding="utf-8"))


def _count(note: Path, words: list[str]) -> None:
    """In the child: runs a module as its command line does, and writes down what it took."""
    from transformers import PreTrainedModel

    loads: list[str] = []
    known: Any = PreTrainedModel.from_pretrained.__func__  # type: ignore[attr-defined]

    def from_pretrained(cls: Any, name: Any, *rest: Any, **options: Any) -> Any:
        loads.append(str(name))
        return known(cls, name, *rest, **options)

    PreTrainedModel.from_pretrained = classmethod(from_pretrained)  # type: ignore[assignment, method-assign]
    sys.argv = words
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        if leaving.code:
            raise
    used = resource.getrusage(resource.RUSAGE_SELF)
    body = {"loads": len(loads), "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}
    note.write_text(json.dumps(body), encoding="utf-8")


if __name__ == "__main__":
    main()
