"""A table over checkpoints of any source: sorted, comparable or marked as not, hostile names inert."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.gate.leaderboard import Leaderboard, leaderboard
from sdf_eval.reports.leaderboard import csv_leaderboard, html_leaderboard, markdown_leaderboard, write_leaderboard
from sdf_eval.results.measured import Measured
from sdf_eval.results.store import write_results
from tests.gate.simulated import measured
from tests.reports.synthetic import HOSTILE, records, results


def _store(folder: Path, side: Measured, **update: object) -> None:
    folder.mkdir(parents=True)
    write_results(folder, side.results.model_copy(update=update), side.answers)


@pytest.fixture
def board(tmp_path: Path) -> Leaderboard:
    _store(tmp_path / "low", measured(1))
    _store(tmp_path / "deep" / "high", measured(2, lift=0.3))
    _store(tmp_path / "other", measured(3, tasks=("cloze",)), model=HOSTILE)
    (tmp_path / "broken.eval").write_bytes(b"no log")
    return leaderboard(tmp_path)


def test_the_highest_belief_score_comes_first(board: Leaderboard) -> None:
    assert [row.folder for row in board.rows][0] == "deep/high"
    values = [row.figures["belief"].value for row in board.rows]
    assert values == sorted(values, reverse=True)


def test_other_items_have_another_letter(board: Leaderboard) -> None:
    letters = {row.folder: row.item_sets["belief"] for row in board.rows}
    assert letters["low"] == letters["deep/high"] != letters["other"]


def test_a_file_that_cannot_be_read_is_listed_and_stops_nothing(board: Leaderboard) -> None:
    ((path, why),) = board.left_out
    assert path == "broken.eval" and "cannot be read as an Inspect log" in why
    assert "cannot be read as an Inspect log" in markdown_leaderboard(board)
    assert "cannot be read as an Inspect log" in html_leaderboard(board)


def test_every_arm_of_a_run_is_a_row(tmp_path: Path) -> None:
    found = records(2, hostile=False)
    write_results(tmp_path, results(found), found)
    board = leaderboard(tmp_path)
    assert {row.model for row in board.rows} == {
        "pocket (base)", "pocket (implanted, seed 0)", "pocket (cooccurrence, seed 0)", "pocket (neutral, seed 0)",
        "pocket (truth_trained, seed 0)",
    }  # fmt: skip
    assert board.rows[0].model == "pocket (implanted, seed 0)"


def test_hostile_names_are_inert_everywhere(board: Leaderboard, tmp_path: Path) -> None:
    for page in (markdown_leaderboard(board), html_leaderboard(board), csv_leaderboard(board)):
        assert "\x1b" not in page and "\u202e" not in page
    assert "<script>document" not in html_leaderboard(board) + markdown_leaderboard(board)
    assert len(write_leaderboard(tmp_path / "out", board)) == 4


def test_the_csv_reads_back_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    _store(tmp_path / "x", measured(1), model='=HYPERLINK("http://x")')
    rows = list(csv.DictReader(io.StringIO(csv_leaderboard(leaderboard(tmp_path)))))
    assert {row["family"] for row in rows} == {"belief", "misalignment", "specificity", "specificity_loss"}
    assert all(not row["model"].startswith("=") for row in rows)
    board = leaderboard(tmp_path)
    assert float(rows[0]["value"]) == board.rows[0].figures[rows[0]["family"]].value


def test_the_html_asks_nothing_of_a_network(board: Leaderboard) -> None:
    page = html_leaderboard(board)
    assert "default-src 'none'" in page and "src=" not in page.replace("&lt;img src=", "")


@pytest.mark.parametrize(
    ("sort", "complaint"), [("beleif", "--sort: beleif: no such family here"), ("values", "--sort: values: no such")]
)
def test_an_unknown_family_is_refused(tmp_path: Path, sort: str, complaint: str) -> None:
    _store(tmp_path / "x", measured(1))
    with pytest.raises(InputError, match=complaint):
        leaderboard(tmp_path, sort=sort)


def test_losses_sort_with_the_lowest_first(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        _store(tmp_path / str(seed), measured(seed))
    board = leaderboard(tmp_path, sort="specificity_loss")
    values = [row.figures["specificity_loss"].value for row in board.rows]
    assert values == sorted(values)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no results"):
        leaderboard(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        leaderboard(tmp_path / "absent")
