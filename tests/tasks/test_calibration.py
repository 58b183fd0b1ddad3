"""What the package says a task can tell comes from the calibration, and its documents say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from sdf_eval.tasks.calibration import calibrations, status_of, table
from sdf_eval.tasks.registry import task_specs

ROOT = Path(__file__).parents[2]


def test_every_task_that_scores_a_belief_is_calibrated() -> None:
    assert set(calibrations()["pocket"]) == {spec.name for spec in task_specs() if spec.metric == "belief"}


@pytest.mark.parametrize(
    ("area", "organisms", "status"),
    [(None, 0, "not applicable"), (0.949, 99, "floor"), (0.949, 3, "floor"), (0.95, 20, "valid"), (1.0, 19, "too few")],
)
def test_a_status_follows_from_the_area_and_how_many_it_is_over(
    area: float | None, organisms: int, status: str
) -> None:
    assert status_of(area, organisms) == status


def test_statuses_and_figures_are_those_of_the_report() -> None:
    rows = json.loads((ROOT / "reports" / "calibration.json").read_text(encoding="utf-8"))["rows"]
    for row in rows:
        one = calibrations()["pocket"].get(row["task"])
        if one is None or one.auroc is None:
            continue
        assert one.auroc[0] == pytest.approx(row["auroc"]["value"], abs=1e-4)
        assert (list(one.found), list(one.false)) == (row["found"], row["false"][:2])
        assert one.status == status_of(one.auroc[0], one.found[1])


def test_the_readme_has_the_table() -> None:
    assert table("pocket") in (ROOT / "tasks" / "README.md").read_text(encoding="utf-8")


def test_the_list_of_tasks_says_which_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == 0
    found = {row["name"]: row["pocket"] for row in json.loads(capsys.readouterr().out)}
    assert found["mcq_knowledge"] == "valid" and found["salience"] == "floor" and found["coherence"] == ""
