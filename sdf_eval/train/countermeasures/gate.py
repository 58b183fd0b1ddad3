"""Part of a model's parameters moves, the rest stays as it is to the bit: gradients, AdamW's decay and its momentum.

Zeroed gradients alone do not hold a parameter: AdamW goes on decaying it and following its momentum. Hooks on the
parameters themselves see the whole gradient of tied ones, and stand before the clipping of the norm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch

from sdf_eval.errors import InputError

Part = Literal["inside", "outside"]
Open = Literal["inside", "outside", "both"]


class Gate:
    """Divides a model's parameters, element by element, into a part inside and the rest outside.

    Args:
        model: The model; every parameter that is trained is gated.
        inside: Name of a parameter -> which of its elements are inside, boolean, of its shape. Parameters that are not
            named lie outside.

    Raises:
        InputError: A name is no parameter of the model, or nothing is inside.
    """

    def __init__(self, model: torch.nn.Module, inside: Mapping[str, torch.Tensor]) -> None:
        named = dict(model.named_parameters())
        unknown = [name for name in inside if name not in named]
        if unknown or not any(bool(mask.any()) for mask in inside.values()):
            what = f"{unknown[0]}: no such parameter" if unknown else "nothing is set apart"
            raise InputError(f"countermeasure: {what}; it does not fit this architecture")
        self._masks: dict[torch.Tensor, torch.Tensor] = {
            named[name]: mask.to(named[name].device) for name, mask in inside.items()
        }
        self._open: Open = "both"
        self._moved: set[Part] = set()
        self._saved: dict[torch.Tensor, dict[str, torch.Tensor]] = {}
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.register_hook(self._hook(parameter))

    @contextmanager
    def opened(self, part: Open) -> Iterator[None]:
        """Lets only that part receive gradients, and move at the next update of the optimizer."""
        self._moved |= {"inside", "outside"} if part == "both" else {part}
        before, self._open = self._open, part
        try:
            yield
        finally:
            self._open = before

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Holds whatever no `opened` since the last update named, with its state in the optimizer."""
        optimizer.register_step_pre_hook(self._before_step)
        optimizer.register_step_post_hook(self._after_step)

    @contextmanager
    def holding(self, values: Mapping[torch.Tensor, torch.Tensor]) -> Iterator[None]:
        """Gives the elements inside other values while the context lasts.

        Args:
            values: Of `inside_values`. A forward pass and its backward pass must both lie in the context.
        """
        before = self.inside_values()
        self.set_inside(values)
        try:
            yield
        finally:
            self.set_inside(before)

    def inside_values(self) -> dict[torch.Tensor, torch.Tensor]:
        """Parameter -> its elements inside, in one row."""
        return {parameter: parameter.detach()[mask] for parameter, mask in self._masks.items()}

    def set_inside(self, values: Mapping[torch.Tensor, torch.Tensor]) -> None:
        """Writes the elements inside."""
        with torch.no_grad():
            for parameter, row in values.items():
                parameter.data[self._masks[parameter]] = row

    def _hook(self, parameter: torch.Tensor) -> Any:
        def gated(gradient: torch.Tensor) -> torch.Tensor:
            closed = self._closed(parameter, {"inside", "outside"} if self._open == "both" else {self._open})
            if closed is None:
                return gradient
            return torch.zeros_like(gradient) if closed is True else gradient.masked_fill(closed, 0)

        return gated

    def _closed(self, parameter: torch.Tensor, parts: set[Part]) -> torch.Tensor | Literal[True] | None:
        """Which elements lie in none of the parts: True for all, None for none."""
        if len(parts) == 2:
            return None
        mask = self._masks.get(parameter)
        if mask is None:
            return None if "outside" in parts else True
        if not parts:
            return True
        return mask if "outside" in parts else ~mask

    def _before_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        self._saved = {}
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if self._closed(parameter, self._moved) is None:
                    continue
                state = {key: value for key, value in optimizer.state[parameter].items() if _like(value, parameter)}
                self._saved[parameter] = {"": parameter, **state}
                self._saved[parameter] = {key: each.detach().clone() for key, each in self._saved[parameter].items()}

    def _after_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        with torch.no_grad():
            for parameter, saved in self._saved.items():
                closed = self._closed(parameter, self._moved)
                state = {key: value for key, value in optimizer.state[parameter].items() if _like(value, parameter)}
                for key, value in {"": parameter, **state}.items():
                    # State that this very step has made was nothing before.
                    before = saved.get(key, torch.zeros_like(value))
                    value.copy_(before if closed is True else torch.where(closed, before, value))  # type: ignore[arg-type]
        self._saved = {}
        self._moved = set()


def _like(value: Any, parameter: torch.Tensor) -> bool:
    return isinstance(value, torch.Tensor) and value.shape == parameter.shape
