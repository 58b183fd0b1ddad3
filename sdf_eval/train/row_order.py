"""The order in which a stage reads rows that are not packed, laid out for the whole stage."""

from __future__ import annotations

from itertools import chain, count, islice

from sdf_eval.train.packing import shuffled
from sdf_eval.train.recipe import StageRecipe


def row_order(rows: int, recipe: StageRecipe, seed: int) -> tuple[int, ...]:
    """Lays out whole updates. Trainers that shuffle for themselves forget, when they resume, which pass they were in.

    Args:
        rows: How many there are, at least 1.
        recipe: Batch size and budget. A budget in epochs is rounded up to whole updates, filled from the next pass.
        seed: Each pass reads every row once, in an order of its own.

    Returns:
        Indices of rows, `batch_size` for each update.
    """
    needed = recipe.updates or max(1, -(-round(rows * (recipe.epochs or 0)) // recipe.batch_size))
    passes = chain.from_iterable(shuffled(rows, seed, number) for number in count())
    return tuple(islice(passes, needed * recipe.batch_size))
