"""One model behind Inspect's model API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from sdf_eval.corpora.anthropic_api import sendable
from sdf_eval.corpora.calls import Call
from sdf_eval.corpora.prompts import Prompt
from sdf_eval.corpora.tally import Reply, Tally
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, Model, ModelOutput

T = TypeVar("T")

RETRIES = 7
"""Times that Inspect asks again after an error that may pass (429, 5xx, no connection): over six minutes."""

UNREADABLE = 5
"""Times that the body of an answer may be no JSON. Inspect does not ask again for those."""

_PAUSE = 0.25
_CONNECT = 60.0
_LOOSE = 10_000
# The providers whose clients take an HTTP client of ours, and the package that brings it.
_CLIENTS = {"anthropic": "anthropic", "openai": "openai", "openai-api": "openai"}
_KEY = re.compile(r"\b[A-Z][A-Z0-9_]*_(?:KEY|TOKEN|URL)\b")
_MARKUP = re.compile(r"\[/?[a-z ]+\]")


class Provider:
    """A model that was set up; made and used on one event loop.

    Args:
        name: An Inspect model name.
        model: What Inspect made of it.
        counted: Whether its HTTP requests are counted one by one where they are sent.
        tally: Counts what is sent.
    """

    def __init__(self, name: str, model: Model, counted: bool, tally: Tally) -> None:
        self._name = name
        self._model = model
        self._counted = counted
        self._tally = tally

    @classmethod
    async def opened(cls, name: str, connections: int, tally: Tally) -> Provider:
        """Sets a model up.

        Raises:
            InputError: No such model, its package is not installed, or its key is missing.
        """
        http = _counting_client(name, tally)
        # Inspect's limit is one for the process: the first caller sets it, and calls of two event loops would wait in
        # one line. So the caller's own limit counts, but for local models, which take theirs as their batch size.
        making = _made(name, connections, {}) if http is None else _made(name, _LOOSE, {"http_client": http})
        made, error = await _outcome(making)
        if made is None or error is not None:
            if isinstance(error, Exception):
                raise InputError(f"{name}: cannot be set up: {_with_fix(error)}") from error
            raise error or RuntimeError(f"Inspect made no model of {name}")
        return cls(name, made, http is not None, tally)

    async def reply(self, call: Call) -> Reply:
        """Asks once, and again after errors that may pass.

        Raises:
            InputError: The provider refuses the key or the request, cannot be reached, or gives nothing readable.
        """
        from inspect_ai.model import GenerateConfig

        config = GenerateConfig(max_tokens=call.max_tokens, temperature=call.temperature)
        for asked in range(UNREADABLE):
            if not self._counted:
                self._tally.add("sent")
            asking = self._model.generate(_messages(call.prompt), config=config, cache=False)
            output, error = await _outcome(asking)
            if output is not None:
                return _reply(output)
            # What the SDKs raise for a body that is empty or broken.
            if error is not None and not isinstance(error, ValueError):
                raise self._told(error) from error
            await asyncio.sleep(_PAUSE * 2**asked)
        raise InputError(f"{self._name}: {UNREADABLE} answers in a row were no JSON; check the address of the provider")

    async def close(self) -> None:
        """Closes the connections."""
        await self._model.api.aclose()

    def _told(self, error: BaseException) -> BaseException:
        """The error in one line for the user, or as it is where it is not the provider's."""
        from inspect_ai._util.error import PrerequisiteError

        # Some providers look for their packages at the first question only.
        if isinstance(error, PrerequisiteError | ImportError):
            return InputError(f"{self._name}: cannot be set up: {_with_fix(error)}")
        for cause in reversed(list(_causes(error))):
            if isinstance(status := getattr(cause, "status_code", None), int):
                hint = f"check {_key_of(self._name)}" if status in (401, 403) else "change the request or the model"
                hint = "wait" if status == 429 or status >= 500 else hint
                return InputError(f"{self._name}: {one_line(cause)}; {hint}, then run again to go on: nothing is lost")
        if type(error).__name__ == "RetryError":
            cause = list(_causes(error))[-1]
            return InputError(
                f"{self._name}: cannot be reached: {one_line(cause)}; check the address and the network, then run "
                "again to go on: nothing is lost"
            )
        return error


async def _made(name: str, connections: int, model_args: dict[str, Any]) -> Model:
    from inspect_ai.model import GenerateConfig, get_model

    # Prompt caching off: what a call costs is to follow from its tokens alone.
    config = GenerateConfig(max_connections=connections, max_retries=RETRIES, cache_prompt=False)
    return get_model(name, config=config, memoize=False, **model_args)


async def _outcome(coroutine: Coroutine[Any, Any, T]) -> tuple[T, None] | tuple[None, BaseException]:
    """Waits for the result or the error. Providers raise errors of no common kind, so none can be named to catch."""
    task = asyncio.ensure_future(coroutine)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    error = task.exception()
    return (task.result(), None) if error is None else (None, error)


def _counting_client(name: str, tally: Tally) -> Any:
    """An HTTP client that counts questions as they are sent, retries within the SDK too; None where none fits."""
    package = _CLIENTS.get(name.partition("/")[0])
    if package is None:
        return None

    async def count(request: Any) -> None:
        tally.add("sent", request.method == "POST")
        # The SDKs allow 5 s to connect, which a busy machine may need for itself. Inspect's own client lifts it too.
        if "timeout" in request.extensions:
            request.extensions["timeout"]["connect"] = _CONNECT

    hooks = {"request": [count]}
    try:
        client = import_module(package).DefaultAsyncHttpxClient
    except ImportError:
        return None  # Inspect says how to get the package.
    return client(event_hooks=hooks)


def _messages(prompt: Prompt) -> list[ChatMessage]:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
    return [kinds[role](content=sendable(text)) for role, text in prompt.messages]


def _reply(output: ModelOutput) -> Reply:
    usage = output.usage
    if usage is None:
        return Reply(output.completion, output.stop_reason, 0, 0)
    cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
    return Reply(output.completion, output.stop_reason, usage.input_tokens + cached, usage.output_tokens)


def _key_of(name: str) -> str:
    """Where the key of a model stands, as far as that goes by a rule."""
    provider, _, rest = name.partition("/")
    service = rest.partition("/")[0] if provider == "openai-api" else provider
    return f"the key in {re.sub('[^A-Z0-9]', '_', service.upper())}_API_KEY"


def _with_fix(error: Exception) -> str:
    """Why a model was not set up and, where that says no more than what is missing, how to mend it."""
    text = one_line(error).rstrip(".")
    missing = _KEY.findall(text)
    if missing and "No " in text:
        # Where several would do, the first is the usual one.
        return f"{text}; set {missing[0]}, e.g. export {missing[0]}=…"
    if "not recognized" in text:
        return f"{text}; a model is named provider/model, such as anthropic/claude-opus-4-7 or openai-api/local/NAME"
    if "pip install" in text:
        return text
    return f"{text}; check the model's name, its address and its package"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def one_line(error: BaseException) -> str:
    """What an error says, without line breaks and markup, and not at length."""
    text = " ".join(_MARKUP.sub("", str(error)).split()).removeprefix("ERROR: ")
    return text if len(text) <= 300 else f"{text[:300]}…"
