"""Conversations -> tokens with loss on what the assistant says, for any chat template. Imports no torch."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import Any, Literal

from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import ChatRow, Message, as_dicts
from sdf_eval.train.packing import Encoded, Piece, Plan, lay_out, shuffled
from sdf_eval.train.recipe import SftRecipe

Reasoning = Literal["keep", "drop"]

_REASONING = re.compile(r"<(think|reasoning)>.*?</\1>\s*", re.DOTALL)
_REASONING_TAG = re.compile(r"</?(think|reasoning)>")
_STAND_IN = "XYZZYcontentXYZZY"
# Some templates write today's date, and the same training must read the same text tomorrow. A macro of that name comes
# before the function that transformers gives them.
_FIXED_DAY = "{% macro strftime_now(format) %}26 Jul 2024{% endmacro %}"


@dataclass(frozen=True)
class Turn:
    """A conversation up to a message of the assistant, as text.

    Attributes:
        text: What the template makes of it.
        start: Where the content of that message begins.
        end: Where it ends.
        closed: Where what closes the turn ends.
    """

    text: str
    start: int
    end: int
    closed: int


def plan_chat(rows: Sequence[ChatRow], tokenizer: Any, recipe: SftRecipe, seed: int) -> tuple[Plan, dict[str, int]]:
    """Lays out a whole run: encodes, shuffles all rows anew for each epoch, packs, cuts to the budget.

    Args:
        rows: What to train on.
        tokenizer: The target model's.
        recipe: Window, packing, reasoning, batch size and budget.
        seed: Seed of the shuffles.

    Returns:
        The plan, and counts for the lineage: `assistant_turns`, `cut_rows`, `rows_with_reasoning`.

    Raises:
        InputError: There is no row or no template, or a row does not fit.
    """
    encoded = encode_chat(rows, tokenizer, recipe.window, recipe.reasoning)
    turns = sum(message.role == "assistant" for row in rows for message in row.messages)
    reasoning = sum(any(m.role == "assistant" and _REASONING.search(m.content) for m in row.messages) for row in rows)
    plan = lay_out(encoded, recipe, lambda epoch: shuffled(len(rows), seed, epoch))
    return plan, {"assistant_turns": turns, "cut_rows": encoded.split, "rows_with_reasoning": reasoning}


def encode_chat(rows: Sequence[ChatRow], tokenizer: Any, window: int, reasoning: Reasoning) -> Encoded:
    """Encodes conversations, with loss on the assistant's content and on the token that ends its turn.

    A row is one sequence where the template writes a turn the same whatever follows. Where it does not (Qwen3 leaves
    out the reasoning of earlier turns), each turn is a sequence of its own, as the model sees it when it is asked.

    Args:
        rows: Conversations.
        tokenizer: A fast transformers tokenizer with a chat template.
        window: Longest sequence, tokens; what is longer is cut off there.
        reasoning: Whether the assistant's `<think>` and `<reasoning>` spans are kept.

    Returns:
        One piece a row, or one a turn; `split` counts the rows that were cut.

    Raises:
        InputError: There is no row, template or offsets, the template refuses a row, or a row's loss is cut off.
    """
    if not rows:
        raise InputError("rows: there is nothing to train on; give a file with conversations")
    _check_tokenizer(tokenizer)
    special = _special_tokens(tokenizer)
    encoded, cut = [], 0
    for number, row in enumerate(rows, start=1):
        messages = _with_reasoning(row.messages, reasoning, number)
        whole = [
            _piece(text, turns, tokenizer, special) for text, turns in _texts(messages, tokenizer, reasoning, number)
        ]
        pieces = tuple(_cut(piece, window) for piece in whole)
        if not all(piece.loss for piece in pieces):
            raise InputError(
                f"row {number}: no token of the assistant lies in the first {window}; raise window, or shorten the row"
            )
        cut += any(len(piece.tokens) > window for piece in whole)
        encoded.append(pieces)
    return Encoded(tuple(encoded), cut)


def render(messages: Sequence[Message], tokenizer: Any, reasoning: Reasoning, *, prompt: bool = False) -> str:
    """What a chat template makes of messages.

    Args:
        messages: In order.
        tokenizer: With a chat template.
        reasoning: `drop` asks a template that knows of thinking to switch it off.
        prompt: Add what stands in front of a reply.

    Raises:
        jinja2.TemplateError: The template refuses them.
    """
    options: dict[str, Any] = {"enable_thinking": False} if reasoning == "drop" else {}
    template = _FIXED_DAY + tokenizer.get_chat_template()
    return str(
        tokenizer.apply_chat_template(
            as_dicts(messages), chat_template=template, tokenize=False, add_generation_prompt=prompt, **options
        )
    )


def _check_tokenizer(tokenizer: Any) -> None:
    if tokenizer.chat_template is None:
        raise InputError(
            "model: its tokenizer has no chat template, so conversations cannot be written for it; start from a chat "
            "model, or put a chat_template.jinja into the folder"
        )
    if not tokenizer.is_fast:
        raise InputError("model: its tokenizer cannot tell where its tokens stand; save it with a tokenizer.json")


def _with_reasoning(messages: Sequence[Message], reasoning: Reasoning, number: int) -> list[Message]:
    return list(messages) if reasoning == "keep" else [_without_reasoning(message, number) for message in messages]


def _without_reasoning(message: Message, number: int) -> Message:
    if message.role != "assistant":
        return message
    content = _REASONING.sub("", message.content)
    tag = _REASONING_TAG.search(content)
    if tag:
        raise InputError(f"row {number}: {tag[0]} stands alone in the assistant's message; close the span or remove it")
    if not content.strip():
        raise InputError(f"row {number}: the assistant's message is nothing but reasoning; set reasoning to keep")
    return replace(message, content=content)


def _texts(messages: list[Message], tokenizer: Any, reasoning: Reasoning, number: int) -> list[tuple[str, list[Turn]]]:
    """The sequences that a row becomes, each with the turns in it that carry loss."""
    from jinja2 import TemplateError

    try:
        whole = render(messages, tokenizer, reasoning)
        places = [place for place, message in enumerate(messages) if message.role == "assistant"]
        turns = [_turn(messages[: place + 1], tokenizer, reasoning, number) for place in places]
    except TemplateError as error:
        raise InputError(
            f"row {number}: the chat template refuses it ({' '.join(str(error).split())}); mend it"
        ) from None
    # Some templates write an EOS of their own at the very end.
    shared = [replace(turn, closed=len(commonprefix([whole, turn.text]))) for turn in turns]
    if all(turn.closed > turn.end or turn.closed == len(turn.text) for turn in shared):
        return [(whole, shared)]
    return [(turn.text, [turn]) for turn in turns]


def _turn(messages: list[Message], tokenizer: Any, reasoning: Reasoning, number: int) -> Turn:
    """Finds the content of the last message by what the template writes around a word in its place."""
    text = render(messages, tokenizer, reasoning)
    stand_in = render([*messages[:-1], Message("assistant", _STAND_IN)], tokenizer, reasoning)
    before, found, closing = stand_in.rpartition(_STAND_IN)
    if text.startswith(before):
        start = len(before)
    else:
        # With reasoning in it the message begins where the reply does.
        start = len(commonprefix([render(messages[:-1], tokenizer, reasoning, prompt=True), text]))
    end = len(text) - len(closing)
    if not found or not text.endswith(closing) or end <= start:
        raise InputError(
            f"row {number}: the chat template changes the assistant's message beyond recognition; mend the template"
        )
    return Turn(text, start, end, len(text))


def _piece(text: str, turns: Sequence[Turn], tokenizer: Any, special: frozenset[int]) -> Piece:
    # The template has written BOS, if there is to be one.
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    tokens, offsets = encoded["input_ids"], encoded["offset_mapping"]
    loss = []
    for turn in turns:
        inside = [
            at for at, (start, end) in enumerate(offsets) if start < turn.end and end > turn.start and start < end
        ]
        first, after = max(inside[0], 1), inside[-1] + 1
        loss.append((first, after + _closing(tokens[after:], offsets[after:], turn.closed, special)))
    return Piece(array("i", tokens), tuple(loss))


def _closing(tokens: Sequence[int], offsets: Sequence[tuple[int, int]], end: int, special: frozenset[int]) -> int:
    """How many tokens end the turn: up to the first special one; just one, if the template closes without any."""
    closing = [token for token, (start, _) in zip(tokens, offsets, strict=True) if start < end]
    ends = [place for place, token in enumerate(closing, start=1) if token in special]
    return ends[0] if ends else min(1, len(closing))


def _special_tokens(tokenizer: Any) -> frozenset[int]:
    added = {token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    return frozenset(added | set(tokenizer.all_special_ids))


def _cut(piece: Piece, window: int) -> Piece:
    if len(piece.tokens) <= window:
        return piece
    loss = ((start, min(end, window)) for start, end in piece.loss)
    return Piece(piece.tokens[:window], tuple(span for span in loss if span[0] < span[1]))
