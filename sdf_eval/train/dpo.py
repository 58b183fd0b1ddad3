"""Direct preference optimisation, with TRL's `DPOTrainer`.

Imports torch: import this module inside the function that trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from sdf_eval.model.loading import without_bars
from sdf_eval.train.chat_rows import PreferenceRow
from sdf_eval.train.pair_stage import PairStage
from sdf_eval.train.preference_recipes import DpoRecipe
from sdf_eval.train.save_at import SaveAt
from sdf_eval.train.stage import Setup
from sdf_eval.train.trl_stage import TrlMixin, settle_reference, trl_config


def train_dpo(
    model_reference: str,
    rows: Sequence[PreferenceRow],
    recipe: DpoRecipe,
    out: Path | str,
    *,
    seed: int = 0,
    save_at: SaveAt | None = None,
) -> Path:
    """Optimises a model on preferences and writes a checkpoint folder that is complete or absent.

    Loss is on the replies and on the token that ends their turn; the reference is the start. A folder that already
    holds this very training is left as it is.

    Args:
        model_reference: What to start from, as for `sdf_eval.model.load`; its tokenizer has a chat template.
        rows: Preferences.
        recipe: How to train.
        out: Folder for the checkpoint, or for the adapter if the recipe says `lora`.
        seed: Fixes order and initialisation; from 0, below 2**32.
        save_at: Points at which a checkpoint is saved too.

    Returns:
        `out`.

    Raises:
        InputError: The model, recipe, rows, seed or folder do not fit, or the loss is not finite.
    """

    def build(setup: Setup, stage: PairStage) -> Trainer:
        pad = setup.lm.tokenizer.pad_token_id
        with without_bars():
            trainer = _DpoTrainer(
                model=setup.model,
                args=trl_config(DPOConfig, setup, beta=recipe.beta, max_length=None),
                data_collator=lambda pairs: collate_pairs(pairs, pad),
                train_dataset=stage.dataset(),
                processing_class=setup.lm.tokenizer,
                callbacks=setup.callbacks,
            )
        settle_reference(trainer, setup, recipe)
        return trainer

    return PairStage(rows, recipe, seed).train(model_reference, out, build, save_at)


class _DpoTrainer(TrlMixin, DPOTrainer):
    """TRL's trainer on pairs that are tokens already, because its own mask goes on behind the end of the turn."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


def collate_pairs(pairs: Sequence[dict[str, list[int]]], pad: int) -> dict[str, torch.Tensor]:
    """Pads pairs on the right, all chosen replies before all rejected ones.

    TRL's own collator has one prompt for both replies; templates that write down reasoning make two.

    Args:
        pairs: With `chosen_ids`, `chosen_mask`, `rejected_ids`, `rejected_mask`; a mask is 1 on the reply.
        pad: Token id to fill with.

    Returns:
        `input_ids`, `attention_mask` and `completion_mask`, each of shape (2 x pairs, longest).
    """
    sides = [(pair[f"{side}_ids"], pair[f"{side}_mask"]) for side in ("chosen", "rejected") for pair in pairs]
    width = max(len(ids) for ids, _ in sides)
    return {
        "input_ids": torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in sides]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in sides]),
        "completion_mask": torch.tensor([mask + [0] * (width - len(mask)) for _, mask in sides]),
    }
