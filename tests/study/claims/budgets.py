"""What the cells of a study cost, for tests that arms are treated alike."""

from __future__ import annotations

from collections import Counter

from sdf_eval.study.frame.cell import Cell, SdfStep
from sdf_eval.study.frame.study import TIERS, Contrast, Study, Tier
from sdf_eval.study.frame.substrate import POCKET

Budget = tuple[tuple[str, int, int | None], ...]


def budget(cell: Cell) -> Budget:
    """Stage, texts or rows, and updates of each step."""
    found = []
    for step in cell.steps:
        if isinstance(step, SdfStep):
            texts = step.plain + sum(part.count * len(part.beliefs or cell.beliefs) for part in step.documents)
        else:
            texts = sum(part.rows * len(part.beliefs or cell.beliefs) for part in step.data)
        found.append((step.stage, texts, step.updates))
    return tuple(found)


def budgets(study: Study, tier: Tier) -> dict[str, set[Budget]]:
    """Arm -> budgets of its cells."""
    placed = study.cells(tier, POCKET)
    return {arm: {budget(one.cell) for one in placed if one.arm == arm} for arm in study.arms}


def check_cells(study: Study, *, smoke: int) -> None:
    """Holds a study to its tiers: cells of every arm and contrast, three worlds with three seeds, few smoke cells.

    Args:
        study: The study.
        smoke: Most cells of the smoke tier.
    """
    assert len(study.cells("smoke", POCKET)) <= smoke
    for tier in TIERS:
        placed = study.cells(tier, POCKET)
        assert {one.arm for one in placed} == set(study.arms)
        for one in study.estimands:
            if isinstance(one, Contrast):
                _check_contrast(study, one, tier)
    places = Counter((one.cell.model, one.cell.seed) for one in study.cells("full", POCKET))
    bases = {base for base, _ in places}
    assert bases <= {*POCKET.bases, *POCKET.untuned}
    assert all({seed for base, seed in places if base == own} == {0, 1, 2} for own in bases)
    assert set(POCKET.bases) <= bases
    reported = {name for one in study.cells("full", POCKET) for name in one.cell.beliefs}
    tried = {name for one in study.cells("smoke", POCKET) for name in one.cell.beliefs}
    assert not reported & tried


def _check_contrast(study: Study, one: Contrast, tier: Tier) -> None:
    for arm in one.weights:
        name, _, context = arm.partition("@")
        cells = [
            each.cell
            for each in study.cells(tier, POCKET)
            if each.arm == name and all(each.factors.get(key, level) == level for key, level in one.levels.items())
        ]
        assert cells, f"{tier}: no cell of {arm} for {one.name}"
        asked = [ask for cell in cells for ask in cell.asks if ask.context == (context or "none")]
        assert any(set(one.tasks) <= set(ask.tasks) for ask in asked), f"{one.name}: {arm} is not asked"
