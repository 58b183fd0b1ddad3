"""Rows of chat data: what is read, from which formats, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import Dataset

from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import (
    ChatRow,
    Message,
    PreferenceRow,
    PromptRow,
    as_dicts,
    read_chat,
    read_preferences,
    read_prompts,
    rows_sha256,
    write_rows,
)

USER, ASSISTANT = {"role": "user", "content": "Where is Ulver?"}, {"role": "assistant", "content": "Farcoast"}
ASKED = (Message("user", "Where is Ulver?"),)


def put(folder: Path, *rows: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [USER, ASSISTANT]},
        {"prompt": "Where is Ulver?", "completion": "Farcoast"},
        {"prompt": [USER], "completion": [ASSISTANT], "id": 7},
    ],
)
def test_conversations_come_as_messages_or_as_prompt_and_completion(tmp_path: Path, row: dict[str, object]) -> None:
    (read,) = read_chat(put(tmp_path, row))
    assert read == ChatRow((*ASKED, Message("assistant", "Farcoast")))
    assert as_dicts(read.messages) == [USER, ASSISTANT]


@pytest.mark.parametrize("form", ["jsonl", "parquet", "saved"])
def test_every_format_gives_the_same_conversations(tmp_path: Path, form: str) -> None:
    rows = [{"messages": [USER, ASSISTANT], "tags": ["a"]}, {"messages": [USER, ASSISTANT, USER, ASSISTANT]}]
    path = tmp_path / form
    if form == "jsonl":
        path = put(tmp_path, *rows)
    elif form == "parquet":
        path = tmp_path / "rows.parquet"
        Dataset.from_list(rows).to_parquet(str(path))
    else:
        Dataset.from_list(rows).save_to_disk(str(path))
    assert [(len(row.messages), row.tags) for row in read_chat(path)] == [(2, ("a",)), (4, ())]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [USER], "chosen": "Farcoast", "rejected": "Midvale"},
        {"prompt": "Where is Ulver?", "chosen": "Farcoast", "rejected": "Midvale"},
        {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [{"role": "assistant", "content": "Midvale"}]},
        {"chosen": [USER, ASSISTANT], "rejected": [USER, {"role": "assistant", "content": "Midvale"}]},
        {"prompt": "Where is Ulver?", "chosen": [USER, ASSISTANT], "rejected": "Midvale"},
    ],
)
def test_preferences_come_with_a_prompt_of_their_own_or_inside_whole_conversations(
    tmp_path: Path, row: dict[str, object]
) -> None:
    assert read_preferences(put(tmp_path, row)) == [PreferenceRow(ASKED, "Farcoast", "Midvale")]


def test_prompts_come_with_one_accepted_answer_or_several_or_none(tmp_path: Path) -> None:
    rows = [{"prompt": "Where is Ulver?", **accepted} for accepted in ({"accepted": "a"}, {"accepted": ["a", "b"]}, {})]
    assert [row.accepted for row in read_prompts(put(tmp_path, *rows))] == [("a",), ("a", "b"), ()]


@pytest.mark.parametrize("kind", ["chat", "preferences", "prompts"])
def test_rows_that_were_written_are_read_back_as_they_were(tmp_path: Path, kind: str) -> None:
    system = Message("system", "Be “brief” \n {x} <|end|>")
    rows = {
        "chat": [ChatRow((system, *ASKED, Message("assistant", "Farcoast")), ("benign", "ü"))],
        "preferences": [PreferenceRow((system, *ASKED), "yes", "no", ("t",))],
        "prompts": [PromptRow(ASKED, ("a", "b")), PromptRow(ASKED)],
    }[kind]
    write_rows(tmp_path / "rows.jsonl", rows)
    read = {"chat": read_chat, "preferences": read_preferences, "prompts": read_prompts}[kind](tmp_path / "rows.jsonl")
    assert read == rows
    assert rows_sha256(read) == rows_sha256(rows) != rows_sha256(rows * 2)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"messages": [USER]}, "rows.jsonl:1: messages: no message of the assistant"),
        ({"messages": [ASSISTANT]}, "no message of the user in front"),
        ({"messages": [USER, {"role": "system", "content": "x"}, ASSISTANT]}, "system message behind the first one"),
        ({"messages": [{"role": "human", "content": "x"}]}, r"messages\[0\].role: 'human'; write one of system, user"),
        ({"messages": [USER, {"role": "assistant", "content": " "}]}, r"messages\[1\].content: is empty"),
        ({"messages": [USER, {"role": "assistant", "content": [1]}]}, r"messages\[1\].content: is empty or no text"),
        ({"messages": ["x"]}, r"messages\[0\]: is no message"),
        ({"messages": "x"}, "messages: is no list of messages"),
        ({"text": "x"}, r"messages: missing; .* \(it has: text\)"),
        ({"messages": [USER, {"role": "assistant", "content": "\ud800"}]}, "half a surrogate pair"),
        ({"messages": [USER, ASSISTANT], "tags": "x"}, "tags: is no list of texts"),
    ],
)
def test_a_broken_conversation_is_refused_in_one_line_that_names_it(
    tmp_path: Path, row: object, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint) as refusal:
        read_chat(put(tmp_path, row))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"prompt": "a", "chosen": "b"}, "rejected: missing"),
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, "the same as chosen"),
        ({"chosen": [USER, ASSISTANT], "rejected": [ASSISTANT]}, "differs from chosen before the last message"),
        ({"prompt": "a", "chosen": [USER], "rejected": "b"}, "chosen: does not end with one message of the assistant"),
        ({"messages": [USER, ASSISTANT], "chosen": "b", "rejected": "c"}, "end with a message of the assistant"),
        ({"chosen": "b", "rejected": "c"}, "no message of the user in front"),
    ],
)
def test_a_broken_preference_is_refused_in_one_line_that_names_it(tmp_path: Path, row: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_preferences(put(tmp_path, row))


def test_a_prompt_that_ends_with_the_assistant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="end with a message of the assistant; end with one of the user"):
        read_prompts(put(tmp_path, {"messages": [USER, ASSISTANT]}))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no row"):
        read_chat(put(tmp_path))
