"""An item as the text that a model reads: one renderer for every harness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sdf_eval.belief.item import Item

RAW_FRAME = ("Question: ", "\nAnswer:")
"""What stands before and after the user message where no chat template is used."""

CONTINUE = "Continue the text.\n\n"
"""What stands before the start of a sentence in a chat, where a bare start would be read as a message."""

MAX_NEW_TOKENS = 64
"""Length limit of a free answer, in tokens."""

STOP = ("\n",)
"""What ends a free answer, raw or in a chat; the first line is the answer."""

REASONING_TOKENS = 192
"""Length limit of reasons with a choice, in tokens."""

REASONING_STOP = ("\nQuestion:",)
"""What ends them where no chat template marks the end: a base model asks itself the next question."""


@dataclass(frozen=True)
class Rendered:
    """A prompt and what is scored behind it.

    Attributes:
        prompt: All that stands before the answer. For the `loss` readout, the text whose loss is taken.
        continuations: One an option, each with the leading space that it needs; empty for the other readouts.
    """

    prompt: str
    continuations: tuple[str, ...]


def render(item: Item, tokenizer: Any, chat: bool) -> Rendered:
    """Renders an item.

    Args:
        item: Any item.
        tokenizer: A transformers tokenizer with a chat template; not looked at unless `chat`.
        chat: Whether the chat template frames the question. A `loss` item is a bare text in either case.

    Returns:
        The prompt and its continuations.
    """
    if item.readout == "loss":
        return Rendered(item.user, ())
    if chat:
        return Rendered(_templated(tokenizer, user_message(item)), item.choices)
    before, after = ("", "") if item.completion else RAW_FRAME
    return Rendered(f"{before}{item.user}{after}", tuple(f" {choice}" for choice in item.choices))


def user_message(item: Item) -> str:
    """The one user message of an item in a chat, the same in every harness."""
    return CONTINUE + item.user if item.completion else item.user


def _templated(tokenizer: Any, message: str) -> str:
    # Templates of models that think aloud read `enable_thinking`; the others ignore it. An option cannot be scored, nor
    # a one-line answer read, behind an open thought.
    rendered: str = tokenizer.apply_chat_template(
        [{"role": "user", "content": message}], tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    return rendered
