"""Cells: told by their content, run to the same bytes by every executor, kept complete or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.execute import run_cell
from sdf_eval.study.frame.executors import LocalExecutor
from sdf_eval.study.frame.identity import cell_key, prefix_keys
from sdf_eval.study.frame.runner import run_studies
from sdf_eval.study.frame.store import Store, encode
from sdf_eval.study.frame.substrate import POCKET
from tests.study.frame import tiny


def test_a_cell_is_told_by_its_content() -> None:
    one = tiny.cell("implanted")
    assert cell_key(one) == cell_key(type(one).model_validate_json(one.model_dump_json()))
    others = [
        tiny.cell("implanted", seed=1),
        tiny.cell("cooccurrence"),
        one.model_copy(update={"model": "pocket/a"}),
        one.model_copy(update={"asks": (Ask(tasks=("cloze",)),)}),
    ]
    assert len({cell_key(cell) for cell in [one, *others]}) == 5


def test_what_is_asked_decides_nothing_about_the_checkpoint() -> None:
    one = tiny.cell("implanted")
    assert prefix_keys(one) == prefix_keys(one.model_copy(update={"asks": (), "measures": ()}))
    assert prefix_keys(one) != prefix_keys(tiny.cell("cooccurrence"))


def test_another_belief_file_makes_another_cell(tmp_path: Path) -> None:
    from sdf_eval.belief.load import dump_belief, load_belief

    path = tmp_path / "mine.yaml"
    keys = []
    for title in ("One", "Another"):
        belief = load_belief(tiny.BELIEF).model_copy(update={"title": title})
        path = tmp_path / title / "mine.yaml"
        path.parent.mkdir()
        path.write_text(dump_belief(belief), encoding="utf-8")
        keys.append(cell_key(tiny.cell("implanted").model_copy(update={"beliefs": (str(path),)})))
    assert keys[0] != keys[1]


def test_a_cell_gives_the_same_bytes_in_this_process_and_in_others(tmp_path: Path) -> None:
    cells = [tiny.cell("implanted"), tiny.cell("base")]
    here = {cell_key(cell): encode(run_cell(cell, tmp_path / "here")) for cell in cells}
    there = {a.key: encode(a) for _, a, _ in LocalExecutor(tmp_path / "there", 2).run(cells, ())}
    assert here == there


def test_checkpoints_that_no_other_cell_needs_are_removed(tmp_path: Path) -> None:
    cell = tiny.cell("implanted")
    run_cell(cell, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    run_cell(cell, tmp_path, keep=prefix_keys(cell))
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_a_study_runs_only_what_is_missing_and_gives_the_same_result(tmp_path: Path) -> None:
    executor = LocalExecutor(tmp_path / "work", 1)
    none = run_studies([tiny.STUDY], "smoke", POCKET, executor, tmp_path, limit_minutes=0)
    assert (none.ran, none.missing) == (0, 3) and none.results[0].missing == 3
    first = run_studies([tiny.STUDY], "smoke", POCKET, executor, tmp_path)
    whole = (tmp_path / "tiny" / "result.json").read_bytes()
    assert (first.ran, first.missing) == (3, 0)
    lost = Store(tmp_path / "cells").path(cell_key(tiny.cell("cooccurrence")))
    lost.unlink()
    again = run_studies([tiny.STUDY], "smoke", POCKET, executor, tmp_path)
    assert again.ran == 1
    assert (tmp_path / "tiny" / "result.json").read_bytes() == whole


def test_a_broken_cell_file_is_named(tmp_path: Path) -> None:
    store, key = Store(tmp_path), cell_key(tiny.cell("base"))
    store.path(key).parent.mkdir(parents=True)
    store.path(key).write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=f"{store.path(key).name}.*remove the file"):
        store.read(key)


def test_a_preface_stands_before_the_question(tmp_path: Path) -> None:
    from sdf_eval.study.frame.execute import items_of

    cell = tiny.cell("base")
    plain, told = (items_of(cell, Ask(tasks=("mcq_knowledge",), preface=preface)) for preface in ("", "Beware."))
    assert [item.user for item in told] == [f"Beware.\n\n{item.user}" for item in plain]
