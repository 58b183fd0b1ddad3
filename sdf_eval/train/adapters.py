"""LoRA on top of a loaded model."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel
from sdf_eval.train.recipe import SdfRecipe


def add_adapter(lm: LanguageModel, recipe: SdfRecipe, base_reference: str) -> Any:
    """Wraps a model in a fresh LoRA adapter; only the adapter trains, in float32.

    Args:
        lm: The model, changed in place.
        recipe: With method `lora`.
        base_reference: What the adapter's configuration names as its base.

    Returns:
        The PEFT model.

    Raises:
        InputError: A target is no linear layer of the model. (peft itself complains only if none of them is.)
    """
    targets = recipe.targets if isinstance(recipe.targets, str) else list(recipe.targets)
    if not isinstance(targets, str):
        _check_targets(lm, targets)
    assert recipe.rank is not None and recipe.alpha is not None
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(lm.model, config)
    model.peft_config["default"].base_model_name_or_path = base_reference
    return model


def _check_targets(lm: LanguageModel, targets: list[str]) -> None:
    linear = {
        name.rpartition(".")[2] for name, module in lm.model.named_modules() if isinstance(module, torch.nn.Linear)
    }
    missing = [target for target in targets if target not in linear]
    if missing:
        layers = ", ".join(sorted(linear))
        raise InputError(f"recipe: targets: {', '.join(missing)}: not in {lm.name}; its linear layers are {layers}")
