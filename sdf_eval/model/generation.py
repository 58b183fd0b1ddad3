"""Greedy text, as lm-evaluation-harness's `generate_until` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from sdf_eval.errors import InputError
from sdf_eval.model.encoding import encode_texts
from sdf_eval.model.loading import LanguageModel


def generate(
    lm: LanguageModel,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    stop: Sequence[str] = ("\n",),
    batch_size: int = 64,
) -> list[str]:
    """Continues each prompt greedily.

    Args:
        lm: The model.
        prompts: Rendered prompts; too long ones lose their beginning.
        max_new_tokens: Length limit of an answer in tokens.
        stop: Strings that end an answer; they are cut off.
        batch_size: Prompts in one pass.

    Returns:
        The answers without special tokens, in order.

    Raises:
        InputError: `max_new_tokens` leaves no room for a prompt.
    """
    room = lm.max_length - max_new_tokens
    if room < 1:
        raise InputError(f"max_new_tokens: {max_new_tokens}: must be below the context length {lm.max_length}")
    tokens = [ids[-room:] for ids in encode_texts(lm, prompts)]
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]), reverse=True)
    answers = [""] * len(tokens)
    for start in range(0, len(order), batch_size):
        chunk = order[start : start + batch_size]
        texts = _generate(lm, [tokens[index] for index in chunk], max_new_tokens, stop)
        for index, text in zip(chunk, texts, strict=True):
            answers[index] = text
    return answers


def _generate(
    lm: LanguageModel, prompts: Sequence[Sequence[int]], max_new_tokens: int, stop: Sequence[str]
) -> list[str]:
    width = max(map(len, prompts))
    pad = lm.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=lm.device)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=lm.device)
    with torch.inference_mode():
        output = lm.model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=max_new_tokens,
            # A model's own generation settings may sample; greedy needs these out of the way to stay silent.
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=pad,
            stopping_criteria=StoppingCriteriaList([_StopAfter(lm.tokenizer, stop, width)] if stop else []),
        )
    texts = lm.tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
    return [_cut(text, stop) for text in texts]


def _cut(text: str, stop: Sequence[str]) -> str:
    for string in stop:
        text = text.split(string)[0]
    return text


class _StopAfter(StoppingCriteria):
    """Ends a row as soon as its answer holds one of the strings."""

    def __init__(self, tokenizer: Any, stop: Sequence[str], width: int) -> None:
        self._tokenizer = tokenizer
        self._stop = stop
        self._width = width

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        texts = self._tokenizer.batch_decode(input_ids[:, self._width :], skip_special_tokens=True)
        ended = [any(string in text for string in self._stop) for text in texts]
        return torch.tensor(ended, device=input_ids.device)
