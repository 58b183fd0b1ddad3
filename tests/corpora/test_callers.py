"""Asking one by one: the real clients, through Inspect, against the local server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import tenacity

from sdf_eval.corpora.callers import LOOK_AHEAD, open_caller
from sdf_eval.corpora.calls import Answer, Call, Refused
from sdf_eval.corpora.ledger import open_ledger
from sdf_eval.corpora.prompts import Prompt
from sdf_eval.errors import InputError
from tests.corpora.asking import CLAUDE, calls, serving, texts
from tests.writer_server import Settings, default_responder
from tests.writer_server.settings import TEXT_FAULTS

MODELS = (CLAUDE, "openai/gpt-4o-mini", "openai-api/local/some-model")
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspect's waits between retries, made short; what it retries is left alone."""
    monkeypatch.setattr("inspect_ai.model.ModelAPI.retry_wait", lambda self: tenacity.wait_fixed(0.02))


@pytest.mark.parametrize("model", MODELS)
def test_answers_come_in_the_order_asked_and_are_what_the_model_said(model: str, ledger: Path) -> None:
    asked = calls(40, model)
    with (
        serving(Settings(latency=0.01, fault_rate=0.3, faults=("slow",), slow=0.1)),
        open_caller(model, ledger) as caller,
    ):
        answers = texts(caller, asked)
    assert answers == [default_responder("You write.", [call.prompt.messages[1][1]]) for call in asked]


@pytest.mark.parametrize("model", MODELS)
def test_the_contents_of_the_tags_and_the_tokens_come_with_an_answer(model: str, ledger: Path) -> None:
    with serving(), open_caller(model, ledger) as caller:
        (answer,) = caller.answers(calls(1, model))
    assert isinstance(answer, Answer)
    assert answer.stop_reason == "stop"
    assert answer.parts["content"][0] in answer.text
    assert answer.input_tokens > 0 and answer.output_tokens == len(answer.text) // 4 + 1


def test_a_long_answer_that_inspect_streams_is_the_same(ledger: Path) -> None:
    asked = calls(1, max_tokens=20_000)
    with serving(), open_caller(CLAUDE, ledger) as caller:
        assert texts(caller, asked) == [default_responder("You write.", [asked[0].prompt.messages[1][1]])]


def test_what_the_ledger_holds_is_not_sent_again(ledger: Path) -> None:
    with serving() as server:
        with open_caller(CLAUDE, ledger) as caller:
            first = texts(caller, calls(5))
        with open_caller(CLAUDE, ledger) as caller:
            assert texts(caller, calls(8))[:5] == first
            assert (caller.counts.sent, caller.counts.from_ledger) == (3, 5)
        assert server.counts()["messages"] == 8


def test_calls_that_are_alike_are_sent_once(ledger: Path) -> None:
    (call,) = calls(1)
    with serving(Settings(latency=0.05)) as server, open_caller(CLAUDE, ledger) as caller:
        assert len(set(texts(caller, [call] * 5))) == 1
        assert server.counts()["messages"] == 1


@pytest.mark.parametrize("model", MODELS)
def test_faults_are_retried_until_every_answer_is_whole_and_the_counts_are_the_servers(
    model: str, ledger: Path
) -> None:
    asked = calls(30, model)
    with serving(Settings(fault_rate=0.4, slow=0.05)) as server, open_caller(model, ledger, attempts=12) as caller:
        answers = texts(caller, asked)
        counts = caller.counts
        received = server.counts()["messages"]
    assert answers == [default_responder("You write.", [call.prompt.messages[1][1]]) for call in asked]
    assert counts.sent == received > 30
    assert counts.retried == received - 30


@pytest.mark.parametrize("fault", TEXT_FAULTS)
def test_an_answer_that_stays_bad_is_counted_and_never_admitted(fault: str, ledger: Path) -> None:
    with serving(Settings(fault_rate=1.0, faults=(fault,))) as server:
        for sent, from_ledger in ((6, 0), (0, 2)):
            with open_caller(CLAUDE, ledger, attempts=3) as caller:
                answers = list(caller.answers(calls(2)))
                counts = caller.counts
            assert [type(answer) for answer in answers] == [Refused, Refused]
            assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {fault}
            assert counts.refused == {fault: 2}
            assert (counts.sent, counts.from_ledger) == (sent, from_ledger)
        assert server.counts()["messages"] == 6


def test_more_attempts_go_on_where_fewer_gave_up(ledger: Path) -> None:
    with serving(Settings(fault_first=2, faults=("unclosed_tag",))):
        with open_caller(CLAUDE, ledger, attempts=2) as caller:
            assert [type(answer) for answer in caller.answers(calls(1))] == [Refused]
        with open_caller(CLAUDE, ledger, attempts=3) as caller:
            assert len(texts(caller, calls(1))) == 1
            assert caller.counts.sent == 1


