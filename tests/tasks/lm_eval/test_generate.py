"""The YAML in `tasks/`: equal to the registry, and buildable by lm-eval from any directory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lm_eval.api.group import Group
from lm_eval.tasks import TaskManager

from sdf_eval.content import content_path
from sdf_eval.tasks.leaderboard import BOARDS, Board, board_items
from sdf_eval.tasks.lm_eval.generate import generated_files, main, stale_files, write_files
from sdf_eval.tasks.lm_eval.metrics import metric_names
from sdf_eval.tasks.registry import task_specs
from tests.parity.faces import BELIEF


def test_the_committed_files_are_what_the_registry_generates() -> None:
    assert main(["--check"]) == 0


def test_drift_is_named_and_mended(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    shutil.copytree(content_path("tasks"), folder)
    (folder / "belief" / "cloze.yaml").write_text("task: sdf_eval_cloze\n")
    (folder / "belief" / "gone.yaml").write_text("task: sdf_eval_gone\n")
    (folder / "_base_yaml").unlink()
    stale = ["_base_yaml", "belief/cloze.yaml", "belief/gone.yaml"]
    assert stale_files(folder) == stale
    assert write_files(folder) == stale
    assert stale_files(folder) == []
    assert not (folder / "belief" / "gone.yaml").exists()


def test_every_family_has_a_readme_that_names_its_tasks() -> None:
    for spec in task_specs():
        assert f"`{spec.name}`" in content_path("tasks", spec.family, "README.md").read_text(encoding="utf-8")


def test_every_task_and_group_builds_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    manager = _manager({"belief": str(BELIEF)})
    specs = [spec for spec in task_specs() if not spec.inspect_only]
    names = {f"sdf_eval_{spec.name}" for spec in specs}
    families = {f"sdf_eval_{spec.family}" for spec in specs}
    frozen = {board.task_name(task) for board in BOARDS for task in board.digests}
    assert set(manager.all_subtasks) == names | frozen
    assert set(manager.all_groups) == {"sdf_eval", *families, *(board.group for board in BOARDS)}
    loaded = manager.load("sdf_eval")
    assert set(loaded["tasks"]) == names
    for spec in specs:
        task = loaded["tasks"][f"sdf_eval_{spec.name}"]
        assert set(task.aggregation()) == set(metric_names(spec))
        assert task.VERSION == 1.0
    assert isinstance(loaded["groups"]["sdf_eval_belief"], Group)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.group)
def test_a_leaderboard_builds_with_its_version_and_every_item(board: Board) -> None:
    loaded = _manager({}).load(board.group)
    assert set(loaded["tasks"]) == {board.task_name(task) for task in board.digests}
    assert {task.VERSION for task in loaded["tasks"].values()} == {board.version}
    assert loaded["groups"][board.group].version == str(board.version)
    for task in board.digests:
        assert len(loaded["tasks"][board.task_name(task)].eval_docs) == len(board_items(board, task))


def _manager(metadata: dict[str, str]) -> TaskManager:
    return TaskManager(include_path=str(content_path("tasks")), include_defaults=False, metadata=metadata)


def test_no_generated_file_holds_a_path_of_this_machine() -> None:
    assert not [name for name, text in generated_files().items() if str(content_path("tasks").parent) in text]
