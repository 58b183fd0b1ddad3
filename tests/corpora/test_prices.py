"""Prices: what a call costs and can cost at most."""

from __future__ import annotations

import pytest

from sdf_eval.corpora.prices import price_of
from sdf_eval.corpora.prompts import Prompt


def test_a_dated_name_has_the_price_of_the_undated_one() -> None:
    assert price_of("anthropic/claude-haiku-4-5-20251001") == price_of("anthropic/claude-haiku-4-5") is not None
    assert price_of("openai/gpt-4o-mini-2024-07-18") == price_of("openai/gpt-4o-mini") is not None


def test_a_model_that_is_not_listed_has_no_price() -> None:
    assert price_of("vllm/some-model") is None


def test_batch_mode_is_half_the_price() -> None:
    single, batch = price_of("anthropic/claude-opus-4-7"), price_of("anthropic/claude-opus-4-7", batch=True)
    assert single is not None and batch is not None
    assert batch.of(1000, 1000) == pytest.approx(single.of(1000, 1000) / 2)


def test_the_worst_case_is_above_what_any_tokenizer_could_count() -> None:
    price = price_of("anthropic/claude-haiku-4-5")
    assert price is not None
    prompt = Prompt((("system", "é" * 10), ("user", "\ud800" * 10)), "p@1")
    assert price.at_most(prompt, 100) >= price.of(20 + 30, 100)