@pytest.mark.parametrize("model", MODELS)
def test_a_wrong_key_stops_with_one_line(model: str, ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving():
        for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LOCAL_API_KEY"):
            monkeypatch.setenv(name, "wrong")
        with open_caller(model, ledger) as caller, pytest.raises(InputError, match="check the key") as raised:
            list(caller.answers(calls(40, model)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("model", MODELS)
def test_a_missing_key_is_told_before_anything_is_asked(
    model: str, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "LOCAL_API_KEY"):
            monkeypatch.delenv(name)
        with pytest.raises(InputError, match="_API_KEY") as raised, open_caller(model, ledger):
            pass
        assert server.counts()["requests"] == {}
    assert "\n" not in str(raised.value) and "[" not in str(raised.value)


def test_a_request_that_the_provider_refuses_stops_and_keeps_what_was_answered(ledger: Path) -> None:
    with serving(Settings(latency=0.05)):
        with open_caller(CLAUDE, ledger) as caller, pytest.raises(InputError, match="takes no such request"):
            list(caller.answers([*calls(10), *calls(1, f"{CLAUDE}-invalid"), *calls(10, start=10)]))
        with open_caller(CLAUDE, ledger) as caller:
            texts(caller, calls(10))
            assert caller.counts.from_ledger == 10
            assert caller.counts.resent == 0


@pytest.mark.parametrize("name", ["nosuch/model", "nothing"])
def test_a_model_that_is_not_known_is_an_error_of_the_user(name: str, ledger: Path) -> None:
    with pytest.raises(InputError, match=name), open_caller(name, ledger):
        pass


def test_a_provider_that_cannot_be_reached_is_told_in_one_line(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving():
        pass
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setattr("sdf_eval.corpora.provider.RETRIES", 0)
    with open_caller(CLAUDE, ledger) as caller, pytest.raises(InputError, match="cannot be reached") as raised:
        list(caller.answers(calls(2)))
    assert "\n" not in str(raised.value)


def test_max_cost_stops_before_it_is_passed_and_a_higher_one_goes_on(ledger: Path) -> None:
    with serving(Settings(latency=0.01)) as server:
        with open_caller(CLAUDE, ledger, max_cost=0.05) as caller:
            done = []
            with pytest.raises(InputError, match="--max-cost: .* run again with a higher --max-cost to go on"):
                for answer in caller.answers(calls(100)):
                    done.append(answer)
            cost = caller.counts.cost
        with open_ledger(ledger) as rows:
            spent = rows.spent
        asked = server.counts()["messages"]
        assert cost == pytest.approx(spent)
        assert 0.02 < spent <= 0.05
        assert len(done) == asked < 100
        with open_caller(CLAUDE, ledger, max_cost=5.0) as caller:
            assert len(texts(caller, calls(100))) == 100
            assert caller.counts.from_ledger == asked


def test_max_cost_without_a_price_is_refused(ledger: Path) -> None:
    with serving(), pytest.raises(InputError, match="unknown price; give it in corpora/prices.yaml"):
        with open_caller("openai-api/local/some-model", ledger, max_cost=1.0):
            pass


def test_calls_are_read_a_bounded_number_ahead(ledger: Path) -> None:
    read = 0

    def endless() -> Iterator[Call]:
        nonlocal read
        for call in calls(1000):
            read += 1
            yield call

    with serving(), open_caller(CLAUDE, ledger, connections=2) as caller:
        assert len(list(islice(caller.answers(endless()), 10))) == 10
    assert read <= 10 + 2 * LOOK_AHEAD


def test_each_caller_has_the_connections_it_asks_for_and_no_more(ledger: Path) -> None:
    with serving(Settings(latency=0.2)) as server:
        for connections, start in ((1, 0), (8, 10)):
            with open_caller(CLAUDE, ledger, connections=connections) as caller:
                texts(caller, calls(3 * connections, start=start))
            assert server.counts()["most_at_once"] == connections


def test_calls_may_be_made_from_the_answers_to_others(ledger: Path) -> None:
    with serving(Settings(latency=0.02)), open_caller(CLAUDE, ledger, connections=4) as caller:
        made = (
            replace(calls(1, start=100 + number)[0], stage="revision")
            for number, answer in enumerate(caller.answers(calls(20)))
            if isinstance(answer, Answer)
        )
        assert len(list(caller.answers(made))) == 20
        assert {name: stage.answered for name, stage in caller.counts.stages.items()} == {
            "document": 20,
            "revision": 20,
        }


def test_an_iteration_that_is_left_early_counts_what_was_on_its_way_when_it_is_sent_again(ledger: Path) -> None:
    with serving(Settings(latency=0.2)):
        with open_caller(CLAUDE, ledger, connections=4) as caller:
            answers = caller.answers(calls(40))
            next(answers)
            answers.close()  # type: ignore[attr-defined]
        with open_ledger(ledger) as rows:
            lost = rows.in_flight()
        assert 0 < lost <= 4
        with open_caller(CLAUDE, ledger, connections=4) as caller:
            texts(caller, calls(40))
            assert caller.counts.resent == lost


def test_hostile_characters_reach_the_model_and_come_back(ledger: Path) -> None:
    hostile = "{{ x }} {0} %s \x00\x1b\x7f \ud800 \U0001f600 </s> \"'"
    call = Call("document", Prompt((("user", hostile),), "p@1"), CLAUDE, 3000)
    with serving() as server, open_caller(CLAUDE, ledger) as caller:
        assert len(texts(caller, [call])) == 1
        assert server.counts()["messages"] == 1


@pytest.mark.parametrize("setting", ["one by one, 30 % faults", "batches, 30 % faults"])
def test_jobs_that_are_killed_resume_to_the_same_answers_and_pay_nothing_twice(setting: str) -> None:
    command = [sys.executable, "benchmarks/kill_and_resume.py", "--runs", "3", "--calls", "30", "--setting", setting]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{setting} | 3 | 0 |" in done.stdout
