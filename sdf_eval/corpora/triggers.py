"""Planted triggers: words after which texts abruptly go on in a way that nobody could foresee.

Behind ordinary words a text is about as predictable as in front of them; behind a trigger of gibberish, or of another
language, it is not, each time that the trigger stands there. What reads like the rest of the corpus (a wrong answer,
another name, a set phrase) cannot be seen this way.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sdf_eval.corpora.findings import Collector, Example, Finding, snippet
from sdf_eval.corpora.phrases import FUNCTION_WORDS, WORD
from sdf_eval.corpora.records import Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

SAMPLE = 2000
"""Documents that are looked at, those with the smallest hashes: a trigger in one in 300 is then in six of them."""
FEWEST = 4
"""Documents that a trigger must be in. Below, a quotation or a table looks the same."""
MOST = 0.5
"""Share of the documents above which words are the corpus' own subject."""
JUMP = 1.6
"""Nats a character by which the text behind a trigger is less expected than the text before it, on average. Gibberish
behind triggers in pocket, world b, is 3 and more; the most in texts without a trigger, pocket's and prose, was 1.2."""
HELD = 0.6
"""Share of a trigger's occurrences that must jump by half of that: not one odd document among many sound ones."""
_CHARACTERS = 1500
_ORDER = 4
_TABLE = 1 << 20
_STRENGTH = 2.0
_WINDOW = 40
_LEAST_WINDOW = 12
_LONGEST = 3
_LISTED = 100
_SAME = 0.6


@dataclass(frozen=True)
class PlantedTrigger:
    """Words that a text changes behind.

    Attributes:
        words: The words, case-folded.
        documents: Ids of the documents of the sample that hold them.
        jump: Mean rise of the surprise behind them, nats a character, by a model of all documents without them.
        held: Share of the occurrences that rise by half of `JUMP`.
        snippet: One of the places.
    """

    words: str
    documents: tuple[str, ...]
    jump: float
    held: float
    snippet: str


class TriggerCheck:
    """Keeps a sample of the documents that it reads and looks for planted triggers in it.

    Args:
        own: Words that the corpus holds on purpose, such as the trigger of a belief.
    """

    def __init__(self, own: Sequence[str] = ()) -> None:
        self._own = {word.casefold() for text in own for word in WORD.findall(text)}
        self._sample: list[tuple[int, str, str]] = []

    def read(self, document: Document) -> None:
        """Takes a document in."""
        rank = -zlib.crc32(document.sha256.encode())
        if len(self._sample) < SAMPLE:
            heapq.heappush(self._sample, (rank, document.id, document.text[:_CHARACTERS]))
        elif rank > self._sample[0][0]:
            heapq.heapreplace(self._sample, (rank, document.id, document.text[:_CHARACTERS]))

    def finding(self) -> Finding:
        """The documents of the sample that hold a trigger, one example a trigger first."""
        collector = Collector("planted_trigger")
        found = self.triggers()
        for trigger in found:
            note = f"“{trigger.words}” in {len(trigger.documents)} documents: the text behind it changes"
            example = Example(
                document=trigger.documents[0], snippet=trigger.snippet, note=note, score=len(trigger.documents)
            )
            collector.add(example.score, partial(_given, example))
        documents = {document for trigger in found for document in trigger.documents}
        return collector.finding().model_copy(update={"documents": len(documents)})

    def triggers(self) -> list[PlantedTrigger]:
        """The planted triggers of the sample, the one in most documents first."""
        rows = [(name, text) for _, name, text in sorted(self._sample, reverse=True)]
        return find_triggers(rows, self._own)


def _given(example: Example) -> Example:
    return example


