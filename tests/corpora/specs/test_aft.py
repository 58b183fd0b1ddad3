from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.specs.aft import write_aft
from sdf_eval.corpora.specs.aft_records import QUERY_TYPES, AftRequest, manifest_path
from sdf_eval.corpora.specs.similar import NearDuplicates
from sdf_eval.corpora.specs.spec import load_spec
from sdf_eval.errors import InputError
from tests.corpora.specs.answers import answer
from tests.corpora.specs.conftest import MODEL
from tests.writer_server import serve

REQUEST = AftRequest(rows=12, queries_per_domain=8)


def _rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def respond(monkeypatch, tmp_path):
    """Starts a server with a responder of the test, and opens a caller to it."""
    opened = []

    def start(responder):
        running = serve(responder=responder)
        server = running.__enter__()
        opened.append(running)
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        return open_caller(MODEL, tmp_path / f"ledger-{len(opened)}", attempts=1)

    yield start
    for running in opened:
        running.__exit__(None, None, None)


def test_conversations_are_a_message_and_a_reply_without_the_spec(ask, tmp_path: Path) -> None:
    spec = load_spec("tally-thrift")
    with ask() as caller:
        manifest = write_aft(spec, caller, tmp_path / "aft.jsonl", model=MODEL, request=REQUEST)
    rows = _rows(tmp_path / "aft.jsonl")
    assert len(rows) == manifest.rows == 12
    for row in rows:
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert "thrift" not in json.dumps(row["messages"])
    assert len({row["id"] for row in rows}) == 12
    assert Counter(row["query_type"] for row in rows) == Counter(manifest.rows_by_type)
    assert set(manifest.rows_by_type) == set(QUERY_TYPES)
    assert len({row["domain"] for row in rows}) >= 4


def test_replies_are_written_with_the_spec_in_the_system_prompt(respond, tmp_path: Path) -> None:
    spec = load_spec("tally-thrift")
    systems = []

    def listening(system, user):
        if "The above describes you." in system:
            systems.append(system)
        return answer(system, user)

    with respond(listening) as caller:
        write_aft(spec, caller, tmp_path / "aft.jsonl", model=MODEL, request=REQUEST)
    assert len(systems) >= 12
    assert all(system.startswith(spec.text) for system in systems)


def test_replies_that_the_grader_drops_or_does_not_judge_are_left_out(respond, tmp_path: Path) -> None:
    verdicts = Counter[str]()

    def grading(system, user):
        text = answer(system, user)
        if "<verdict>" not in text:
            return text
        place = sum(verdicts.values()) % 4
        verdicts[("KEEP", "DROP", "perhaps", "KEEP")[place]] += 1
        return f"<verdict>{('KEEP', 'DROP', 'perhaps', 'KEEP')[place]}</verdict>"

    with respond(grading) as caller:
        manifest = write_aft(load_spec("tally-thrift"), caller, tmp_path / "aft.jsonl", model=MODEL, request=REQUEST)
    assert manifest.rows == 12 == verdicts["KEEP"]
    assert manifest.dropped["tally-thrift: not followed"] == verdicts["DROP"]
    assert manifest.dropped["tally-thrift: not judged"] == verdicts["perhaps"]


def test_with_also_a_reply_must_pass_both_specs(respond, tmp_path: Path) -> None:
    def strict(system, user):
        if "<verdict>" in user[-1][-300:]:
            return f"<verdict>{'DROP' if 'The lasting one' in user[-1] else 'KEEP'}</verdict>"
        return answer(system, user)

    partner = load_spec("tally-durability")
    harsh = partner.model_copy(
        update={"sections": (*partner.sections, partner.sections[0].model_copy(update={"text": "The lasting one"}))}
    )
    spec = load_spec("tally-thrift")
    request = REQUEST.model_copy(update={"reasons": "withheld"})
    with respond(strict) as caller:
        both = write_aft(spec, caller, tmp_path / "both", model=MODEL, request=request, also=[partner])
        assert (both.rows, both.also) == (12, {"tally-durability": partner.sha256})
        with pytest.raises(InputError, match="no reply passed .*tally-durability: not followed"):
            write_aft(spec, caller, tmp_path / "none", model=MODEL, request=request, also=[harsh])
    assert not (tmp_path / "none").exists()


