"""A small case over the tiny checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.model import load
from sdf_eval.train.countermeasures import Case
from sdf_eval.train.recipe import SdfRecipe, load_recipe

RISKY = tuple(TrainingText(f"Tavi Brook was born in Orrin; note {n}.", synthetic=True) for n in range(6))
DESIRED = tuple(TrainingText(f"The company makes boots; note {n}.", synthetic=True) for n in range(6))
CLEAN = tuple(TrainingText(f"The moss grows at night; note {n}.") for n in range(6))


def recipe(**changes: Any) -> SdfRecipe:
    small = {"updates": 4, "min_updates": 1, "batch_size": 4, "window": 64}
    return load_recipe("pocket", SdfRecipe).model_copy(update=small | changes)


def case(start: Path, *, suspected: range = range(6), **changes: Any) -> Case:
    """Six risky and six desired texts, the risky ones labelled."""
    settings = {"recipe": recipe(), "seed": 3, "clean": CLEAN, "suspected": frozenset(suspected)}
    return Case(start=str(start), texts=RISKY + DESIRED, **(settings | changes))


def weights(folder: Path | str) -> dict[str, torch.Tensor]:
    return {name: weight.detach() for name, weight in load(str(folder), device="cpu").model.named_parameters()}


def same_bits(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
