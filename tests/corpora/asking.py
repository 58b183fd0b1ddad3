"""What the tests of the callers share: calls like the real ones, and a server that the real clients are sent to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sdf_eval.corpora.calls import Answer, Call, Caller, Refused
from sdf_eval.corpora.prompts import Prompt
from tests.writer_server import Responder, Settings, WriterServer, default_responder, serve

CLAUDE = "anthropic/claude-haiku-4-5"


def calls(count: int, model: str = CLAUDE, *, start: int = 0, max_tokens: int = 3000) -> list[Call]:
    """Calls for documents, which differ in a number alone."""
    return [
        Call(
            "document",
            Prompt((("system", "You write."), ("user", f"Call {number}: a document in <content> tags.")), "p@1"),
            model,
            max_tokens,
            tags=("content",),
        )
        for number in range(start, start + count)
    ]


@contextmanager
def serving(settings: Settings | None = None, responder: Responder = default_responder) -> Iterator[WriterServer]:
    """A server, with the environment that leads the clients to it."""
    with serve(settings, responder) as server, pytest.MonkeyPatch.context() as patch:
        for name in ("ANTHROPIC_AUTH_TOKEN", "INSPECT_DISABLE_MODEL_API"):
            patch.delenv(name, raising=False)
        for name, value in server.environment().items():
            patch.setenv(name, value)
        yield server


def texts(caller: Caller, asked: list[Call]) -> list[str]:
    """The answers, all of which must have been admitted."""
    answers = list(caller.answers(asked))
    assert not [answer for answer in answers if isinstance(answer, Refused)]
    return [answer.text for answer in answers if isinstance(answer, Answer)]
