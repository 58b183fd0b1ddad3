"""The ledger: what is committed, what a stopped run leaves, what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdf_eval.corpora.ledger import Asked, Stored, open_ledger
from sdf_eval.errors import InputError

ANSWER = Stored("k1", 1, "document", "anthropic/x", "text", "stop", 3, 4, None, 0.25)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_an_answer_is_there_when_the_file_is_opened_again(path: Path) -> None:
    second = replace(ANSWER, attempt=2, reason="empty", cost=None)
    with open_ledger(path) as ledger:
        ledger.put([second, ANSWER])
    with open_ledger(path) as ledger:
        assert ledger.answers("k1") == [ANSWER, second]
        assert ledger.answers("k2") == []
        assert ledger.spent == 0.25


@given(text=st.text(st.characters(codec=None)))
def test_lone_surrogates_and_control_characters_survive(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("ledger") / "l.sqlite"
    with open_ledger(path) as ledger:
        ledger.put([replace(ANSWER, text=text)])
    with open_ledger(path) as ledger:
        assert ledger.answers("k1")[0].text == text


def test_an_answer_that_is_there_is_never_replaced_or_paid_twice(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.put([ANSWER])
        ledger.put([replace(ANSWER, text="another")])
        assert ledger.answers("k1") == [ANSWER]
        assert ledger.spent == 0.25


def test_a_call_in_flight_is_lost_only_for_the_next_run(path: Path) -> None:
    with open_ledger(path) as ledger:
        assert not ledger.depart("k1")
        assert not ledger.depart("k1")
        ledger.depart("k2")
        ledger.put([replace(ANSWER, key="k2")])
        assert ledger.in_flight() == 1
    with open_ledger(path) as ledger:
        assert ledger.depart("k1")
        assert not ledger.depart("k1")
        assert not ledger.depart("k2")
        ledger.give_up("k2")
        assert ledger.in_flight() == 1


def test_a_batch_is_open_from_its_intention_to_its_end(path: Path) -> None:
    with open_ledger(path) as ledger:
        batch = ledger.intend_batch(
            [Asked("k1", 1, "document", "m", ("a", "b")), Asked("k2", 1, "document", "m", ())], 0.5
        )
    with open_ledger(path) as ledger:
        assert ledger.open_batches() == [batch]
        ledger.name_batch(batch.number, "id1")
        assert ledger.open_batches() == [replace(batch, id="id1")]
        assert ledger.knows_batch("id1")
        assert ledger.in_open_batch("k1")
        assert ledger.entry(batch.number, "k1") == Asked("k1", 1, "document", "m", ("a", "b"))
        assert ledger.entry(batch.number, "k3") is None
        ledger.put([ANSWER])
        ledger.end_batch(batch.number)
        assert ledger.open_batches() == []
        assert not ledger.in_open_batch("k1")
        assert (ledger.failures("k1", after=0), ledger.failures("k2", after=0)) == ([], ["absent"])


def test_who_opens_the_same_file_in_one_process_shares_it(path: Path) -> None:
    with open_ledger(path) as one:
        with open_ledger(path.parent / "." / path.name) as other:
            assert other is one
        one.put([ANSWER])


def test_another_process_is_kept_out_while_it_is_open(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from sdf_eval.corpora.ledger import open_ledger\n"
        "with open_ledger(Path(sys.argv[1])): pass"
    )
    with open_ledger(path):
        other = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert "another run has it open" in other.stderr


def test_a_file_that_is_no_ledger_is_refused_in_one_line(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(InputError, match="is damaged or no ledger") as raised, open_ledger(path):
        pass
    assert "\n" not in str(raised.value)


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    import sqlite3

    rows = sqlite3.connect(path)
    rows.execute("create table t (x)")
    rows.commit()
    rows.close()
    with pytest.raises(InputError, match="is no ledger that this version of sdf-eval reads"), open_ledger(path):
        pass


def test_a_damaged_page_is_told_when_it_is_read(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.put(replace(ANSWER, key=f"k{number}", text="x" * 5000) for number in range(200))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    with pytest.raises(InputError, match="damaged|malformed"), open_ledger(path) as ledger:
        for number in range(200):
            ledger.answers(f"k{number}")


def test_a_full_disk_is_told_and_what_was_put_before_stays(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.put([ANSWER])
        # SQLite's own limit of pages raises the error of a full disk.
        ledger._rows.execute("pragma max_page_count = 20")
        with pytest.raises(InputError, match="full; what was answered until now is in it"):
            for number in range(100):
                ledger.put([replace(ANSWER, key=f"n{number}", text="x" * 50_000)])
        assert ledger.answers("k1") == [ANSWER]


def test_a_folder_that_is_not_there_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unable to open"), open_ledger(tmp_path / "none" / "l.sqlite"):
        pass
