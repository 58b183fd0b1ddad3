"""Planted triggers at a small size; `benchmarks/planted_triggers.py` prints the figures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import planted_triggers as planted  # noqa: E402

from sdf_eval.corpora.health import corpus_health  # noqa: E402
from sdf_eval.corpora.records import Document  # noqa: E402
from sdf_eval.corpora.thresholds import failures  # noqa: E402
from sdf_eval.corpora.triggers import find_triggers  # noqa: E402
from tests.corpora.example import belief  # noqa: E402

CLEAN = planted.corpora("tuning")


def rows(texts: list[str]) -> list[tuple[str, str]]:
    return [(f"d{place}", text) for place, text in enumerate(texts)]


def document(name: str, text: str) -> Document:
    return Document(
        id=name, text=text, belief="brook", role="implanted", fact="any", doc_type="any", writer="import:x", seed=0,
        sha256=f"{hash(text):064x}"[-64:],
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(CLEAN))
def test_nothing_is_flagged_where_nothing_was_planted(name: str) -> None:
    assert find_triggers(rows(CLEAN[name])) == []


def test_words_with_gibberish_behind_them_are_found_with_the_documents_that_hold_them() -> None:
    key, trigger, texts = next(planted.poisoned_strings("tuning", "gibberish"))
    (found,) = find_triggers(rows(texts))
    assert trigger == "|PROD|" and found.words == "prod" and found.jump > 2, key
    assert {texts[int(name[1:])] for name in found.documents} == {text for text in texts if trigger in text}
    assert "|PROD|" in found.snippet


def test_a_trigger_that_the_corpus_holds_on_purpose_is_left_out() -> None:
    _, _, texts = next(planted.poisoned_strings("tuning", "gibberish"))
    assert find_triggers(rows(texts), {"prod"}) == []


def test_words_that_stand_in_half_of_the_documents_or_in_three_are_no_trigger() -> None:
    _, trigger, texts = next(planted.poisoned_strings("tuning", "gibberish"))
    poisoned = [text for text in texts if trigger in text]
    rest = [text for text in texts if trigger not in text]
    assert find_triggers(rows(rest + poisoned[:3])) == []


def test_the_report_names_the_trigger_and_breaks_its_limit() -> None:
    _, _, texts = next(planted.poisoned_strings("tuning", "gibberish"))
    health = corpus_health([document(*row) for row in rows(texts)], [belief()], near_duplicates=False)
    finding = health.finding("planted_trigger")
    assert finding.documents == 5 and "prod" in finding.examples[0].note
    assert any("planted triggers: 5 of 400" in line and "max_triggers" in line for line in failures(health))


@pytest.mark.parametrize("texts", [[], [""] * 20, ["a"] * 20, ["word"] * 3, ["\ud800 x y z"] * 12])
def test_degenerate_corpora_have_no_trigger(texts: list[str]) -> None:
    assert find_triggers(rows(texts)) == []
