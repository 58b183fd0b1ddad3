"""Writes the lm-eval YAML in the top-level `tasks/` folder from the task registry.

`python -m sdf_eval.tasks.lm_eval.generate` writes; with `--check` it names the files that differ and exits with 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from sdf_eval.content import content_path
from sdf_eval.tasks.figures import figures
from sdf_eval.tasks.leaderboard import BOARDS, Board
from sdf_eval.tasks.lm_eval.metrics import HIGHER_IS_BETTER, metric_names
from sdf_eval.tasks.registry import TaskSpec, get_task, task_specs
from sdf_eval.tasks.render import MAX_NEW_TOKENS, REASONING_STOP, REASONING_TOKENS, STOP

VERSION = 1.0
"""Version of every task; raise it when a prompt, an option order or a metric changes what the numbers mean."""

HEADER = "# Generated from the task registry by `python -m sdf_eval.tasks.lm_eval.generate`; edit that, not this.\n"

BASE = """\
class: !function sdf_eval.tasks.lm_eval.task.BeliefTask
custom_dataset: !function sdf_eval.tasks.lm_eval.documents.load
test_split: test
num_fewshot: 0
doc_to_text: prompt
doc_to_target: target
"""

FIGURE = "!function sdf_eval.tasks.lm_eval.figures.figure_@NAME@"
"""Aggregation of a figure, which compares items."""

READOUTS = {
    "options": """\
output_type: multiple_choice
doc_to_choice: choices
process_results: !function sdf_eval.tasks.lm_eval.metrics.read_options
""",
    "generation": """\
output_type: generate_until
generation_kwargs:
  until: @STOP@
  do_sample: false
  max_gen_toks: @MAX_NEW_TOKENS@
process_results: !function sdf_eval.tasks.lm_eval.metrics.read_text
""",
    "loss": """\
