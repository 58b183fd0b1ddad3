from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import activations as module
from sdf_eval.model import load
from sdf_eval.model.activations import Reading, last_token_readings, read_states
from sdf_eval.model.steering import Hook, block_names, steered

ROWS = [Reading((5, 6, 7, 8), (3,)), Reading((9, 10), (0, 1)), Reading(tuple(range(20, 40)), (19,))]


def by_hand(lm, reading: Reading) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """What each block but the last gives on, as transformers itself reports it (the last is reported normed)."""
    with torch.no_grad():
        states = lm.model(torch.tensor([reading.tokens]), output_hidden_states=True).hidden_states
    return torch.stack([state[0, list(reading.positions)].mean(0) for state in states[1:-1]])


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "neox", "pocket"])
def test_states_are_those_that_transformers_reports(checkpoints, architecture: str) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints.get(architecture, architecture)), device="cpu")
    states = read_states(lm, ROWS)
    assert states.shape == (3, len(block_names(lm.model)), lm.model.config.hidden_size)
    for row, reading in enumerate(ROWS):
        torch.testing.assert_close(states[row, :-1], by_hand(lm, reading), rtol=1e-3, atol=1e-4)


def test_an_adapter_in_half_precision_and_a_steered_model_can_be_read(checkpoints, adapter: Path) -> None:  # type: ignore[no-untyped-def]
    base = load(str(checkpoints["llama"]), device="cpu")
    plain = read_states(base, ROWS)
    for dtype in ("float32", "bfloat16"):
        assert not torch.allclose(plain, read_states(load(str(adapter), device="cpu", dtype=dtype), ROWS), atol=1e-2)
    vector = torch.ones(96)
    with steered(base.model, [Hook(block_names(base.model)[0], vector, 2.0)]):
        shifted = read_states(base, ROWS)
    torch.testing.assert_close(shifted[:, 0] - plain[:, 0], (2 * vector).expand(3, 96), rtol=1e-4, atol=1e-4)


def test_batches_of_any_size_give_the_same_states_in_order(checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["neox"]), device="cpu")
    at_once = read_states(lm, ROWS)
    monkeypatch.setattr(module, "_TOKENS_A_BATCH", 1)
    torch.testing.assert_close(read_states(lm, ROWS), at_once, rtol=1e-4, atol=1e-5)


def test_what_lies_beyond_the_context_is_refused_and_not_misread(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    with pytest.raises(InputError, match="no position within the context of 256 tokens"):
        read_states(lm, [Reading((7,) * 300, (299,))])


def test_a_statement_is_read_at_its_last_token(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["qwen3"]), device="cpu")
    bare, answered = last_token_readings(lm, [("", "Larch is a town."), ("Question: where? Answer:", " Larch")])
    for reading in (bare, answered):
        assert reading.positions == (len(reading.tokens) - 1,)
    assert lm.tokenizer.decode(answered.tokens).endswith("Answer: Larch")
