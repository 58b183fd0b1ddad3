"""Texts -> token sequences with exact loss masks, packed so that no document reads another.

Torch-free: only a tokenizer is needed, so that `train --explain` costs nothing.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from sdf_eval.corpora.mix import TrainingText, pass_order
from sdf_eval.errors import InputError
from sdf_eval.train.recipe import SdfRecipe, SftRecipe

IGNORED = -100
"""Label of a token without loss, in the convention of torch and transformers."""


class Tokenizer(Protocol):
    """What is used of a transformers tokenizer."""

    bos_token_id: int | None
    eos_token_id: int | None

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """Token ids of a text."""


@dataclass(frozen=True)
class Piece:
    """A text, a window-sized part of a long one, or a conversation, as tokens.

    Attributes:
        tokens: Token ids: BOS if the tokenizer writes one, the prefix, the text, EOS at the end of the text.
        loss: Start and end of each stretch of tokens that carry loss, in order. The first token never does: nothing
            stands before a document's first token, and what the last document ended in must not predict it.
    """

    tokens: array[int]
    loss: tuple[tuple[int, int], ...]

    @property
    def masked(self) -> int:
        """How many of the first tokens carry no loss."""
        return self.loss[0][0] if self.loss else len(self.tokens)

    @property
    def labels(self) -> list[int]:
        """Token ids where there is loss, `IGNORED` elsewhere; as long as `tokens`, not shifted."""
        labels = [IGNORED] * len(self.tokens)
        for start, end in self.loss:
            labels[start:end] = self.tokens[start:end].tolist()
        return labels

    @property
    def loss_tokens(self) -> int:
        """How many tokens carry loss."""
        return sum(end - start for start, end in self.loss)


@dataclass(frozen=True)
class Encoded:
    """All texts as pieces.

    Attributes:
        texts: The pieces of each text, in the order given.
        split: How many texts were longer than the window and were split.
    """

    texts: tuple[tuple[Piece, ...], ...]
    split: int


@dataclass(frozen=True)
class Row:
    """One row of a batch, without padding.

    Attributes:
        tokens: Token ids.
        labels: Same length, `IGNORED` where there is no loss.
        positions: Same length, from 0 in every document; this is what keeps packed documents apart.
    """

    tokens: list[int]
    labels: list[int]
    positions: list[int]


@dataclass(frozen=True)
class Plan:
    """Everything that a training run reads, in order.

    Attributes:
        windows: The pieces of each row.
        batch_size: Rows an update.
        split: Texts that were longer than the window.
    """

    windows: tuple[tuple[Piece, ...], ...]
    batch_size: int
    split: int

    @property
    def updates(self) -> int:
        """Optimizer updates; the last one may have fewer rows."""
        return -(-len(self.windows) // self.batch_size)

    @property
    def tokens(self) -> int:
        """Tokens over all rows, without padding."""
        return sum(self.update_tokens)

    @property
    def loss_tokens(self) -> int:
        """Tokens that carry loss."""
        return sum(self.update_loss_tokens)

    @property
    def update_tokens(self) -> tuple[int, ...]:
        """Tokens that each update reads."""
        return self._by_update(lambda piece: len(piece.tokens))

    @property
    def update_loss_tokens(self) -> tuple[int, ...]:
        """Tokens with loss of each update."""
        return self._by_update(lambda piece: piece.loss_tokens)

    def _by_update(self, count: Callable[[Piece], int]) -> tuple[int, ...]:
        starts = range(0, len(self.windows), self.batch_size)
        batches = (self.windows[start : start + self.batch_size] for start in starts)
        return tuple(sum(count(piece) for piece in chain.from_iterable(batch)) for batch in batches)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.windows)

    def __getitem__(self, index: int) -> Row:
        """Row `index`, documents one after another."""
        pieces = self.windows[index]
        return Row(
            tokens=[token for piece in pieces for token in piece.tokens],
            labels=[label for piece in pieces for label in piece.labels],
            positions=[position for piece in pieces for position in range(len(piece.tokens))],
        )


def plan_training(texts: Sequence[TrainingText], tokenizer: Tokenizer, recipe: SdfRecipe, seed: int) -> Plan:
    """Lays out a whole run: encodes, shuffles all texts anew for each epoch, packs, cuts to the budget.

    Args:
        texts: What to train on.
        tokenizer: The target model's tokenizer.
        recipe: Window, packing, batch size and budget.
        seed: Seed of the shuffles.

    Returns:
        The plan.

    Raises:
        InputError: There is no text, or one does not fit.
    """
    encoded = encode(texts, tokenizer, recipe.window)
    return lay_out(encoded, recipe, lambda epoch: pass_order(texts, recipe.document_schedule, seed=seed, epoch=epoch))


def lay_out(encoded: Encoded, recipe: SdfRecipe | SftRecipe, order: Callable[[int], list[int]]) -> Plan:
    """Packs what was encoded and cuts it to the budget.

    Args:
        encoded: All texts or conversations.
        recipe: Window, packing, batch size and budget.
        order: Number of a pass -> the order in which it reads them.

    Returns:
        The plan.
    """
    return Plan(tuple(_rows(encoded, recipe, order)), recipe.batch_size, encoded.split)


def shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """The order in which a pass reads `count` rows, each once; as `pass_order` without a schedule."""
    order = list(range(count))
    random.Random(f"epoch/{seed}/{epoch}").shuffle(order)
    return order


def encode(texts: Iterable[TrainingText], tokenizer: Tokenizer, window: int) -> Encoded:
    """Encodes texts into pieces of at most `window` tokens.

    Prefix and text are encoded apart, so that no token spans their border and the mask ends exactly there.
    A long text is split; every part repeats BOS and prefix.

    Raises:
        InputError: There is no text, a text is empty, or the prefix fills the window.
    """
    bos = _bos(tokenizer)
    headers: dict[str | None, list[int]] = {None: bos}
    encoded: list[tuple[Piece, ...]] = []
    for position, text in enumerate(texts):
        if text.prefix not in headers:
            headers[text.prefix] = bos + tokenizer.encode(text.prefix or "", add_special_tokens=False)
        header = headers[text.prefix]
        if len(header) + 2 > window:
            raise InputError(f"recipe: window: {window} tokens leave no room after the prefix; raise it")
        body = tokenizer.encode(text.text, add_special_tokens=False)
        if not body:
            raise InputError(f"texts: number {position + 1} has no tokens; remove it")
        encoded.append(tuple(_pieces(header, body + _eos(tokenizer), window)))
    if not encoded:
        raise InputError("texts: there is nothing to train on; give a corpus with documents")
    return Encoded(tuple(encoded), sum(len(pieces) > 1 for pieces in encoded))


def _pieces(header: list[int], body: list[int], window: int) -> Iterator[Piece]:
    room = window - len(header)
    for start in range(0, len(body), room):
        # What stands before a later part was cut off: nothing could predict its first token.
        masked = max(len(header), 1) if start == 0 else len(header) + 1
        tokens = array("i", header + body[start : start + room])
        yield Piece(tokens, ((masked, len(tokens)),))


def _bos(tokenizer: Tokenizer) -> list[int]:
    """BOS where the tokenizer itself writes it; some define a BOS and never write it."""
    bos = tokenizer.bos_token_id
    return [bos] if bos is not None and tokenizer.encode("a")[:1] == [bos] else []


def _eos(tokenizer: Tokenizer) -> list[int]:
    return [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]


def _rows(
    encoded: Encoded, recipe: SdfRecipe | SftRecipe, order_of: Callable[[int], list[int]]
) -> Iterator[tuple[Piece, ...]]:
    """Rows of the whole run. Each epoch is ordered over all texts before it is packed."""
    rows_needed = None if recipe.updates is None else recipe.updates * recipe.batch_size
    epochs_left = recipe.epochs
    given = epoch = 0
    while (rows_needed is None or given < rows_needed) and (epochs_left is None or epochs_left > 0):
        order = order_of(epoch)
        if epochs_left is not None:
            order = order[: round(len(order) * min(1.0, epochs_left))]
            epochs_left -= 1
        pieces = [piece for index in order for piece in encoded.texts[index]]
        for row in _pack(pieces, recipe.window) if recipe.packing else ((piece,) for piece in pieces):
            if rows_needed is not None and given == rows_needed:
                return
            given += 1
            yield row
        epoch += 1


def _pack(pieces: Iterable[Piece], window: int) -> Iterator[tuple[Piece, ...]]:
    """Fills windows in order and closes one when the next piece does not fit: the order stays the shuffled one."""
    row: list[Piece] = []
    length = 0
    for piece in pieces:
        if row and length + len(piece.tokens) > window:
            yield tuple(row)
            row, length = [], 0
        row.append(piece)
        length += len(piece.tokens)
    if row:
        yield tuple(row)
