"""Steering files: vectors that shift a model's activations, in the format of lm-evaluation-harness's `steered` model.

A file is a dictionary that torch saved: name of a module -> `steering_vector`, `steering_coefficient`, `action`,
`bias`, `head_index`. `lm_eval run --model steered --model_args pretrained=…,steer_path=FILE` reads the same file.

Source: lm-evaluation-harness 0.4.13, `lm_eval/models/hf_steered.py`.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from sdf_eval.errors import InputError
from sdf_eval.files import replace_file

Action = Literal["add", "clamp"]

_KEYS = ("steering_vector", "steering_coefficient", "action", "bias", "head_index")
_SUFFIXES = (".pt", ".pth")


@dataclass(frozen=True)
class Hook:
    """One shift, at the output of one module, at every position.

    Attributes:
        hookpoint: Name of the module below the model's trunk (`base_model` in transformers), such as `layers.3`.
        vector: Shape [features].
        coefficient: `add`: times the vector, what is added. `clamp`: what the component along the vector is set to.
        action: `add` or `clamp`.
        bias: `clamp` only: subtracted before, added after; shape [features].
        head_index: `add` only: which entry of the second-last axis to shift, where the module's output has a head axis.
    """

    hookpoint: str
    vector: torch.Tensor
    coefficient: float = 1.0
    action: Action = "add"
    bias: torch.Tensor | None = None
    head_index: int | None = None

    def scaled(self, factor: float) -> Hook:
        """The same hook with `factor` times its coefficient."""
        return replace(self, coefficient=self.coefficient * factor)


def write_steering(path: Path, hooks: Sequence[Hook]) -> None:
    """Writes a steering file; it is complete or absent.

    Args:
        path: Ends in `.pt` or `.pth`, as lm-eval demands.
        hooks: At least one, each on a module of its own.

    Raises:
        InputError: The name does not fit, there is no hook, or two are on one module.
    """
    _check_suffix(path)
    if not hooks:
        raise InputError(f"{path}: no hook to write; give at least one")
    content = {
        hook.hookpoint: {
            "steering_vector": hook.vector.detach().cpu().clone(),
            "steering_coefficient": float(hook.coefficient),
            "action": hook.action,
            "bias": None if hook.bias is None else hook.bias.detach().cpu().clone(),
            "head_index": hook.head_index,
        }
        for hook in hooks
    }
    if len(content) < len(hooks):
        raise InputError(f"{path}: two hooks on one module; add their vectors up")
    for hook in hooks:
        _check(hook, path)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    replace_file(path, buffer.getvalue())


def read_steering(path: Path | str) -> tuple[Hook, ...]:
    """Reads a steering file without running code of it.

    Args:
        path: A `.pt` or `.pth` file.

    Returns:
        Its hooks in the order of the file.

    Raises:
        InputError: The file is missing, is no steering file, or holds anything but tensors and numbers.
    """
    path = Path(path).expanduser()
    _check_suffix(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"steer_path: {path}: no such file; give one that `write_steering` or lm-eval wrote") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise InputError(
            f"steer_path: {path}: not a file of tensors ({reason}); save it again with torch.save"
        ) from None
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"steer_path: {path}: expected a mapping of module names; see lm-eval's `steered` model")
    return tuple(_read_hook(str(name), entry, path) for name, entry in content.items())


@contextmanager
def steered(model: Any, hooks: Sequence[Hook]) -> Iterator[None]:
    """Shifts a model's activations while the context lasts.

    Args:
        model: A transformers model, or a PEFT model around one.
        hooks: What to shift.

    Raises:
        InputError: A module does not exist or is of another width.
    """
    handles = install(model, hooks)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def install(model: Any, hooks: Sequence[Hook]) -> list[Any]:
    """Shifts a model's activations from now on.

    Args:
        model: A transformers model, or a PEFT model around one.
        hooks: What to shift.

    Returns:
        Handles whose `remove` ends it.

    Raises:
        InputError: A module does not exist, or the model's width is another than the vector's.
    """
    modules = dict(trunk(model).named_modules())
    weight = next(model.parameters())
    for hook in hooks:
        if hook.hookpoint not in modules or not hook.hookpoint:
            raise InputError(
                f"steering: {hook.hookpoint}: no such module; hooks may stand at {_known(model)} and below"
            )
    return [modules[hook.hookpoint].register_forward_hook(_shift(hook, weight.device, weight.dtype)) for hook in hooks]


def trunk(model: Any) -> Any:
    """The model without its head, under any adapter: what hookpoints are named below."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return inner.base_model


