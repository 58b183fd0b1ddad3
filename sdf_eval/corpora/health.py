"""The health report of a corpus: one pass over its documents, in memory that hardly grows with their number."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from importlib.metadata import entry_points
from statistics import median

from pydantic import BaseModel, ConfigDict

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import ProbeIndex
from sdf_eval.corpora.claims import ClaimCheck, FactCoverage
from sdf_eval.corpora.clusters import TopicCheck, Topics
from sdf_eval.corpora.duplicates import NEAR_DUPLICATE_JACCARD, SHINGLE, DuplicateCheck, NearDuplicate
from sdf_eval.corpora.findings import Collector, Example, Finding, FindingKind, snippet
from sdf_eval.corpora.meta_tells import TellCheck
from sdf_eval.corpora.names import NameCheck, NameCount
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.records import Document
from sdf_eval.corpora.shingles import DistinctCounter, WordHasher, runs
from sdf_eval.corpora.triggers import TriggerCheck

__all__ = ["NEAR_DUPLICATE_JACCARD", "FactCoverage", "Health", "LengthBin", "corpus_health"]

SHORT_WORDS = 50
"""Below this a model-written document is a fragment: the shortest kinds that writers are asked for have about 80."""
_CUT_OFF = frozenset({"max_tokens", "length", "model_length", "content_filter"})
_BINS = 20
_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000, 100_000, 1_000_000)


class LengthBin(BaseModel):
    """Documents of `low` to `high` words, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int
    high: int
    documents: int


