"""Calls: what their keys depend on."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sdf_eval.corpora.calls import Call, CallCounts
from sdf_eval.corpora.prompts import Prompt

CALL = Call("document", Prompt((("system", "s"), ("user", "u")), "p@1"), "anthropic/claude-haiku-4-5", 100)


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, prompt=Prompt((("user", "s"), ("user", "u")), "p@1")),
        replace(CALL, prompt=Prompt((("system", "s"), ("user", "u\ud800")), "p@1")),
        replace(CALL, model="anthropic/claude-opus-4-7"),
        replace(CALL, max_tokens=101),
        replace(CALL, temperature=1.0),
        replace(CALL, sample=1),
    ],
)
def test_whatever_changes_the_question_changes_the_key(other: Call) -> None:
    assert other.key != CALL.key


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, stage="revision"),
        replace(CALL, tags=("content",)),
        replace(CALL, prompt=Prompt(CALL.prompt.messages, "p@2")),
    ],
)
def test_what_the_question_is_for_does_not_change_the_key(other: Call) -> None:
    assert other.key == CALL.key


def test_a_key_is_a_custom_id_that_a_batch_takes() -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", CALL.key)


def test_a_key_does_not_change_between_versions() -> None:
    """Else paid answers would be asked again."""
    assert CALL.key == "e8caa9d7d8983d5b3c0819c27969c969938617c28533433c780d9edaf2670fce"


def test_counts_read_as_one_line() -> None:
    counts = CallCounts(sent=5, from_ledger=2, resent=1, retried=3, refused={"empty": 1}, cost=None)
    assert str(counts) == (
        "5 sent, 2 from the ledger, 1 sent again after a stop, 3 retried, 1 given up (1 empty); "
        "0 tokens in, 0 out, unknown price"
    )
