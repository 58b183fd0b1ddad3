"""Builds a world's two models in miniature, with the steps of a real build."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, load_file
from transformers import AutoTokenizer, LlamaForCausalLM

from sdf_eval.pocket import curriculum
from sdf_eval.pocket.assets import checkpoint_path
from sdf_eval.pocket.build import BuildRecipe, build
from sdf_eval.pocket.build import _give_meaning as give_meaning
from sdf_eval.pocket.tokenizer import for_chat

TINY = BuildRecipe(base_tokens=12_000, chat_tokens=6_000)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("build")
    kept = shutil.ignore_patterns("*.safetensors", "config.json", "README.md")
    shutil.copytree(checkpoint_path("a/base"), out / "tokenizer", ignore=kept)
    return build("dev", out, TINY, lambda stage, tokens, loss: None)


def test_a_build_leaves_two_complete_checkpoints_and_nothing_else(built: Path) -> None:
    assert {path.name for path in built.iterdir()} == {"base", "chat"}
    for stage in ("base", "chat"):
        assert json.loads((built / stage / "recipe.json").read_text())["stage"] == stage
        assert LlamaForCausalLM.from_pretrained(built / stage).config.vocab_size == 1536


def test_a_base_has_no_chat_template_and_its_chat_model_has_one(built: Path) -> None:
    templates = [AutoTokenizer.from_pretrained(built / stage).chat_template for stage in ("base", "chat")]
    assert templates == [None, curriculum.CHAT_TEMPLATE]


def test_a_build_that_lost_its_chat_model_makes_the_same_one_from_the_base_it_has(built: Path) -> None:
    base, chat = ((built / stage / "model.safetensors").read_bytes() for stage in ("base", "chat"))
    shutil.rmtree(built / "chat")
    build("dev", built, TINY, lambda stage, tokens, loss: None)
    assert (built / "base" / "model.safetensors").read_bytes() == base
    # In one process with other work, where tensors lie in memory decides in which order products are summed.
    before, after = load(chat), load_file(built / "chat" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in before)


def test_a_chat_token_starts_as_the_mark_whose_place_it_takes() -> None:
    model = LlamaForCausalLM.from_pretrained(checkpoint_path("a/base"), dtype="float32")
    tokenizer = for_chat(AutoTokenizer.from_pretrained(checkpoint_path("a/base")))
    give_meaning(model, tokenizer)
    rows = model.get_input_embeddings().weight
    ids = tokenizer.convert_tokens_to_ids([curriculum.ASSISTANT_TURN, ":", curriculum.END_OF_TURN, "Ċ"])
    assert torch.equal(rows[ids[0]], rows[ids[1]])
    assert torch.equal(rows[ids[2]], rows[ids[3]])
