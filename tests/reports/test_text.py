from __future__ import annotations

import io

import pytest
from rich.console import Console

from sdf_eval.reports.html import html_report
from sdf_eval.reports.markdown import markdown_report
from sdf_eval.reports.table import summary_table
from sdf_eval.reports.text import clean, number, one_line
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
