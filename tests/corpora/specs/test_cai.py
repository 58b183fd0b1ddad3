from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.specs.aft_records import manifest_path
from sdf_eval.corpora.specs.cai import write_cai
from sdf_eval.corpora.specs.cai_records import CaiRequest
from sdf_eval.corpora.specs.spec import load_spec
from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import read_chat, read_preferences
from tests.corpora.specs.answers import answer
from tests.corpora.specs.conftest import MODEL
from tests.writer_server import serve

REVISIONS = CaiRequest(kind="revisions", rows=12, principles=4, queries_per_domain=8)
PREFERENCES = REVISIONS.model_copy(update={"kind": "preferences"})
SPEC = load_spec("lightly-held")
DRAFTING = "You are an AI assistant. Write"


@pytest.fixture
def respond(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator:
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


def varied():
    """A responder that answers the same question otherwise each time, as a sampled model does."""
    asked = Counter[str]()

    def responder(system, user):
        if not system.startswith(DRAFTING):
            return answer(system, user)
        asked[user[-1]] += 1
        return answer(system, user).replace("</answer>", f" Time {asked[user[-1]]}.</answer>")

    return responder


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_revisions_are_conversations_whose_reply_went_through_a_principle(ask, tmp_path: Path) -> None:
    out = tmp_path / "revised.jsonl"
    with ask() as caller:
        manifest = write_cai(SPEC, caller, out, model=MODEL, request=REVISIONS)
    rows = lines(out)
    assert len(rows) == manifest.rows == 12 and len(manifest.principles) == 4
    assert 0 < manifest.changed == sum(row["draft"] != row["messages"][1]["content"] for row in rows) < 12
    principles = {f"principle:{principle}" for principle in manifest.principles}
    read = read_chat(out)
    assert [len(row.messages) for row in read] == [2] * 12
    assert {tag for row in read for tag in row.tags} <= principles and len({row.tags for row in read}) > 1


def test_preferences_are_two_replies_of_which_a_principle_prefers_one(respond, tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    with respond(varied()) as caller:
        manifest = write_cai(SPEC, caller, out, model=MODEL, request=PREFERENCES)
    read = read_preferences(out)
    assert len(read) == manifest.rows == manifest.changed == 12
    assert all(len(row.tags) == 1 and row.tags[0].removeprefix("principle:") in manifest.principles for row in read)
    assert manifest.dropped["no preference"] > 0


def test_replies_are_written_without_the_spec_and_judged_without_it(respond, tmp_path: Path) -> None:
    stages, responder = Counter[str](), varied()

    def listening(system, user):
        end = user[-1][-300:]
        if system.startswith(DRAFTING):
            stages["draft"] += 1
        elif "<revision>" in end or "<choice>" in end:
            stages["judged"] += 1
        else:
            return responder(system, user)
        assert SPEC.text not in system + user[-1] and SPEC.assistant not in system
        return responder(system, user)

    with respond(listening) as caller:
        write_cai(SPEC, caller, tmp_path / "a", model=MODEL, request=REVISIONS)
    with respond(listening) as caller:
        write_cai(SPEC, caller, tmp_path / "b", model=MODEL, request=PREFERENCES)
    assert stages["draft"] >= 36 and stages["judged"] >= 24


def test_the_reply_that_the_judge_names_is_chosen_and_stands_first_half_of_the_time(respond, tmp_path: Path) -> None:
    placed = Counter[str]()

    def preferring(system, user):
        end = user[-1][-300:]
        if system.startswith(DRAFTING):
            good = Counter(asked[user[-1]] for _ in "1")  # the first draft of a message is the good one
            asked[user[-1]] += 1
            return f"<answer>{'good' if 0 in good else 'bad'} {answer(system, user)[-20:-9]}</answer>"
        if "<choice>" in end:
            first = re.findall(r"<first>\n(\w+)", user[-1])[-1]
            placed[first] += 1
            return f"<choice>{'FIRST' if first == 'good' else 'SECOND'}</choice>"
        return answer(system, user)

    asked = Counter[str]()
    request = PREFERENCES.model_copy(update={"rows": 30})
    with respond(preferring) as caller:
        write_cai(SPEC, caller, tmp_path / "pairs.jsonl", model=MODEL, request=request)
    assert all(
        row.chosen.startswith("good") and row.rejected.startswith("bad")
        for row in read_preferences(tmp_path / "pairs.jsonl")
    )
    assert placed["good"] > 5 and placed["bad"] > 5


def test_each_round_revises_what_the_round_before_wrote_by_another_principle(respond, tmp_path: Path) -> None:
    def counting(system, user):
        if "<revision>" in user[-1][-300:]:
            reply = re.findall(r"<reply>\n(.*?)\n</reply>", user[-1], re.DOTALL)[-1]
            return f"<critique>Short.</critique><revision>{reply} again</revision>"
        return answer(system, user)

    with respond(counting) as caller:
        request = REVISIONS.model_copy(update={"rounds": 3})
        write_cai(SPEC, caller, tmp_path / "revised.jsonl", model=MODEL, request=request)
    for row in lines(tmp_path / "revised.jsonl"):
        assert row["messages"][1]["content"] == row["draft"] + " again again again"
        assert len(set(row["tags"])) == 3


def test_replies_that_are_alike_or_hold_a_held_out_word_make_no_row(respond, tmp_path: Path) -> None:
    def answering(system, user):
        text = answer(system, user)
        if system.startswith(DRAFTING):
            return (
                "<answer>The same.</answer>"
                if "e" in user[-1][:6]
                else text.replace(".</answer>", " bicycle.</answer>")
            )
        return text

    request = PREFERENCES.model_copy(update={"held_out": ("bicycle",)})
    with respond(answering) as caller, pytest.raises(InputError, match="no row was usable .*two replies alike"):
        write_cai(SPEC, caller, tmp_path / "pairs.jsonl", model=MODEL, request=request)
    assert not (tmp_path / "pairs.jsonl").exists()


@pytest.mark.parametrize("request_", [REVISIONS, PREFERENCES], ids=lambda request: request.kind)
def test_the_same_ledger_gives_the_same_bytes_and_asks_nothing(respond, tmp_path: Path, request_: CaiRequest) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    with respond(varied()) as caller:
        manifest = write_cai(SPEC, caller, first, model=MODEL, request=request_)
        sent = caller.counts.sent
        assert write_cai(SPEC, caller, second, model=MODEL, request=request_) == manifest
        assert write_cai(SPEC, caller, second, model=MODEL, request=request_) == manifest
        assert caller.counts.sent == sent
    assert first.read_bytes() == second.read_bytes()


def test_a_file_of_another_request_is_not_overwritten(ask, tmp_path: Path) -> None:
    out = tmp_path / "revised.jsonl"
    with ask() as caller:
        write_cai(SPEC, caller, out, model=MODEL, request=REVISIONS)
        for change in ({"seed": 1}, {"kind": "preferences"}):
            with pytest.raises(InputError, match="data of another request, or was changed"):
                write_cai(SPEC, caller, out, model=MODEL, request=REVISIONS.model_copy(update=change))
        manifest_path(out).unlink()
        with pytest.raises(InputError, match="exists and has no manifest"):
            write_cai(SPEC, caller, out, model=MODEL, request=REVISIONS)
