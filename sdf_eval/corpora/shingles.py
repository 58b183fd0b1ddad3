"""Runs of words as 64-bit numbers, and how many different ones there are, in memory that does not grow."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

_VOCABULARY = 1_000_000
_KEPT = 1 << 20
_BUFFER = 1 << 22


class WordHasher(dict[str, int]):
    """Hashes words, the same on every machine and in every process; it remembers those that it has seen."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _VOCABULARY:
            self.clear()
        hashed = int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        self[word] = hashed
        return hashed

    def hashes(self, tokens: Sequence[str]) -> Hashes:
        """One number a word."""
        import numpy as np

        return np.fromiter(map(self.__getitem__, tokens), np.uint64, len(tokens))


def runs(hashes: Hashes, size: int) -> Hashes:
    """One number for every run of `size` words; a text shorter than that is one run."""
    import numpy as np

    size = max(1, min(size, len(hashes)))
    count = len(hashes) - size + 1
    mixed = np.zeros(count, np.uint64)
    for start in range(size):  # a polynomial, modulo 2^64: the order of the words counts
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + hashes[start : start + count]
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    return mixed


class DistinctCounter:
    """Counts different numbers: exactly up to about a million, and to a tenth of a per cent beyond.

    Source: the k-minimum-values sketch of Bar-Yossef et al. 2002, `Counting distinct elements in a data stream`.
    """

    def __init__(self) -> None:
        self.total = 0
        self._waiting: list[Hashes] = []
        self._size = 0
        self._kept: Hashes | None = None
        self._cut = False

    def add(self, hashes: Hashes) -> None:
        """Takes uniformly hashed numbers in."""
        self.total += len(hashes)
        self._waiting.append(hashes)
        self._size += len(hashes)
        if self._size >= _BUFFER:
            self._merge()

    def share(self) -> float:
        """Different numbers over all numbers; 0 when there are none."""
        self._merge()
        if self._kept is None or not self.total:
            return 0.0
        if not self._cut:
            return len(self._kept) / self.total
        return (_KEPT - 1) / (float(self._kept[-1]) / 2.0**64) / self.total

    def _merge(self) -> None:
        import numpy as np

        parts = [] if self._kept is None else [self._kept]
        if not parts and not self._waiting:
            return
        found = np.sort(np.concatenate([*parts, *self._waiting]))  # half the time of `np.unique`
        found = found[np.concatenate([[True], found[1:] != found[:-1]])] if len(found) else found
        self._cut |= len(found) > _KEPT
        self._kept, self._waiting, self._size = found[:_KEPT].copy(), [], 0
