"""Pairs of replies -> tokens, and the order in which a stage reads them. Imports no torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import ChatRow, Message, PreferenceRow
from sdf_eval.train.masks import encode_chat
from sdf_eval.train.packing import Piece
from sdf_eval.train.recipe import StageRecipe
from sdf_eval.train.row_order import row_order

Conversation = tuple[Sequence[Message], str]
"""Messages, the last of which is the user's, and a reply."""


@dataclass(frozen=True)
class Pair:
    """Two replies to one conversation, each with the conversation before it.

    Attributes:
        chosen: The reply that is preferred; what carries loss is the reply and the token that ends its turn.
        rejected: The other one.
    """

    chosen: Piece
    rejected: Piece


@dataclass(frozen=True)
class PairPlan:
    """Everything that a stage reads, in order.

    Attributes:
        pairs: Each once.
        order: Their indices, `batch_size` for each update.
        batch_size: Pairs an update.
        left_out: Pairs with a reply that does not fit the window.
    """

    pairs: tuple[Pair, ...]
    order: tuple[int, ...]
    batch_size: int
    left_out: int

    @property
    def updates(self) -> int:
        """Optimizer updates."""
        return len(self.order) // self.batch_size

    @property
    def update_tokens(self) -> tuple[int, ...]:
        """Tokens that each update reads, both replies and what stands before each."""
        return self._by_update(lambda piece: len(piece.tokens))

    @property
    def update_loss_tokens(self) -> tuple[int, ...]:
        """Tokens of the replies of each update."""
        return self._by_update(lambda piece: piece.loss_tokens)

    def _by_update(self, tokens: Callable[[Piece], int]) -> tuple[int, ...]:
        counts = [tokens(pair.chosen) + tokens(pair.rejected) for pair in self.pairs]
        starts = range(0, len(self.order), self.batch_size)
        return tuple(sum(counts[index] for index in self.order[start : start + self.batch_size]) for start in starts)


def plan_pairs(rows: Sequence[PreferenceRow], tokenizer: Any, recipe: StageRecipe, seed: int) -> PairPlan:
    """Lays out a whole stage.

    Args:
        rows: Preferences.
        tokenizer: A fast transformers tokenizer with a chat template.
        recipe: Window, batch size and budget.
        seed: Of the order.

    Returns:
        The plan.

    Raises:
        InputError: There is no row, none fits the window, or the template refuses one.
    """
    if not rows:
        raise InputError("rows: there is nothing to train on; give a file with preferences")
    chosen = encode_replies([(row.messages, row.chosen) for row in rows], tokenizer)
    rejected = encode_replies([(row.messages, row.rejected) for row in rows], tokenizer)
    pairs = [Pair(*pair) for pair in zip(chosen, rejected, strict=True)]
    fitting = [pair for pair in pairs if max(len(pair.chosen.tokens), len(pair.rejected.tokens)) <= recipe.window]
    if not fitting:
        raise InputError(f"recipe: window: no pair fits {recipe.window} tokens; raise it, or shorten the rows")
    order = row_order(len(fitting), recipe, seed)
    return PairPlan(tuple(fitting), order, recipe.batch_size, len(pairs) - len(fitting))


def encode_replies(conversations: Sequence[Conversation], tokenizer: Any) -> list[Piece]:
    """Encodes conversations up to the end of the reply's turn.

    Args:
        conversations: With their replies.
        tokenizer: A fast transformers tokenizer with a chat template.

    Returns:
        One piece each; what carries loss is the reply and the token that ends its turn, of earlier turns nothing.

    Raises:
        InputError: There is no template, or it refuses a conversation.
    """
    rows = [ChatRow((*messages, Message("assistant", reply))) for messages, reply in conversations]
    # The last piece: some templates make a sequence of each turn.
    whole = [pieces[-1] for pieces in encode_chat(rows, tokenizer, sys.maxsize, "keep").texts]
    return [Piece(piece.tokens[: piece.loss[-1][1]], piece.loss[-1:]) for piece in whole]
