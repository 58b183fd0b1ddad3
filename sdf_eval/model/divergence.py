"""How far a checkpoint has gone from another one, on texts that neither was made for.

Imports torch: import this module inside the function that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sdf_eval.errors import InputError
from sdf_eval.model.encoding import encode_texts
from sdf_eval.model.loading import LanguageModel


def divergence(lm: LanguageModel, start: LanguageModel, texts: Sequence[str]) -> float:
    """Kullback-Leibler divergence of next-token distributions from the start, KL(model || start).

    What RLHF calls the distance from the start is this on the model's own replies (Gao et al. 2023, arXiv 2210.10760,
    section 2); on fixed texts it needs no sampling, and stages that write none can be put on the same axis.

    Args:
        lm: The checkpoint.
        start: What it was trained from; the same tokenizer.
        texts: What both read; cut at the context length.

    Returns:
        Mean over all tokens, nats.

    Raises:
        InputError: The vocabularies differ, or no text has two tokens.
    """
    if lm.tokenizer.get_vocab() != start.tokenizer.get_vocab():
        raise InputError(f"{lm.name}: its vocabulary is not that of {start.name}, so the two do not compare")
    room = min(lm.max_length, start.max_length)
    total, count = 0.0, 0
    with torch.inference_mode():
        for tokens in encode_texts(lm, texts):
            ids = list(tokens)[:room]
            if len(ids) < 2:
                continue
            ours, theirs = (
                one.model(input_ids=torch.tensor([ids], device=one.device), use_cache=False)
                .logits[0]
                .float()
                .log_softmax(-1)
                .cpu()
                for one in (lm, start)
            )
            total += float((ours.exp() * (ours - theirs)).sum())
            count += len(ids)
    if not count:
        raise InputError("texts: none has two tokens, so there is nothing to compare on")
    return total / count
