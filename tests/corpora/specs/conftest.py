"""The real anthropic client, through Inspect, against the local server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.calls import Caller
from tests.corpora.specs.answers import answer
from tests.writer_server import WriterServer, serve

MODEL = "anthropic/claude-haiku-4-5"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WriterServer]:
    with serve(responder=answer) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def ask(server: WriterServer, tmp_path: Path) -> Callable[[], AbstractContextManager[Caller]]:
    """Opens a caller over the test's ledger."""
    return lambda: open_caller(MODEL, tmp_path / "ledger.sqlite", connections=8)
