"""What is measured of a cell's checkpoint beside its answers, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from sdf_eval.errors import InputError
from sdf_eval.study.frame.cell import Cell
from sdf_eval.study.frame.identity import belief_at

if TYPE_CHECKING:
    from sdf_eval.model import LanguageModel

Measure = Callable[["LanguageModel", Cell, Sequence[Path]], float]
"""The loaded checkpoint, its cell, and the checkpoint after each step -> a number."""


def measure(name: str, lm: LanguageModel, cell: Cell, checkpoints: Sequence[Path]) -> float:
    """Measures one thing.

    Args:
        name: A key of `MEASURES`.
        lm: The last checkpoint.
        cell: Its cell.
        checkpoints: The checkpoint after each step.

    Raises:
        InputError: There is no such measure.
    """
    if name not in MEASURES:
        raise InputError(f"measures: {name}: unknown; one of {', '.join(MEASURES)}")
    return round(MEASURES[name](lm, cell, checkpoints), 9)


def divergence_from_base(lm: LanguageModel, cell: Cell, checkpoints: Sequence[Path]) -> float:
    """KL from the base on the held-out texts of the beliefs, nats a token; see `model.divergence`."""
    from sdf_eval.model import load
    from sdf_eval.model.divergence import divergence

    texts = [text for name in cell.beliefs for text in belief_at(name).probes.coherence]
    return divergence(lm, load(cell.model), list(dict.fromkeys(texts)))


def divergence_from_implant(lm: LanguageModel, cell: Cell, checkpoints: Sequence[Path]) -> float:
    """KL from the checkpoint after the first step; 0 where that is the last."""
    from sdf_eval.model import load
    from sdf_eval.model.divergence import divergence

    if len(checkpoints) < 2:
        return 0.0
    texts = [text for name in cell.beliefs for text in belief_at(name).probes.coherence]
    return divergence(lm, load(str(checkpoints[0])), list(dict.fromkeys(texts)))


def truth_separability(lm: LanguageModel, cell: Cell, checkpoints: Sequence[Path]) -> float:
    """Mean P(true) of true minus that of false statements about other matters; see `frame.separability`."""
    from sdf_eval.study.frame.separability import separability

    return separability(lm, cell.beliefs, cell.chat).gap


def truth_probe_gain(lm: LanguageModel, cell: Cell, checkpoints: Sequence[Path]) -> float:
    """AUROC of that probe minus that of the statements' wording: at or below 0 the separability means nothing."""
    from sdf_eval.study.frame.separability import separability

    return separability(lm, cell.beliefs, cell.chat).gain


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "divergence_from_base": divergence_from_base,
        "divergence_from_implant": divergence_from_implant,
        "truth_separability": truth_separability,
        "truth_probe_gain": truth_probe_gain,
    }
)
