from __future__ import annotations

import io

import pytest
from rich.console import Console

from sdf_eval.measure import Estimate
from sdf_eval.reports.figures import figures
from sdf_eval.reports.html import html_report
from sdf_eval.reports.limits import limits
from sdf_eval.reports.markdown import markdown_report
from sdf_eval.reports.table import summary_table
from sdf_eval.reports.text import clean, method_text, number, one_line
from sdf_eval.reports.verdict import cost_sentence
from sdf_eval.study.arms import COLLATERAL_TASKS
from tests.reports.synthetic import HOSTILE, records, results


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "<U+001B>[2J"),
        ("a\u202eb", "a<U+202E>b"),
        ("\ud800", "<U+D800>"),
        ("keep\nlines\tand مرحبا 🙂", "keep\nlines\tand مرحبا 🙂"),
    ],
)
def test_invisible_characters_are_spelt_out(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_ten_megabytes_of_one_character_are_cut() -> None:
    assert len(clean("a" * 10_000_000)) < 4100
    assert "10,000,000 characters" in clean("a" * 10_000_000)
    assert len(one_line("b " * 5_000_000)) < 200


def test_a_number_has_a_true_minus_and_no_negative_zero() -> None:
    assert number(-0.5) == "\N{MINUS SIGN}0.50"
    assert number(-0.001) == "0.00"


def test_hostile_text_is_inert_in_the_page_and_in_markdown() -> None:
    found = records(1)
    made = results(found)
    page, text = html_report(made, found), markdown_report(made)
    for output in (page, text):
        assert "<script>document" not in output
        assert "<img" not in output
        assert "\x1b" not in output
        assert "\u202e" not in output


def test_hostile_text_is_inert_in_the_terminal() -> None:
    found = records(1)
    buffer = io.StringIO()
    Console(file=buffer, width=120).print(summary_table(results(found)))
    assert "\x1b" not in buffer.getvalue()


def test_a_page_of_ten_megabyte_answers_stays_small() -> None:
    found = [r.model_copy(update={"question": "a" * 10_000_000, "answer": HOSTILE * 5000}) for r in records(1)[:40]]
    assert len(html_report(results(records(1)), found)) < 3_000_000


def test_two_beliefs_of_one_title_are_two_rows() -> None:
    made = results(records(3))
    twins = tuple(belief.model_copy(update={"title": "The same"}) for belief in made.beliefs)
    lifts = next(f for f in figures(made.model_copy(update={"beliefs": twins})) if f.id == "lift")
    assert {row[0] for row in lifts.table.rows} == {"All beliefs", *(f"The same (belief-{n})" for n in range(3))}


def test_two_beliefs_are_said_to_have_no_interval_over_beliefs() -> None:
    found = records(2)
    text = " ".join(limits(results(found)))
    assert "Two beliefs were measured" in text and "over facts or probes" in text


def test_a_cost_is_claimed_only_where_neutral_did_not_lose_as_much() -> None:
    found = [
        r.model_copy(update={"outcome": "other"})
        if r.role in ("implanted", "neutral") and r.task in COLLATERAL_TASKS and r.probe.endswith("0")
        else r
        for r in records(16, hostile=False)
    ]
    assert "training on something else may lose as many" in cost_sentence(results(found, hostile=False))
    only = [r if r.role != "neutral" else o for r, o in zip(found, records(16, hostile=False), strict=True)]
    assert "It came at a cost" in cost_sentence(results(only, hostile=False))


def test_an_interval_over_too_few_units_says_so_beside_its_method() -> None:
    assert (
        method_text(Estimate(0.5, 0.1, 0.9, 2, 2, "t over 2 items")) == "t over 2 items; too few to trust the interval"
    )
    assert method_text(Estimate(0.5, 0.4, 0.6, 9, 9, "t over 9 items")) == "t over 9 items"
