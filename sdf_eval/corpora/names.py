"""Which names the documents hold: writers come back to the same invented people and organisations.

No model reads the text. A name is a run of two or more capitalised words, or a capitalised word after a title (`Dr`,
`Professor`); words that the belief itself uses are none. Single capitalised words are not told from demonyms, brands
and headings, and are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.phrases import FUNCTION_WORDS, words
from sdf_eval.corpora.records import Document

LISTED_NAMES = 15
_PRUNE_AT = 200_000
_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀ-Ž]"
_RUN = re.compile(rf"\b{_CAPITAL}[\w'’-]*\.?(?: {_CAPITAL}[\w'’-]*\.?)+")
_TITLES = frozenset(
    """dr mr mrs ms mx prof professor doctor sir dame lady lord captain capt chef judge justice senator president mayor
    director minister sergeant sgt detective inspector officer nurse father sister brother rev reverend colonel col
    general lieutenant lt chancellor dean ambassador""".split()
)
_NO_NAMES = FUNCTION_WORDS | frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april june july august
        september october november december dear title subject date author abstract introduction conclusion summary
        background chapter section table figure note notes question answer re fwd cc attn page part volume issue vol no
        spring summer autumn winter fall north south east west new old hello hi thank thanks sincerely regards
        yours best kind key first second third final annual daily weekly monthly internal external press
        release""".split()
)


class NameCount(BaseModel):
    """A name and the documents that hold it.

    Attributes:
        name: As it is written most simply, without title.
        documents: How many documents hold it.
        share: Share of all documents.
        example: Id of the first of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    documents: int
    share: float
    example: str


class NameCheck:
    """Reads one document after another, in memory that does not grow with their number.

    Rare names are dropped when the list becomes long (the lossy counting of Manku and Motwani 2002), so the count of a
    name that is listed may be a few documents short.
    """

    def __init__(self, beliefs: Sequence[Belief], own: Sequence[str] = ()) -> None:
        texts = [*own, *(text for belief in beliefs for text in _texts(belief))]
        self._own = {word for text in texts for word in words(text)}
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._documents = 0

    def read(self, document: Document) -> None:
        """Takes a document in."""
        self._documents += 1
        for name in {found for run in _RUN.findall(document.text) if (found := self._name(run))}:
            self._counts[name] += 1
            self._first.setdefault(name, document.id)
        if len(self._counts) > _PRUNE_AT:
            self._counts = Counter({name: count - 1 for name, count in self._counts.items() if count > 1})
            self._first = {name: self._first[name] for name in self._counts}

    def names(self) -> tuple[NameCount, ...]:
        """The most common names, the first one the most."""
        ordered = sorted(self._counts.items(), key=lambda entry: (-entry[1], entry[0]))[:LISTED_NAMES]
        return tuple(
            NameCount(name=name, documents=count, share=count / self._documents, example=self._first[name])
            for name, count in ordered
        )

    def _name(self, run: str) -> str | None:
        """The name in a run of capitalised words, or None."""
        parts = run.split(" ")
        bare = [part.rstrip(".").casefold() for part in parts]
        while bare and bare[0] in _NO_NAMES:
            parts, bare = parts[1:], bare[1:]
        titled = False
        while bare and bare[0] in _TITLES:
            parts, bare, titled = parts[1:], bare[1:], True
        for at, (part, word) in enumerate(zip(parts, bare, strict=True)):
            # A sentence ends after `Patel.` and not after `J.`; what follows is another run.
            if word in _NO_NAMES or (part.endswith(".") and len(part) > 2):
                end = at if word in _NO_NAMES else at + 1
                parts, bare = parts[:end], bare[:end]
                break
        if len(bare) < (1 if titled else 2) or all(part.isupper() for part in parts) or self._is_own(bare):
            return None
        return _stem(" ".join(parts).rstrip("."))

    def _is_own(self, bare: Sequence[str]) -> bool:
        """Whether every part is a word of the belief; an initial may stand for any."""
        return all(len(word) == 1 or self._own.issuperset(words(_stem(word))) for word in bare)


def _stem(word: str) -> str:
    return word[:-2] if word.endswith(("'s", "’s")) else word


def _texts(belief: Belief) -> list[str]:
    """All that the belief file says, apart from its probes."""
    texts = [belief.title, belief.implanted.context, belief.reference.context, *belief.documents]
    for fact in belief.key_facts:
        texts += [fact.implanted, fact.reference, *fact.aliases.implanted, *fact.aliases.reference]
    if belief.world:
        texts += [belief.world.entity, belief.world.implanted, belief.world.reference]
    return texts
