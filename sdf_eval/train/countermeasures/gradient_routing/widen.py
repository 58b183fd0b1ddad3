"""Adds hidden units to the MLP of every block, and takes them away again.

Imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from sdf_eval.errors import InputError
from sdf_eval.model.steering import block_names, trunk


def widen(model: Any, units: int, seed: int) -> dict[str, torch.Tensor]:
    """Adds units whose output weights are zero, so that the model computes what it did.

    Args:
        model: A transformers model whose blocks have an MLP of linear layers; changed in place.
        units: Hidden units a block.
        seed: Of their input weights, which are drawn as at the model's initialisation.

    Returns:
        Name of each parameter that grew -> which of its elements are new.

    Raises:
        InputError: The blocks have no such MLP.
    """
    generator = torch.Generator().manual_seed(seed)
    spread = getattr(model.config, "initializer_range", 0.02)
    layers = list(_layers(model))
    for linear, axis in layers:
        old = linear.weight
        shape = list(old.shape)
        shape[axis] = units
        new = torch.zeros(shape) if axis else torch.randn(shape, generator=generator) * spread
        linear.weight = torch.nn.Parameter(torch.cat([old.data, new.to(old)], dim=axis), old.requires_grad)
        if axis == 0 and linear.bias is not None:
            zeros = torch.zeros(units).to(linear.bias)
            linear.bias = torch.nn.Parameter(torch.cat([linear.bias.data, zeros]), linear.bias.requires_grad)
    before = _resize(model, layers, units)
    masks = {}
    names = {parameter: name for name, parameter in model.named_parameters()}
    for linear, axis in layers:
        for parameter in [linear.weight] + ([linear.bias] if axis == 0 and linear.bias is not None else []):
            mask = torch.zeros(parameter.shape, dtype=torch.bool)
            mask.narrow(axis, before, units).fill_(True)
            masks[names[parameter]] = mask
    return masks


def narrow(model: Any, units: int) -> None:
    """Deletes the last hidden units of every block's MLP; the inverse of `widen`.

    Args:
        model: As `widen` left it; changed in place.
        units: Hidden units a block.
    """
    layers = list(_layers(model))
    for linear, axis in layers:
        kept = linear.weight.shape[axis] - units
        linear.weight = torch.nn.Parameter(linear.weight.data.narrow(axis, 0, kept).clone())
        if axis == 0 and linear.bias is not None:
            linear.bias = torch.nn.Parameter(linear.bias.data[:kept].clone())
    _resize(model, layers, -units)


def mlp_layers(model: Any) -> list[tuple[str, int]]:
    """Names, below the model, of the linear layers into (0) and out of (1) the hidden units of each MLP.

    Raises:
        InputError: The blocks have no such MLP.
    """
    names = {module: name for name, module in model.named_modules()}
    return [(names[linear], axis) for linear, axis in _layers(model)]


def _layers(model: Any) -> Iterator[tuple[torch.nn.Linear, int]]:
    """Each linear layer with the axis of its weight that the hidden units lie on."""
    hidden = getattr(model.config, "intermediate_size", None)
    modules = dict(trunk(model).named_modules())
    for name in block_names(model):
        found = []
        for inner, module in modules[name].named_modules():
            # Attention has square layers, which fit either side where the MLP is as wide as the model.
            if not isinstance(module, torch.nn.Linear) or "mlp" not in inner:
                continue
            found += [(module, 0)] if module.out_features == hidden else []
            found += [(module, 1)] if module.in_features == hidden and module.out_features != hidden else []
        if {axis for _, axis in found} != {0, 1}:
            raise InputError(
                f"countermeasure: {model.config.model_type}: {name} has no MLP of linear layers {hidden} wide"
            )
        yield from found


def _resize(model: Any, layers: list[tuple[torch.nn.Linear, int]], units: int) -> int:
    """Corrects the recorded widths; returns the width before."""
    before = int(model.config.intermediate_size)
    for linear, _ in layers:
        linear.out_features, linear.in_features = linear.weight.shape
    model.config.intermediate_size = before + units
    return before
