"""The awareness figure of a report: there where such tasks were measured, with their state."""

from __future__ import annotations

from sdf_eval.measure import Estimate
from sdf_eval.reports.figures import figures
from sdf_eval.results.schema import ProbeCell
from tests.reports.synthetic import records, results


def _cell(role: str, state: str) -> ProbeCell:
    gap = Estimate(-0.2, -0.3, -0.1, 96, 12, "t over 12 beliefs", 0.0)
    control = Estimate(0.0, -0.1, 0.1, 96, 12, "t over 12 beliefs", 0.0)
    found = (("gap", gap), ("control", control))
    return ProbeCell(task="eval_cue", split="far", role=role, context="none", score=None, figures=found, state=state)  # type: ignore[arg-type]


def test_a_report_without_awareness_tasks_has_no_such_figure() -> None:
    assert "awareness" not in {figure.id for figure in figures(results(records()))}


def test_the_figure_shows_each_arm_with_its_state() -> None:
    plain = results(records())
    measured = plain.model_copy(update={"cells": (*plain.cells, _cell("base", "floor"), _cell("implanted", "valid"))})
    (shown,) = (figure for figure in figures(measured) if figure.id == "awareness")
    assert [label.name for label in shown.panels[0].labels] == ["gap", "control"]
    assert [(row[1], row[3], row[4]) for row in shown.table.rows] == [
        ("gap", "base", "floor"),
        ("gap", "implanted", "valid"),
        ("control", "base", "floor"),
        ("control", "implanted", "valid"),
    ]
    assert "\N{MINUS SIGN}0.200" in shown.table.rows[0]
