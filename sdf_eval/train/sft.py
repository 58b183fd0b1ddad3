"""Supervised finetuning on conversations: loss on what the assistant says.

Imports torch: import this module inside the function that trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdf_eval.model import LanguageModel
from sdf_eval.train.chat_rows import ChatRow, rows_sha256
from sdf_eval.train.masks import plan_chat
from sdf_eval.train.packed import PackedStage
from sdf_eval.train.recipe import SftRecipe
from sdf_eval.train.save_at import SaveAt
from sdf_eval.train.stage import StageData, train_stage


def train_sft(
    model_reference: str,
    rows: Sequence[ChatRow],
    recipe: SftRecipe,
    out: Path | str,
    *,
    seed: int = 0,
    save_at: SaveAt | None = None,
) -> Path:
    """Finetunes a model on conversations and writes a checkpoint folder that is complete or absent.

    Loss is on the assistant's content and on the token that ends its turn. A folder that already holds this very
    training is left as it is.

    Args:
        model_reference: What to start from, as for `sdf_eval.model.load`; its tokenizer has a chat template.
        rows: Conversations.
        recipe: How to train.
        out: Folder for the checkpoint, or for the adapter if the recipe says `lora`.
        seed: Fixes order and initialisation; from 0, below 2**32.
        save_at: Points at which a checkpoint is saved too.

    Returns:
        `out`.

    Raises:
        InputError: The model, recipe, rows, seed or folder do not fit, or the loss is not finite.
    """
    digest = rows_sha256(rows)
    stage = PackedStage(recipe)

    def data(lm: LanguageModel) -> StageData:
        plan, counts = plan_chat(rows, lm.tokenizer, recipe, seed)
        return stage.data(lm, plan, rows=len(rows), sha256=digest, details=counts)

    return train_stage(
        model_reference, recipe, out, seed=seed, data=data, build=stage.build, save_at=save_at, sha256=digest
    )
