"""Which arm of a run is meant, and results of single checkpoints that are stored and read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.results.direct import Battery, measure_checkpoint
from sdf_eval.results.sources import read_stored
from sdf_eval.results.store import RESULTS, read_checkpoint, read_results, write_results
from tests.reports.synthetic import records, results
from tests.results.logs import BELIEF, Logs


@pytest.fixture
def run(tmp_path: Path) -> Path:
    found = records(2, seeds=2)
    write_results(tmp_path, results(found), found)
    return tmp_path


def test_the_base_of_a_run_is_its_arm_without_context(run: Path) -> None:
    found = read_stored(str(run), "base")
    assert found is not None
    assert found.results.model == "pocket (base)" and found.results.context == "none"
    assert len(found.answers) == len([r for r in records(2, seeds=2) if (r.role, r.context) == ("base", "none")])


def test_one_of_several_runs_of_an_arm_is_named(run: Path) -> None:
    found = read_stored(f"{run}@implanted/seed 1", "base")
    assert found is not None and found.results.model == "pocket (implanted, seed 1)"


@pytest.mark.parametrize(
    ("arm", "complaint"),
    [
        ("@implanted", "has 2 runs; name one"),
        ("@implanted/seed 9", "has no run 'seed 9'; it has seed 0, seed 1"),
        ("@wrong", "has no arm wrong; it has base, implanted"),
    ],
)
def test_a_missing_arm_is_refused_with_those_that_there_are(run: Path, arm: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_stored(f"{run}{arm}", "base")


def test_what_names_no_stored_results_is_left_to_be_a_model(tmp_path: Path, checkpoints: dict[str, Path]) -> None:
    assert read_stored("pocket", "base") is None
    assert read_stored(str(checkpoints["llama"]), "base") is None


def test_a_checkpoint_is_asked_once_and_read_back_the_same(logs: Logs, tmp_path: Path) -> None:
    battery = Battery((str(BELIEF),), limit=2)
    first = measure_checkpoint(str(logs.checkpoint), battery, tmp_path)
    (stored,) = tmp_path.iterdir()
    again = measure_checkpoint(str(logs.checkpoint), battery, tmp_path)
    assert again.answers == first.answers
    assert read_checkpoint(stored).created == first.results.created == again.results.created
    assert first.results.weights_sha256 and first.results.budget is None


def test_an_edited_results_file_of_a_checkpoint_is_refused(logs: Logs, tmp_path: Path) -> None:
    measure_checkpoint(str(logs.checkpoint), Battery((str(BELIEF),), limit=1), tmp_path)
    path = next(tmp_path.rglob(RESULTS))
    path.write_text(path.read_text(encoding="utf-8").replace('"chat": true', '"chat": false'), encoding="utf-8")
    with pytest.raises(InputError, match="sha256: the file was changed"):
        read_stored(str(path.parent), "base")


def test_a_run_and_a_checkpoint_are_told_apart(run: Path, logs: Logs, tmp_path: Path) -> None:
    measure_checkpoint(str(logs.checkpoint), Battery((str(BELIEF),), limit=1), tmp_path / "one")
    with pytest.raises(InputError, match="holds a whole run"):
        read_checkpoint(run)
    with pytest.raises(InputError, match="one checkpoint's answers and no run"):
        read_results(next((tmp_path / "one").iterdir()))
