"""A LoRA adapter that takes part in a model's forward passes and is not in it.

Imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig
from safetensors.torch import load_file
from torch.nn.functional import linear
from torch.utils.hooks import RemovableHandle

from sdf_eval.errors import InputError

_WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"


def attach_adapter(model: Any, folder: Path | str) -> list[RemovableHandle]:
    """Adds an adapter's output to that of the linear layers it was trained on.

    The model's modules, parameters and checkpoints stay as they are, unlike with peft's own wrapping, so that its base
    can be trained under the adapter, saved on the way and resumed.

    Args:
        model: A transformers model, of the architecture that the adapter was trained on.
        folder: A LoRA adapter without dropout or other extras, as `sdf-eval train` writes it.

    Returns:
        Handles whose `remove` ends it.

    Raises:
        InputError: The adapter is of another model.
    """
    config: Any = PeftConfig.from_pretrained(str(folder))
    weights = load_file(Path(folder) / _WEIGHTS)
    modules = dict(model.named_modules())
    scale = config.lora_alpha / config.r
    device, dtype = next(model.parameters()).device, next(model.parameters()).dtype
    handles = []
    for key in sorted(key for key in weights if key.endswith(_DOWN)):
        name = key.removeprefix(_PREFIX).removesuffix(_DOWN)
        if name not in modules:
            raise InputError(f"{folder}: {name}: not in the model; the adapter is of another one")
        down, up = (weights[key.removesuffix(_DOWN) + end].to(device, dtype) for end in (_DOWN, _UP))
        handles.append(modules[name].register_forward_hook(_adding(down, up, scale)))
    return handles


def _adding(down: torch.Tensor, up: torch.Tensor, scale: float) -> Callable[..., torch.Tensor]:
    def hook(_module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return output + scale * linear(linear(inputs[0], down), up)

    return hook
