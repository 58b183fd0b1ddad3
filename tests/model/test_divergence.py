"""How far a checkpoint has gone from its start, on real models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.model.divergence import divergence
from tests.checkpoints import build_llama

TEXTS = ("A letter came from the coast.", "Nobody had read it before noon.")


def test_a_model_is_at_no_distance_from_itself() -> None:
    lm = load("pocket", device="cpu")
    assert divergence(lm, lm, TEXTS) == pytest.approx(0.0, abs=1e-6)


def test_the_divergence_is_what_its_formula_says() -> None:
    lm, base = load("pocket", device="cpu"), load("pocket/a/base", device="cpu")
    if lm.tokenizer.get_vocab() != base.tokenizer.get_vocab():
        pytest.skip("the two models of the world have two vocabularies")
    total, count = 0.0, 0
    for text in TEXTS:
        ids = torch.tensor([lm.tokenizer(text)["input_ids"]])
        first, second = (torch.softmax(one.model(ids).logits[0].double(), -1) for one in (lm, base))
        total += float((first * (first / second).log()).sum().detach())
        count += ids.shape[1]
    assert divergence(lm, base, TEXTS) == pytest.approx(total / count, rel=1e-4)
    assert total / count > 0.01


def test_models_of_two_vocabularies_do_not_compare(tmp_path: Path) -> None:
    other = load(str(build_llama(tmp_path / "other")), device="cpu")
    with pytest.raises(InputError, match="its vocabulary is not that of"):
        divergence(load("pocket", device="cpu"), other, TEXTS)