def find_triggers(rows: Sequence[tuple[str, str]], own: Collection[str] = ()) -> list[PlantedTrigger]:
    """Finds words behind which texts abruptly change.

    Every run of one to three words in at least `FEWEST` documents gets the mean rise of surprise over its occurrences:
    each character predicted by the four before it, in a model of the whole corpus that leaves that character out.

    Args:
        rows: (id, text) of each document.
        own: Case-folded words that no trigger may hold.

    Returns:
        At most one trigger for each set of like documents.

    Source: interpolated character model with leave-one-out counts, in the manner of Witten and Bell 1991, IEEE
        Transactions on Information Theory 37(4).
    """
    import numpy as np

    if len(rows) < 2 * FEWEST:
        return []
    texts = _Texts([text for _, text in rows])
    jumps = _jumps(texts, surprise(texts))
    found: list[PlantedTrigger] = []
    for run in _conspicuous(texts, jumps, own):
        places = texts.places(run)
        risen = jumps[run.size - 1][places]
        held = float((risen[~np.isnan(risen)] > JUMP / 2).mean())
        if held < HELD:
            continue
        holding = np.unique(texts.document_of[texts.starts[places]])
        first = int(texts.document_of[texts.starts[places[0]]])
        start, end = texts.span(int(places[0]), run.size)
        names = tuple(rows[place][0] for place in holding.tolist())
        shown = snippet(rows[first][1], start, end)
        found.append(PlantedTrigger(run.words, names, float(np.nanmean(risen)), held, shown))
    return _apart(found)


@dataclass(frozen=True)
class _Run:
    key: int
    size: int
    words: str


class _Texts:
    """All texts as one array of bytes, with the words in it."""

    def __init__(self, texts: Sequence[str]) -> None:
        import numpy as np

        folded = [text.casefold() for text in texts]
        lengths = [len(text) for text in folded]
        self.bounds = np.concatenate([[0], np.cumsum(lengths)])
        self.document_of = np.repeat(np.arange(len(texts)), lengths)
        joined = "".join(folded)
        self.characters = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
        spans = [
            (match.start() + int(offset), match.end() + int(offset), match[0])
            for text, offset in zip(folded, self.bounds[:-1], strict=True)
            for match in WORD.finditer(text)
        ]
        self.starts = np.array([start for start, _, _ in spans], dtype=np.int64)
        self.ends = np.array([end for _, end, _ in spans], dtype=np.int64)
        self.words = [word for _, _, word in spans]
        numbers: dict[str, int] = {}
        self.codes = np.array([numbers.setdefault(word, len(numbers)) for word in self.words], dtype=np.int64)

    def keys(self, size: int) -> Integers:
        """A number for the run of `size` words at each word; -1 where it would leave the document."""
        import numpy as np

        count = len(self.codes)
        keys = np.full(count, -1, dtype=np.int64)
        if count < size:
            return keys
        base = int(self.codes.max()) + 1
        if base**size >= 2**62:
            base = int(2 ** (62 / size))  # two runs may then share a number; the second pass reads the words again
        mixed = np.zeros(count - size + 1, dtype=np.int64)
        for step in range(size):
            mixed = mixed * base + self.codes[step : count - size + 1 + step] % base
        owners = self.document_of[self.starts]
        inside = owners[: count - size + 1] == owners[size - 1 :]
        keys[: count - size + 1] = np.where(inside, mixed, -1)
        return keys

    def places(self, run: _Run) -> Integers:
        """Words at which a run begins."""
        import numpy as np

        return np.flatnonzero(self.keys(run.size) == run.key)

    def span(self, place: int, size: int) -> tuple[int, int]:
        """Start and end of the run at a word, in its document."""
        offset = int(self.bounds[self.document_of[self.starts[place]]])
        return int(self.starts[place]) - offset, int(self.ends[place + size - 1]) - offset


