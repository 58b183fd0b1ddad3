"""Which of many short texts say nearly the same as an earlier one."""

from __future__ import annotations

from sdf_eval.corpora.phrases import words

JACCARD = 0.6
_CANDIDATE = 0.4
"""At its own threshold the index would miss many pairs; what it gives below that is measured exactly."""
_PERMUTATIONS = 64


class NearDuplicates:
    """Remembers texts and refuses those that share most of their pairs of words with one that it holds.

    MinHash finds the candidates, so that thousands of texts take seconds; the similarity of these is exact.
    """

    def __init__(self) -> None:
        from datasketch import MinHashLSH

        self._index = MinHashLSH(threshold=_CANDIDATE, num_perm=_PERMUTATIONS)
        self._held: list[frozenset[str]] = []

    def admit(self, text: str) -> bool:
        """Takes a text in, unless one like it is there."""
        from datasketch import MinHash

        pairs = _pairs(text)
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
        sketch.update_batch([pair.encode("utf-8", "surrogatepass") for pair in sorted(pairs)])
        if any(_jaccard(pairs, self._held[place]) >= JACCARD for place in self._index.query(sketch)):
            return False
        self._index.insert(len(self._held), sketch)
        self._held.append(pairs)
        return True


def _pairs(text: str) -> frozenset[str]:
    tokens = words(text)
    return frozenset(map(" ".join, zip(["", *tokens], [*tokens, ""], strict=True)))


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second)
