"""The last hidden units and attention heads of each block, as elements of its parameters.

Imports torch.
"""

from __future__ import annotations

from typing import Any

import torch

from sdf_eval.errors import InputError
from sdf_eval.model.steering import block_names, trunk
from sdf_eval.train.countermeasures.gradient_routing.widen import mlp_layers


def last_parts(model: Any, units: int, heads: int) -> dict[str, torch.Tensor]:
    """Marks what is set apart.

    Args:
        model: A transformers model.
        units: Hidden units of each block's MLP, counted from the last.
        heads: Key-value heads of each block, counted from the last, with all query heads that read them.

    Returns:
        Name of a parameter -> which of its elements are set apart, boolean.

    Raises:
        InputError: The blocks have fewer, or no MLP or attention of separate linear layers.
    """
    masks: dict[str, torch.Tensor] = {}
    modules = dict(model.named_modules())
    if units >= model.config.intermediate_size:
        raise InputError(f"countermeasure: units: {units}: the MLP has {model.config.intermediate_size}; name fewer")
    for name, axis in mlp_layers(model) if units else ():
        _mark(masks, name, modules[name], axis, units)
    if heads:
        for name, axis, count in _attention(model, heads):
            _mark(masks, name, modules[name], axis, count)
    return masks


def _attention(model: Any, heads: int) -> list[tuple[str, int, int]]:
    """Each projection's name, the axis that the heads lie on, and how many rows or columns are set apart."""
    config = model.config
    groups = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    if heads >= groups:
        raise InputError(f"countermeasure: heads: {heads}: a block has {groups}; name fewer")
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    queries = heads * (config.num_attention_heads // groups) * size
    counts = {"q_proj": (0, queries), "k_proj": (0, heads * size), "v_proj": (0, heads * size), "o_proj": (1, queries)}
    names = {module: name for name, module in model.named_modules()}
    modules = dict(trunk(model).named_modules())
    found = []
    for block in block_names(model):
        projections = {inner.rpartition(".")[2]: module for inner, module in modules[block].named_modules()}
        if not counts.keys() <= projections.keys():
            raise InputError(
                f"countermeasure: heads: {config.model_type} has no separate {', '.join(counts)}; set heads to 0"
            )
        found += [(names[projections[name]], axis, count) for name, (axis, count) in counts.items()]
    return found


def _mark(masks: dict[str, torch.Tensor], name: str, linear: torch.nn.Linear, axis: int, count: int) -> None:
    mask = torch.zeros(linear.weight.shape, dtype=torch.bool)
    mask.narrow(axis, linear.weight.shape[axis] - count, count).fill_(True)
    masks[f"{name}.weight"] = mask
    if axis == 0 and linear.bias is not None:
        masks[f"{name}.bias"] = mask[:, 0].clone()
