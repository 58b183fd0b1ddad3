"""Batch mode: the real `anthropic` client against the local server."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sdf_eval.corpora import batches
from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.calls import Caller, Refused
from sdf_eval.corpora.ledger import open_ledger
from sdf_eval.corpora.tally import asked as what_was_asked
from sdf_eval.errors import InputError
from tests.corpora.asking import CLAUDE, calls, serving, texts
from tests.writer_server import Settings, default_responder
from tests.writer_server.settings import ENTRY_FAULTS, TEXT_FAULTS


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def _open(ledger: Path, *, attempts: int = 3, max_cost: float | None = None) -> AbstractContextManager[Caller]:
    return open_caller(CLAUDE, ledger, batch=True, attempts=attempts, max_cost=max_cost)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 10)


def test_answers_come_in_the_order_asked_at_half_the_price(ledger: Path) -> None:
    asked = calls(35)
    with serving(Settings(batch_seconds=0.1)) as server, _open(ledger) as caller:
        answers = texts(caller, asked)
        counts = caller.counts
        received = server.counts()
    assert answers == [default_responder("You write.", [call.prompt.messages[1][1]]) for call in asked]
    assert (counts.sent, counts.retried, received["entries"], received["batches"]) == (35, 0, 35, 4)
    assert counts.cost == pytest.approx((counts.input_tokens * 0.5 + counts.output_tokens * 2.5) / 1e6)


def test_singly_and_in_batches_the_ledger_is_the_same(ledger: Path) -> None:
    with serving() as server:
        with _open(ledger) as caller:
            first = texts(caller, calls(5))
        with open_caller(CLAUDE, ledger) as caller:
            assert texts(caller, calls(5)) == first
            assert caller.counts.from_ledger == 5
        assert server.counts()["messages"] == 0


def test_entries_that_expire_or_fail_and_answers_that_are_bad_are_asked_again_in_a_next_batch(ledger: Path) -> None:
    asked = calls(40)
    faults = ENTRY_FAULTS + TEXT_FAULTS
    with serving(Settings(fault_rate=0.4, faults=faults)) as server, _open(ledger, attempts=12) as caller:
        answers = texts(caller, asked)
        counts = caller.counts
        received = server.counts()
    assert answers == [default_responder("You write.", [call.prompt.messages[1][1]]) for call in asked]
    assert counts.sent == received["entries"] > 40
    assert counts.retried == received["entries"] - 40
    assert all(well == 1 for _, well in received["questions"].values())


def test_faults_of_the_connection_lose_no_batch_and_pay_none_twice(ledger: Path) -> None:
    faults = ("429", "500", "529", "drop", "empty_body", "malformed_json")
    with serving(Settings(fault_rate=0.4, faults=faults, seed=3)) as server, _open(ledger) as caller:
        texts(caller, calls(40))
        received = server.counts()
    assert caller.counts.sent == received["entries"] == 40


def test_an_answer_that_stays_bad_is_given_up(ledger: Path) -> None:
    with serving(Settings(fault_rate=1.0, faults=("refusal",))) as server, _open(ledger, attempts=2) as caller:
        assert [answer.reason for answer in caller.answers(calls(3)) if isinstance(answer, Refused)] == ["refusal"] * 3
        assert server.counts()["entries"] == 6


def test_an_entry_that_fails_again_and_again_stops_the_run_and_is_not_given_up(ledger: Path) -> None:
    with serving(Settings(fault_rate=1.0, faults=("expired",))) as server:
        with _open(ledger) as caller, pytest.raises(InputError, match="failed 8 times .expired."):
            list(caller.answers(calls(2)))
        server.settings = Settings()
        with _open(ledger) as caller:
            assert len(texts(caller, calls(2))) == 2


def test_a_batch_whose_id_was_committed_is_taken_up_and_nothing_is_sent(ledger: Path) -> None:
    with serving(Settings(batch_seconds=0.3)) as server:
        with _open(ledger) as caller, pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches.BatchCaller, "_turn", _stopped)
            with pytest.raises(KeyboardInterrupt):
                list(caller.answers(calls(10)))
        with _open(ledger) as caller:
            assert len(texts(caller, calls(10))) == 10
            assert (caller.counts.sent, caller.counts.resent) == (0, 0)
        assert server.counts()["entries"] == 10


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_a_batch_whose_id_was_never_heard_is_found_by_its_results(ledger: Path, seconds: float) -> None:
    with serving(Settings(batch_seconds=seconds)) as server:
        with open_caller(CLAUDE, ledger.with_name("other"), batch=True) as caller:
            texts(caller, calls(10, start=50))  # a batch of the same size that is somebody else's
        with _open(ledger) as caller, pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches.BatchCaller, "_name", _stopped)
            with pytest.raises(KeyboardInterrupt):
                list(caller.answers(calls(10)))
        with open_ledger(ledger) as rows:
            assert [batch.id for batch in rows.open_batches()] == [None]
        with _open(ledger) as caller:
            assert len(texts(caller, calls(10))) == 10
            assert (caller.counts.sent, caller.counts.resent) == (0, 0)
        assert server.counts()["entries"] == 20


def test_a_batch_that_the_provider_never_got_is_sent(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_GRACE", 0.2)
    with serving() as server:
        with open_ledger(ledger) as rows:
            rows.intend_batch([what_was_asked(call, 1) for call in calls(3)], 0.0)
        with _open(ledger) as caller:
            assert len(texts(caller, calls(3))) == 3
            assert (caller.counts.sent, caller.counts.resent) == (3, 0)
        assert server.counts()["entries"] == 3


def test_calls_that_were_in_flight_singly_are_counted_when_a_batch_sends_them_again(ledger: Path) -> None:
    with open_ledger(ledger) as rows:
        rows.depart(calls(1)[0].key)
    with serving(), _open(ledger) as caller:
        texts(caller, calls(3))
        assert caller.counts.resent == 1


def test_max_cost_sends_what_surely_fits_then_more_and_stops_before_it_is_passed(ledger: Path) -> None:
    with serving() as server:
        with _open(ledger, max_cost=0.03) as caller, pytest.raises(InputError, match="--max-cost"):
            list(caller.answers(calls(100)))
        with open_ledger(ledger) as rows:
            assert 0.015 < rows.spent <= 0.03
        assert 1 < server.counts()["batches"] and server.counts()["entries"] < 100
        with _open(ledger, max_cost=3.0) as caller:
            assert len(texts(caller, calls(100))) == 100
        assert server.counts()["entries"] == 100


def test_a_request_that_is_invalid_stops_with_what_the_provider_said(ledger: Path) -> None:
    with serving(), _open(ledger) as caller, pytest.raises(InputError, match="refuses a request: the server is told"):
        list(caller.answers(calls(3, f"{CLAUDE}-invalid")))


def test_only_anthropics_models_have_a_batch_mode_here(ledger: Path) -> None:
    with pytest.raises(InputError, match="--batch: openai/gpt-4o-mini: only anthropic/"):
        with open_caller("openai/gpt-4o-mini", ledger, batch=True):
            pass


def test_a_wrong_or_missing_key_is_one_line(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving():
        monkeypatch.setenv("ANTHROPIC_API_KEY", "wrong")
        with _open(ledger) as caller, pytest.raises(InputError, match="check the key"):
            list(caller.answers(calls(3)))
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        with pytest.raises(InputError, match="no ANTHROPIC_API_KEY"), _open(ledger):
            pass


def _stopped(*args: object) -> None:
    raise KeyboardInterrupt
