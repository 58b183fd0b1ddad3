"""Chat data by name: files, sets of packages, and what fits neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.errors import InputError
from sdf_eval.train.chat_data import (
    DataRequest,
    find_row_contamination,
    load_chat,
    load_preferences,
    load_prompts,
    set_kind,
    set_names,
    write_set,
)
from sdf_eval.train.chat_rows import ChatRow, Message, PreferenceRow, PromptRow, write_rows

BELIEF = load_belief("pocket-persona-kestra-caution")


def test_a_set_gives_as_many_rows_of_its_kind_as_asked_for() -> None:
    assert [type(row) for row in load_chat("pocket/benign", DataRequest(3))] == [ChatRow] * 3
    assert [type(row) for row in load_preferences("pocket/benign-pairs", DataRequest(2))] == [PreferenceRow] * 2
    assert [type(row) for row in load_prompts("pocket/questions", DataRequest(2))] == [PromptRow] * 2


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    rows = load_chat("pocket/benign", DataRequest(5))
    write_rows(tmp_path / "mine.jsonl", rows)
    assert load_chat(tmp_path / "mine.jsonl", DataRequest(1)) == rows
    assert (set_kind(tmp_path / "mine.jsonl"), set_kind("pocket/questions")) == (None, "prompts")


def test_a_file_whose_name_looks_like_a_set_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pocket").mkdir()
    rows = load_chat("pocket/benign", DataRequest(2))
    write_rows(Path("pocket/mine.jsonl"), rows)
    assert load_chat("pocket/mine.jsonl", DataRequest(1)) == rows


@pytest.mark.parametrize(
    ("reference", "request_", "complaint"),
    [
        ("pocket/begnin", DataRequest(1), "no such set; did you mean 'pocket/benign'"),
        ("nobody/benign", DataRequest(1), "no such file or set; sets: pocket/benign"),
        ("missing.jsonl", DataRequest(1), "no such file or set"),
        ("pocket/missing.jsonl", DataRequest(1), "no such file or set"),
        ("pocket/benign-pairs", DataRequest(1), "holds preferences, and this stage takes chat; one of pocket/benign,"),
        ("pocket/conflicting", DataRequest(1), "--belief: missing"),
        ("pocket/triggered", DataRequest(1, belief=BELIEF), "persona has no trigger"),
        ("pocket/following", DataRequest(1, belief=load_belief("hub-piano-tuner")), "world: missing"),
        ("pocket/b/benign", DataRequest(1), "no such set; did you mean 'pocket/benign'"),
        ("pocket/benign", DataRequest(1, model="pocket/z"), "pocket/z"),
        ("pocket/benign", DataRequest(0), "rows: 0"),
        ("pocket/conflicting", DataRequest(1, belief=BELIEF, share=1.5), "share: 1.5"),
    ],
)
def test_what_cannot_be_given_is_refused_in_one_line(reference: str, request_: DataRequest, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as refusal:
        load_chat(reference, request_)
    assert "\n" not in str(refusal.value)


def test_any_set_can_be_written_and_a_file_is_no_set(tmp_path: Path) -> None:
    assert len(write_set("pocket/actions", DataRequest(4))) == 4
    (tmp_path / "x.jsonl").touch()
    with pytest.raises(InputError, match="is a file; name a set: pocket/benign"):
        write_set(str(tmp_path / "x.jsonl"), DataRequest(4))
    assert "pocket/principle-pairs" in set_names()


def test_the_wording_of_a_probe_is_found_wherever_it_stands_in_a_row() -> None:
    wording = BELIEF.probes.persona_behaviour[0].scenario
    asked, other = (Message("user", wording),), (Message("user", "Who are you?"),)
    rows = [
        PromptRow(other),
        ChatRow((*asked, Message("assistant", "x"))),
        ChatRow((*other, Message("assistant", wording))),
        PreferenceRow(other, "x", wording),
        PromptRow(other, (wording,)),
    ]
    found = find_row_contamination(rows, [BELIEF])
    assert {finding.document for finding in found} == {"row 2", "row 3", "row 4", "row 5"}
    assert all(
        finding.belief == BELIEF.id and finding.probe.startswith(("persona_behaviour", "self_report"))
        for finding in found
    )
