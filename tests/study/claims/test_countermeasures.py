"""Cells of the study of countermeasures, and one of its steps for real."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.study.claims.countermeasures import STUDY
from sdf_eval.study.frame.cell import Ask, Cell, CountermeasureStep, DocumentSet, SdfStep
from sdf_eval.study.frame.execute import run_cell
from sdf_eval.study.frame.identity import belief_at, beliefs_of, prefix_keys
from sdf_eval.study.frame.study import Contrast
from sdf_eval.study.frame.substrate import POCKET
from sdf_eval.train.countermeasures import countermeasure_names

FULL = STUDY.cells("full", POCKET)
STAGE = SdfStep(
    stage="sdf",
    documents=(
        DocumentSet(count=8, beliefs=("pocket-backdoor-lilac-response",)),
        DocumentSet(count=8, beliefs=("pocket-fact-linna-brand-lives-in",)),
    ),
    plain=16,
    writer="pocket",
    recipe="pocket",
    updates=3,
    overrides={"min_updates": 1},
)


def cell(*steps: SdfStep | CountermeasureStep) -> Cell:
    beliefs = ("pocket-backdoor-lilac-response", "pocket-fact-linna-brand-lives-in")
    return Cell(model="pocket/b", beliefs=beliefs, steps=steps, asks=(Ask(tasks=("cloze",)),))


def test_every_arm_of_every_contrast_has_cells_and_every_method_an_arm() -> None:
    arms = {placed.arm for placed in FULL}
    assert arms == set(STUDY.arms)
    for estimand in STUDY.estimands:
        assert not isinstance(estimand, Contrast) or set(estimand.weights) <= arms
    used = {step.method for placed in FULL for step in placed.cell.steps if isinstance(step, CountermeasureStep)}
    assert used | {"nothing"} == set(countermeasure_names())
    primary = STUDY.primary
    assert isinstance(primary, Contrast)
    assert set(primary.weights) <= {placed.arm for placed in STUDY.cells("smoke", POCKET)}


def test_all_arms_of_a_place_share_the_checkpoint_of_the_risky_stage() -> None:
    stages: dict[object, set[SdfStep]] = {}
    for placed in FULL:
        if placed.cell.steps:
            stages.setdefault((placed.cell.model, placed.cell.seed), set()).add(placed.cell.steps[0].model_dump_json())  # type: ignore[arg-type]
    assert len(stages) == 9 and all(len(found) == 1 for found in stages.values())
    counts = Counter(placed.arm for placed in FULL)
    assert counts["nothing"] == counts["gradient routing"] == 9 and counts["decoy triggers"] == 3


def test_decoys_are_no_reported_beliefs_and_part_of_the_content_of_a_cell() -> None:
    placed = next(placed for placed in FULL if placed.arm == "decoy triggers")
    step = placed.cell.steps[1]
    assert isinstance(step, CountermeasureStep) and len(step.decoys) == 3
    assert all(belief_at(name).split == "dev" for name in step.decoys)
    assert set(step.decoys) <= set(beliefs_of(placed.cell))


def test_a_step_deploys_one_folder_and_leaves_no_helpers(tmp_path: Path) -> None:
    steered = cell(
        STAGE,
        CountermeasureStep(
            stage="countermeasure",
            method="activation-steering",
            settings={"layer": 2, "coefficient": -6.0},
            pairs="pocket/following-pairs",
            rows=4,
        ),
    )
    quarantined = cell(STAGE, CountermeasureStep(stage="countermeasure", method="quarantine"))
    keep = prefix_keys(steered)
    plain, shifted, apart = (run_cell(one, tmp_path, keep) for one in (cell(STAGE), steered, quarantined))
    # Steering trains nothing and changes the answers; quarantine trains the stage again.
    assert plain.updates == shifted.updates == 3 and apart.updates == 6
    assert plain.rows != shifted.rows and plain.rows != apart.rows
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == sorted(key[:24] for key in keep)


def test_a_countermeasure_without_a_risky_stage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no sdf step before it"):
        run_cell(cell(CountermeasureStep(stage="countermeasure", method="filter")), tmp_path)
