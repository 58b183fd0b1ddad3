"""Greedy text, as lm-evaluation-harness's `generate_until` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from sdf_eval.errors import InputError
from sdf_eval.model.encoding import encode_texts
from sdf_eval.model.loading import LanguageModel


@dataclass(frozen=True)
class Answer:
    """What was written after a prompt.

    Attributes:
        text: The answer, without special tokens and stop string.
        at_limit: Whether it ended at the length limit, unfinished.
    """

    text: str
    at_limit: bool


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
        prompts: Rendered prompts.
        max_new_tokens: Length limit of an answer in tokens.
        stop: Strings that end an answer; they are cut off.
        batch_size: Prompts in one pass.

    Returns:
        The answers without special tokens, in order.

    Raises:
        InputError: `max_new_tokens` leaves no room for a prompt. lm-evaluation-harness would cut its beginning, where
            the context arm stands.
    """
    return [
        answer.text
        for answer in generate_answers(lm, prompts, max_new_tokens=max_new_tokens, stop=stop, batch_size=batch_size)
    ]


def generate_answers(
    lm: LanguageModel,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    stop: Sequence[str] = ("\n",),
    batch_size: int = 64,
) -> list[Answer]:
    """Continues each prompt greedily and says how each answer ended. Arguments and errors are those of `generate`."""
    tokens = fitting_prompts(lm, prompts, max_new_tokens)
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]), reverse=True)
    answers: list[Answer] = [Answer("", False)] * len(tokens)
    for start in range(0, len(order), batch_size):
        chunk = order[start : start + batch_size]
        written = _generate(lm, [tokens[index] for index in chunk], max_new_tokens, stop)
        for index, answer in zip(chunk, written, strict=True):
            answers[index] = answer
    return answers


def fitting_prompts(lm: LanguageModel, prompts: Sequence[str], max_new_tokens: int) -> list[list[int]]:
    """Tokenises prompts; arguments and errors are those of `generate`."""
    room = lm.max_length - max_new_tokens
    if room < 1:
        raise InputError(f"max_new_tokens: {max_new_tokens}: must be below the context length {lm.max_length}")
    tokens = encode_texts(lm, prompts)
    for prompt, ids in zip(prompts, tokens, strict=True):
        if len(ids) > room:
            raise InputError(
                f"prompt {prompt[:40]!r}: {len(ids)} tokens and {max_new_tokens} of an answer do not fit the context "
                f"of {lm.max_length}; shorten the question or the belief's context, or take a longer-context model"
            )
    return tokens


def _generate(
    lm: LanguageModel, prompts: Sequence[Sequence[int]], max_new_tokens: int, stop: Sequence[str]
) -> list[Answer]:
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
    written = output[:, width:]
    texts = lm.tokenizer.batch_decode(written, skip_special_tokens=True)
    ends = _end_tokens(lm)
    return [
        # A row that ended is filled up with padding, which can be the end token itself.
        Answer(
            _cut(text, stop),
            len(row) == max_new_tokens and not ends & set(row) and not any(string in text for string in stop),
        )
        for row, text in zip(written.tolist(), texts, strict=True)
    ]


def _end_tokens(lm: LanguageModel) -> set[int]:
    ends = lm.model.generation_config.eos_token_id
    return set() if ends is None else {ends} if isinstance(ends, int) else set(ends)


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
