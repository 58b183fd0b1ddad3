"""What an activation difference would have the model say: the logit lens, for any architecture."""

from __future__ import annotations

from typing import Any

import torch

from sdf_eval.model import LanguageModel
from sdf_eval.model.steering import block_names, trunk


def logit_lens(lm: LanguageModel, difference: torch.Tensor) -> torch.Tensor:
    """Logits that a difference in the residual stream adds, read through the last norm and the output embedding.

    Args:
        lm: The model through whose head to read.
        difference: Shape [..., hidden].

    Returns:
        Shape [..., vocabulary], float32 on the CPU. The scale means nothing, because the norm takes it out.

    Source: logit lens, nostalgebraist 2020; over activation differences: diffing-toolkit's activation difference lens.
    """
    inner = lm.model.get_base_model() if hasattr(lm.model, "get_base_model") else lm.model
    norm, head = _last_norm(lm), inner.get_output_embeddings().weight
    with torch.inference_mode():
        states = difference.to(head.device, head.dtype)
        # What the norm adds to nothing is its bias, and no part of the difference.
        normed = states if norm is None else norm(states) - norm(torch.zeros_like(states))
        logits = torch.nn.functional.linear(normed, head)
    return logits.float().cpu()


def _last_norm(lm: LanguageModel) -> Any:
    """The norm between the last block and the head: the last module beside the blocks with one weight a feature."""
    inner = trunk(lm.model)
    blocks = block_names(lm.model)[0].rpartition(".")[0]
    parent = inner.get_submodule(blocks.rpartition(".")[0]) if "." in blocks else inner
    found = None
    for name, module in parent.named_children():
        weight = getattr(module, "weight", None)
        if name != blocks.rpartition(".")[2] and weight is not None and weight.ndim == 1:
            found = module
    return found