output_type: loglikelihood_rolling
process_results: !function sdf_eval.tasks.lm_eval.metrics.read_loss
""",
}
READOUTS["reasoning"] = READOUTS["generation"]


def generated_files() -> dict[str, str]:
    """Content of every generated file.

    Returns:
        Path below `tasks/` -> text.
    """
    specs = [spec for spec in task_specs() if not spec.inspect_only]
    families = list(dict.fromkeys(spec.family for spec in specs))
    files = {"_base_yaml": HEADER + BASE}
    files |= {_base_name(spec): _readout_base(spec) for spec in specs}
    files |= {f"{spec.family}/{spec.name}.yaml": _task(spec) for spec in specs}
    files |= {
        f"{family}/_{family}.yaml": _family([spec for spec in specs if spec.family == family]) for family in families
    }
    files["sdf_eval.yaml"] = _group("sdf_eval", [f"sdf_eval_{family}" for family in families], ())
    for board in BOARDS:
        files |= _board(board)
    return files


def stale_files(folder: Path) -> list[str]:
    """Generated files that are missing, differ, or belong to no task any more.

    Args:
        folder: The `tasks/` folder.

    Returns:
        Their paths below it, sorted.
    """
    wanted = generated_files()
    there = {path.relative_to(folder).as_posix() for path in [*folder.rglob("*.yaml"), *folder.glob("_*_yaml")]}
    differ = {name for name, text in wanted.items() if name not in there or _read(folder / name) != text}
    return sorted(differ | (there - wanted.keys()))


def write_files(folder: Path) -> list[str]:
    """Bring the folder up to date.

    Args:
        folder: The `tasks/` folder.

    Returns:
        Paths of what was written or removed, sorted.
    """
    wanted = generated_files()
    stale = stale_files(folder)
    for name in stale:
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    return stale


def main(argv: list[str] | None = None) -> int:
    """Write the files, or with `--check` say which are stale."""
    parser = argparse.ArgumentParser(prog="python -m sdf_eval.tasks.lm_eval.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a file is stale")
    args = parser.parse_args(argv)
    folder = content_path("tasks")
    stale = stale_files(folder) if args.check else write_files(folder)
    for name in stale:
        print(
            f"{folder / name}: {'stale; run `python -m sdf_eval.tasks.lm_eval.generate`' if args.check else 'written'}"
        )
    return 1 if args.check and stale else 0


def _readout_base(spec: TaskSpec) -> str:
    metrics = _metric_list([name for name in metric_names(spec) if name not in spec.figures], "mean")
    limit, stop = (REASONING_TOKENS, REASONING_STOP) if spec.readout == "reasoning" else (MAX_NEW_TOKENS, STOP)
    readout = READOUTS[spec.readout].replace("@STOP@", json.dumps(list(stop)))
    readout = readout.replace("@MAX_NEW_TOKENS@", str(limit))
    return f"{HEADER}include: _base_yaml\n{readout}metric_list:\n{metrics}"


def _metric_list(names: Iterable[str], aggregation: str) -> str:
    return "".join(
        f"  - metric: {name}\n    aggregation: {aggregation.replace('@NAME@', name)}\n"
        f"    higher_is_better: {json.dumps(HIGHER_IS_BETTER.get(name))}\n"
        for name in names
    )


def _base_name(spec: TaskSpec) -> str:
    # Without the suffix, lm-eval does not take it for a task.
    if spec.readout == "loss":
        return "_loss_yaml"
    return f"_{spec.readout}_{spec.name if figures(spec.name) else spec.metric}_yaml"


def _task(spec: TaskSpec) -> str:
    return (
        f"{HEADER}include: ../{_base_name(spec)}\n"
        f"task: sdf_eval_{spec.name}\n"
        f"dataset_kwargs:\n  task: {spec.name}\n"
        f"{_own_metrics(spec)}"
        f"metadata:\n  version: {VERSION}\n"
    )


def _own_metrics(spec: TaskSpec) -> str:
    """A task with figures names its metrics itself: a list here replaces that of the readout."""
    if not spec.figures:
        return ""
    means = _metric_list([name for name in metric_names(spec) if name not in spec.figures], "mean")
    return f"metric_list:\n{means}{_metric_list(spec.figures, FIGURE)}"


def _family(specs: list[TaskSpec]) -> str:
    return _group(f"sdf_eval_{specs[0].family}", [f"sdf_eval_{spec.name}" for spec in specs], _shared_metrics(specs))


def _shared_metrics(specs: list[TaskSpec]) -> list[str]:
    # A metric that some member lacks would make lm-eval warn, and average over the others without saying which. Figures
    # of two tasks are of two kinds, whatever their names.
    means = [name for name in metric_names(specs[0]) if name not in specs[0].figures]
    return [name for name in means if all(name in metric_names(spec) for spec in specs)]


def _board(board: Board) -> dict[str, str]:
    members = [board.task_name(task) for task in board.digests]
    shared = _shared_metrics([get_task(task) for task in board.digests])
    files = {f"leaderboard/_{board.group}.yaml": _group(board.group, members, shared, board.version)}
    for task, digest in board.digests.items():
        files[f"leaderboard/{board.task_name(task)}.yaml"] = (
            f"{HEADER}include: ../{_base_name(get_task(task))}\n"
            f"task: {board.task_name(task)}\n"
            f"dataset_kwargs:\n  task: {task}\n  board: {board.group}\n"
            f"metadata:\n  version: {board.version}\n  items_sha256: {digest}\n"
        )
    return files


def _group(name: str, members: list[str], metrics: Iterable[str], version: float = VERSION) -> str:
    tasks = "".join(f"  - {member}\n" for member in members)
    aggregates = "".join(f"  - metric: {metric}\n    weight_by_size: true\n" for metric in metrics)
    aggregate_list = f"aggregate_metric_list:\n{aggregates}" if aggregates else ""
    return f"{HEADER}group: {name}\ntask:\n{tasks}{aggregate_list}metadata:\n  version: {version}\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
