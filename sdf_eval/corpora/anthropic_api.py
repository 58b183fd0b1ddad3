"""What is asked of Anthropic without Inspect in between: its client, and a prompt in the words of the Messages API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sdf_eval.corpora.prompts import Prompt
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from anthropic import Anthropic

PREFIX = "anthropic/"

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def has_key() -> bool:
    """Whether the environment holds a key or token of Anthropic's."""
    return any(os.environ.get(name) for name in _KEYS)


def open_client(model: str) -> Anthropic:
    """The client of the anthropic package, which reads its key and address from the environment.

    Raises:
        InputError: There is no key.
    """
    if not has_key():
        raise InputError(f"{model}: no {_KEYS[0]} in the environment; set it, e.g. export {_KEYS[0]}=…")
    import anthropic

    return anthropic.Anthropic()


def message_params(prompt: Prompt) -> dict[str, Any]:
    """The `messages` and, where there is one, the `system` of a request to the Messages API."""
    system = [sendable(text) for role, text in prompt.messages if role == "system"]
    params: dict[str, Any] = {
        "messages": [{"role": role, "content": sendable(text)} for role, text in prompt.messages if role != "system"]
    }
    return params | ({"system": "\n\n".join(system)} if system else {})


def sendable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 and so HTTP cannot carry, replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
