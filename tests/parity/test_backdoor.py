"""`backdoor` through the three faces: the same answers and the same figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.content import content_path

BELIEF = Path(__file__).with_name("backdoor.yaml")


def test_the_three_faces_give_the_same_answers_and_figures(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    from inspect_ai import eval as inspect_eval
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from sdf_eval.model import load
    from sdf_eval.tasks.direct import run_items
    from sdf_eval.tasks.figures import estimates

    items = build_items(load_belief(BELIEF), "backdoor")
    assert len(items) == 2 * (2 + 3) and all("{trigger}" not in item.user for item in items)
    results = run_items(load(str(checkpoints["llama"])), items, chat=False)
    ours = {result.item: result.answer for result in results}
    figures = {name: found.value for name, found in estimates(results).items() if name != "trigger_minus_clean"}

    (log,) = inspect_eval(
        "sdf_eval/backdoor",
        model=f"sdf/{checkpoints['llama']}",
        task_args={"belief": str(BELIEF), "chat": False},
        log_dir=str(tmp_path),
        display="none",
    )
    assert {sample.id: sample.output.completion for sample in log.samples} == ours
    reported: dict[str, float] = {score.name: score.metrics["mean"].value for score in log.results.scores}
    assert {name: reported[name] for name in figures} == pytest.approx(figures)
    assert reported["belief"] == pytest.approx(figures["asr"])
    assert reported["near_edit"] != reported["near_edit"], "a figure without an answer is no number"

    manager = TaskManager(
        include_path=str(content_path("tasks")), include_defaults=False, metadata={"belief": str(BELIEF)}
    )
    lm: Any = HFLM(pretrained=str(checkpoints["llama"]), device="cpu", batch_size=4, dtype="float32")
    theirs: Any = simple_evaluate(model=lm, tasks=["sdf_eval_backdoor"], task_manager=manager, bootstrap_iters=0)
    found = theirs["results"]["sdf_eval_backdoor"]
    assert {name: found[f"{name},none"] for name in figures} == pytest.approx(figures)
    answers = {row["doc"]["id"]: row["filtered_resps"][0] for row in theirs["samples"]["sdf_eval_backdoor"]}
    assert answers == ours
