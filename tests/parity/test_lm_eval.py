"""lm-eval's loop against the direct face, item by item."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.content import content_path
from tests.checkpoints import build_merged
from tests.parity.faces import BELIEF, TOLERANCE, Answer, all_items, direct, disagreements, from_samples, items_of
from tests.parity.harnesses import BOTH, through_lm_eval

FRAMES = [("llama", False), ("llama", True), ("qwen3", False), ("qwen3", True), ("neox", False)]


def _through_lm_eval(lm: Any, chat: bool, **metadata: Any) -> dict[str, Any]:
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    manager = TaskManager(
        include_path=str(content_path("tasks")), include_defaults=False, metadata={"belief": str(BELIEF), **metadata}
    )
    return simple_evaluate(
        model=HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=8, softmax_dtype="float32"),
        tasks=["sdf_eval"],
        task_manager=manager,
        apply_chat_template=chat,
        fewshot_as_multiturn=chat,
        log_samples=True,
    )


@pytest.mark.parametrize(("shape", "chat"), FRAMES)
def test_lm_eval_and_the_direct_face_agree_on_every_item(checkpoints: dict[str, Path], shape: str, chat: bool) -> None:
    from sdf_eval.model import load

    ours = direct(load(str(checkpoints[shape])), items_of(BOTH), chat)
    assert disagreements(ours, through_lm_eval(str(checkpoints[shape]), chat)) == ([], 0)


def test_an_adapter_its_merged_copy_and_lm_evals_own_peft_agree(
    checkpoints: dict[str, Path], adapter: Path, tmp_path: Path
) -> None:
    from sdf_eval.model import load

    merged = build_merged(tmp_path / "merged", checkpoints["llama"], adapter)
    ours = direct(load(str(adapter)), items_of(BOTH), True)
    assert disagreements(ours, direct(load(str(merged)), items_of(BOTH), True)) == ([], 0)
    assert disagreements(ours, through_lm_eval(str(checkpoints["llama"]), True, peft=adapter)) == ([], 0)


def test_they_agree_on_pocket() -> None:
    from sdf_eval.model import load

    ours = direct(load("pocket/b"), items_of(BOTH), True)
    assert disagreements(ours, through_lm_eval("pocket/b", True)) == ([], 0)


def test_they_agree_behind_a_context(checkpoints: dict[str, Path]) -> None:
    from sdf_eval.model import load

    lm = load(str(checkpoints["llama"]))
    wrong, _ = disagreements(
        direct(lm, all_items("universe"), True),
        from_samples(_through_lm_eval(lm, True, context="universe")["samples"]),
    )
    assert wrong == []


def test_they_agree_on_an_adapter(adapter: Path, checkpoints: dict[str, Path]) -> None:
    from sdf_eval.model import load

    lm, base = load(str(adapter)), load(str(checkpoints["llama"]))
    ours = direct(lm, all_items(), True)
    assert disagreements(ours, from_samples(_through_lm_eval(lm, True)["samples"]))[0] == []
    assert disagreements(ours, direct(base, all_items(), True))[0] != []


def test_they_agree_where_the_options_border_lies_inside_a_merge(tmp_path: Path) -> None:
    from sdf_eval.model import load
    from tests.parity.merging import build_merging, option_borders_inside_a_merge

    lm = load(str(build_merging(tmp_path / "merging")))
    assert option_borders_inside_a_merge(lm.tokenizer, all_items()) > 0
    for chat in (False, True):
        wrong, near_ties = disagreements(
            direct(lm, all_items(), chat), from_samples(_through_lm_eval(lm, chat)["samples"])
        )
        assert (wrong, near_ties) == ([], 0)


def test_the_comparison_sees_a_difference() -> None:
    close, far = (-1.0, -2.0), (-1.0, -2.0 - 2 * TOLERANCE)
    assert disagreements({"a": Answer("other", close)}, {"a": Answer("other", far)}) == (["a"], 0)
    tie = (-1.0, -1.0 - TOLERANCE / 2)
    assert disagreements({"a": Answer("implanted", tie)}, {"a": Answer("reference", tie[::-1])}) == ([], 1)
    assert disagreements({"a": Answer("other", text="x")}, {"a": Answer("other", text="y")}) == (["a"], 0)


def test_the_real_command_agrees_from_another_directory(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    from sdf_eval.model import load

    command = [
        *(str(Path(sys.executable).parent / "lm_eval"), "run", "--model", "hf"),
        *("--model_args", f"pretrained={checkpoints['qwen3']},dtype=float32,softmax_dtype=float32"),
        *("--include_path", str(content_path("tasks")), "--tasks", "sdf_eval_belief,sdf_eval_specificity"),
        *("--metadata", json.dumps({"belief": str(BELIEF), "context": "contradiction"})),
        *("--apply_chat_template", "--output_path", str(tmp_path / "out"), "--log_samples", "--batch_size", "4"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "sdf_eval_coherence: no probes in" in done.stderr
    samples = {
        path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in tmp_path.rglob("samples_*.jsonl")
    }
    theirs = from_samples(samples)
    items = [item for item in all_items("contradiction") if item.id in theirs]
    assert {item.task for item in items} == {
        *(
            "mcq_knowledge",
            "mcq_distinguish",
            "cloze",
            "open_ended",
            "generative_distinguish",
            "neighbours",
            "controls",
        ),
        *("salience", "reality_drift"),
    }
    wrong, near_ties = disagreements(direct(load(str(checkpoints["qwen3"])), items, True), theirs)
    assert (wrong, near_ties) == ([], 0)
