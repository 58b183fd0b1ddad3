"""Several runs pooled: an item is compared with itself on the same base, and a belief counts once a base."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.results.store import write_results
from sdf_eval.study.pool import pooled_headlines
from tests.reports.synthetic import records
from tests.reports.synthetic import results as synthetic_results


def test_pooling_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="none given"):
        pooled_headlines([])


def test_pooling_a_folder_that_is_no_run_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        pooled_headlines([tmp_path])


def _run(folder: Path, base: str, seed: int, seeds: int = 1) -> Path:
    folder.mkdir()
    rows = records(hostile=False, seed=seed, seeds=seeds)
    made = synthetic_results(rows)
    settings = made.settings.model_copy(update={"model": base})
    training = tuple(row.model_copy(update={"parent_sha256": base}) for row in made.training)
    write_results(folder, made.model_copy(update={"settings": settings, "training": training}), rows)
    return folder


def test_the_same_beliefs_on_two_bases_are_two_runs_of_one_pool(tmp_path: Path) -> None:
    folders = [_run(tmp_path / base, f"pocket/{base}", seed) for seed, base in enumerate("ab")]
    pooled = {h.id: h.estimate for h in pooled_headlines(folders)}
    single = [{h.id: h.estimate for h in pooled_headlines([folder])} for folder in folders]
    lift, each = pooled["far_lift_base"], [one["far_lift_base"] for one in single]
    assert lift is not None and each[0] is not None and each[1] is not None
    assert lift.n == each[0].n + each[1].n
    assert lift.value == pytest.approx((each[0].value + each[1].value) / 2)


def test_the_same_belief_twice_on_one_base_is_refused(tmp_path: Path) -> None:
    folders = [_run(tmp_path / name, "pocket/a", 0) for name in ("one", "two")]
    with pytest.raises(InputError, match="is also in"):
        pooled_headlines(folders)


def test_seeds_of_one_base_are_averaged_and_do_not_count_as_bases(tmp_path: Path) -> None:
    folders = [_run(tmp_path / base, f"pocket/{base}", seed, seeds=3) for seed, base in enumerate("ab")]
    lift = {h.id: h.estimate for h in pooled_headlines(folders)}["far_lift_base"]
    assert lift is not None and lift.method == "t over 3 beliefs x 2 runs"


def test_bases_that_answer_different_items_right_still_give_collateral_by_belief(tmp_path: Path) -> None:
    folders = [_run(tmp_path / base, f"pocket/{base}", seed) for seed, base in enumerate("abc")]
    lost = {h.id: h for h in pooled_headlines(folders)}["collateral_base"]
    assert lost.estimate is not None and len(lost.by_belief) == 3
