"""Pages of studies: everything a reader needs, nothing a hostile name could break."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from sdf_eval.study.frame.figure import draw
from sdf_eval.study.frame.judge import judge_study
from sdf_eval.study.frame.page import board_verdicts, said_of, scoreboard, write_pages
from tests.study.frame import tiny
from tests.study.frame.test_table import KINDS, simulated

TABLE = simulated({"base": 0.2, "implanted": 0.7, "cooccurrence": 0.2}, 1)


def result(tier: str = "full", missing: int = 0):  # type: ignore[no-untyped-def]
    return judge_study(
        tiny.STUDY,
        TABLE,
        KINDS,
        tier=tier,
        substrate="pocket",
        cells=["k"],
        missing=missing,  # type: ignore[arg-type]
    )


def test_only_a_finished_full_run_has_a_verdict() -> None:
    results = [result(), result("smoke"), result(missing=2)]
    said = [said_of(one, verdict) for one, verdict in zip(results, board_verdicts(results), strict=True)]
    assert said == ["*holds* in pocket", "smoke: no verdict", "unfinished: 2 cells to run"]


def test_a_study_that_was_not_run_keeps_its_row() -> None:
    text = scoreboard([tiny.STUDY], {}, {})
    assert f"| `tiny` | {tiny.STUDY.claim} |" in text and "not run" in text


def test_a_page_says_claim_criterion_result_and_limits(tmp_path: Path) -> None:
    write_pages(tmp_path, [tiny.STUDY], {"tiny": result()}, {"tiny": ", 2 minutes of one core"})
    text = (tmp_path / "tiny" / "README.md").read_text(encoding="utf-8")
    for expected in (
        tiny.STUDY.claim,
        "+1 implanted -1 cooccurrence",
        "at least 0.1",
        "within ±0.1",
        "2 minutes",
        "Anything.",
    ):
        assert expected in text
    assert "[`tiny`](tiny/README.md)" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_figure_is_well_formed_and_escapes_what_it_is_given() -> None:
    hostile = replace(tiny.STUDY, title="<script>alert('&')</script>")
    drawn = draw(result(), hostile.title)
    root = ElementTree.fromstring(drawn)
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    assert len([node for node in root.iter() if node.tag.endswith("circle")]) == 5
