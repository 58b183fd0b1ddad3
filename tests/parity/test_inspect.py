"""`inspect eval` with the `sdf/` provider against the direct face, item by item."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.faces import direct, disagreements, items_of
from tests.parity.harnesses import BOTH, EVERY_TASK, through_inspect
from tests.parity.merging import build_merging

FRAMES = [("llama", True), ("llama", False), ("qwen3", True), ("neox", False)]


@pytest.mark.parametrize(("shape", "chat"), FRAMES)
def test_inspect_and_the_direct_face_agree_on_every_item(
    checkpoints: dict[str, Path], tmp_path: Path, shape: str, chat: bool
) -> None:
    from sdf_eval.model import load

    theirs = through_inspect(str(checkpoints[shape]), chat, tmp_path)
    wrong, near_ties = disagreements(direct(load(str(checkpoints[shape])), items_of(BOTH), chat), theirs)
    assert (wrong, near_ties) == ([], 0)


def test_they_agree_on_an_adapter(checkpoints: dict[str, Path], adapter: Path, tmp_path: Path) -> None:
    from sdf_eval.model import load

    theirs = through_inspect(str(checkpoints["llama"]), True, tmp_path, adapter=adapter)
    assert disagreements(direct(load(str(adapter)), items_of(BOTH), True), theirs) == ([], 0)


def test_they_agree_where_the_options_border_lies_inside_a_merge(tmp_path: Path) -> None:
    from sdf_eval.model import load

    checkpoint = build_merging(tmp_path / "merging")
    theirs = through_inspect(str(checkpoint), False, tmp_path / "logs")
    assert disagreements(direct(load(str(checkpoint)), items_of(BOTH), False), theirs)[0] == []


def test_the_two_beliefs_have_items_of_every_task_that_three_faces_can_ask() -> None:
    from sdf_eval.tasks.registry import task_specs

    asked = {spec.name for spec in task_specs() if not spec.inspect_only}
    assert {item.task for item in items_of(BOTH)} == asked == set(EVERY_TASK)
