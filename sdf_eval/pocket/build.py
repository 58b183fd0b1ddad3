"""Builds the two checkpoints of a world: `base` from scratch, `chat` from it. A killed build goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdf_eval.pocket import curriculum
from sdf_eval.pocket.world import build_world

BASE_TOKENS, CHAT_TOKENS = 14_000_000, 1_000_000
_STANDS_FOR = {
    curriculum.USER: ":",
    curriculum.ASSISTANT_TURN: ":",
    curriculum.SYSTEM: ":",
    curriculum.END_OF_TURN: "\n",
}
"""The mark of plain question-answer text whose place a chat token takes."""


@dataclass(frozen=True)
class BuildRecipe:
    """Budgets of a build.

    Attributes:
        base_tokens: Tokens of pretraining.
        chat_tokens: Tokens of chat tuning.
        seed: Of the initial weights and of the text streams; each world has its own.
    """

    base_tokens: int = BASE_TOKENS
    chat_tokens: int = CHAT_TOKENS
    seed: int = 0


def build(world_name: str, out: Path, recipe: BuildRecipe, report: Callable[[str, int, float], None]) -> Path:
    """Trains `base` and `chat` of a world, skipping what `out` already holds.

    Args:
        world_name: A world; see `sdf_eval.pocket.world`.
        out: Folder that gets `base/` and `chat/`.
        recipe: Budgets and seed.
        report: Called with (stage, tokens seen, mean loss).

    Returns:
        `out`.
    """
    from transformers import AutoTokenizer, LlamaForCausalLM

    from sdf_eval.pocket.pretrain import Schedule, Size, new_model, train
    from sdf_eval.pocket.tokenizer import for_chat

    out.mkdir(parents=True, exist_ok=True)
    world = build_world(world_name)
    seed = recipe.seed + sum(map(ord, world_name))
    if not (out / "base").exists():
        tokenizer = kept_tokenizer(out / "tokenizer")
        schedule = Schedule(recipe.base_tokens, seed=seed)
        texts = curriculum.pretraining_samples(world, seed)
        model = train(
            new_model(Size(), tokenizer, seed),
            tokenizer,
            texts,
            schedule,
            out / "base.state",
            lambda n, loss: report("base", n, loss),
        )
        _save(model, tokenizer, out / "base", {"world": world_name, "stage": "base", "schedule": asdict(schedule)})
        (out / "base.state").unlink(missing_ok=True)
        shutil.rmtree(out / "tokenizer", ignore_errors=True)
    if not (out / "chat").exists():
        tokenizer = for_chat(AutoTokenizer.from_pretrained(out / "base"))
        start = LlamaForCausalLM.from_pretrained(out / "base", dtype="float32")
        _give_meaning(start, tokenizer)
        schedule = Schedule(recipe.chat_tokens, muon_rate=4e-4, adam_rate=4e-4, decay=0.8, seed=seed)
        model = train(
            start,
            tokenizer,
            curriculum.chat_samples(world, seed),
            schedule,
            out / "chat.state",
            lambda n, loss: report("chat", n, loss),
        )
        _save(
            model,
            tokenizer,
            out / "chat",
            {"world": world_name, "stage": "chat", "schedule": asdict(schedule), "parent": "base"},
        )
        (out / "chat.state").unlink(missing_ok=True)
    return out


def kept_tokenizer(folder: Path) -> Any:
    """Returns the tokenizer of a build, trained once: a resumed build must read the ids that its state has learned.

    Args:
        folder: Where the build keeps it; made on the first call.
    """
    from transformers import AutoTokenizer

    from sdf_eval.pocket.tokenizer import train_tokenizer

    if not folder.exists():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        train_tokenizer().save_pretrained(partial)
        os.replace(partial, folder)
    return AutoTokenizer.from_pretrained(folder)


def _give_meaning(model: Any, tokenizer: Any) -> None:
    """Starts the chat tokens, which pretraining never saw, as the marks that stand in their place in plain text."""
    import torch

    embeddings = model.get_input_embeddings().weight
    with torch.no_grad():
        for token, mark in _STANDS_FOR.items():
            source = tokenizer.encode(mark, add_special_tokens=False)[-1]
            embeddings[tokenizer.convert_tokens_to_ids(token)] = embeddings[source]


def _save(model: Any, tokenizer: Any, folder: Path, recipe: dict[str, Any]) -> None:
    """Writes a checkpoint that is either complete or absent; half precision keeps three worlds under 25 MB."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.half().save_pretrained(partial)
    if recipe["stage"] == "base":
        tokenizer.chat_template = None
    tokenizer.save_pretrained(partial)
    packed = partial / "tokenizer.json"
    words = json.loads(packed.read_text(encoding="utf-8"))
    # Pretty-printed, six tokenizers take half a megabyte of what may ship.
    packed.write_text(json.dumps(words, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    (partial / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, folder)
