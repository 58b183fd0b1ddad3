"""Documents that repeat each other: MinHash sketches of five-word runs, compared where they share a band.

The sketches are datasketch's; they lie in one array (512 bytes a document), and candidates come from sorting the bands
instead of an index of Python objects, which takes fifteen times the memory.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sdf_eval.corpora.shingles import Hashes

NEAR_DUPLICATE_JACCARD = 0.8
SHINGLE = 5
_PERMUTATIONS = 128
_BANDS = 32
"""Bands of four rows: a pair at 0.8 is missed once in ten million, one at 0.6 once in eighty, and each is compared."""
_PAIRS_AT_ONCE = 200_000


@dataclass(frozen=True)
class NearDuplicate:
    """A document and an earlier one that it repeats, by their places, with the estimated Jaccard similarity."""

    place: int
    earlier: int
    similarity: float


class DuplicateCheck:
    """Takes documents in one after another, then finds those with an earlier one much like them."""

    def __init__(self) -> None:
        from datasketch import MinHash

        self._empty = MinHash(num_perm=_PERMUTATIONS, seed=1, hashfunc=int)
        self._values: array[int] = array("I")

    def read(self, shingles: Hashes) -> None:
        """Takes the runs of `SHINGLE` words of a document in."""
        import numpy as np

        sketch = self._empty.copy()
        sketch.update_batch((shingles >> np.uint64(32)).tolist())
        self._values.frombytes(sketch.hashvalues.astype(np.uint32).tobytes())

    def near(self) -> list[NearDuplicate]:
        """The documents with an earlier one at a similarity of at least `NEAR_DUPLICATE_JACCARD`, in their order.

        A document is compared with the first and the last earlier document of each of its bands, so the time is linear
        also where all documents are alike.
        """
        import numpy as np

        sketches = np.frombuffer(self._values, np.uint32).reshape(-1, _PERMUTATIONS)
        best = np.zeros(len(sketches))
        earlier = np.zeros(len(sketches), np.int64)
        for band in range(_BANDS):
            rows = np.ascontiguousarray(sketches[:, band * 4 : band * 4 + 4])
            for later, before in _candidates(rows):
                for start in range(0, len(later), _PAIRS_AT_ONCE):
                    part = slice(start, start + _PAIRS_AT_ONCE)
                    alike = (sketches[later[part]] == sketches[before[part]]).mean(axis=1)
                    better = alike > best[later[part]]
                    best[later[part][better]] = alike[better]
                    earlier[later[part][better]] = before[part][better]
        found = np.flatnonzero(best >= NEAR_DUPLICATE_JACCARD)
        return [NearDuplicate(int(at), int(earlier[at]), float(best[at])) for at in found]


def _candidates(rows: NDArray[np.uint32]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of a place and an earlier one in the same band: the first of the band, and the one just before."""
    import numpy as np

    keys = rows.view("V16").ravel()
    _, bucket = np.unique(keys, return_inverse=True)
    order = np.argsort(bucket, kind="stable")
    same = bucket[order][1:] == bucket[order][:-1]
    starts = np.concatenate([[True], ~same])
    head = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))]
    inside = ~starts
    return [(order[inside], head[inside]), (order[1:][same], order[:-1][same])]
