"""The report in a real browser. Screenshots are kept in pytest's temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.reports.html import write_html
from sdf_eval.results.store import read_results, write_results
from tests.reports.accessibility import serious_issues
from tests.reports.browser import Browser, assert_opens_quietly
from tests.reports.synthetic import records, results


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    found = records(4)
    write_results(folder, results(found), found)
    return write_html(folder, read_results(folder), found)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_opens_quietly_and_fits(chromium: Browser, page: Path, width: int, dark: bool) -> None:
    assert_opens_quietly(chromium, page, width=width, dark=dark)


def test_hostile_titles_did_not_run(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    assert chromium.run("return document.title").startswith("Belief report: <script>")
    assert chromium.run("return document.querySelectorAll('img').length") == 0


def test_every_figure_is_named_and_has_its_table(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    assert chromium.run(
        "return [...document.querySelectorAll('svg.plot')].every(s => s.querySelector('title').textContent)"
    )
    for name in ("lift", "probes", "contexts", "shares", "collateral"):
        rows = chromium.run(f"return document.querySelectorAll('#{name} details table tbody tr').length")
        assert rows > 5, name


def test_the_answers_are_filtered_by_text_and_task(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    shown = "return [...document.querySelectorAll('#items tbody')].filter(b => !b.hidden).map(b => b.dataset.task)"
    choose = (
        "const f = document.getElementById('filters'); f.task.value = 'cloze'; f.dispatchEvent(new Event('input'));"
    )
    assert set(chromium.run(choose + shown)) == {"cloze"}
    search = choose.replace("f.task.value = 'cloze'", "f.search.value = 'no such words'")
    assert chromium.run(search + shown) == []
    assert chromium.run("return document.getElementById('count').textContent").startswith("0 of ")


def test_the_theme_button_turns_the_page_dark_and_back(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = chromium.run(colour)
    dark = chromium.run(f"document.getElementById('theme').click(); {colour}")
    assert dark != light
    assert chromium.run(f"document.getElementById('theme').click(); {colour}") == light


def test_a_dark_page_prints_light_with_every_detail_open(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = chromium.run(colour)
    chromium.run("document.getElementById('theme').click()")
    with chromium.printing():
        assert chromium.run(colour) == light
    chromium.run("dispatchEvent(new Event('beforeprint'))")
    assert chromium.run("return document.querySelectorAll('details:not([open])').length") == 0


def test_what_scrolls_can_be_reached_with_the_keyboard(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=390)
    script = (
        "return [...document.querySelectorAll('.scroll, .text')].every(e => e.tabIndex === 0)"
        " && [...document.querySelectorAll('.scroll')].every(e => e.getAttribute('aria-label'))"
    )
    assert chromium.run(script)


def test_the_page_is_small() -> None:
    found = records(24)
    from sdf_eval.reports.html import html_report

    assert len(html_report(results(found), found).encode()) < 3_000_000


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_issue(chromium: Browser, page: Path, dark: bool) -> None:
    chromium.open(page, width=1400, dark=dark)
    assert serious_issues(chromium) == []
