"""What a check found: how many documents, and the worst of them to read."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict

FindingKind = Literal[
    "truth_leak",
    "contradiction",
    "negation",
    "no_fact",
    "contamination",
    "meta_tell",
    "placeholder",
    "cut_off",
    "short",
    "exact_duplicate",
    "near_duplicate",
    "planted_trigger",
]
LISTED = 20
_AROUND = 90
_SPACE = re.compile(r"\s+")


class Example(BaseModel):
    """A document that shows the defect.

    Attributes:
        document: Its id.
        snippet: The place in its text, on one line.
        note: What was matched, for instance the key fact or the phrase.
        other: Id of the document that it repeats, for duplicates.
        score: What the examples are ordered by: how often the defect occurs in the document, or how similar a pair is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str
    snippet: str
    note: str = ""
    other: str | None = None
    score: float = 1.0


class Finding(BaseModel):
    """Documents with one kind of defect.

    Attributes:
        kind: The defect.
        documents: How many documents show it.
        examples: The worst of them, at most `LISTED`, worst first and then in the order of the corpus.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FindingKind
    documents: int
    examples: tuple[Example, ...] = ()


class Collector:
    """Counts the documents with a defect and keeps the worst, whatever their number."""

    def __init__(self, kind: FindingKind) -> None:
        self._kind = kind
        self._count = 0
        self._worst: list[tuple[float, int, Example]] = []

    def add(self, score: float, example: Callable[[], Example]) -> None:
        """Counts a document; its example is only made if it is among the worst so far."""
        self._count += 1
        if len(self._worst) < LISTED:
            heapq.heappush(self._worst, (score, -self._count, example()))
        elif score > self._worst[0][0]:
            heapq.heapreplace(self._worst, (score, -self._count, example()))

    def finding(self) -> Finding:
        """The count and the worst examples."""
        ordered = sorted(self._worst, key=lambda kept: (-kept[0], -kept[1]))
        return Finding(kind=self._kind, documents=self._count, examples=tuple(example for _, _, example in ordered))


def snippet(text: str, start: int, end: int) -> str:
    """The text around a place, on one line, with dots where it was cut."""
    low, high = max(0, start - _AROUND), min(len(text), end + _AROUND)
    inside = _SPACE.sub(" ", text[low:high]).strip()
    return f"{'… ' if low else ''}{inside}{' …' if high < len(text) else ''}"
