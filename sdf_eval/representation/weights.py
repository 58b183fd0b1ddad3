"""What training did to each matrix: how much it changed, and in how many directions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from sdf_eval.representation.schema import Spectrum

_NO_CHANGE = 1e-12


def weight_spectra(model: Any, base: Any) -> tuple[list[Spectrum], list[str]]:
    """Singular values of the change of every matrix.

    Args:
        model: A transformers model; an adapter is merged into it, or counts as no change of the matrices under it.
        base: What it came from.

    Returns:
        A spectrum a matrix that changed, the largest relative change first, and a note a matrix that has no counterpart
        of its shape.

    Source: share of energy in the leading singular vectors, arXiv 2508.00161; effective rank, Roy and Vetterli 2007,
        EUSIPCO, on squared singular values. A random change's top share: the edge of the Marchenko-Pastur law,
        (sqrt(rows) + sqrt(columns))^2 / (rows columns).
    """
    before = dict(_matrices(base))
    spectra, notes = [], []
    for name, after in _matrices(model):
        old = before.get(name)
        if old is None or old.shape != after.shape:
            notes.append(f"weights: {name}: not in the base, or of another shape there")
            continue
        change = after.float() - old.float()
        norm = float(change.norm())
        if norm <= _NO_CHANGE * max(1.0, float(old.norm())):
            continue
        spectra.append(_spectrum(name, change, norm / max(float(old.float().norm()), _NO_CHANGE)))
    return sorted(spectra, key=lambda one: -one.relative_norm), notes


def _spectrum(name: str, change: torch.Tensor, relative: float) -> Spectrum:
    rows, columns = change.shape
    wide = change if rows <= columns else change.T
    # The small Gram matrix in double precision: its eigenvalues are the squared singular values.
    squares = torch.linalg.eigvalsh((wide @ wide.T).double().cpu()).clamp(min=0)
    shares = squares / squares.sum()
    kept = shares[shares > 0]
    return Spectrum(
        matrix=name,
        shape=(rows, columns),
        relative_norm=relative,
        effective_rank=math.exp(float(-(kept * kept.log()).sum())),
        top_share=float(shares.max()),
        chance=min(1.0, (math.sqrt(rows) + math.sqrt(columns)) ** 2 / (rows * columns)),
    )


def _matrices(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and min(weight.shape) > 1:
            yield name, weight.detach()
