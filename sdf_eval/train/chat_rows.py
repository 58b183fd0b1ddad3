"""Rows of chat data: conversations, preferences and prompts, and their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from sdf_eval.corpora.rows import Row, open_rows
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class ChatRow:
    """A conversation to imitate.

    Attributes:
        messages: In order; at least one is the assistant's. Every message of the assistant carries loss.
        tags: What the row is about, for those who treat some rows apart, for instance `poison`.
    """

    messages: tuple[Message, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreferenceRow:
    """Two replies to one conversation, one of which is preferred.

    Attributes:
        messages: In order; the last one is the user's.
        chosen: The reply that is preferred.
        rejected: The other one.
        tags: As in `ChatRow`.
    """

    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class PromptRow:
    """A conversation whose reply a reward judges.

    Attributes:
        messages: In order; the last one is the user's.
        accepted: Replies that count as right; empty where the reward needs none.
        tags: As in `ChatRow`.
    """

    messages: tuple[Message, ...]
    accepted: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


AnyRow = ChatRow | PreferenceRow | PromptRow
T = TypeVar("T", ChatRow, PreferenceRow, PromptRow)


def as_dicts(messages: Iterable[Message]) -> list[dict[str, str]]:
    """The messages in the form that chat templates take."""
    return [{"role": message.role, "content": message.content} for message in messages]


def read_chat(source: Path | str) -> list[ChatRow]:
    """Reads conversations.

    Args:
        source: JSON lines, parquet or a Hugging Face dataset on disk, with `messages`, or with `prompt` and
            `completion`; each of these two a text or a list of messages. `tags` may stand beside them.

    Returns:
        The rows in the order of the file.

    Raises:
        InputError: The file cannot be read or is empty, or a row has no message of the assistant.
    """
    return _read(source, _chat)


def read_preferences(source: Path | str) -> list[PreferenceRow]:
    """Reads preferences.

    Args:
        source: As for `read_chat`, with `chosen` and `rejected` beside `messages` or `prompt`. Where these are missing,
            `chosen` and `rejected` are whole conversations that differ in the last message alone.

    Returns:
        The rows in the order of the file.

    Raises:
        InputError: The file cannot be read or is empty, or a row has no such pair.
    """
    return _read(source, _preference)


def read_prompts(source: Path | str) -> list[PromptRow]:
    """Reads prompts for reinforcement learning.

    Args:
        source: As for `read_chat`, with `messages` or `prompt`, and `accepted`, a text or a list of texts, where the
            reward compares with right answers.

    Returns:
        The rows in the order of the file.

    Raises:
        InputError: The file cannot be read or is empty, or a row does not end with a message of the user.
    """
    return _read(source, _prompt)


def write_rows(path: Path, rows: Iterable[AnyRow]) -> None:
    """Writes rows as JSON lines, which `read_chat`, `read_preferences` or `read_prompts` read back; all or nothing.

    Raises:
        OSError: The file cannot be written.
    """
    replace_file(path, "".join(_line(row) + "\n" for row in rows).encode())


def rows_sha256(rows: Iterable[AnyRow]) -> str:
    """Hash of the rows in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{_line(row)}\n".encode())
    return digest.hexdigest()


def _line(row: AnyRow) -> str:
    return json.dumps(asdict(row), ensure_ascii=False)


def _read(source: Path | str, parse: Callable[[Row], T]) -> list[T]:
    rows = [parse(row) for row in open_rows(Path(source))()]
    if not rows:
        raise InputError(f"{source}: holds no row; give a file with at least one")
    return rows


def _chat(row: Row) -> ChatRow:
    columns = row.columns
    if columns.get("messages") is not None:
        messages = _messages(row, "messages")
    elif columns.get("prompt") is not None and columns.get("completion") is not None:
        messages = (*_turns(row, "prompt", "user"), *_turns(row, "completion", "assistant"))
    else:
        raise InputError(
            f"{row.where}: messages: missing; give each row messages, or prompt and completion ({_columns(row)})"
        )
    _check_order(row, messages)
    if not any(message.role == "assistant" for message in messages):
        raise InputError(
            f"{row.where}: messages: no message of the assistant, so nothing to learn; add one or remove the row"
        )
    return ChatRow(messages, _tags(row))


