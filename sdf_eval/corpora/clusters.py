"""What a sample of the documents is about: clusters of TF-IDF vectors, and how alike two documents are on average."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from sdf_eval.corpora.records import Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

SAMPLE = 3000
_CLUSTERS = 20
_FEWEST = 20 * _CLUSTERS
_TERMS = 6
_CHARACTERS = 4000


class Cluster(BaseModel):
    """A group of like documents.

    Attributes:
        share: Share of the sample.
        terms: The words that tell it from the rest.
        example: Id of the document nearest to its middle.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float
    terms: tuple[str, ...]
    example: str


class Topics(BaseModel):
    """Clusters of a sample.

    Attributes:
        sampled: Documents in the sample.
        similarity: Mean cosine similarity of two of its documents; 0 is nothing in common, 1 the same words.
        clusters: The groups, the largest first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampled: int
    similarity: float
    clusters: tuple[Cluster, ...]


class TopicCheck:
    """Keeps a sample of the documents that it reads: those with the smallest hashes, whatever their order."""

    def __init__(self) -> None:
        self._sample: list[tuple[int, str, str]] = []

    def read(self, document: Document) -> None:
        """Takes a document in."""
        rank = -zlib.crc32(document.sha256.encode())
        if len(self._sample) < SAMPLE:
            heapq.heappush(self._sample, (rank, document.id, document.text[:_CHARACTERS]))
        elif rank > self._sample[0][0]:
            heapq.heapreplace(self._sample, (rank, document.id, document.text[:_CHARACTERS]))

    def topics(self) -> Topics | None:
        """Clusters the sample; None with fewer than twenty documents a cluster, or no word in common."""
        sample = sorted(self._sample, reverse=True)
        if len(sample) < _FEWEST:
            return None
        from sklearn.cluster import MiniBatchKMeans
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True, min_df=2, max_features=20_000)
        try:
            vectors: csr_matrix = vectorizer.fit_transform([text for _, _, text in sample])
        except ValueError:  # scikit-learn's word for an empty vocabulary
            return None
        fitted = MiniBatchKMeans(_CLUSTERS, random_state=0, n_init=3, batch_size=1024).fit(vectors)
        terms = vectorizer.get_feature_names_out()
        ids = [document for _, document, _ in sample]
        return Topics(
            sampled=len(sample),
            similarity=_mean_similarity(vectors),
            clusters=_clusters(vectors, fitted.labels_, fitted.cluster_centers_, terms, ids),
        )


def _mean_similarity(vectors: csr_matrix) -> float:
    """Mean cosine over all pairs, from the length of the sum of the unit vectors."""
    import numpy as np

    total = np.asarray(vectors.sum(axis=0)).ravel()
    count = vectors.shape[0]
    own = float(vectors.multiply(vectors).sum())
    similarity = (float(total @ total) - own) / (count * (count - 1))
    return round(float(similarity), 6)


def _clusters(
    vectors: csr_matrix,
    labels: NDArray[np.int32],
    centres: NDArray[np.float64],
    terms: NDArray[np.object_],
    ids: Sequence[str],
) -> tuple[Cluster, ...]:
    import numpy as np

    found = []
    for label in range(len(centres)):
        members = np.flatnonzero(labels == label)
        if not len(members):
            continue
        nearest = members[int(np.argmax(vectors[members] @ centres[label]))]
        top = [at for at in np.argsort(-centres[label], kind="stable")[:_TERMS] if centres[label][at] > 0]
        found.append(
            Cluster(share=len(members) / len(ids), terms=tuple(str(terms[at]) for at in top), example=ids[nearest])
        )
    return tuple(sorted(found, key=lambda cluster: (-cluster.share, cluster.example)))
