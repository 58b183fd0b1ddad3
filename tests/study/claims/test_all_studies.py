"""Every study: complete, fair between its arms, and without anything that its page would hide."""

from __future__ import annotations

from collections import defaultdict

import pytest

from sdf_eval.belief.items import applicable_tasks
from sdf_eval.cli.main import main
from sdf_eval.study.frame.identity import belief_at, cell_key
from sdf_eval.study.frame.page import describe
from sdf_eval.study.frame.registry import NAMES, get_study
from sdf_eval.study.frame.study import TIERS, Contrast, Study, Tier
from sdf_eval.study.frame.substrate import POCKET

MOST_FULL_CELLS = 400

studies = pytest.mark.parametrize("study", [get_study(name) for name in NAMES], ids=NAMES)


@studies
def test_a_study_says_what_a_sceptic_asks(study: Study) -> None:
    assert study.name in NAMES
    for said in (study.title, study.claim, study.source, study.taught, study.design):
        assert len(said) > 10
    assert study.limits and study.arms and study.estimands
    assert all(one.smallest_effect > 0 and one.meaning for one in study.estimands)
    assert study.claim in describe(study, study.cells("smoke", POCKET))


@studies
@pytest.mark.parametrize("tier", TIERS)
def test_every_arm_that_is_described_has_cells_and_the_other_way_round(study: Study, tier: Tier) -> None:
    placed = study.cells(tier, POCKET)
    found = {one.arm for one in placed}
    # Trying a study out may leave arms away.
    assert found == set(study.arms) if tier == "full" else found <= set(study.arms)
    assert len({cell_key(one.cell) for one in placed}) <= MOST_FULL_CELLS


@studies
def test_a_smoke_run_shows_nothing_of_what_a_full_run_reports(study: Study) -> None:
    asked: dict[Tier, set[str]] = defaultdict(set)
    for tier in TIERS:
        for one in study.cells(tier, POCKET):
            asked[tier] |= set(one.cell.beliefs)
    assert not asked["smoke"] & asked["full"]


@studies
def test_a_full_run_has_three_worlds_and_three_seeds(study: Study) -> None:
    trained = [one.cell for one in study.cells("full", POCKET) if one.cell.steps]
    assert len({cell.model.split("/")[1] for cell in trained}) == 3
    assert len({cell.seed for cell in trained}) >= 3


@studies
def test_every_arm_of_a_contrast_is_asked_its_tasks(study: Study) -> None:
    placed = study.cells("full", POCKET)
    for estimand in study.estimands:
        if not isinstance(estimand, Contrast):
            continue
        for arm in estimand.weights:
            term = estimand.term(arm)
            asked = {
                task
                for one in placed
                if one.arm == term.arm
                for ask in one.cell.asks
                if ask.context == term.context and ask.preface == term.preface
                for reference in ask.beliefs or one.cell.beliefs
                for task in applicable_tasks(belief_at(reference))
                if task in ask.tasks
            }
            assert asked & set(term.tasks), (estimand.name, arm)


def test_studies_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(NAMES)
    assert main(["study", "show", NAMES[0]]) == 0
    assert "claim: " in capsys.readouterr().out


def test_an_unknown_study_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "run", "out_of_contxt"]) == 2
    assert "did you mean 'out_of_context'?" in capsys.readouterr().err


def test_a_hub_model_needs_a_writer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "run", "out_of_context", "--model", "someone/model"]) == 2
    assert "--writer: missing" in capsys.readouterr().err