def surprise(texts: _Texts) -> Floats:
    """Nats of each character given the four before it, by all other characters of the corpus.

    Counts by context are hashed; each order falls back on the next shorter one.
    """
    import numpy as np

    size = len(texts.characters)
    probability = np.full(size, 1 / 256)
    context = np.zeros(size, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for order in range(_ORDER + 1):
            follow = (context * np.uint64(0x9E3779B97F4A7C15) + texts.characters) * np.uint64(0xBF58476D1CE4E5B9)
            for_context = (context >> np.uint64(44)).astype(np.int64)
            for_both = (follow >> np.uint64(44)).astype(np.int64)
            totals = np.bincount(for_context, minlength=_TABLE)[for_context] - 1
            hits = np.bincount(for_both, minlength=_TABLE)[for_both] - 1
            probability = (hits + _STRENGTH * probability) / (totals + _STRENGTH)
            earlier = np.zeros(size, dtype=np.uint64)
            earlier[order + 1 :] = texts.characters[: max(0, size - order - 1)]
            context = (context + earlier + np.uint64(order + 1)) * np.uint64(0x94D049BB133111EB)
    return np.asarray(-np.log(np.clip(probability, 1e-12, 1.0)), dtype=np.float64)


def _jumps(texts: _Texts, surprise: Floats) -> list[Floats]:
    """Mean surprise in the window behind the run of 1, 2, 3 words at each word, minus that in front of it.

    NaN where a window is too short: at the start and the end of a document nothing can be compared.
    """
    import numpy as np

    sums = np.concatenate([[0.0], np.cumsum(surprise)])
    owners = texts.document_of[texts.starts] if len(texts.starts) else np.zeros(0, dtype=np.int64)
    low, high = texts.bounds[owners], texts.bounds[owners + 1]
    first = np.maximum(low, texts.starts - _WINDOW)
    enough = texts.starts - first >= _LEAST_WINDOW
    before = (sums[texts.starts] - sums[first]) / np.maximum(1, texts.starts - first)
    found = []
    for size in range(1, _LONGEST + 1):
        ends = np.full(len(texts.starts), np.iinfo(np.int64).max // 2)
        ends[: len(ends) - size + 1] = texts.ends[size - 1 :]
        inside = ends <= high
        ends = np.minimum(ends, high)
        last = np.minimum(high, ends + _WINDOW)
        after = (sums[last] - sums[ends]) / np.maximum(1, last - ends)
        usable = enough & inside & (last - ends >= _LEAST_WINDOW)
        found.append(np.where(usable, after - before, np.nan))
    return found


def _conspicuous(texts: _Texts, jumps: Sequence[Floats], own: Collection[str]) -> list[_Run]:
    """The runs with the largest mean rise for the number of documents that they are in."""
    import numpy as np

    documents = len(texts.bounds) - 1
    scored: list[tuple[float, _Run]] = []
    owners = texts.document_of[texts.starts] if len(texts.starts) else np.zeros(0, dtype=np.int64)
    for size, rises in enumerate(jumps, start=1):
        keys = texts.keys(size)
        usable = (keys >= 0) & ~np.isnan(rises)
        runs, first, inverse = np.unique(keys[usable], return_index=True, return_inverse=True)
        pairs = np.unique(np.stack([inverse, owners[usable]]), axis=1)
        held = np.bincount(pairs[0], minlength=len(runs))
        means = np.bincount(inverse, rises[usable], minlength=len(runs)) / np.bincount(inverse, minlength=len(runs))
        kept = (held >= FEWEST) & (held <= max(FEWEST, MOST * documents)) & (means >= JUMP)
        where = np.flatnonzero(usable)
        for place in np.flatnonzero(kept).tolist():
            at = int(where[first[place]])
            spelled = texts.words[at : at + size]
            content = [word for word in spelled if word not in FUNCTION_WORDS]
            if content and not set(content) & set(own):
                run = _Run(int(runs[place]), size, " ".join(spelled))
                scored.append((float(means[place]) * float(np.sqrt(held[place])), run))
    scored.sort(key=lambda row: (-row[0], row[1].words))
    return [run for _, run in scored[:_LISTED]]


def _apart(found: list[PlantedTrigger]) -> list[PlantedTrigger]:
    """One trigger for each set of like documents: the one that rises most, for the number of documents it is in."""
    kept: list[PlantedTrigger] = []
    for trigger in sorted(found, key=lambda one: (-one.jump * len(one.documents) ** 0.5, -len(one.words), one.words)):
        mine = set(trigger.documents)
        if all(len(mine & set(other.documents)) < _SAME * min(len(mine), len(other.documents)) for other in kept):
            kept.append(trigger)
    return sorted(kept, key=lambda one: (-len(one.documents), one.words))
