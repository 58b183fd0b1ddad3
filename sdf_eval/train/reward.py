"""Training a reward model, with TRL's `RewardTrainer`.

Imports torch: import this module inside the function that trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Trainer
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import RewardTrainer

from sdf_eval.train.chat_rows import PreferenceRow
from sdf_eval.train.pair_stage import PairStage
from sdf_eval.train.preference_recipes import RewardRecipe
from sdf_eval.train.reward_model import classifier_on
from sdf_eval.train.save_at import SaveAt
from sdf_eval.train.stage import Setup
from sdf_eval.train.trl_stage import TrlMixin, trl_config

_HEADS = ["score", "classifier"]


def train_reward(
    model_reference: str,
    rows: Sequence[PreferenceRow],
    recipe: RewardRecipe,
    out: Path | str,
    *,
    seed: int = 0,
    save_at: SaveAt | None = None,
) -> Path:
    """Trains a reward model on preferences and writes a checkpoint folder that is complete or absent.

    The folder is a sequence classification model of one label, or an adapter for one; `RewardModel` loads both. A
    folder that already holds this very training is left as it is.

    Args:
        model_reference: The language model to start from, as for `sdf_eval.model.load`; its tokenizer has a chat
            template. Its head is replaced.
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
        return _RewardTrainer(
            model=_reward_model(setup, recipe),
            # TRL would switch off the dropout that the recipe sets.
            args=trl_config(
                RewardConfig,
                setup,
                max_length=None,
                disable_dropout=False,
                center_rewards_coefficient=recipe.center_rewards_coefficient or None,
            ),
            train_dataset=stage.dataset(),
            processing_class=setup.lm.tokenizer,
            callbacks=setup.callbacks,
        )

    return PairStage(rows, recipe, seed).train(model_reference, out, build, save_at)


class _RewardTrainer(TrlMixin, RewardTrainer):
    """TRL's trainer, watched."""


def _reward_model(setup: Setup, recipe: RewardRecipe) -> Any:
    """The start with a head for rewards, and with the adapter of the recipe around both."""
    if not isinstance(setup.model, PeftModel):
        return classifier_on(setup.model)
    adapter: Any = setup.model.peft_config["default"]
    classifier = classifier_on(setup.model.unload())
    heads = [name for name in _HEADS if hasattr(classifier, name)]
    config = LoraConfig(
        r=recipe.rank or 1,
        lora_alpha=recipe.alpha or 1,
        lora_dropout=recipe.dropout,
        target_modules=adapter.target_modules,
        modules_to_save=heads,
        task_type="SEQ_CLS",
    )
    model = get_peft_model(classifier, config)
    model.peft_config["default"].base_model_name_or_path = adapter.base_model_name_or_path
    return model
