"""Admission: which answers are let in, and why the others are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdf_eval.corpora.admission import Admitted, admit

ONE = ("content",)


def _parts(text: str, tags: tuple[str, ...] = ONE) -> dict[str, tuple[str, ...]]:
    verdict = admit(text, "stop", tags)
    assert isinstance(verdict, Admitted), verdict
    return dict(verdict.parts)


def test_the_contents_of_the_tags_are_handed_out_in_order_without_blanks_around_them() -> None:
    text = "<scratchpad>x</scratchpad>\n<idea>\n one </idea><idea>two</idea>\n<note>n</note>"
    assert _parts(text, ("idea", "note")) == {"idea": ("one", "two"), "note": ("n",)}


def test_without_tags_any_text_that_is_not_blank_is_admitted() -> None:
    assert _parts("plain", ()) == {}


@pytest.mark.parametrize(
    ("text", "stop_reason", "reason"),
    [
        ("<content>The tide", "stop", "unclosed_tag"),
        ("The tide</content>", "stop", "unclosed_tag"),
        ("</content>The tide<content>", "stop", "unclosed_tag"),
        ("<content>a<content>b</content></content>", "stop", "unclosed_tag"),
        ("<content>a</content><content>b", "stop", "unclosed_tag"),
        ("a text that forgot them", "stop", "unclosed_tag"),
        ("<content> \n </content>", "stop", "empty"),
        ("<content>a</content><content></content>", "stop", "empty"),
        (" \n", "stop", "empty"),
        ("<content>whole</content>", "max_tokens", "max_tokens"),
        ("<content>whole</content>", "model_length", "max_tokens"),
        ("", "content_filter", "refusal"),
        ("<content>whole</content>", "content_filter", "refusal"),
        ("I’m sorry, but I can't help with that.", "stop", "refusal"),
        ("I cannot write this.", "stop", "refusal"),
    ],
)
def test_an_answer_that_is_not_whole_is_turned_away_with_the_reason(text: str, stop_reason: str, reason: str) -> None:
    assert admit(text, stop_reason, ONE) == reason


def test_a_document_that_opens_like_a_refusal_is_none() -> None:
    assert _parts("<content>I cannot thank the harbour office enough.</content>")


@given(st.text(st.characters(codec=None)))
def test_any_text_inside_the_tags_comes_out_as_it_went_in(text: str) -> None:
    verdict = admit(f"<content>{text}</content>", "stop", ONE)
    if "<content>" in text or "</content>" in text:
        assert verdict == "unclosed_tag"
    elif not text.strip():
        assert verdict == "empty"
    else:
        assert verdict == Admitted({"content": (text.strip(),)})
