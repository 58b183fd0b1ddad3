"""Anthropic Message Batches: create, retrieve, list, results."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from tests.writer_server.messages import Messages, Reply, anthropic_message, error, http_fault, question_of
from tests.writer_server.settings import ENTRY_FAULTS, HTTP_FAULTS, TEXT_FAULTS, Settings

ROOT = "/v1/messages/batches"


@dataclass(frozen=True)
class _Batch:
    id: str
    created: datetime
    ends: float
    results: tuple[dict[str, Any], ...]


class Batches:
    """Holds the batches of one server."""

    def __init__(self, settings: Callable[[], Settings], messages: Messages) -> None:
        self._settings = settings
        self._messages = messages
        self._batches: dict[str, _Batch] = {}
        self._requests = 0
        self._entries = 0

    def counts(self) -> dict[str, Any]:
        return {"batches": len(self._batches), "entries": self._entries}

    async def reply(self, method: str, path: str, query: str, body: bytes, host: str) -> Reply:
        settings = self._settings()
        fault = settings.draw(HTTP_FAULTS, f"{method} {path}", self._requests)
        self._requests += 1
        created: _Batch | None = None
        if method == "POST" and path == ROOT:
            # A dropped connection loses the reply and not the batch: the worst case for the client.
            created = self._create(json.loads(body)) if fault in (None, "slow", "drop") else None
        await asyncio.sleep(settings.latency + (settings.slow if fault == "slow" else 0.0))
        if fault is not None and fault != "slow":
            return http_fault(fault, settings)
        if created is not None:
            return Reply(self._shown(created, host))
        if path == ROOT:
            return self._listed(parse_qs(query), host)
        batch = self._batches.get(path.removeprefix(f"{ROOT}/").removesuffix("/results"))
        if batch is None:
            return error(404, "not_found_error", "no such batch")
        if not path.endswith("/results"):
            return Reply(self._shown(batch, host))
        lines = "".join(json.dumps(result) + "\n" for result in batch.results)
        return Reply(lines.encode("ascii"), content_type="application/x-jsonl")

    def _create(self, asked: dict[str, Any]) -> _Batch:
        number = len(self._batches) + 1
        # In no order that the client could rely on.
        results = tuple(self._result(entry) for entry in reversed(asked["requests"]))
        ends = time.monotonic() + self._settings().batch_seconds
        batch = _Batch(f"msgbatch_{number:06d}", datetime.now(UTC), ends, results)
        self._batches[batch.id] = batch
        return batch

    def _result(self, entry: dict[str, Any]) -> dict[str, Any]:
        question = question_of(entry["params"])
        self._entries += 1
        before = self._messages.note(question, answered=False)
        fault = self._settings().draw(TEXT_FAULTS + ENTRY_FAULTS, question.name, before)
        result: dict[str, Any]
        if "invalid" in question.model:
            result = {"type": "errored", "error": _failure("invalid_request_error")}
        elif fault == "expired":
            result = {"type": "expired"}
        elif fault == "errored":
            result = {"type": "errored", "error": _failure("api_error")}
        else:
            if fault is None:
                self._messages.note_answer(question)
            text, stop_reason = self._messages.text(question, fault)
            result = {"type": "succeeded", "message": anthropic_message(question, text, stop_reason)}
        return {"custom_id": entry["custom_id"], "result": result}

    def _shown(self, batch: _Batch, host: str) -> dict[str, Any]:
        ended = time.monotonic() >= batch.ends
        kinds = [result["result"]["type"] for result in batch.results]
        counts = {kind: kinds.count(kind) if ended else 0 for kind in ("succeeded", "errored", "canceled", "expired")}
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {"processing": 0 if ended else len(kinds), **counts},
            "created_at": batch.created.isoformat(),
            "expires_at": (batch.created + timedelta(days=1)).isoformat(),
            "ended_at": datetime.now(UTC).isoformat() if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"http://{host}{ROOT}/{batch.id}/results" if ended else None,
        }

    def _listed(self, query: dict[str, list[str]], host: str) -> Reply:
        newest_first = list(reversed(self._batches.values()))
        ids = [batch.id for batch in newest_first]
        start = ids.index(query["after_id"][0]) + 1 if "after_id" in query else 0
        stop = start + int(query.get("limit", ["20"])[0])
        page = [self._shown(batch, host) for batch in newest_first[start:stop]]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        return Reply({"data": page, "has_more": stop < len(ids), "first_id": first, "last_id": last})


def _failure(kind: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": "the server is told to fail"}, "request_id": None}
