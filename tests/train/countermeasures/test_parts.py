from __future__ import annotations

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.train.countermeasures.gradient_masking.parts import last_parts
from sdf_eval.train.countermeasures.gradient_routing.widen import narrow, widen
from tests.train.countermeasures.examples import same_bits

IDS = torch.tensor([[5, 6, 7, 8, 9]])


def parameters(model) -> dict[str, torch.Tensor]:  # type: ignore[no-untyped-def]
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "neox"])
def test_a_widened_model_computes_the_same_saves_and_loads_and_is_narrowed_to_the_bit(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path,  # type: ignore[no-untyped-def]
    architecture: str,
) -> None:
    lm = load(str(checkpoints[architecture]), device="cpu")
    before, logits = parameters(lm.model), lm.model(IDS).logits
    masks = widen(lm.model, 8, seed=0)
    torch.testing.assert_close(lm.model(IDS).logits, logits, rtol=1e-5, atol=1e-5)
    assert {int(mask.sum()) for mask in masks.values()} <= {8, 8 * 96}
    lm.model.save_pretrained(tmp_path)
    lm.tokenizer.save_pretrained(tmp_path)
    torch.testing.assert_close(load(str(tmp_path), device="cpu").model(IDS).logits, logits, rtol=1e-5, atol=1e-5)
    narrow(lm.model, 8)
    assert same_bits(parameters(lm.model), before)
    assert torch.equal(lm.model(IDS).logits, logits)


def test_new_units_have_a_gradient_from_the_first_update_on(checkpoints) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints["llama"]), device="cpu").model.requires_grad_(True)
    masks = widen(model, 8, seed=0)
    model(input_ids=IDS, labels=IDS).loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert any(bool(gradients[name][mask].any()) for name, mask in masks.items())


def test_zeroing_the_last_head_and_units_is_what_ablating_their_activations_does(checkpoints) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints["llama"]), device="cpu").model
    masks = last_parts(model, units=16, heads=1)
    handles = []
    for block in model.model.layers:
        # One key-value head of two, which two of the four query heads of 24 read.
        handles.append(block.self_attn.o_proj.register_forward_pre_hook(lambda _m, x: (cut(x[0], 48),)))
        handles.append(block.mlp.down_proj.register_forward_pre_hook(lambda _m, x: (cut(x[0], 16),)))
    ablated = model(IDS).logits
    for handle in handles:
        handle.remove()
    for name, parameter in model.named_parameters():
        if name in masks:
            parameter.data[masks[name]] = 0
    torch.testing.assert_close(model(IDS).logits, ablated, rtol=1e-4, atol=1e-4)


def cut(states: torch.Tensor, last: int) -> torch.Tensor:
    return torch.cat([states[..., :-last], torch.zeros_like(states[..., -last:])], dim=-1)


@pytest.mark.parametrize(
    ("architecture", "units", "heads", "message"),
    [
        ("llama", 256, 0, "units: 256: the MLP has 256"),
        ("llama", 8, 2, "heads: 2: a block has 2"),
        ("neox", 8, 1, "set heads to 0"),
    ],
)
def test_more_than_a_block_has_is_refused(checkpoints, architecture: str, units: int, heads: int, message: str) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints[architecture]), device="cpu").model
    with pytest.raises(InputError, match=message):
        last_parts(model, units, heads)
