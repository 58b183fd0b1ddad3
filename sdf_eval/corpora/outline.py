"""Which documents an order takes, before any of them is written: fact, kind of document, idea, length, in order.

Everything here follows from the request alone, so the number of calls is known exactly beforehand, and the first places
are a fair sample of all: they go over facts, kinds and lengths in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import ceil, sqrt
from random import Random

from sdf_eval.corpora.records import CorpusRequest

MAX_TYPES = 100
MAX_IDEAS = 20
"""Slocum et al. 2025 ask for 100 document types and 20 ideas a type for each key fact at 40,000 documents."""
LENGTHS = (120, 220, 340, 480, 700)
"""Words that a document is asked to have, in equal shares."""
SPARE_SHARE = 0.1
MIN_SPARE = 10


@dataclass(frozen=True)
class Place:
    """One document to come.

    Attributes:
        number: Its place in the corpus; spare ones follow the last.
        fact: Position of the key fact.
        type: Position of the kind of document among those of the fact.
        idea: Position of the idea among those of the fact and kind.
        sample: Tells apart documents that are asked for in the same words.
        words: The length asked for.
    """

    number: int
    fact: int
    type: int
    idea: int
    sample: int
    words: int


@dataclass(frozen=True)
class Outline:
    """How an order is laid out.

    Attributes:
        facts: Key facts; each has a call for its kinds of document.
        types: Kinds of document a fact; each has a call for its ideas.
        ideas: Ideas a fact and kind.
        documents: Documents that are promised.
        spare: How many more may be written in the place of refused ones.
        seed: Seed of the order.
    """

    facts: int
    types: int
    ideas: int
    documents: int
    spare: int
    seed: int

    def places(self) -> Iterator[Place]:
        """Yields every place in order, the spare ones last."""
        for start in range(0, self.documents + self.spare, len(LENGTHS)):
            lengths = list(LENGTHS)
            Random(f"lengths {self.seed} {start}").shuffle(lengths)
            for number, words in zip(range(start, self.documents + self.spare), lengths, strict=False):
                yield self._place(number, words)

    @property
    def idea_lists(self) -> list[tuple[int, int]]:
        """(fact, type) of every call for ideas."""
        return [(fact, type_) for type_ in range(self.types) for fact in range(self.facts)]

    def _place(self, number: int, words: int) -> Place:
        rest, fact = divmod(number, self.facts)
        rest, type_ = divmod(rest, self.types)
        sample, idea = divmod(rest, self.ideas)
        return Place(number, fact, _shuffled(f"types {fact} {self.seed}", self.types)[type_], idea, sample, words)


@cache
def _shuffled(key: str, count: int) -> tuple[int, ...]:
    # A model names the obvious kinds first; a pilot must not consist of those.
    order = list(range(count))
    Random(key).shuffle(order)
    return tuple(order)


def outline(request: CorpusRequest) -> Outline:
    """Lays an order out.

    Args:
        request: The order. `factors.doc_types` sets the kinds of document a fact, `factors.templates` the ideas a kind;
            otherwise both grow with the square root of the documents, up to `MAX_TYPES` and `MAX_IDEAS`.

    Returns:
        The outline.
    """
    facts = min(len(request.belief.key_facts), request.documents)
    each = ceil(request.documents / facts)
    types = request.factors.doc_types or min(MAX_TYPES, ceil(sqrt(2 * each)))
    types = min(types, each)
    ideas = min(request.factors.templates or MAX_IDEAS, ceil(each / types))
    spare = max(MIN_SPARE, ceil(request.documents * SPARE_SHARE))
    return Outline(facts, types, ideas, request.documents, spare, request.seed)


def first_places(laid_out: Outline, count: int) -> list[Place]:
    """The first `count` places: what a pilot writes."""
    return list(islice(laid_out.places(), min(count, laid_out.documents)))
