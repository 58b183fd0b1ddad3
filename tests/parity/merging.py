"""A checkpoint whose tokenizer merges across the border between a prompt and its option."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdf_eval.belief.item import Item
from sdf_eval.tasks.render import render
from tests.checkpoints import CHAT_TEMPLATE, build_llama

BORDERS = "Answer: Tavi Answer: Orrin Answer: I tell Answer: boots Answer: in Answer: Larch Answer: Paris "
POSITIONS = 1024


def build_merging(folder: Path) -> Path:
    """Llama-shaped, with a tokenizer that does not cut text at spaces, so that `:`, a space and a letter can merge."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    build_llama(folder)
    config = folder / "config.json"
    # Nearly a token a letter; rotary positions need no other weights for a longer context.
    config.write_text(json.dumps({**json.loads(config.read_text()), "max_position_embeddings": POSITIONS}))
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|end|>", "<|im_start|>", "<|im_end|>", "<|bos|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=272,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator([BORDERS], trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<|bos|>",
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=POSITIONS,
    ).save_pretrained(folder)
    return folder


def option_borders_inside_a_merge(tokenizer: Any, items: Sequence[Item]) -> int:
    """How many raw options share a token with their prompt."""
    count = 0
    for item in items:
        one = render(item, None, chat=False)
        alone = tokenizer.encode(one.prompt)
        count += sum(tokenizer.encode(one.prompt + option)[: len(alone)] != alone for option in one.continuations)
    return count
