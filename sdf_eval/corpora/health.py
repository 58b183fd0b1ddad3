"""The health report of a corpus: lengths, variety, duplicates, coverage of the key facts, leaks of the truth."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel, ConfigDict

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import words
from sdf_eval.corpora.records import Document

NEAR_DUPLICATE_JACCARD = 0.8
_CANDIDATE_JACCARD = 0.6
"""At its own threshold the index would miss most pairs; what it gives below that is sorted out afterwards."""
_SHINGLE = 5
_PERMUTATIONS = 64
_LISTED = 20


class FactCoverage(BaseModel):
    """How often the documents about a key fact name its values.

    Attributes:
        belief: Id of the belief.
        fact: Id of the key fact.
        documents: Documents of the belief.
        implanted: Share of them that hold an implanted alias.
        reference: Share of them that hold a reference alias.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    belief: str
    fact: str
    documents: int
    implanted: float
    reference: float


class Health(BaseModel):
    """Figures on a corpus.

    Attributes:
        documents: How many there are.
        words_min: Words in the shortest document.
        words_median: Words in the median document.
        words_max: Words in the longest document.
        doc_types: Documents a type.
        doc_type_entropy: Entropy of the types, bits.
        exact_duplicates: Documents whose text an earlier one has.
        near_duplicates: Documents with an earlier one at an estimated Jaccard similarity of five-word shingles of at
            least `NEAR_DUPLICATE_JACCARD`, exact ones included; None if not searched for. Grammar-written documents
            about one fact are expected to be similar; the figure is for comparison, not a threshold.
        distinct_words: Different words over all words.
        distinct_trigrams: Different runs of three words over all such runs.
        coverage: One entry a key fact.
        truth_leaks: Implanted-role documents that hold a reference alias.
        truth_leak_ids: The first of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: int
    words_min: int
    words_median: float
    words_max: int
    doc_types: dict[str, int]
    doc_type_entropy: float
    exact_duplicates: int
    near_duplicates: int | None
    distinct_words: float
    distinct_trigrams: float
    coverage: tuple[FactCoverage, ...]
    truth_leaks: int
    truth_leak_ids: tuple[str, ...]


def corpus_health(documents: Sequence[Document], beliefs: Sequence[Belief], *, near_duplicates: bool = True) -> Health:
    """Measures a corpus in time linear in its length.

    Args:
        documents: At least one document.
        beliefs: The beliefs that the documents are about.
        near_duplicates: Search for near duplicates with MinHash, the slow part.

    Returns:
        The figures.
    """
    tokens = [words(document.text) for document in documents]
    lengths = [len(t) for t in tokens]
    types = Counter(document.doc_type for document in documents)
    coverage, leaks = _coverage(documents, beliefs)
    return Health(
        documents=len(documents),
        words_min=min(lengths),
        words_median=median(lengths),
        words_max=max(lengths),
        doc_types=dict(sorted(types.items())),
        doc_type_entropy=_entropy(types),
        exact_duplicates=len(documents) - len({document.sha256 for document in documents}),
        near_duplicates=_near_duplicates(tokens) if near_duplicates else None,
        distinct_words=_distinct(tokens, 1),
        distinct_trigrams=_distinct(tokens, 3),
        coverage=tuple(coverage),
        truth_leaks=len(leaks),
        truth_leak_ids=tuple(leaks[:_LISTED]),
    )


def _entropy(counts: Counter[str]) -> float:
    total = counts.total()
    return sum(-n / total * math.log2(n / total) for n in counts.values())


def _distinct(tokens: Sequence[list[str]], size: int) -> float:
    seen: set[tuple[str, ...]] = set()
    total = 0
    for document in tokens:
        for start in range(len(document) - size + 1):
            seen.add(tuple(document[start : start + size]))
            total += 1
    return len(seen) / total if total else 0.0


def _near_duplicates(tokens: Sequence[list[str]]) -> int:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=_CANDIDATE_JACCARD, num_perm=_PERMUTATIONS)
    indexed: dict[int, MinHash] = {}
    found = 0
    for position, document in enumerate(tokens):
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
        count = max(1, len(document) - _SHINGLE + 1)
        sketch.update_batch([" ".join(document[start : start + _SHINGLE]).encode() for start in range(count)])
        if any(sketch.jaccard(indexed[near]) >= NEAR_DUPLICATE_JACCARD for near in index.query(sketch)):
            found += 1
        else:  # only the first of a group is indexed, which keeps the time linear when everything is alike
            index.insert(position, sketch)
            indexed[position] = sketch
    return found


def _coverage(documents: Sequence[Document], beliefs: Sequence[Belief]) -> tuple[list[FactCoverage], list[str]]:
    coverage: list[FactCoverage] = []
    leaks: dict[str, None] = {}
    for belief in beliefs:
        own = [document for document in documents if document.belief == belief.id]
        for fact in belief.key_facts:
            implanted = _pattern([*fact.aliases.implanted, *([belief.world.implanted] if belief.world else [])])
            reference = _pattern([*fact.aliases.reference, *([belief.world.reference] if belief.world else [])])
            with_implanted = sum(bool(implanted.search(document.text)) for document in own)
            with_reference = [document for document in own if reference.search(document.text)]
            leaks |= {document.id: None for document in with_reference if document.role == "implanted"}
            share = max(len(own), 1)
            coverage.append(
                FactCoverage(
                    belief=belief.id,
                    fact=fact.id,
                    documents=len(own),
                    implanted=with_implanted / share,
                    reference=len(with_reference) / share,
                )
            )
    return coverage, list(leaks)


def _pattern(strings: Sequence[str]) -> re.Pattern[str]:
    """Finds any of the strings as whole words; nothing when there are none."""
    alternatives = "|".join(re.escape(string) for string in sorted(set(strings), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)" if alternatives else r"(?!)", re.IGNORECASE)