def block_names(model: Any) -> list[str]:
    """Hookpoints of the residual stream behind each block, first to last.

    Args:
        model: A transformers model, or a PEFT model around one.

    Raises:
        InputError: No list of modules has as many entries as the configuration has layers.
    """
    layers = model.config.get_text_config().num_hidden_layers
    for name, module in trunk(model).named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == layers:
            return [f"{name}.{index}" for index in range(layers)]
    raise InputError(f"steering: {model.config.model_type}: has no list of {layers} blocks; name a module by hand")


def _shift(hook: Hook, device: torch.device, dtype: torch.dtype) -> Any:
    """A forward hook. Vector and coefficient are cast as lm-eval casts them, so that both shift to the bit alike."""
    vector = hook.vector.to(device).to(dtype)
    if hook.action == "add":
        addend = vector * hook.coefficient
    else:
        direction = vector / torch.norm(vector)
    bias = None if hook.bias is None else hook.bias.to(device).to(dtype)

    def shifted(acts: torch.Tensor) -> torch.Tensor:
        if acts.shape[-1] != vector.shape[0]:
            raise InputError(
                f"steering: {hook.hookpoint}: the vector has {vector.shape[0]} features, the module {acts.shape[-1]}; "
                "it was made for another model"
            )
        if hook.action == "add":
            if hook.head_index is None:
                return acts + addend
            heads = acts.clone()
            heads[..., hook.head_index, :] += addend
            return heads
        centred = acts if bias is None else acts - bias
        along = torch.sum(centred * direction, dim=-1, keepdim=True)
        clamped: torch.Tensor = centred + direction * (hook.coefficient - along)
        return clamped if bias is None else clamped + bias

    def forward_hook(_module: Any, _inputs: Any, output: Any) -> Any:
        return (shifted(output[0]), *output[1:]) if isinstance(output, tuple) else shifted(output)

    return forward_hook


def _read_hook(name: str, entry: Any, path: Path) -> Hook:
    if not isinstance(entry, Mapping):
        raise InputError(f"steer_path: {path}: {name}: expected a mapping with {', '.join(_KEYS)}")
    for key in ("steering_vector", "action"):
        if key not in entry:
            raise InputError(f"steer_path: {path}: {name}: {key}: missing; lm-eval needs it too")
    vector, bias, head = entry["steering_vector"], entry.get("bias"), entry.get("head_index")
    coefficient = entry.get("steering_coefficient", 1.0)
    if not isinstance(vector, torch.Tensor) or not (bias is None or isinstance(bias, torch.Tensor)):
        raise InputError(f"steer_path: {path}: {name}: steering_vector and bias must be tensors")
    if isinstance(coefficient, torch.Tensor) and coefficient.numel() == 1:
        coefficient = coefficient.item()
    if not isinstance(coefficient, int | float) or not (head is None or isinstance(head, int)):
        raise InputError(f"steer_path: {path}: {name}: steering_coefficient and head_index must be numbers")
    hook = Hook(name, vector, float(coefficient), entry["action"], bias, head)
    _check(hook, path)
    return hook


def _check(hook: Hook, path: Path) -> None:
    where = f"steer_path: {path}: {hook.hookpoint}"
    if hook.action not in get_args(Action):
        raise InputError(f"{where}: action: {hook.action!r}: unknown; use add or clamp")
    tensors = [hook.vector] if hook.bias is None else [hook.vector, hook.bias]
    if any(tensor.ndim != 1 or not tensor.isfinite().all() for tensor in tensors):
        raise InputError(f"{where}: steering_vector: must be one row of finite numbers")
    if hook.action == "add" and hook.bias is not None:
        raise InputError(f"{where}: bias: has no meaning for the action add; leave it out")
    if hook.action == "clamp" and hook.head_index is not None:
        raise InputError(f"{where}: head_index: lm-eval cannot clamp a single head; use the action add")
    if hook.action == "clamp" and not hook.vector.any():
        raise InputError(f"{where}: steering_vector: is zero, and so has no direction to clamp")


def _check_suffix(path: Path) -> None:
    if path.suffix not in _SUFFIXES:
        raise InputError(f"steer_path: {path}: must end in .pt or .pth, as lm-eval reads it")


def _known(model: Any) -> str:
    names = block_names(model)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
