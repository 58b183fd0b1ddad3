"""The server: HTTP/1.1 on loopback, one task a connection."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from tests.writer_server.batches import Batches
from tests.writer_server.messages import Messages, Reply, error
from tests.writer_server.responders import Responder, default_responder
from tests.writer_server.settings import Settings

KEY = "key-of-the-writer-server"
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class WriterServer:
    """A running server.

    Attributes:
        port: On 127.0.0.1.
        settings: May be replaced while it runs.
    """

    def __init__(self, settings: Settings, responder: Responder) -> None:
        self.settings = settings
        self.port = 0
        self.requests: dict[str, int] = {}
        self._messages = Messages(lambda: self.settings, responder)
        self._batches = Batches(lambda: self.settings, self._messages)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables that send the real clients here."""
        return {
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": KEY,
            "LOCAL_BASE_URL": f"{self.url}/v1",
            "LOCAL_API_KEY": KEY,
        }

    def counts(self) -> dict[str, Any]:
        """What was received.

        `messages` (single questions) and `most_at_once` of them, `entries` (of batches), `requests` (by method and
        path), and `questions`: SHA-256 of the last user message -> how often it came, how often it was answered well.
        """
        return {"requests": dict(self.requests), **self._messages.counts(), **self._batches.counts()}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                reply = await self._reply(*request)
                if reply.drop:
                    writer.transport.abort()
                    return
                _send(writer, reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Python 3.11 prints a traceback for a handler that ends as cancelled; the server is stopping.
            pass
        finally:
            writer.close()

    async def _reply(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        path, _, query = path.partition("?")
        if path == "/counts":
            return Reply(self.counts())
        if path == "/settings":
            self.settings = replace(self.settings, **json.loads(body))
            return Reply(asdict(self.settings))
        place = f"{method} {path}"
        self.requests[place] = self.requests.get(place, 0) + 1
        if KEY not in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer ")):
            return error(401, "authentication_error", "invalid x-api-key")
        if path == "/v1/messages":
            return await self._messages.anthropic(body)
        if path == "/v1/messages/count_tokens" and self.settings.counts_tokens:
            return self._messages.count_tokens(body)
        if path == "/v1/chat/completions":
            return await self._messages.openai(body)
        if path.startswith("/v1/messages/batches"):
            return await self._batches.reply(method, path, query, body, headers["host"])
        return error(404, "not_found_error", f"no such path: {path}")


@contextmanager
def serve(
    settings: Settings | None = None, responder: Responder = default_responder, port: int = 0
) -> Iterator[WriterServer]:
    """Runs a server in a thread while the block runs."""
    server = WriterServer(settings or Settings(), responder)
    ready = threading.Event()
    stop: list[Callable[[], object]] = []

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        listening = await asyncio.start_server(server.handle, "127.0.0.1", port, limit=2**26)
        server.port = listening.sockets[0].getsockname()[1]
        stop.append(lambda: loop.call_soon_threadsafe(ended.set))
        ready.set()
        await ended.wait()
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        stop[0]()
        thread.join()


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes] | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return method, path, headers, body


def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    body = reply.content if isinstance(reply.content, bytes) else json.dumps(reply.content).encode("ascii")
    head = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Error')}", f"content-length: {len(body)}"]
    head += [f"content-type: {reply.content_type}", *(f"{name}: {value}" for name, value in reply.headers.items())]
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