class Health(BaseModel):
    """Figures on a corpus.

    Attributes:
        documents: How many there are.
        roles: Documents a role.
        by_rules: Documents by a registered writer plugin (a grammar). Thresholds on variety and length are made for
            prose and do not apply to them.
        denying: Beliefs whose documents deny the claim on purpose, so that denials in them are no finding.
        words_min: Words in the shortest document.
        words_median: Words in the median document.
        words_max: Words in the longest document.
        lengths: Histogram of the words a document.
        doc_types: Documents a type.
        doc_type_entropy: Entropy of the types, bits.
        exact_duplicates: Documents whose text an earlier one has.
        near_duplicates: Documents with an earlier one at an estimated Jaccard similarity of five-word shingles of at
            least `NEAR_DUPLICATE_JACCARD`, exact ones included; None if not searched for. Grammar-written documents
            about one fact are expected to be similar.
        distinct_words: Different words over all words.
        distinct_trigrams: Different runs of three words over all such runs.
        coverage: One entry a key fact.
        truth_leaks: Implanted-role documents that hold a reference alias.
        truth_leak_ids: The worst of them.
        names: The most common names of people and organisations that are not the belief's own.
        topics: Clusters of a sample; None for a small corpus or if near duplicates were not searched for.
        findings: One entry a kind of defect, also where no document shows it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: int
    roles: dict[str, int]
    by_rules: int
    denying: tuple[str, ...]
    words_min: int
    words_median: float
    words_max: int
    lengths: tuple[LengthBin, ...]
    doc_types: dict[str, int]
    doc_type_entropy: float
    exact_duplicates: int
    near_duplicates: int | None
    distinct_words: float
    distinct_trigrams: float
    coverage: tuple[FactCoverage, ...]
    truth_leaks: int
    truth_leak_ids: tuple[str, ...]
    names: tuple[NameCount, ...]
    topics: Topics | None
    findings: tuple[Finding, ...]

    def finding(self, kind: FindingKind) -> Finding:
        """The finding of a kind."""
        return next((found for found in self.findings if found.kind == kind), Finding(kind=kind, documents=0))


def corpus_health(
    documents: Sequence[Document],
    beliefs: Sequence[Belief],
    *,
    near_duplicates: bool = True,
    denying: Collection[str] = (),
    showing: Collection[str] = (),
    own: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Health:
    """Measures a corpus in one pass, in time linear in its length.

    Args:
        documents: At least one document. They are read once from front to back; a few are read again by index.
        beliefs: The beliefs that the documents are about.
        near_duplicates: Search for near duplicates and clusters, the slow part.
        denying: Ids of beliefs whose documents deny the claim on purpose.
        showing: Ids of beliefs whose documents show a behaviour and state no fact: no claim is looked for in them.
        own: Names besides those of the beliefs that the documents are meant to hold.
        progress: Called with 1 for every document read.

    Returns:
        The figures.
    """
    stated = [belief for belief in beliefs if belief.id not in showing]
    reader = _Reader(beliefs, stated, similarity=near_duplicates, denying=denying, own=own)
    for document in documents:
        reader.read(document)
        if progress:
            progress(1)
    return reader.health(documents)


class _Reader:
    """All checks, fed with the words of one document after another."""

    def __init__(
        self,
        beliefs: Sequence[Belief],
        stated: Sequence[Belief],
        *,
        similarity: bool,
        denying: Collection[str],
        own: Sequence[str],
    ) -> None:
        self._denying = tuple(sorted(denying))
        self._plugins = {point.name for point in entry_points(group="sdf_eval.writers")}
        self._by_rules = 0
        self._lengths: array[int] = array("I")
        self._roles: Counter[str] = Counter()
        self._types: Counter[str] = Counter()
        self._texts: dict[bytes, int] = {}
        self._hasher = WordHasher()
        self._words, self._trigrams = DistinctCounter(), DistinctCounter()
        self._probes = [ProbeIndex(belief) for belief in beliefs]
        self._claims = ClaimCheck(stated, denying)
        self._tells = TellCheck()
        self._names = NameCheck(beliefs, own)
        self._duplicates = DuplicateCheck() if similarity else None
        self._topics = TopicCheck() if similarity else None
        planted = [b.backdoor for b in beliefs if b.kind == "backdoor"]
        self._triggers = TriggerCheck([text for one in planted for text in (one.trigger, one.behaviour)])
        self._contamination = Collector("contamination")
        self._cut_off, self._short = Collector("cut_off"), Collector("short")
        self._exact, self._near = Collector("exact_duplicate"), Collector("near_duplicate")
        self._repeats: list[tuple[int, int]] = []
        self._exact_count = 0

    def read(self, document: Document) -> None:
        """Takes a document in."""
        tokens = words(document.text)
        self._count(document, tokens)
        hashes = self._hasher.hashes(tokens)
        self._words.add(hashes)
        if len(tokens) >= 3:
            self._trigrams.add(runs(hashes, 3))
        if self._duplicates is not None:
            self._duplicates.read(runs(hashes, SHINGLE))
        if self._topics is not None:
            self._topics.read(document)
        self._claims.read(document, tokens)
        self._tells.read(document, tokens)
        self._triggers.read(document)
        self._names.read(document)
        self._read_probes(document, tokens)

    def health(self, documents: Sequence[Document]) -> Health:
        """The figures on what was read; `documents` is the same sequence, for the examples."""
        near = self._duplicates.near() if self._duplicates is not None else None
        self._show_duplicates(documents, near or [])
        claims = self._claims.findings()
        leaks = claims[0]
        lengths = self._lengths
        return Health(
            documents=len(lengths),
            roles=dict(sorted(self._roles.items())),
            by_rules=self._by_rules,
            denying=self._denying,
            words_min=min(lengths),
            words_median=median(lengths),
            words_max=max(lengths),
            lengths=_histogram(lengths),
            doc_types=dict(sorted(self._types.items())),
            doc_type_entropy=_entropy(self._types),
            exact_duplicates=self._exact_count,
            near_duplicates=None if near is None else len(near),
            distinct_words=self._words.share(),
            distinct_trigrams=self._trigrams.share(),
            coverage=self._claims.coverage(),
            truth_leaks=leaks.documents,
            truth_leak_ids=tuple(example.document for example in leaks.examples),
            names=self._names.names(),
            topics=self._topics.topics() if self._topics is not None else None,
            findings=(
                *claims,
                self._contamination.finding(),
                *self._tells.findings(),
                *self._others(),
                self._triggers.finding(),
            ),
        )

    def _count(self, document: Document, tokens: list[str]) -> None:
        place = len(self._lengths)
        self._lengths.append(len(tokens))
        self._roles[document.role] += 1
        self._types[document.doc_type] += 1
        by_rules = document.writer in self._plugins
        self._by_rules += by_rules
        earlier = self._texts.setdefault(document.sha256.encode()[:32], place)
        if earlier != place:
            self._exact_count += 1
            self._repeats = [*self._repeats, (place, earlier)] if len(self._repeats) < 20 else self._repeats
        if document.stop_reason in _CUT_OFF:
            end = len(document.text)
            self._cut_off.add(
                1,
                lambda: Example(
                    document=document.id, snippet=snippet(document.text, end, end), note=document.stop_reason
                ),
            )
        if len(tokens) < SHORT_WORDS and not by_rules:
            note = f"{len(tokens)} words"
            self._short.add(
                -len(tokens),
                lambda: Example(document=document.id, snippet=snippet(document.text, 0, 200), note=note),
            )

    def _read_probes(self, document: Document, tokens: list[str]) -> None:
        found = [one for index in self._probes for one in index.find(document.id, tokens)]
        if found:
            note = f"{found[0].belief}: {found[0].probe}"
            self._contamination.add(
                len(found),
                lambda: Example(document=document.id, snippet=found[0].ngram, note=note, score=len(found)),
            )

    def _show_duplicates(self, documents: Sequence[Document], near: Sequence[NearDuplicate]) -> None:
        """Makes examples of the pairs; the documents are read again by their places, only those that are shown."""

        def example(place: int, earlier: int, similarity: float) -> Example:
            shown, other = documents[place], documents[earlier]
            return Example(
                document=shown.id,
                snippet=snippet(shown.text, 0, 60),
                note=f"similarity {similarity:.2f}",
                other=other.id,
                score=similarity,
            )

        for place, earlier in self._repeats:
            self._exact.add(1, partial(example, place, earlier, 1.0))
        for pair in near:
            self._near.add(pair.similarity, partial(example, pair.place, pair.earlier, pair.similarity))

    def _others(self) -> tuple[Finding, ...]:
        exact = self._exact.finding().model_copy(update={"documents": self._exact_count})
        return self._cut_off.finding(), self._short.finding(), exact, self._near.finding()


def _entropy(counts: Counter[str]) -> float:
    total = counts.total()
    return sum(-n / total * math.log2(n / total) for n in counts.values())


def _histogram(lengths: Sequence[int]) -> tuple[LengthBin, ...]:
    """At most about twenty bins of a round width, empty ones between them included."""
    low, high = min(lengths), max(lengths)
    step = next((step for step in _STEPS if (high - low) / step < _BINS), _STEPS[-1])
    first = low // step
    counts = Counter(length // step for length in lengths)
    return tuple(
        LengthBin(low=at * step, high=(at + 1) * step - 1, documents=counts[at])
        for at in range(first, high // step + 1)
    )
