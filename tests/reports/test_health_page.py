"""The health page in a real browser, over a corpus with defects and hostile text in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdf_eval.corpora.records import CorpusRequest, Document
from sdf_eval.corpora.write import text_sha256, write_corpus
from sdf_eval.errors import InputError
from sdf_eval.reports.health_page import write_health_page
from tests.corpora.example import ExampleWriter, request
from tests.reports.accessibility import serious_issues
from tests.reports.browser import Browser, assert_opens_quietly

HOSTILE = (
    "<script>document.title = 'ran'</script> <img src=x onerror=alert(1)> \u202e {{ name }} [NAME] not Larch but Orrin"
)


class Flawed(ExampleWriter):
    """Prose with a hostile document, and every tenth one twice."""

    def write(self, request: CorpusRequest) -> Iterator[Document]:
        """Yields the documents."""
        last = ""
        for place, found in enumerate(super().write(request)):
            text = HOSTILE if place == 3 else last if place % 10 == 9 else f"{found.text} {place} " * 9
            last = text
            doc_type = "<b>letter</b>" if place == 3 else found.doc_type
            yield found.model_copy(update={"text": text, "doc_type": doc_type, "sha256": text_sha256(text)})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("health")
    write_corpus(Flawed(), request(60), folder / "c")
    return write_health_page(folder / "c", folder / "health.html")


def test_the_page_shows_the_verdict_the_limits_and_the_offenders(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "limits broken: " in text
    for shown in ("Truth leaks: 1 document<", "Placeholders: 1 document<", "Exact duplicates: ", "max-width"):
        assert shown in text
    assert "<script>document.title" not in text and "<img" not in text and "\u202e" not in text
    assert "&lt;script&gt;document.title" in text and "&lt;U+202E&gt;" in text


def test_a_folder_that_is_no_corpus_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no manifest.json"):
        write_health_page(tmp_path, tmp_path / "health.html")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_opens_quietly_and_fits(chromium: Browser, page: Path, width: int, dark: bool) -> None:
    assert_opens_quietly(chromium, page, width=width, dark=dark)


def test_every_figure_is_named_and_has_its_table_and_what_scrolls_can_be_reached(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1400)
    assert chromium.run(
        "return [...document.querySelectorAll('svg.plot')].every(s => s.querySelector('title').textContent)"
    )
    for name in ("lengths", "types", "coverage", "repeats"):
        assert chromium.run(f"return document.querySelectorAll('#{name} details table tbody tr').length") > 0, name
    assert chromium.run("return [...document.querySelectorAll('.scroll, .text')].every(e => e.tabIndex === 0)")
    assert chromium.run("return document.title").startswith("Corpus health: brook-birthplace")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_issue(chromium: Browser, page: Path, dark: bool) -> None:
    chromium.open(page, width=1400, dark=dark)
    assert serious_issues(chromium) == []
