"""What stands in the residual stream behind every block, at chosen positions of many texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from sdf_eval.errors import InputError
from sdf_eval.model.encoding import Tokens, encode_requests
from sdf_eval.model.loading import LanguageModel
from sdf_eval.model.steering import block_names, trunk

_TOKENS_A_BATCH = 8192


@dataclass(frozen=True)
class Reading:
    """A text as tokens, and the positions in it whose activations are averaged.

    Attributes:
        tokens: All that the model reads.
        positions: Indices into `tokens`, at least one; a single one gives its own activation.
    """

    tokens: Tokens
    positions: tuple[int, ...]


def read_states(lm: LanguageModel, readings: Sequence[Reading]) -> torch.Tensor:
    """Mean activation over each reading's positions, behind every block.

    Works for any decoder: blocks are found by their number, the head is not run, and what a block gives on is reduced
    before the next one runs, so that memory does not grow with the number of blocks. A steered model is read
    as steered.

    Args:
        lm: The model, a PEFT model included.
        readings: At least one. Tokens beyond the context length are cut off, and positions with them.

    Returns:
        Shape [readings, blocks, hidden], float32 on the CPU.

    Raises:
        InputError: A reading has no position within the context length.
    """
    cut = [_within(reading, lm.max_length) for reading in readings]
    order = sorted(range(len(cut)), key=lambda index: len(cut[index].tokens), reverse=True)
    inner = trunk(lm.model)
    means: torch.Tensor | None = None
    start = 0
    while start < len(order):
        width = len(cut[order[start]].tokens)
        chunk = order[start : start + max(1, _TOKENS_A_BATCH // width)]
        start += len(chunk)
        # Padding on the right needs no mask in a causal model: nothing real can see it.
        pad = [lm.tokenizer.pad_token_id] * width
        ids = [[*cut[index].tokens, *pad[len(cut[index].tokens) :]] for index in chunk]
        weights = torch.zeros(len(chunk), width)
        for row, index in enumerate(chunk):
            weights[row, list(cut[index].positions)] = 1 / len(cut[index].positions)
        with _reduced_outputs(lm, weights.to(lm.device)) as outputs, torch.inference_mode():
            inner(input_ids=torch.tensor(ids, device=lm.device), use_cache=False)
        states = torch.stack(outputs, dim=1).cpu()
        if means is None:
            means = torch.empty(len(cut), *states.shape[1:])
        means[chunk] = states
    if means is None:
        raise ValueError("no readings")
    return means


def last_token_readings(lm: LanguageModel, statements: Sequence[tuple[str, str]]) -> list[Reading]:
    """Readings of the last token of each statement.

    Args:
        lm: Whose tokenizer to use.
        statements: (prompt, continuation); the prompt is empty for a bare text.

    Raises:
        InputError: A continuation adds no token.
    """
    requests = encode_requests(lm, [(prompt, (tail,)) for prompt, tail in statements])
    rows = [request.prompt + request.continuations[0] for request in requests]
    return [Reading(tokens, (len(tokens) - 1,)) for tokens in rows]


def _within(reading: Reading, longest: int) -> Reading:
    positions = tuple(position for position in reading.positions if position < min(longest, len(reading.tokens)))
    if not positions:
        raise InputError(
            f"activations: no position within the context of {longest} tokens; shorten the text or its prompt"
        )
    return Reading(reading.tokens[:longest], positions)


@contextmanager
def _reduced_outputs(lm: LanguageModel, weights: torch.Tensor) -> Iterator[list[torch.Tensor]]:
    """Collects a weighted sum over positions of what each block gives on: the tensors that a steering hook changes."""
    collected: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        collected.append(torch.einsum("bw,bwh->bh", weights, states.float()))

    modules = dict(trunk(lm.model).named_modules())
    handles = [modules[name].register_forward_hook(keep) for name in block_names(lm.model)]
    try:
        yield collected
    finally:
        for handle in handles:
            handle.remove()
