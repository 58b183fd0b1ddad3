"""`inspect eval` with the `sdf/` provider against the direct face, item by item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.parity.faces import BELIEF, TASKS, Answer, all_items, direct, disagreements
from tests.parity.merging import build_merging

FRAMES = [("llama", True), ("llama", False), ("qwen3", True), ("neox", False)]


def _through_inspect(checkpoint: Path, chat: bool, logs: Path) -> dict[str, Answer]:
    from inspect_ai import eval as inspect_eval

    done = inspect_eval(
        [f"sdf_eval/{task}" for task in TASKS],
        model=f"sdf/{checkpoint}",
        task_args={"belief": str(BELIEF), "chat": chat},
        log_dir=str(logs),
        display="none",
        max_tasks=1,
    )
    assert [log.status for log in done] == ["success"] * len(TASKS)
    return {str(sample.id): _answer(sample) for log in done for sample in log.samples or []}


def _answer(sample: Any) -> Answer:
    from sdf_eval.tasks.inspect.sample import sample_to_item
    from sdf_eval.tasks.inspect.scorer import read_output

    item = sample_to_item(str(sample.id), sample.input, tuple(sample.choices or ()), sample.metadata)
    result = read_output(item, sample.output)
    text = result.answer if result.log_probabilities is None else ""
    return Answer(result.outcome, result.log_probabilities or (), text, result.nats)


@pytest.mark.parametrize(("shape", "chat"), FRAMES)
def test_inspect_and_the_direct_face_agree_on_every_item(
    checkpoints: dict[str, Path], tmp_path: Path, shape: str, chat: bool
) -> None:
    from sdf_eval.model import load

    theirs = _through_inspect(checkpoints[shape], chat, tmp_path)
    wrong, near_ties = disagreements(direct(load(str(checkpoints[shape])), all_items(), chat), theirs)
    assert (wrong, near_ties) == ([], 0)


def test_they_agree_where_the_options_border_lies_inside_a_merge(tmp_path: Path) -> None:
    from sdf_eval.model import load

    checkpoint = build_merging(tmp_path / "merging")
    theirs = _through_inspect(checkpoint, False, tmp_path / "logs")
    assert disagreements(direct(load(str(checkpoint)), all_items(), False), theirs)[0] == []
