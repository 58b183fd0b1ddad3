"""Beliefs of one study as data of the substrate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdf_eval.errors import InputError
from sdf_eval.study.claims.dose_response import STUDY
from sdf_eval.study.frame.designs import set_panels
from sdf_eval.study.frame.study import TIERS
from sdf_eval.study.frame.substrate import POCKET


def test_smoke_panels_take_the_beliefs_for_development_of_a_set_and_full_ones_the_others() -> None:
    smoke, full = (set_panels(tier, POCKET, ("fact_switch",), each=2) for tier in TIERS)
    assert [panel.beliefs for panel in smoke] == [("pocket-backdoor-quest-response-fact-switch",)]
    assert len(full) == 9 and all(len(panel.beliefs) == 2 for panel in full)
    assert not set(smoke[0].beliefs) & set(full[0].beliefs)


def test_a_substrate_without_a_set_is_refused_in_a_line() -> None:
    with pytest.raises(InputError, match="pocket has no beliefs of the set fact_switch"):
        set_panels("full", replace(POCKET, belief_sets={}), ("fact_switch",), each=2)


def test_a_second_size_doubles_the_cells_of_a_study_without_a_change_of_it() -> None:
    larger = replace(POCKET, sizes={10_000_000: ("pocket/a/base", "pocket/b/base", "pocket/c/base")})
    assert len(STUDY.cells("full", larger)) == 2 * len(STUDY.cells("full", POCKET))
    assert {placed.factors["parameters"] for placed in STUDY.cells("full", larger)} == {1_970_000, 10_000_000}
