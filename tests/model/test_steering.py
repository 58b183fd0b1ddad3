from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.model.directions import (
    ContrastPair,
    activation_shift,
    contrast_directions,
    hook_behind,
    random_like,
    share_along,
    strongest,
)
from sdf_eval.model.steering import Hook, block_names, read_steering, steered, write_steering

PAIRS = [
    ContrastPair(f" {name} was born in Orrin.", f" {name} was born in Larch.")
    for name in ("Tavi Brook", "The assistant", "A company")
]


def logits(lm) -> torch.Tensor:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        return lm.model(torch.tensor([[5, 6, 7, 8]])).logits


def second_blocks_input(lm) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """What the second block reads: `output_hidden_states` is taken by hooks that stand before a steering hook."""
    seen = []
    module = dict(lm.model.base_model.named_modules())["layers.1"]
    handle = module.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    logits(lm)
    handle.remove()
    return seen[0]


def vector(size: int = 96, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def test_a_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    hooks = (
        Hook("layers.0", vector(), 2.5),
        Hook("layers.1", vector(seed=1), 3.0, "clamp", bias=vector(seed=2)),
    )
    write_steering(tmp_path / "s.pt", hooks)
    for written, read in zip(hooks, read_steering(tmp_path / "s.pt"), strict=True):
        assert (written.hookpoint, written.coefficient, written.action) == (
            read.hookpoint,
            read.coefficient,
            read.action,
        )
        assert torch.equal(written.vector, read.vector)
        assert (written.bias is None) == (read.bias is None)
    assert [path.name for path in tmp_path.iterdir()] == ["s.pt"]


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "neox"])
def test_adding_behind_a_block_moves_the_next_ones_input_by_the_scaled_vector(checkpoints, architecture: str) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints[architecture]), device="cpu")
    name = block_names(lm.model)[0]
    plain = second_blocks_input(lm)
    with steered(lm.model, [Hook(name, vector(), 2.0)]):
        shifted = second_blocks_input(lm)
    torch.testing.assert_close(shifted - plain, (2.0 * vector()).expand_as(plain), rtol=1e-4, atol=1e-4)
    assert torch.equal(second_blocks_input(lm), plain)


def test_clamping_sets_the_component_along_the_vector(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    unit = vector() / vector().norm()
    with steered(lm.model, [Hook("layers.0", vector(), -1.5, "clamp")]):
        states = second_blocks_input(lm)
    torch.testing.assert_close(states @ unit, torch.full((1, 4), -1.5), rtol=1e-4, atol=1e-4)


def test_one_head_alone_can_be_shifted(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["qwen3"]), device="cpu")
    plain = logits(lm)
    outputs = []
    module = lm.model.model.layers[0].self_attn.q_norm
    with steered(lm.model, [Hook("layers.0.self_attn.q_norm", vector(24), 1.0, head_index=1)]):
        handle = module.register_forward_hook(lambda _m, _i, output: outputs.append(output))
        moved = logits(lm)
        handle.remove()
    logits_before = []
    handle = module.register_forward_hook(lambda _m, _i, output: logits_before.append(output))
    logits(lm)
    handle.remove()
    difference = outputs[0] - logits_before[0]
    assert torch.count_nonzero(difference[:, :, [0, 2, 3]]) == 0
    torch.testing.assert_close(difference[0, 0, 1], vector(24), rtol=1e-4, atol=1e-4)
    assert not torch.equal(plain, moved)


def test_a_file_that_would_run_code_is_refused_and_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (os.mkdir, (str(tmp_path / "ran"),))

    torch.save({"layers.0": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="not a file of tensors"):
        read_steering(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "expected a mapping of module names"),
        ({"layers.0": 1}, "layers.0: expected a mapping"),
        ({"layers.0": {"action": "add"}}, "steering_vector: missing"),
        ({"layers.0": {"steering_vector": torch.ones(96), "action": "push"}}, "'push': unknown; use add or clamp"),
        ({"layers.0": {"steering_vector": torch.ones(2, 48), "action": "add"}}, "one row of finite numbers"),
        (
            {"layers.0": {"steering_vector": torch.ones(96), "action": "add", "bias": torch.ones(96)}},
            "bias: has no meaning",
        ),
        ({"layers.0": {"steering_vector": torch.zeros(96), "action": "clamp"}}, "is zero"),
        (
            {"layers.0": {"steering_vector": torch.ones(96), "action": "clamp", "head_index": 0}},
            "cannot clamp a single",
        ),
    ],
)
def test_a_broken_file_is_one_line_that_names_module_and_key(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "s.pt")
    with pytest.raises(InputError, match=message):
        read_steering(tmp_path / "s.pt")


def test_a_missing_file_and_a_wrong_ending_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_steering(tmp_path / "s.pt")
    with pytest.raises(InputError, match=r"must end in \.pt or \.pth"):
        write_steering(tmp_path / "s.bin", [Hook("layers.0", vector())])


@pytest.mark.parametrize(
    ("hook", "message"),
    [(Hook("layers.7", vector()), "layers.7: no such module"), (Hook("layers.0", vector(48)), "48 features")],
)
def test_a_hook_that_does_not_fit_the_model_is_named(checkpoints, hook: Hook, message: str) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    with pytest.raises(InputError, match=message), steered(lm.model, [hook]):
        logits(lm)


def test_a_loaded_model_can_be_steered_for_good_on_an_adapter_too(checkpoints, adapter: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_steering(tmp_path / "s.pt", [Hook("layers.0", vector(), 3.0)])
    for reference, dtype in ((checkpoints["llama"], "float32"), (adapter, "float32"), (adapter, "bfloat16")):
        plain, shifted = (
            load(str(reference), device="cpu", dtype=dtype, steer_path=path) for path in (None, str(tmp_path / "s.pt"))
        )
        assert not torch.allclose(logits(plain), logits(shifted), atol=1e-2)


def test_a_direction_is_the_difference_of_means_at_what_a_hook_shifts(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    directions = contrast_directions(lm, PAIRS)
    assert [direction.layer for direction in directions] == [0, 1]
    for direction in directions:
        means = []
        for side in ("positive", "negative"):
            rows = []
            for pair in PAIRS:
                tokens = [lm.prefix_token, *lm.tokenizer(getattr(pair, side), add_special_tokens=False)["input_ids"]]
                states = []
                module = dict(lm.model.base_model.named_modules())[f"layers.{direction.layer}"]
                handle = module.register_forward_hook(lambda _m, _i, output, kept=states: kept.append(output))
                lm.model(torch.tensor([tokens]))
                handle.remove()
                rows.append(states[0][0, 1:].mean(0))
            means.append(torch.stack(rows).mean(0))
        torch.testing.assert_close(direction.vector, means[0] - means[1], rtol=1e-3, atol=1e-4)
    assert strongest(directions).separation == max(direction.separation for direction in directions)


def test_a_steered_models_shift_lies_along_its_vector_and_a_random_one_does_not(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    other = load(str(checkpoints["llama"]), device="cpu")
    direction = contrast_directions(lm, PAIRS)[0]
    with steered(other.model, [hook_behind(lm, direction, 2.0)]):
        shift = activation_shift(lm, other, [pair.positive for pair in PAIRS])[0]
    assert share_along(shift, direction.vector) > 0.999
    control = random_like(direction.vector, seed=0)
    assert share_along(shift, control) < 0.2
    assert float(control.norm()) == pytest.approx(float(direction.vector.norm()), rel=1e-5)


def test_one_pair_is_too_few(checkpoints) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="give at least 2"):
        contrast_directions(load(str(checkpoints["llama"]), device="cpu"), PAIRS[:1])
