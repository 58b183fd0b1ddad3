"""Anthropic Messages and OpenAI Chat Completions."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.writer_server.responders import Responder
from tests.writer_server.settings import HTTP_FAULTS, TEXT_FAULTS, Settings


@dataclass(frozen=True)
class Reply:
    content: dict[str, Any] | bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


@dataclass(frozen=True)
class Question:
    model: str
    system: str
    user: tuple[str, ...]
    max_tokens: int

    @property
    def name(self) -> str:
        return hashlib.sha256((self.user[-1] if self.user else "").encode("utf-8", "surrogatepass")).hexdigest()


def error(status: int, kind: str, message: str, **headers: str) -> Reply:
    return Reply({"type": "error", "error": {"type": kind, "message": message}}, status, headers=headers)


def tokens(text: str) -> int:
    return len(text) // 4 + 1


class Messages:
    """Answers single questions and counts them."""

    def __init__(self, settings: Callable[[], Settings], responder: Responder) -> None:
        self._settings = settings
        self._responder = responder
        self._received: dict[str, int] = {}
        self._answered: dict[str, int] = {}
        self._messages = 0
        self._at_once = 0
        self._most_at_once = 0

    def counts(self) -> dict[str, Any]:
        questions = {name: [count, self._answered.get(name, 0)] for name, count in self._received.items()}
        return {"messages": self._messages, "most_at_once": self._most_at_once, "questions": questions}

    async def anthropic(self, body: bytes) -> Reply:
        asked = json.loads(body)
        reply = await self._answer(question_of(asked), anthropic_message)
        if not asked.get("stream") or reply.status != 200 or isinstance(reply.content, bytes):
            return reply
        return Reply(_events(reply.content), content_type="text/event-stream")

    async def openai(self, body: bytes) -> Reply:
        asked = json.loads(body)
        user = tuple(_text(message["content"]) for message in asked["messages"] if message["role"] == "user")
        system = "\n".join(
            _text(message["content"]) for message in asked["messages"] if message["role"] in ("system", "developer")
        )
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens") or 4096
        return await self._answer(Question(asked["model"], system, user, limit), _completion)

    def count_tokens(self, body: bytes) -> Reply:
        question = question_of(json.loads(body))
        return Reply({"input_tokens": tokens(question.system) + sum(map(tokens, question.user))})

    def note(self, question: Question, answered: bool) -> int:
        """Counts a question that came, and returns how often it had come before."""
        before = self._received.get(question.name, 0)
        self._received[question.name] = before + 1
        if answered:
            self.note_answer(question)
        return before

    def note_answer(self, question: Question) -> None:
        self._answered[question.name] = self._answered.get(question.name, 0) + 1

    def text(self, question: Question, fault: str | None) -> tuple[str, str]:
        """The answer and, in Anthropic's words, why it ends."""
        text = self._responder(question.system, question.user)
        if fault == "refusal":
            return "", "refusal"
        if fault == "unclosed_tag":
            return re.sub(r"\s*</[a-z_]+>\s*\Z", "", text), "end_turn"
        if fault == "max_tokens" or tokens(text) > question.max_tokens:
            return text[: min(len(text) // 2, 4 * question.max_tokens)], "max_tokens"
        return text, "end_turn"

    async def _answer(self, question: Question, form: Callable[[Question, str, str], dict[str, Any]]) -> Reply:
        settings = self._settings()
        self._messages += 1
        before = self.note(question, answered=False)
        fault = settings.draw(HTTP_FAULTS + TEXT_FAULTS, question.name, before)
        self._at_once += 1
        self._most_at_once = max(self._most_at_once, self._at_once)
        try:
            await asyncio.sleep(settings.latency + (settings.slow if fault == "slow" else 0.0))
        finally:
            self._at_once -= 1
        if "invalid" in question.model:
            return error(400, "invalid_request_error", "this model takes no such request")
        if fault in HTTP_FAULTS and fault != "slow":
            return http_fault(fault, settings)
        if fault not in TEXT_FAULTS:
            self.note_answer(question)
        return Reply(form(question, *self.text(question, fault)))


def http_fault(fault: str, settings: Settings) -> Reply:
    """The reply that a fault makes of any request."""
    if fault == "429":
        return error(429, "rate_limit_error", "too many requests", **{"retry-after": settings.retry_after})
    if fault in ("500", "529"):
        kind = "api_error" if fault == "500" else "overloaded_error"
        return error(int(fault), kind, "the server is told to fail", **{"retry-after-ms": "20"})
    if fault == "malformed_json":
        return Reply(b'{"id": "msg_1", "content": [{"type": "te')
    return Reply(b"", drop=fault == "drop")


def question_of(asked: dict[str, Any]) -> Question:
    """The question in the body of a Messages request."""
    user = tuple(_text(message["content"]) for message in asked["messages"] if message["role"] == "user")
    return Question(asked["model"], _text(asked.get("system") or ""), user, asked.get("max_tokens", 4096))


def anthropic_message(question: Question, text: str, stop_reason: str) -> dict[str, Any]:
    return {
        "id": f"msg_{question.name[:20]}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens(question.system) + sum(map(tokens, question.user)),
            "output_tokens": tokens(text),
        },
    }


def _completion(question: Question, text: str, stop_reason: str) -> dict[str, Any]:
    reason = {"end_turn": "stop", "max_tokens": "length", "refusal": "content_filter"}[stop_reason]
    usage = anthropic_message(question, text, stop_reason)["usage"]
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": f"chatcmpl-{question.name[:20]}",
        "object": "chat.completion",
        "created": 1,
        "model": question.model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
            "total_tokens": usage["input_tokens"] + usage["output_tokens"],
        },
    }


def _events(message: dict[str, Any]) -> bytes:
    """The same message as Anthropic streams it."""
    start = message | {"content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(message["content"]):
        delta = {"type": "text_delta", "text": block["text"]}
        events += [
            {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": delta, "usage": message["usage"]}, {"type": "message_stop"}]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode("ascii")


def _text(content: str | Sequence[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
