"""`eval.yaml`: made of the tasks, in the form that inspect_evals reads, and one version for all harnesses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from inspect_ai import Task

from sdf_eval import _registry
from sdf_eval.results.measured import comparability
from sdf_eval.tasks.inspect import listing, tasks
from sdf_eval.tasks.inspect.agent import agent_scenarios
from sdf_eval.tasks.inspect.reader_agreement import reader_agreement
from sdf_eval.tasks.inspect.versions import COMPARABILITY, VERSION
from sdf_eval.tasks.lm_eval import generate

# Fields and values of `InternalEvalMetadata` in inspect_evals 0.26.0, which forbids any other.
FIELDS = {"title", "description", "arxiv", "group", "contributors", "version", "tasks", "external_assets", "metadata"}
TASK_FIELDS = {"name", "dataset_samples", "comment", "kind"}


def _read() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(listing.LISTING.read_text(encoding="utf-8"))
    return read


def test_the_committed_listing_is_what_the_tasks_give() -> None:
    assert listing.main(["--check"]) == 0


def test_a_stale_listing_is_named_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LISTING", tmp_path / "eval.yaml")
    assert listing.main(["--check"]) == 1
    assert listing.main([]) == 0
    assert listing.main(["--check"]) == 0


def test_the_listing_has_the_fields_of_inspect_evals() -> None:
    read = _read()
    assert set(read) == FIELDS and "\n" not in read["description"]
    assert all(set(task) <= TASK_FIELDS for task in read["tasks"])
    assert re.fullmatch(r"\d+-[A-Z]", read["version"])
    assert [task["name"] for task in read["tasks"] if task.get("kind") == "maintenance"] == ["reader_agreement"]


def test_every_task_of_the_entry_point_is_listed_once() -> None:
    names = [task["name"] for task in _read()["tasks"]]
    registered = [name for name in _registry.__all__ if _makes_a_task(getattr(_registry, name))]
    assert sorted(names) == sorted(registered)


@pytest.mark.parametrize("name", ["cloze", "debate", "source_tag"])
def test_the_samples_are_those_of_the_task(name: str) -> None:
    (row,) = [task for task in _read()["tasks"] if task["name"] == name]
    assert row["dataset_samples"] == len(getattr(tasks, name)().dataset)


def test_every_task_carries_the_version_and_both_harnesses_agree_on_it() -> None:
    for made in (tasks.cloze(), agent_scenarios(), reader_agreement()):
        assert made.version == COMPARABILITY
        assert made.metadata is not None and made.metadata["full_task_version"] == VERSION
    assert comparability(VERSION) == comparability(COMPARABILITY) == comparability(generate.VERSION)


def _makes_a_task(made: Any) -> bool:
    return getattr(made, "__annotations__", {}).get("return") in (Task, "Task")
