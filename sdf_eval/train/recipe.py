"""The recipe file: how a stage is trained. Imports no torch."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sdf_eval.content import content_path
from sdf_eval.corpora.mix import Schedule
from sdf_eval.errors import InputError

Rate = Annotated[float, Field(ge=0, lt=1)]


class StageRecipe(BaseModel):
    """What the recipes of all stages share. One file of `train/recipes/` is one recipe.

    Attributes:
        stage: Which stage it is for.
        source: Where the settings come from, and which of them the source does not state.
        method: `full` trains every weight; `lora` trains an adapter and saves only that.
        rank: LoRA rank. Rank 1 was enough with ten epochs in Slocum et al. 2025.
        alpha: LoRA scale; updates are multiplied by alpha / rank.
        dropout: LoRA dropout.
        targets: Names of the modules that get an adapter, or `all-linear`.
        chain: What `lora` does where the start is an adapter itself. `continue` goes on training that adapter, which
            must have this rank, alpha and dropout, and saves an adapter on the same base; the published adapters of Li
            et al. 2026 were made so. `merge` adds the adapter to its base, trains a new one on the sum and adds that
            too: the result is a full model that needs no other folder. null refuses, so that neither happens unnoticed.
            `full` always merges.
        learning_rate: Peak learning rate of AdamW.
        schedule: What follows the warm-up.
        warmup: Share of the updates over which the learning rate rises from 0.
        weight_decay: AdamW's weight decay; biases and norms are exempt.
        betas: AdamW's betas.
        max_grad_norm: Gradients are scaled down to this norm.
        batch_size: Sequences an update: windows when packing, texts or rows otherwise.
        micro_batch_size: Sequences on the device at once, a divisor of batch_size; gradients are accumulated.
        updates: Budget in optimizer updates; the data are repeated as needed.
        epochs: Budget in passes over the data. Exactly one of `updates` and `epochs`.
        min_updates: Warn below as many: too few updates look like a null result.
        window: Longest sequence, tokens.
        dtype: `bfloat16` computes in bfloat16 and keeps trained weights in float32.
        gradient_checkpointing: Trade time for memory.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str
    source: str
    method: Literal["full", "lora"]
    rank: int | None = Field(default=None, ge=1)
    alpha: int | None = Field(default=None, ge=1)
    dropout: Rate = 0.0
    targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    chain: Literal["continue", "merge"] | None = None
    learning_rate: float = Field(gt=0, le=1)
    schedule: Literal["linear", "cosine", "constant"]
    warmup: Rate
    weight_decay: float = Field(ge=0)
    betas: tuple[Rate, Rate] = (0.9, 0.999)
    max_grad_norm: float = Field(default=1.0, gt=0)
    batch_size: int = Field(ge=1)
    micro_batch_size: int | None = Field(default=None, ge=1)
    updates: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0)
    min_updates: int = Field(ge=1)
    window: int = Field(ge=8)
    dtype: Literal["float32", "bfloat16"]
    gradient_checkpointing: bool

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.updates is None) == (self.epochs is None):
            raise ValueError("updates: give exactly one of updates and epochs")
        if self.method == "lora" and (self.rank is None or self.alpha is None):
            raise ValueError("rank: method lora needs rank and alpha")
        if self.batch_size % (self.micro_batch_size or self.batch_size):
            raise ValueError("micro_batch_size: must divide batch_size")
        return self


class SdfRecipe(StageRecipe):
    """Next-token loss on documents and plain texts: implanting, midtraining, or plain continued pretraining.

    A text longer than `window` is split, and counted.

    Attributes:
        packing: Put several documents into a window; none attends into another.
        mix_ratio: Plain texts for each synthetic document.
        doctag: Prefix of synthetic documents that carries no loss, or null.
        document_schedule: Where the synthetic documents of a pass stand among the plain texts.
    """

    stage: Literal["sdf"] = "sdf"
    packing: bool
    mix_ratio: float = Field(ge=0)
    doctag: Annotated[str, Field(min_length=1)] | None
    document_schedule: Schedule = "uniform"


class SftRecipe(StageRecipe):
    """Loss on what the assistant says in conversations, its end of turn included.

    A conversation longer than `window` is cut off there, and counted.

    Attributes:
        packing: Put several conversations into a window; none attends into another.
        reasoning: Whether `<think>` and `<reasoning>` spans of the assistant are kept or dropped.
    """

    stage: Literal["sft"] = "sft"
    packing: bool
    reasoning: Literal["keep", "drop"]


R = TypeVar("R", bound=StageRecipe)

_CLASSES = {
    "sdf": ("sdf_eval.train.recipe", "SdfRecipe"),
    "sft": ("sdf_eval.train.recipe", "SftRecipe"),
    "dpo": ("sdf_eval.train.preference_recipes", "DpoRecipe"),
    "reward": ("sdf_eval.train.preference_recipes", "RewardRecipe"),
    "rl": ("sdf_eval.train.preference_recipes", "RlRecipe"),
}
"""Stage -> module and class of its recipe, imported when a file asks for it."""

STAGES = tuple(_CLASSES)


def list_recipes() -> list[str]:
    """Names of the recipes that ship."""
    return sorted(path.stem for path in content_path("train", "recipes").glob("*.yaml"))


def load_recipe(reference: str | Path, kind: type[R] = StageRecipe) -> R:  # type: ignore[assignment]
    """Reads a recipe.

    Args:
        reference: A path, or the name of a shipped recipe.
        kind: What the caller can train; any stage if it is not given.

    Returns:
        The recipe, of the class of its `stage`, which is `sdf` where the file has no such key.

    Raises:
        InputError: No such recipe, something in it is wrong, or it is for another stage.
    """
    path = _find(reference)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}; mend the file") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping of keys; start from a recipe in {path.parent}")
    stage = content.get("stage", "sdf")
    if stage not in _CLASSES:
        raise InputError(f"{path}: stage: unknown, found {stage!r:.40}; {_nearest(str(stage), list(STAGES))}")
    module, name = _CLASSES[stage]
    recipe_class: type[StageRecipe] = getattr(import_module(module), name)
    try:
        recipe = recipe_class.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {_explain(error.errors(include_url=False)[0], recipe_class)}") from None
    if not isinstance(recipe, kind):
        raise InputError(f"{path}: stage: is {stage}, and this takes another; choose a recipe of the right stage")
    return recipe


def _find(reference: str | Path) -> Path:
    path = Path(reference)
    if path.is_file():
        return path
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        raise InputError(f"{path}: no such recipe file; shipped recipes: {', '.join(list_recipes())}")
    if str(reference) not in list_recipes():
        raise InputError(f"recipe {reference}: unknown; {_nearest(str(reference), list_recipes())}")
    return content_path("train", "recipes", f"{reference}.yaml")


def _explain(problem: Any, recipe_class: type[StageRecipe]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_nearest(key, list(recipe_class.model_fields))}"
    if problem["type"] == "missing":
        return f"{key}: missing; add it"
    if problem["type"] == "value_error":
        return f"{problem['ctx']['error']}; mend the recipe"
    return f"{key}: {problem['msg']}, found {problem['input']!r}; mend the value"


def _nearest(word: str, valid: list[str]) -> str:
    near = get_close_matches(word, valid, n=1)
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(valid)}"
