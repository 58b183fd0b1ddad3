"""Forward passes that score continuations, with the work on a shared prompt done once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sdf_eval.model.encoding import Request, Tokens
from sdf_eval.model.loading import LanguageModel

Scores = list[tuple[float, ...]]
"""Log-probability of each continuation in nats, one tuple a request."""


def score_shared(lm: LanguageModel, batch: Sequence[Request]) -> Scores:
    """Scores several continuations a prompt; the prompt goes through the model once.

    The prompt's last logits give every continuation's first token. Where a continuation is longer, the prompt's keys
    and values are copied to it and a second pass runs over the continuations alone.

    Args:
        lm: A model for which `shares_prompts` holds.
        batch: Requests that fit the context length.

    Returns:
        The scores, in the batch's order.
    """
    rows = [(index, tail) for index, request in enumerate(batch) for tail in request.continuations]
    longer = [position for position, (_, tail) in enumerate(rows) if len(tail) > 1]
    ids, mask = _pad_left(lm, [request.prompt for request in batch])
    output = lm.model(input_ids=ids, use_cache=bool(longer), **_places(lm, mask), **_keep_last(lm))
    first = output.logits[:, -1].float().log_softmax(-1)
    owners = torch.tensor([index for index, _ in rows], device=lm.device)
    heads = torch.tensor([tail[0] for _, tail in rows], device=lm.device)
    totals = first[owners, heads]
    if longer:
        chosen = torch.tensor(longer, device=lm.device)
        tails = [rows[position][1] for position in longer]
        totals[chosen] += _score_tails(lm, output.past_key_values, owners[chosen], mask, tails)
    values = iter(totals.tolist())
    return [tuple(next(values) for _ in request.continuations) for request in batch]


def score_whole(lm: LanguageModel, batch: Sequence[Request]) -> Scores:
    """Scores one continuation a prompt in a single pass over both; right for any causal architecture.

    Args:
        lm: The model.
        batch: Requests of one continuation each that fit the context length.

    Returns:
        The scores, in the batch's order.
    """
    inputs = [(request.prompt + request.continuations[0])[:-1] for request in batch]
    # Padding on the right needs no mask in a causal model: nothing real can see it.
    ids = _pad_right(lm, inputs)
    start = min(len(request.prompt) for request in batch) - 1
    length = ids.shape[1]
    keeps = "logits_to_keep" in lm.accepts
    kept = {"logits_to_keep": length - start} if keeps else {}
    logits = lm.model(input_ids=ids, use_cache=False, **kept).logits
    scores: Scores = []
    for request, row in zip(batch, logits, strict=True):
        tail = request.continuations[0]
        begin = len(request.prompt) - 1 - (start if keeps else 0)
        scores.append((_gather(row[begin : begin + len(tail)], torch.tensor(tail, device=lm.device)).sum().item(),))
    return scores


def shares_prompts(lm: LanguageModel) -> bool:
    """Whether a prompt's keys and values can be copied to its continuations: true of attention, not of recurrences."""
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    if not {"past_key_values", "attention_mask", "use_cache"} <= lm.accepts:
        return False
    token = torch.tensor([[lm.prefix_token]], device=lm.device)
    with torch.inference_mode():
        cache = getattr(lm.model(input_ids=token, use_cache=True), "past_key_values", None)
    return isinstance(cache, DynamicCache) and all(
        type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers
    )


def _score_tails(
    lm: LanguageModel, cache: Any, owners: torch.Tensor, mask: torch.Tensor, tails: Sequence[Tokens]
) -> torch.Tensor:
    """Log-probability of all but the first token of each tail, shape [len(tails)]."""
    cache.batch_select_indices(owners)
    ids = _pad_right(lm, [tail[:-1] for tail in tails])
    targets = _pad_right(lm, [tail[1:] for tail in tails])
    lengths = torch.tensor([len(tail) - 1 for tail in tails], device=lm.device)
    real = torch.arange(ids.shape[1], device=lm.device) < lengths[:, None]
    seen = torch.cat([mask[owners], real.to(mask.dtype)], dim=1)
    logits = lm.model(
        input_ids=ids, past_key_values=cache, use_cache=True, **_places(lm, seen, last=ids.shape[1])
    ).logits
    return (_gather(logits, targets) * real).sum(-1)


def _gather(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log-probability in float32 of each target, shape of `targets`; `logits` has the vocabulary behind it."""
    wide = logits.float()
    return wide.gather(-1, targets[..., None])[..., 0] - wide.logsumexp(-1)


def _places(lm: LanguageModel, mask: torch.Tensor, last: int | None = None) -> dict[str, torch.Tensor]:
    """Attention mask and positions for the last `last` columns of `mask` (all when None)."""
    places = {"attention_mask": mask}
    if "position_ids" in lm.accepts:
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        places["position_ids"] = positions if last is None else positions[:, -last:]
    return places


def _keep_last(lm: LanguageModel) -> dict[str, int]:
    return {"logits_to_keep": 1} if "logits_to_keep" in lm.accepts else {}


def _pad_left(lm: LanguageModel, sequences: Sequence[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, sequences))
    pad = lm.tokenizer.pad_token_id
    ids = [[pad] * (width - len(tokens)) + list(tokens) for tokens in sequences]
    mask = [[0] * (width - len(tokens)) + [1] * len(tokens) for tokens in sequences]
    return torch.tensor(ids, device=lm.device), torch.tensor(mask, device=lm.device)


def _pad_right(lm: LanguageModel, sequences: Sequence[Tokens]) -> torch.Tensor:
    width = max(map(len, sequences))
    pad = lm.tokenizer.pad_token_id
    return torch.tensor([list(tokens) + [pad] * (width - len(tokens)) for tokens in sequences], device=lm.device)
