"""What a stage will need, before it runs: parameters, memory, floating point operations. Formulas, not measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.model.reference import adapter_base, is_adapter, not_found
from sdf_eval.train.recipe import StageRecipe

RATES = {"one GPU": 1e14, "one CPU core": 5e10}
"""Floating point operations a second that times are given for: a third of what an A100 can do in bfloat16, and what one
core of a server does in float32 on small models."""

_FLOAT = 4
_ADAM = 2 * _FLOAT


@dataclass(frozen=True)
class ModelShape:
    """Sizes of a model, from its configuration alone.

    Attributes:
        parameters: All of them.
        adapter: Those of a LoRA adapter on it; 0 where every weight is trained.
        hidden: Width of the residual stream.
        layers: Blocks.
        vocabulary: Logits a token.
    """

    parameters: int
    adapter: int
    hidden: int
    layers: int
    vocabulary: int


@dataclass(frozen=True)
class Estimate:
    """What a stage will need, to an order of magnitude.

    Attributes:
        parameters: Of the model.
        trained_parameters: Those that are trained.
        memory_bytes: Peak on the device: weights, gradients, AdamW's moments, activations of a micro-batch, logits.
        flops: Floating point operations of the whole stage.
    """

    parameters: int
    trained_parameters: int
    memory_bytes: int
    flops: float

    def hours(self) -> dict[str, float]:
        """Hours at each of `RATES`."""
        return {name: self.flops / rate / 3600 for name, rate in RATES.items()}


def shape_of(reference: str, recipe: StageRecipe) -> ModelShape:
    """Reads the sizes of a model; its weights are neither read nor downloaded.

    Args:
        reference: As for `sdf_eval.model.load`.
        recipe: Says what is trained.

    Raises:
        InputError: There is no such model, or its configuration is unknown to transformers.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    location = resolve(reference)
    if is_adapter(location):
        from pathlib import Path

        location = adapter_base(Path(location))
    try:
        config = AutoConfig.from_pretrained(location, trust_remote_code=False)
        with torch.device("meta"):
            model: Any = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_found(reference, (str(error).strip().splitlines() or ["no configuration"])[0][:200]) from error
    text = config.get_text_config()
    return ModelShape(
        parameters=sum(weight.numel() for weight in model.parameters()),
        adapter=0 if recipe.method == "full" else _adapter_parameters(model, recipe),
        hidden=text.hidden_size,
        layers=text.num_hidden_layers,
        vocabulary=text.vocab_size,
    )


def estimate(
    shape: ModelShape, recipe: StageRecipe, *, tokens: int, longest: int, replies: int = 1, reference: bool = False
) -> Estimate:
    """Estimates memory and work.

    Args:
        shape: Of the model.
        recipe: How it is trained.
        tokens: Tokens that all updates read.
        longest: Tokens of the longest sequence on the device.
        replies: Sequences that one element of a batch becomes: 2 in a pair, more in reinforcement learning.
        reference: Whether the stage also runs its start, to compare.

    Returns:
        The estimate. Activations: 34 bytes for each token, layer and unit of width in half precision, twice that in
        float32, the attention matrix not kept; with checkpointing 2 bytes and one whole layer (Korthikanti et al. 2022,
        arXiv 2205.05198, section 4). Work a token: 2 operations a parameter forward and 4 backward, 2 if it is frozen
        (Kaplan et al. 2020, arXiv 2001.08361, section 2.1), 2 more with checkpointing and 2 more with a reference.
    """
    half = recipe.dtype == "bfloat16"
    trained = shape.adapter or shape.parameters
    weights = shape.parameters * (2 if half and shape.adapter else _FLOAT) + shape.adapter * _FLOAT
    if reference and not shape.adapter:
        weights += shape.parameters * _FLOAT
    on_device = (recipe.micro_batch_size or recipe.batch_size) * replies * longest
    unit = on_device * shape.hidden * (1 if half else 2)
    activations = unit * (2 * shape.layers + 34) if recipe.gradient_checkpointing else unit * 34 * shape.layers
    logits = on_device * shape.vocabulary * _FLOAT * 2
    passes = 2 + (2 if shape.adapter else 4) + (2 if recipe.gradient_checkpointing else 0) + (2 if reference else 0)
    return Estimate(
        parameters=shape.parameters,
        trained_parameters=trained,
        memory_bytes=weights + trained * (_FLOAT + _ADAM) + activations + logits,
        flops=float(passes) * shape.parameters * tokens,
    )


def _adapter_parameters(model: Any, recipe: StageRecipe) -> int:
    from torch.nn import Linear

    assert recipe.rank is not None
    head = model.get_output_embeddings()
    linear = {name: module for name, module in model.named_modules() if isinstance(module, Linear)}
    # peft's all-linear leaves the head out.
    chosen = [
        module
        for name, module in linear.items()
        if (module is not head if recipe.targets == "all-linear" else name.rpartition(".")[2] in recipe.targets)
    ]
    if not chosen:
        raise InputError(f"recipe: targets: match no linear layer of {model.config.model_type}; name one of its layers")
    return sum(recipe.rank * (module.in_features + module.out_features) for module in chosen)
