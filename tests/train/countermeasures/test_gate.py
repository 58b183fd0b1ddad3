from __future__ import annotations

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.train.countermeasures.gate import Gate
from sdf_eval.train.countermeasures.gradient_masking.parts import last_parts

SETTINGS = {"lr": 1e-2, "weight_decay": 0.1, "betas": (0.9, 0.98)}


def loss(model, seed: int) -> torch.Tensor:  # type: ignore[no-untyped-def]
    ids = torch.randint(5, 200, (2, 12), generator=torch.Generator().manual_seed(seed))
    return model(input_ids=ids, labels=ids).loss


def state(model, optimizer) -> dict[str, torch.Tensor]:  # type: ignore[no-untyped-def]
    found = {}
    for name, parameter in model.named_parameters():
        found[name] = parameter.detach().clone()
        for key in ("exp_avg", "exp_avg_sq"):
            if key in optimizer.state[parameter]:
                found[f"{name} {key}"] = optimizer.state[parameter][key].clone()
    return found


def differing(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], masks, inside: bool) -> list[str]:  # type: ignore[no-untyped-def]
    """Tensors that differ in an element of that part."""
    names = []
    for name, old in before.items():
        mask = masks.get(name.partition(" ")[0], torch.zeros(old.shape, dtype=torch.bool))
        if not torch.equal(old[mask == inside], after[name][mask == inside]):
            names.append(name)
    return names


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("part", ["inside", "outside"])
@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_what_must_not_move_does_not_move_a_bit_over_fifty_adamw_updates_with_decay_and_momentum(
    checkpoints,  # type: ignore[no-untyped-def]
    architecture: str,
    part: str,
    fused: bool,
) -> None:
    model = load(str(checkpoints[architecture]), device="cpu").model.requires_grad_(True)
    masks = last_parts(model, units=16, heads=1)
    gate = Gate(model, masks)
    optimizer = torch.optim.AdamW(model.parameters(), **SETTINGS, fused=fused)
    gate.watch(optimizer)
    for update in range(55):
        if update == 5:  # by now everything has momentum
            before = state(model, optimizer)
        with gate.opened("both" if update < 5 else part):
            loss(model, update).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    after = state(model, optimizer)
    assert differing(before, after, masks, inside=part == "outside") == []
    moved = differing(before, after, masks, inside=part == "inside")
    assert {name for name in masks if part == "inside"} <= set(moved)
    # Tied embeddings among them, whose gradient comes from both ends.
    assert ("model.embed_tokens.weight" in moved) == (part == "outside")


def test_zeroed_gradients_alone_do_not_hold_a_parameter(checkpoints) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints["llama"]), device="cpu").model.requires_grad_(True)
    masks = last_parts(model, units=16, heads=1)
    gate = Gate(model, masks)
    optimizer = torch.optim.AdamW(model.parameters(), **SETTINGS)
    before = state(model, optimizer)
    with gate.opened("inside"):
        loss(model, 0).backward()
    optimizer.step()
    assert "lm_head.weight" in differing(before, state(model, optimizer), masks, inside=False)


def test_the_norm_that_is_clipped_is_that_of_what_may_move(checkpoints) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints["llama"]), device="cpu").model.requires_grad_(True)
    masks = last_parts(model, units=16, heads=1)
    loss(model, 0).backward()
    inside = [parameter.grad[masks[name]] for name, parameter in model.named_parameters() if name in masks]
    expected = torch.cat(inside).norm()
    model.zero_grad()
    with Gate(model, masks).opened("inside"):
        loss(model, 0).backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    assert float(norm) == pytest.approx(float(expected), rel=1e-4)


def test_two_parts_that_were_both_read_in_an_update_both_move(checkpoints) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints["llama"]), device="cpu").model.requires_grad_(True)
    masks = last_parts(model, units=16, heads=1)
    gate = Gate(model, masks)
    optimizer = torch.optim.AdamW(model.parameters(), **SETTINGS)
    gate.watch(optimizer)
    before = state(model, optimizer)
    for part in ("inside", "outside"):
        with gate.opened(part):  # type: ignore[arg-type]
            loss(model, 0).backward()
    optimizer.step()
    after = state(model, optimizer)
    assert differing(before, after, masks, inside=True) and differing(before, after, masks, inside=False)


def test_values_that_are_held_come_back_to_the_bit(checkpoints) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints["llama"]), device="cpu").model.requires_grad_(True)
    gate = Gate(model, last_parts(model, units=16, heads=1))
    plain = loss(model, 0)
    with gate.holding({parameter: row * 0 for parameter, row in gate.inside_values().items()}):
        without = loss(model, 0)
    assert not torch.equal(plain, without)
    assert torch.equal(loss(model, 0), plain)


def test_a_part_that_the_model_does_not_have_is_refused(checkpoints) -> None:  # type: ignore[no-untyped-def]
    model = load(str(checkpoints["llama"]), device="cpu").model
    with pytest.raises(InputError, match="nowhere: no such parameter"):
        Gate(model, {"nowhere": torch.ones(1, dtype=torch.bool)})
    with pytest.raises(InputError, match="nothing is set apart"):
        Gate(model, {})
