"""What the benchmarks of the callers share: a job of like calls, and a server in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdf_eval.corpora.calls import Call
from sdf_eval.corpora.prompts import Prompt

CHECKOUT = Path(__file__).resolve().parents[1]
KEY = "key-of-the-writer-server"


def question(number: int) -> str:
    """The user message of a call of the job."""
    return f"Call {number}: write a document in <content> tags."


def job(count: int, model: str) -> Iterator[Call]:
    """Calls that differ in their number alone."""
    for number in range(count):
        prompt = Prompt((("system", "You write documents."), ("user", question(number))), "benchmark@0")
        yield Call("document", prompt, model, max_tokens=4000, tags=("content",))


class Server:
    """A writer server in another process.

    Args:
        port: Of the server.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": KEY,
            "PYTHONPATH": str(CHECKOUT),
        }

    def counts(self) -> Any:
        """What the server received; see `WriterServer.counts`."""
        with urllib.request.urlopen(f"{self.url}/counts", timeout=60) as reply:
            return json.load(reply)


@contextmanager
def server(*options: str) -> Iterator[Server]:
    """Runs `python -m tests.writer_server` with these options while the block runs."""
    command = [sys.executable, "-m", "tests.writer_server", *options]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
