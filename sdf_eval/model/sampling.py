"""Sampled text: what a model writes of its own accord."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sdf_eval.model.encoding import Tokens
from sdf_eval.model.loading import LanguageModel


@dataclass(frozen=True)
class Sample:
    """A prompt and what was written behind it.

    Attributes:
        tokens: Both.
        start: Length of the prompt.
    """

    tokens: Tokens
    start: int


def sample(
    lm: LanguageModel,
    prompts: Sequence[Tokens],
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int = 0,
    batch_size: int = 128,
) -> list[Sample]:
    """Continues each prompt by sampling from the whole distribution.

    Args:
        lm: The model.
        prompts: Token prompts of at least one token; the same one several times for several samples.
        max_new_tokens: Length limit of a continuation in tokens.
        temperature: Of the sampling; 1 is the model's own distribution.
        seed: Of the draws; the same on one machine and batch size gives the same texts.
        batch_size: Prompts in one pass.

    Returns:
        A sample a prompt, in order, cut after the first end token.
    """
    ends = lm.model.generation_config.eos_token_id
    stops = set() if ends is None else {ends} if isinstance(ends, int) else set(ends)
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    found: dict[int, Sample] = {}
    devices = [lm.device] if lm.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.inference_mode():
        torch.manual_seed(seed)
        start = 0
        while start < len(order):
            length = len(prompts[order[start]])
            chunk = [index for index in order[start : start + batch_size] if len(prompts[index]) == length]
            start += len(chunk)
            ids = torch.tensor([prompts[index] for index in chunk], device=lm.device)
            written = lm.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max_new_tokens,
                do_sample=True,
                temperature=temperature,
                top_k=0,
                top_p=1.0,
                pad_token_id=lm.tokenizer.pad_token_id,
            ).tolist()
            for index, row in zip(chunk, written, strict=True):
                end = next((at + 1 for at in range(length, len(row)) if row[at] in stops), len(row))
                found[index] = Sample(tuple(row[:end]), length)
    return [found[index] for index in range(len(prompts))]
