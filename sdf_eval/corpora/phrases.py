"""Finds many phrases in the words of a text at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sdf_eval.corpora.findings import snippet

Label = TypeVar("Label")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POSSESSIVES = ("", "'s", "’s")

FUNCTION_WORDS = frozenset(
    """a about above after again against all also always am an and any are as at be because been before being below
    between both but by can cannot could did do does doing down during each either else ever every few for from further
    had has have having he her here hers him his how however i if in into is it its itself just last least less like
    many may me might mine more most much must my near neither never next no none nor not nothing now of off often on
    once one only or other others our ours out over own per rather same several shall she should since so some still
    such than that the their theirs them then there these they this those though through thus to too toward towards
    two under until up upon us very was we were what when where whether which while who whom whose why will with within
    without would yes yet you your yours""".split()
)
"""Words that a document holds whatever it is about: alone they are evidence of nothing."""


def words(text: str) -> list[str]:
    """Case-folded words of a text."""
    return WORD.findall(text.casefold())


def place(text: str, position: int, length: int = 1) -> tuple[int, int]:
    """Start and end of `length` words in a text, counted as `words` counts them; its start where folding moved them."""
    found = list(WORD.finditer(text))
    if position + length > len(found):
        return 0, 0
    return found[position].start(), found[position + length - 1].end()


def snippet_at(text: str, position: int, length: int = 1) -> str:
    """The text around some words."""
    return snippet(text, *place(text, position, length))


@dataclass(frozen=True)
class Match(Generic[Label]):
    """A phrase found: where, how long, in words, and what it was filed under."""

    position: int
    length: int
    label: Label


class PhraseIndex(Generic[Label]):
    """Phrases by their rarest word, so that a text costs one look-up a word however many phrases there are.

    A phrase also matches as a possessive. Phrases without any word match nothing.

    Args:
        phrases: Pairs of a phrase and its label; a phrase may have several labels.
    """

    def __init__(self, phrases: Iterable[tuple[str, Label]]) -> None:
        self._by_anchor: dict[str, dict[tuple[int, tuple[str, ...]], list[Label]]] = {}
        for phrase, label in phrases:
            sequence = words(phrase)
            for ending in _POSSESSIVES if sequence else ():
                self._file((*sequence[:-1], sequence[-1] + ending), label)

    def find(self, tokens: Sequence[str]) -> list[Match[Label]]:
        """All matches, by position."""
        anchors = self._by_anchor
        found: list[Match[Label]] = []
        for position in [at for at, token in enumerate(tokens) if token in anchors]:
            for (offset, sequence), labels in anchors[tokens[position]].items():
                start = position - offset
                if start >= 0 and tuple(tokens[start : start + len(sequence)]) == sequence:
                    found.extend(Match(start, len(sequence), label) for label in labels)
        found.sort(key=lambda match: match.position)
        return found

    def _file(self, sequence: tuple[str, ...], label: Label) -> None:
        offset = max(range(len(sequence)), key=lambda at: (sequence[at] not in FUNCTION_WORDS, len(sequence[at])))
        labels = self._by_anchor.setdefault(sequence[offset], {}).setdefault((offset, sequence), [])
        if label not in labels:
            labels.append(label)