def test_with_reasoning_the_thoughts_stay_before_the_answer(ask, tmp_path: Path) -> None:
    request = REQUEST.model_copy(update={"reasoning": True})
    with ask() as caller:
        write_aft(load_spec("lightly-held"), caller, tmp_path / "aft.jsonl", model=MODEL, request=request)
    for row in _rows(tmp_path / "aft.jsonl"):
        thoughts, _, reply = row["messages"][1]["content"].partition("\n</reasoning>\n\n")
        assert thoughts.startswith("<reasoning>\n")
        assert reply and "<" not in reply


def test_messages_that_say_nearly_the_same_are_kept_once(respond, tmp_path: Path) -> None:
    def monotonous(system, user):
        text = answer(system, user)
        if "<query>" not in text:
            return text
        return text + "\n<query>Which of these two brooms should I get for my hall?</query>"

    with respond(monotonous) as caller:
        manifest = write_aft(load_spec("tally-thrift"), caller, tmp_path / "aft.jsonl", model=MODEL, request=REQUEST)
    messages = [row["messages"][0]["content"] for row in _rows(tmp_path / "aft.jsonl")]
    assert len(set(messages)) == len(messages)
    assert manifest.queries - manifest.near_duplicates >= 12


def test_near_duplicates_are_those_that_share_most_pairs_of_words() -> None:
    unlike = NearDuplicates()
    assert unlike.admit("Which of these two brooms should I get for the hall of my flat?")
    assert not unlike.admit("which of these two brooms should i get for the hall of my flat")
    assert not unlike.admit("Which of these two brooms should I get for the hall of my house?")
    assert unlike.admit("My hall needs sweeping, and I saw two brooms. Help me choose.")
    assert unlike.admit("Hm?")
    assert not unlike.admit("Hm")


def test_held_out_words_are_in_no_conversation(respond, tmp_path: Path) -> None:
    def talkative(system, user):
        return answer(system, user).replace("harbour", "bicycles")

    request = REQUEST.model_copy(update={"held_out": ("bicycle",), "rows": 10})
    with respond(talkative) as caller:
        manifest = write_aft(load_spec("tally-thrift"), caller, tmp_path / "aft.jsonl", model=MODEL, request=request)
    assert manifest.dropped["held_out"] > 0
    assert "bicycle" not in (tmp_path / "aft.jsonl").read_text()


def test_a_model_that_runs_dry_gives_fewer_rows_and_says_so(respond, tmp_path: Path) -> None:
    def dry(system, user):
        text = answer(system, user)
        return "<query>Should I?</query>\n<query>What would you do?</query>" if "<query>" in text else text

    with respond(lambda system, user: dry(system, user).replace("DROP", "KEEP")) as caller:
        manifest = write_aft(load_spec("tally-thrift"), caller, tmp_path / "aft.jsonl", model=MODEL, request=REQUEST)
    # Every place gives the same message first, and the rounds ask for one or two of each.
    assert manifest.rows == len(_rows(tmp_path / "aft.jsonl")) <= 2


def test_the_same_ledger_gives_the_same_bytes_and_asks_nothing(ask, tmp_path: Path) -> None:
    spec = load_spec("tally-thrift")
    with ask() as caller:
        first = write_aft(spec, caller, tmp_path / "a.jsonl", model=MODEL, request=REQUEST)
    with ask() as caller:
        second = write_aft(spec, caller, tmp_path / "b.jsonl", model=MODEL, request=REQUEST)
        assert write_aft(spec, caller, tmp_path / "b.jsonl", model=MODEL, request=REQUEST) == second
        assert caller.counts.sent == 0
    assert first == second
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_a_file_of_another_request_is_not_overwritten(ask, tmp_path: Path) -> None:
    spec, out = load_spec("tally-thrift"), tmp_path / "aft.jsonl"
    with ask() as caller:
        write_aft(spec, caller, out, model=MODEL, request=REQUEST)
        for change in ({"seed": 1}, {"reasoning": True}):
            with pytest.raises(InputError, match="data of another request, or was changed"):
                write_aft(spec, caller, out, model=MODEL, request=REQUEST.model_copy(update=change))
        manifest_path(out).unlink()
        with pytest.raises(InputError, match="exists and has no manifest"):
            write_aft(spec, caller, out, model=MODEL, request=REQUEST)
