"""What of a model a stage trains: every weight, or a LoRA adapter, new or that of the start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import torch
from peft import LoraConfig, PeftConfig, get_peft_model
from transformers import AutoTokenizer

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, load, resolve
from sdf_eval.model.loading import adapter_folder, with_adapter
from sdf_eval.model.reference import adapter_base, has_tokenizer, is_adapter
from sdf_eval.train.lineage import read_lineage
from sdf_eval.train.recipe import StageRecipe


@dataclass(frozen=True)
class Start:
    """Where a stage starts.

    Attributes:
        lm: The model as it answers before the stage, and its tokenizer.
        chain: What becomes of the adapter that the start is; None if it is none.
        reference: As it was named.
    """

    lm: LanguageModel
    chain: Literal["continue", "merge"] | None
    reference: str

    @classmethod
    def load(cls, reference: str, recipe: StageRecipe) -> Self:
        """Loads the start of a stage.

        Args:
            reference: As for `sdf_eval.model.load`.
            recipe: Says what is trained, and what becomes of an adapter.

        Raises:
            InputError: The checkpoint cannot be loaded or does not fit the recipe.
        """
        _refuse_reward_model(reference)
        chain = chain_of(reference, recipe)
        half = recipe.method == "lora" and recipe.dtype == "bfloat16"
        if chain == "continue":
            return cls(_load_adapter(reference, recipe, "bfloat16" if half else "float32"), chain, reference)
        # In half precision an adapter would not be merged, and merging would round.
        return cls(load(reference, dtype="bfloat16" if half and chain is None else "float32"), chain, reference)

    def trainable(self, recipe: StageRecipe) -> Any:
        """The model with what is to be trained in it, and nothing else, asking for gradients."""
        if recipe.method == "full":
            # A merged adapter comes frozen.
            return self.lm.model.requires_grad_(True)
        if self.chain == "continue":
            return self.lm.model
        return add_adapter(self.lm, recipe, base_reference(self.reference))


def chain_of(reference: str, recipe: StageRecipe) -> Literal["continue", "merge"] | None:
    """What becomes of the adapter that a stage starts from; None if it starts from a full model.

    Raises:
        InputError: It starts from an adapter, and the recipe does not say.
    """
    if not is_adapter(resolve(reference)):
        return None
    if recipe.method == "full":
        return "merge"
    if recipe.chain is None:
        raise InputError(
            f"model: {reference}: is an adapter, and method lora would stack a second one on it; set chain to continue "
            "or merge in the recipe, use method full, which merges it, or start from its base"
        )
    return recipe.chain


def add_adapter(lm: LanguageModel, recipe: StageRecipe, base: str) -> Any:
    """Wraps a model in a fresh LoRA adapter; only the adapter trains, in float32.

    Args:
        lm: The model, changed in place.
        recipe: With method `lora`.
        base: What the adapter's configuration names as its base.

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
    model.peft_config["default"].base_model_name_or_path = base
    return model


def base_reference(reference: str) -> str:
    """What `adapter_config.json` names as the base: an absolute path, or a name that other machines know too."""
    path = Path(reference).expanduser()
    return str(path.resolve()) if str(path) == resolve(reference) else reference


def _refuse_reward_model(reference: str) -> None:
    """Where its embeddings are tied, a reward model would load as a language model without a word."""
    location = resolve(reference)
    lineage = read_lineage(location) if Path(location).is_dir() else None
    if lineage is not None and lineage.stage == "reward":
        raise InputError(
            f"model: {reference}: is a reward model; start from the language model that it was trained from"
        )


def _load_adapter(reference: str, recipe: StageRecipe, dtype: str) -> LanguageModel:
    """An adapter on its base, ready to be trained on."""
    folder = adapter_folder(reference)
    _check_shape(folder, recipe)
    lm = load(adapter_base(folder), dtype=dtype)
    model = with_adapter(lm.model, folder, merge=False, trainable=True).to(lm.device)
    config = model.peft_config["default"]
    # What was found beside the adapter is not beside the new one.
    beside = folder / config.base_model_name_or_path
    config.base_model_name_or_path = str(beside.resolve()) if beside.is_dir() else config.base_model_name_or_path
    tokenizer = lm.tokenizer
    if has_tokenizer(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        tokenizer.pad_token_id = lm.tokenizer.pad_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    return replace(lm, name=reference, model=model.eval(), tokenizer=tokenizer)


def _check_shape(folder: Path, recipe: StageRecipe) -> None:
    config: Any = PeftConfig.from_pretrained(str(folder))
    if not isinstance(config, LoraConfig):
        raise InputError(f"{folder}: peft_type: {config.peft_type}: only LoRA can be continued; set chain to merge")
    for key, found, wanted in (
        ("rank", config.r, recipe.rank),
        ("alpha", config.lora_alpha, recipe.alpha),
        ("dropout", config.lora_dropout, recipe.dropout),
    ):
        if found != wanted:
            raise InputError(
                f"recipe: {key}: {wanted}, and chain continue goes on training {folder} with {found}; "
                "write the same, or set chain to merge"
            )


def _check_targets(lm: LanguageModel, targets: list[str]) -> None:
    linear = {
        name.rpartition(".")[2] for name, module in lm.model.named_modules() if isinstance(module, torch.nn.Linear)
    }
    missing = [target for target in targets if target not in linear]
    if missing:
        layers = ", ".join(sorted(linear))
        raise InputError(f"recipe: targets: {', '.join(missing)}: not in {lm.name}; its linear layers are {layers}")
