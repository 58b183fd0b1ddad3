"""The figures of one checkpoint through Inspect, lm-eval and our own summary."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.content import content_path
from sdf_eval.measure import Estimate
from sdf_eval.tasks.awareness.figures import figures, standard_errors, values
from sdf_eval.tasks.awareness.rows import item_row
from sdf_eval.tasks.registry import get_task
from tests.parity.faces import BELIEF

Found = dict[str, Estimate]
TASKS = ("disclosure", "document_discrimination", "source_tag", "training_recognition")


@pytest.fixture(scope="module")
def direct(checkpoints: dict[str, Path]) -> dict[str, Found]:
    from sdf_eval.model import load
    from sdf_eval.tasks.direct import run_items
    from sdf_eval.tasks.summary import summarise

    lm = load(str(checkpoints["llama"]))
    found = {}
    for task in TASKS:
        items = build_items(load_belief(BELIEF), task)
        results = run_items(lm, items)
        found[task] = figures(task, [item_row(item, result) for item, result in zip(items, results, strict=True)])
        rows = summarise(items, results)
        assert all(row.state and set(row.figures) <= set(get_task(task).figures) for row in rows)
    return found


def _agree(task: str, found: Found, theirs: dict[str, float]) -> None:
    ours = values(task, found)
    assert any(not math.isnan(value) for value in ours.values())
    for name, value in ours.items():
        assert theirs[name] == pytest.approx(value, abs=1e-4, nan_ok=True), name


def test_inspect_reports_the_figures(direct: dict[str, Found], checkpoints: dict[str, Path], tmp_path: Path) -> None:
    from inspect_ai import eval as inspect_eval

    logs: Any = inspect_eval(
        [f"sdf_eval/{task}" for task in TASKS],
        model=f"sdf/{checkpoints['llama']}",
        task_args={"belief": str(BELIEF)},
        log_dir=str(tmp_path),
        display="none",
        max_tasks=1,
    )
    assert [log.status for log in logs] == ["success"] * len(TASKS)
    for log, task in zip(logs, TASKS, strict=True):
        (score,) = log.results.scores
        _agree(task, direct[task], {name: metric.value for name, metric in score.metrics.items()})


def test_lm_eval_reports_the_figures(direct: dict[str, Found], checkpoints: dict[str, Path]) -> None:
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from sdf_eval.model import load

    lm = load(str(checkpoints["llama"]))
    manager = TaskManager(
        include_path=str(content_path("tasks")), include_defaults=False, metadata={"belief": str(BELIEF)}
    )
    done: Any = simple_evaluate(
        model=HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=16, softmax_dtype="float32"),
        tasks=[f"sdf_eval_{task}" for task in TASKS],
        task_manager=manager,
        apply_chat_template=True,
        fewshot_as_multiturn=True,
    )
    for task in TASKS:
        reported = done["results"][f"sdf_eval_{task}"]
        _agree(task, direct[task], {name: reported[f"{name},none"] for name in get_task(task).figures})
        for name, error in standard_errors(task, direct[task]).items():
            assert reported[f"{name}_stderr,none"] == pytest.approx(error, abs=1e-4, nan_ok=True), name
