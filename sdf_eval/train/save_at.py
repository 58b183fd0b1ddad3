"""`--save-at`: the points of a stage at which a checkpoint is saved on the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from sdf_eval.errors import InputError

_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
_FORM = "write updates:10,20 or tokens:100k,1M"


@dataclass(frozen=True)
class SaveAt:
    """Points of a stage.

    Attributes:
        updates: Counts of optimizer updates.
        tokens: Counts of tokens read; the checkpoint is that of the first update which reaches the count.
    """

    updates: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True)
class Mark:
    """One point, and the folder of its checkpoint.

    Attributes:
        updates: Reached after this update, or None.
        tokens: Else: reached at this count of tokens.
        folder: A sibling of the stage's folder, `NAME@updates-10` or `NAME@tokens-100000`.
    """

    updates: int | None
    tokens: int | None
    folder: Path

    def is_reached(self, updates: int, tokens: int) -> bool:
        """Whether a training that did that many updates on that many tokens has come to this point."""
        return updates >= self.updates if self.updates is not None else tokens >= (self.tokens or 0)


def parse_save_at(words: Sequence[str]) -> SaveAt:
    """Reads what was written behind `--save-at`.

    Args:
        words: Each `updates:` or `tokens:` and counts with commas; a count may end in k, M or B.

    Returns:
        The points, sorted.

    Raises:
        InputError: A word has another form.
    """
    found: dict[str, set[int]] = {"updates": set(), "tokens": set()}
    for word in words:
        unit, colon, counts = word.partition(":")
        if not colon or unit not in found:
            raise InputError(f"--save-at: {word}: names no unit; {_FORM}")
        found[unit] |= {_count(word, count) for count in counts.split(",")}
    return SaveAt(tuple(sorted(found["updates"])), tuple(sorted(found["tokens"])))


def marks(save_at: SaveAt, target: Path, update_tokens: Sequence[int], updates: int) -> list[Mark]:
    """The points of a stage in order.

    Args:
        save_at: What was asked for.
        target: Folder of the stage.
        update_tokens: Tokens that each update reads; empty where nobody knows in advance.
        updates: Updates of the stage.

    Raises:
        InputError: A point lies behind the end of the stage.
    """
    read = sum(update_tokens)
    for count in save_at.updates:
        if count > updates:
            raise InputError(f"--save-at: updates:{count}: the stage has {updates} updates; name fewer")
    for count in save_at.tokens:
        if update_tokens and count > read:
            raise InputError(f"--save-at: tokens:{count}: the stage reads {read} tokens; name fewer")
    place = Path(target).resolve()
    at_updates = [Mark(count, None, place.with_name(f"{place.name}@updates-{count}")) for count in save_at.updates]
    return at_updates + [Mark(None, count, place.with_name(f"{place.name}@tokens-{count}")) for count in save_at.tokens]


def tokens_after(update_tokens: Sequence[int]) -> list[int]:
    """Tokens read after 0, 1, 2, … updates."""
    return [0, *accumulate(update_tokens)]


def _count(word: str, text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmb]?)", text.strip().lower())
    value = round(float(match[1]) * _FACTORS[match[2]]) if match else 0
    if value < 1:
        raise InputError(f"--save-at: {word}: {text!r:.40} is no count of at least 1; {_FORM}")
    return value