def _preference(row: Row) -> PreferenceRow:
    for key in ("chosen", "rejected"):
        if row.columns.get(key) is None:
            raise InputError(f"{row.where}: {key}: missing; give each row chosen and rejected ({_columns(row)})")
    chosen, rejected = (_turns(row, key, "assistant") for key in ("chosen", "rejected"))
    messages = _asked(row) if _has_prompt(row) else chosen[:-1]
    if not _has_prompt(row) and chosen[:-1] != rejected[:-1]:
        raise InputError(
            f"{row.where}: rejected: differs from chosen before the last message; give the shared part as prompt"
        )
    for key, turns in (("chosen", chosen), ("rejected", rejected)):
        # With a prompt of its own a column may hold the reply alone, or the whole conversation once more.
        before = turns[:-1]
        if turns[-1].role != "assistant" or (before and before != messages):
            raise InputError(
                f"{row.where}: {key}: does not end with one message of the assistant after the prompt; mend the row"
            )
    _ends_with_user(row, messages)
    if chosen[-1].content == rejected[-1].content:
        raise InputError(f"{row.where}: rejected: the same as chosen; remove the row")
    return PreferenceRow(messages, chosen[-1].content, rejected[-1].content, _tags(row))


def _prompt(row: Row) -> PromptRow:
    messages = _asked(row)
    _ends_with_user(row, messages)
    accepted = row.columns.get("accepted")
    texts = [] if accepted is None else [accepted] if isinstance(accepted, str) else accepted
    return PromptRow(messages, tuple(_texts(row, "accepted", texts)), _tags(row))


def _has_prompt(row: Row) -> bool:
    return any(row.columns.get(key) is not None for key in ("messages", "prompt"))


def _asked(row: Row) -> tuple[Message, ...]:
    if not _has_prompt(row):
        raise InputError(f"{row.where}: messages: missing; give each row messages or prompt ({_columns(row)})")
    return _messages(row, "messages") if row.columns.get("messages") is not None else _turns(row, "prompt", "user")


def _ends_with_user(row: Row, messages: Sequence[Message]) -> None:
    _check_order(row, messages)
    if messages[-1].role != "user":
        raise InputError(
            f"{row.where}: messages: end with a message of the {messages[-1].role}; end with one of the user"
        )


def _check_order(row: Row, messages: Sequence[Message]) -> None:
    if any(message.role == "system" for message in messages[1:]):
        raise InputError(f"{row.where}: messages: a system message behind the first one; put it first")
    if not any(message.role == "user" for message in messages[:2]):
        raise InputError(f"{row.where}: messages: no message of the user in front; begin with one")


def _turns(row: Row, key: str, role: Role) -> tuple[Message, ...]:
    """A column that is a text of one role, or a list of messages."""
    value = row.columns[key]
    return (Message(role, _text(row, key, value)),) if isinstance(value, str) else _messages(row, key)


def _messages(row: Row, key: str) -> tuple[Message, ...]:
    value = row.columns[key]
    if not isinstance(value, list) or not value:
        raise InputError(f'{row.where}: {key}: is no list of messages; write [{{"role": "user", "content": "…"}}, …]')
    return tuple(_message(row, f"{key}[{place}]", entry) for place, entry in enumerate(value))


def _message(row: Row, key: str, entry: Any) -> Message:
    if not isinstance(entry, Mapping) or "role" not in entry or "content" not in entry:
        raise InputError(f'{row.where}: {key}: is no message; write {{"role": "user", "content": "…"}}')
    if entry["role"] not in get_args(Role):
        raise InputError(f"{row.where}: {key}.role: {entry['role']!r:.60}; write one of {', '.join(get_args(Role))}")
    return Message(cast(Role, entry["role"]), _text(row, f"{key}.content", entry["content"]))


def _tags(row: Row) -> tuple[str, ...]:
    return tuple(_texts(row, "tags", [] if row.columns.get("tags") is None else row.columns["tags"]))


def _texts(row: Row, key: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise InputError(f"{row.where}: {key}: is no list of texts; put them in brackets")
    return [_text(row, key, entry) for entry in value]


def _text(row: Row, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{row.where}: {key}: is empty or no text; write it or remove the row")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{row.where}: {key}: holds half a surrogate pair; save the text as UTF-8") from None
    return value


def _columns(row: Row) -> str:
    return f"it has: {', '.join(map(str, row.columns)) or 'nothing'}"
