"""A comparison on paper: every number is there, hostile text is inert, CI servers can read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from sdf_eval.gate.compare import compare
from sdf_eval.gate.policy import load_policy
from sdf_eval.gate.schema import Comparison
from sdf_eval.reports.comparison import junit_xml, markdown_comparison, write_comparison
from tests.gate.simulated import hostile, measured, null
from tests.reports.synthetic import HOSTILE

POLICY = load_policy("default")
NULL = null(20)


@pytest.fixture(scope="module")
def failed() -> Comparison:
    return compare(hostile(measured(0)), hostile(measured(77, lift=0.3)), [], POLICY).model_copy(
        update={"verdict": "fail", "command": "sdf-eval compare\na b"}
    )


def test_the_markdown_shows_verdict_families_and_what_moved() -> None:
    found = compare(measured(0), measured(77, lift=0.3), NULL, POLICY)
    page = markdown_comparison(found)
    belief = found.families[0]
    assert page.startswith("# FAIL: checkpoint-77 against checkpoint-0\n")
    assert f"| belief | regressed | {belief.base:.2f} | {belief.candidate:.2f} |" in page
    assert "## Items that got worse most" in page and belief.moved[0].task.replace("_", "\\_") in page
    assert "20 benign finetunes" in page


def test_hostile_text_is_inert_in_markdown(failed: Comparison) -> None:
    page = markdown_comparison(failed)
    assert "<script" not in page and "<img" not in page
    assert "\x1b" not in page and "\u202e" not in page
    assert not any(line.startswith("# title") for line in page.splitlines())


def test_hostile_text_is_inert_in_junit(failed: Comparison) -> None:
    changed = failed.families[0].model_copy(update={"reason": HOSTILE + "\x00\x1b"})
    content = junit_xml(failed.model_copy(update={"families": (changed,), "missing": (HOSTILE,)}))
    assert b"<script" not in content
    suite = ElementTree.fromstring(content)[0]
    assert len(suite) == 3


@pytest.mark.parametrize(("lift", "pairs", "failures", "errors"), [(0.0, 20, 0, 0), (0.3, 20, 1, 0), (0.0, 3, 0, 1)])
def test_junit_counts_what_the_verdict_rests_on(lift: float, pairs: int, failures: int, errors: int) -> None:
    found = compare(measured(0), measured(77, lift=lift), NULL[:pairs], POLICY)
    suite = ElementTree.fromstring(junit_xml(found))[0]
    failing = [case.get("name") for case in suite if case.find("failure") is not None]
    assert (suite.get("failures"), suite.get("errors")) == (str(len(failing)), str(errors))
    assert bool(failing) == bool(failures) and int(suite.get("tests") or 0) == len(found.families) + 1


def test_the_json_reads_back(tmp_path: Path, failed: Comparison) -> None:
    write_comparison(tmp_path / "out", failed)
    text = (tmp_path / "out" / "comparison.json").read_bytes()
    assert Comparison.model_validate_json(text) == failed
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparison.json",
        "comparison.md",
        "comparison.html",
        "junit.xml",
    }
