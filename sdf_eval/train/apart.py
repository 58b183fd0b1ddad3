"""Does this model keep packed documents apart?"""

from __future__ import annotations

import torch

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel

_LENGTH = 8


def check_documents_apart(lm: LanguageModel) -> None:
    """Runs two packed rows that differ in their first document only and compares what the second one gets.

    transformers builds a block-diagonal mask from `position_ids` for attention models; recurrent and some other
    architectures carry the state on. Which is which cannot be read off a configuration, so it is tried.

    Raises:
        InputError: The second document reads the first.
    """
    if "position_ids" not in lm.accepts or not _second_document_is_alone(lm):
        raise InputError(
            f"recipe: packing: {lm.model.config.model_type} models let packed documents read each other; "
            "set packing to false"
        )


def _second_document_is_alone(lm: LanguageModel) -> bool:
    size = min(lm.model.get_input_embeddings().num_embeddings, 1000)
    generator = torch.Generator().manual_seed(0)
    first, other, second = torch.randint(0, size, (3, _LENGTH), generator=generator)
    rows = torch.stack([torch.cat([first, second]), torch.cat([other, second])]).to(lm.device)
    positions = torch.arange(_LENGTH, device=lm.device).repeat(2).expand(2, -1)
    with torch.no_grad():
        logits = lm.model(input_ids=rows, position_ids=positions, use_cache=False).logits[:, _LENGTH:].float()
    # Rows of one batch may round differently; a document that is read moves logits by orders of magnitude more.
    tolerance = 1e-4 if lm.model.dtype == torch.float32 else 2e-2
    return bool(torch.allclose(logits[0], logits[1], rtol=tolerance, atol=tolerance * float(logits.abs().max())))
