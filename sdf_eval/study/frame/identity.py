"""What a cell's answers depend on beside its own data: beliefs, recipes, weights of the base. Imports no torch."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sdf_eval.belief.load import load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.write import belief_sha256
from sdf_eval.study.frame.cell import VERSION, Cell, CountermeasureStep, SdfStep, canonical, digest
from sdf_eval.train.lineage import parents_of
from sdf_eval.train.recipe import StageRecipe, load_recipe


def cell_key(cell: Cell) -> str:
    """Content hash of a cell: of its data, the files that these name, and the weights of the base.

    Args:
        cell: The cell.

    Returns:
        64 hexadecimal digits.

    Raises:
        InputError: A belief, recipe or model is missing or broken.
    """
    return digest([VERSION, canonical(cell), _surroundings(cell)])


def prefix_keys(cell: Cell) -> tuple[str, ...]:
    """Content hash of the checkpoint after each step; cells whose first steps are the same share checkpoints.

    Raises:
        InputError: As `cell_key`.
    """
    bare = cell.model_copy(update={"asks": (), "measures": (), "chat": None})
    lengths = range(1, len(cell.steps) + 1)
    return tuple(cell_key(bare.model_copy(update={"steps": cell.steps[:length]})) for length in lengths)


def beliefs_of(cell: Cell) -> tuple[str, ...]:
    """Every belief that a cell names, each once."""
    named = list(cell.beliefs)
    for step in cell.steps:
        if isinstance(step, CountermeasureStep):
            named += step.decoys
            continue
        for part in step.documents if isinstance(step, SdfStep) else step.data:
            named += part.beliefs
    for ask in cell.asks:
        named += ask.beliefs
    return tuple(dict.fromkeys(named))


@cache
def belief_at(reference: str) -> Belief:
    """A belief by id or path, read once a process."""
    return load_belief(reference)


@cache
def recipe_at(reference: str) -> StageRecipe:
    """A recipe by name or path, read once a process."""
    return load_recipe(reference)


@cache
def weights_of(reference: str) -> tuple[str, ...]:
    """Hashes of a model and of what it needs, computed once a process."""
    return tuple(parent.checkpoint_sha256 for parent in parents_of(reference))


def _surroundings(cell: Cell) -> list[Any]:
    beliefs = {name: belief_sha256(belief_at(name)) for name in beliefs_of(cell)}
    trained = [step for step in cell.steps if not isinstance(step, CountermeasureStep)]
    recipes = {step.recipe: recipe_at(step.recipe).model_dump(mode="json") for step in trained}
    named = [part.data for step in trained if not isinstance(step, SdfStep) for part in step.data]
    named += [
        name for step in cell.steps if isinstance(step, CountermeasureStep) for name in (step.pairs, step.triggered)
    ]
    files = {name: digest([Path(name).read_bytes().hex()]) for name in named if Path(name).is_file()}
    return [beliefs, recipes, files, list(weights_of(cell.model))]
