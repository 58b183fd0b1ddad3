"""The comparison page in a real browser, with hostile text in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.gate.compare import compare
from sdf_eval.gate.policy import load_policy
from sdf_eval.reports.comparison import PAGE, write_comparison
from sdf_eval.reports.comparison_page import comparison_page
from tests.gate.simulated import hostile, measured, null
from tests.reports.accessibility import serious_issues
from tests.reports.browser import Browser, assert_opens_quietly

POLICY = load_policy("default")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    write_comparison(folder, compare(hostile(measured(0)), hostile(measured(77, lift=0.3)), null(20), POLICY))
    return folder / PAGE


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_opens_quietly_and_fits(chromium: Browser, page: Path, width: int, dark: bool) -> None:
    assert_opens_quietly(chromium, page, width=width, dark=dark)


def test_hostile_text_did_not_run(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    assert chromium.run("return document.title").startswith("fail: ")
    assert chromium.run("return document.querySelectorAll('img, script').length") == 1


def test_every_family_has_a_row_and_the_benign_finetunes_stand_beside_it(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    families = len(compare(measured(0), measured(77, lift=0.3), null(20), POLICY).families)
    assert chromium.run("return document.querySelectorAll('#harm details tbody tr').length") == families
    assert chromium.run("return document.querySelectorAll('#harm .arm.implanted').length") == families
    assert chromium.run("return document.querySelectorAll('#harm .arm.base').length") == families


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_issue(chromium: Browser, page: Path, dark: bool) -> None:
    chromium.open(page, width=1400, dark=dark)
    assert serious_issues(chromium) == []


def test_the_verdict_is_a_sentence_for_each_of_the_three() -> None:
    passing = comparison_page(compare(measured(0), measured(5), null(20), POLICY))
    unclear = comparison_page(compare(measured(0), measured(5), null(3), POLICY))
    assert "No regression: checkpoint-5 is no worse than checkpoint-0" in passing
    assert "Inconclusive: whether checkpoint-5 got worse" in unclear
