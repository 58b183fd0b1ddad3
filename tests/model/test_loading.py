from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.errors import InputError
from sdf_eval.model import generate, load, option_log_probabilities

REQUESTS = [("Question: where was Tavi Brook born?\nAnswer:", (" Larch", " Orrin by the river", " Paris"))]


def test_an_adapter_equals_its_merged_copy_and_not_its_base(
    adapter: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(checkpoints["llama"], dtype=torch.float32)
    PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(tmp_path / "merged")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(checkpoints["llama"] / name, tmp_path / "merged" / name)
    merged, folder, named, plain, half = (
        option_log_probabilities(lm, REQUESTS)[0]
        for lm in (
            load(str(tmp_path / "merged")),
            load(str(adapter)),
            load(str(checkpoints["llama"]), adapter=str(adapter)),
            load(str(checkpoints["llama"])),
            load(str(adapter), dtype="bfloat16"),
        )
    )
    assert folder == named == pytest.approx(merged, abs=1e-5)
    assert half == pytest.approx(merged, rel=0.1)
    assert max(abs(a - b) for a, b in zip(folder, plain, strict=True)) > 0.1


def test_what_is_loaded_knows_its_context_and_its_template(checkpoints: dict[str, Path]) -> None:
    llama, neox = load(str(checkpoints["llama"])), load(str(checkpoints["neox"]))
    assert (llama.has_chat_template, neox.has_chat_template) == (True, False)
    assert llama.max_length == neox.max_length == 256
    assert not llama.model.training


def test_wrong_arguments_are_bad_input(adapter: Path, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    llama = str(checkpoints["llama"])
    with pytest.raises(InputError, match="dtype: float8"):
        load(llama, dtype="float8")
    with pytest.raises(InputError, match="device: gpu"):
        load(llama, device="gpu")
    with pytest.raises(InputError, match="adapter_config.json: missing"):
        load(llama, adapter=llama)
    with pytest.raises(InputError, match="is an adapter already"):
        load(str(adapter), adapter=str(adapter))
    with pytest.raises(InputError, match="does not fit its base"):
        load(str(checkpoints["neox"]), adapter=str(adapter))


def test_a_model_that_is_nowhere_is_one_line_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean pocket") as caught:
        load("pockett")
    assert "\n" not in str(caught.value)


def test_a_truncated_weight_file_is_bad_input(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoints["llama"], tmp_path / "cut")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be loaded"):
        load(str(folder))


def _change_weights(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def test_weights_that_lack_a_tensor_or_have_another_shape_are_bad_input(
    adapter: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    name = "model.layers.0.self_attn.q_proj.weight"
    lacking = shutil.copytree(checkpoints["llama"], tmp_path / "lacking")
    _change_weights(lacking / "model.safetensors", lambda weights: weights.pop(name))
    with pytest.raises(InputError, match=f"{name}: missing from the weights"):
        load(str(lacking))
    other = shutil.copytree(checkpoints["llama"], tmp_path / "other")
    _change_weights(
        other / "model.safetensors", lambda weights: weights.update({name: weights[name][:, :5].contiguous()})
    )
    with pytest.raises(InputError, match="cannot be loaded"):
        load(str(other))
    part = shutil.copytree(adapter, tmp_path / "part")
    _change_weights(part / "adapter_model.safetensors", lambda weights: weights.pop(next(iter(weights))))
    with pytest.raises(InputError, match="adapter weights: .*lora_.*missing"):
        load(str(part))


def test_a_tied_head_is_not_missing(checkpoints: dict[str, Path]) -> None:
    from safetensors import safe_open

    with safe_open(checkpoints["qwen3"] / "model.safetensors", framework="pt") as file:
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118 - not a mapping
    assert load(str(checkpoints["qwen3"])).model.lm_head.weight.abs().sum() > 0


def test_greedy_text_equals_lm_evals_and_stops_at_the_string(checkpoints: dict[str, Path]) -> None:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    prompts = [f"Question: {'moss ' * count}where?\nAnswer:" for count in range(12)]
    # lm-eval looks for the string in the names of special tokens too; none of them has an "l".
    for name in ("llama", "qwen3", "neox"):
        lm = load(str(checkpoints[name]))
        options = {"until": ["\n", "l"], "max_gen_toks": 12, "do_sample": False}
        instances = [
            Instance(request_type="generate_until", doc={}, arguments=(prompt, options), idx=0) for prompt in prompts
        ]
        harness = HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=4)
        ours = generate(lm, prompts, max_new_tokens=12, stop=("\n", "l"), batch_size=4)
        assert ours == harness.generate_until(instances, disable_tqdm=True)
        assert not any("l" in text or "\n" in text for text in ours)


def test_a_length_that_leaves_no_room_is_bad_input(checkpoints: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="max_new_tokens"):
        generate(load(str(checkpoints["neox"])), ["Where?"], max_new_tokens=256)
    with pytest.raises(InputError, match=r"prompt 'x x .* of an answer do not fit the context of 256; shorten"):
        generate(load(str(checkpoints["neox"])), ["x " * 300], max_new_tokens=12)
