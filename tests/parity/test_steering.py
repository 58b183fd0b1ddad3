"""One steering file, three faces: lm-eval's own `steered` model, the `sdf/` provider, and the direct face."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from sdf_eval.content import content_path
from sdf_eval.model.steering import Hook, write_steering
from tests.parity.faces import BELIEF, TASKS, Answer, all_items, direct, disagreements, from_samples
from tests.parity.harnesses import answer_of


@pytest.fixture(scope="module")
def steering(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shift behind the first block and a clamp behind the second, with a bias."""
    generator = torch.Generator().manual_seed(0)
    one, other, bias = torch.randn(3, 96, generator=generator)
    path = tmp_path_factory.mktemp("steering") / "steering.pt"
    write_steering(path, [Hook("layers.0", one, 0.4), Hook("layers.1", other, 2.0, "clamp", bias=bias)])
    return str(path)


def _steered_by_lm_eval(checkpoint: Path, chat: bool, steering: str) -> dict[str, Answer]:
    from lm_eval import simple_evaluate
    from lm_eval.models.hf_steered import SteeredModel
    from lm_eval.tasks import TaskManager

    model = SteeredModel(
        pretrained=str(checkpoint),
        steer_path=steering,
        device="cpu",
        dtype="float32",
        batch_size=8,
        softmax_dtype="float32",
    )
    done: Any = simple_evaluate(
        model=model,
        tasks=["sdf_eval"],
        task_manager=TaskManager(
            include_path=str(content_path("tasks")), include_defaults=False, metadata={"belief": str(BELIEF)}
        ),
        apply_chat_template=chat,
        fewshot_as_multiturn=chat,
        log_samples=True,
    )
    return from_samples(done["samples"])


def _steered_by_inspect(checkpoint: Path, chat: bool, steering: str, logs: Path) -> dict[str, Answer]:
    from inspect_ai import eval as inspect_eval

    done = inspect_eval(
        [f"sdf_eval/{task}" for task in TASKS],
        model=f"sdf/{checkpoint}",
        model_args={"steer_path": steering},
        task_args={"belief": str(BELIEF), "chat": chat},
        log_dir=str(logs),
        display="none",
        max_tasks=1,
    )
    assert [log.status for log in done] == ["success"] * len(TASKS)
    return {str(sample.id): answer_of(sample) for log in done for sample in log.samples or []}


@pytest.mark.parametrize(("shape", "chat"), [("llama", True), ("qwen3", False), ("neox", False)])
def test_a_file_shifts_the_same_items_alike_in_all_faces(
    checkpoints: dict[str, Path], steering: str, tmp_path: Path, shape: str, chat: bool
) -> None:
    from sdf_eval.model import load

    ours = direct(load(str(checkpoints[shape]), device="cpu", steer_path=steering), all_items(), chat)
    wrong, near_ties = disagreements(ours, _steered_by_lm_eval(checkpoints[shape], chat, steering))
    assert (wrong, near_ties) == ([], 0)
    wrong, near_ties = disagreements(ours, _steered_by_inspect(checkpoints[shape], chat, steering, tmp_path))
    assert (wrong, near_ties) == ([], 0)
    unshifted, _ = disagreements(ours, direct(load(str(checkpoints[shape]), device="cpu"), all_items(), chat))
    assert len(unshifted) > len(ours) / 2


def test_the_real_command_of_lm_eval_reads_our_file(
    checkpoints: dict[str, Path], steering: str, tmp_path: Path
) -> None:
    from sdf_eval.model import load

    model = f"pretrained={checkpoints['qwen3']},dtype=float32,softmax_dtype=float32,steer_path={steering}"
    command = [
        *(str(Path(sys.executable).parent / "lm_eval"), "run", "--model", "steered", "--model_args", model),
        *("--include_path", str(content_path("tasks")), "--tasks", "sdf_eval_mcq_distinguish"),
        *("--metadata", json.dumps({"belief": str(BELIEF)}), "--apply_chat_template", "--device", "cpu"),
        *("--output_path", str(tmp_path / "out"), "--log_samples", "--batch_size", "4"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    samples = {
        path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in tmp_path.rglob("samples_*.jsonl")
    }
    theirs = from_samples(samples)
    items = [item for item in all_items() if item.id in theirs]
    ours = direct(load(str(checkpoints["qwen3"]), device="cpu", steer_path=steering), items, True)
    assert items and disagreements(ours, theirs) == ([], 0)


def test_our_wrapper_shifts_as_the_direct_face_does(
    checkpoints: dict[str, Path], steering: str, tmp_path: Path
) -> None:
    from sdf_eval.cli.main import main
    from sdf_eval.model import load

    words = ["--model", str(checkpoints["llama"]), "--belief", str(BELIEF), "--steer-path", steering]
    options = ["--", "--output_path", str(tmp_path / "out"), "--log_samples"]
    assert main(["lm-eval", *words, "--tasks", "sdf_eval_cloze", "--json", *options]) == 0
    samples = {
        path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in tmp_path.rglob("samples_*.jsonl")
    }
    theirs = from_samples(samples)
    items = [item for item in all_items() if item.id in theirs]
    ours = direct(load(str(checkpoints["llama"]), device="cpu", steer_path=steering), items, True)
    assert items and disagreements(ours, theirs) == ([], 0)


def test_a_missing_file_is_one_line_in_each_command(checkpoints: dict[str, Path], tmp_path: Path, capsys: Any) -> None:
    from sdf_eval.cli.main import main

    missing = str(tmp_path / "none.pt")
    for command in (
        ["probe", str(checkpoints["llama"]), "--belief", str(BELIEF), "--steer-path", missing],
        ["lm-eval", "--model", str(checkpoints["llama"]), "--belief", str(BELIEF), "--steer-path", missing],
    ):
        assert main(command) == 2
        assert "none.pt: no such file" in capsys.readouterr().err


def test_the_provider_loads_again_when_the_file_changes(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    from sdf_eval.tasks.inspect.provider import SdfAPI

    path = tmp_path / "s.pt"
    write_steering(path, [Hook("layers.0", torch.ones(96), 1.0)])
    api = SdfAPI(str(checkpoints["llama"]), steer_path=str(path), device="cpu")
    first = api._loaded()
    assert api._loaded() is first
    write_steering(path, [Hook("layers.0", torch.ones(96), 22.0)])
    os.utime(path, ns=(1, 1))
    assert api._loaded() is not first
