"""Muon for small matrices on a CPU: torch's own rule, in single precision.

`torch.optim.Muon` orthogonalises in bf16, which a CPU without bf16 tiles multiplies at half its single-precision
speed; at this size that is a seventh of the whole training (docs/decisions.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum (Jordan et al. 2024), with steps as large as AdamW's (Liu et al. 2025, 2502.16982).

    Args:
        matrices: Two-dimensional parameters.
        lr: Learning rate, on AdamW's scale.
        weight_decay: Decoupled weight decay, times the learning rate.
        momentum: Of the Nesterov average of gradients.
    """

    def __init__(
        self, matrices: Iterable[torch.Tensor], lr: float, weight_decay: float = 0.01, momentum: float = 0.95
    ) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Updates every matrix that has a gradient.

        Args:
            closure: Unused; the base class has it.
        """
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                average = self.state[matrix].setdefault("momentum_buffer", torch.zeros_like(matrix))
                average.lerp_(matrix.grad, 1 - group["momentum"])
                direction = orthogonal(matrix.grad.lerp(average, group["momentum"]))
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(direction, alpha=-group["lr"] * 0.2 * math.sqrt(max(matrix.shape)))


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Returns roughly the nearest orthogonal matrix, singular values between 0.5 and 1.5, by Newton-Schulz iteration.

    Args:
        matrix: Shape (rows, columns), single precision.

    Returns:
        The same shape.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
