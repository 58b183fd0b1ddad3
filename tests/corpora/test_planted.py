"""Defects planted into realistic documents, at a small size; `benchmarks/planted_defects.py` prints the figures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import planted_defects as planted  # noqa: E402
import planted_wordings as wordings  # noqa: E402

CHECKS: dict[str, Callable[[planted.Half], planted.Score]] = {
    "truth leak": lambda half: planted.truth_leaks(half, 200),
    "near-duplicate": lambda half: planted.near_duplicates(half, 400),
    "meta-tell": lambda half: planted.phrases(half, 200, "meta_tell", wordings.TELLS, wordings.NO_TELLS),
    "placeholder": lambda half: planted.phrases(half, 200, "placeholder", wordings.PLACES, wordings.NO_PLACES),
    "contamination": lambda half: planted.contamination(half, 200),
    "dominant name": lambda half: planted.dominant_names(half, 400),
}


@pytest.mark.parametrize("defect", CHECKS)
def test_most_of_what_is_planted_is_found_and_little_else(defect: str) -> None:
    score = CHECKS[defect](planted.Half("tuning"))
    found = [hit for hits in score.planted.values() for hit in hits]
    assert sum(found) >= 0.9 * len(found), score.missed
    assert score.wrong <= 0.1 * sum(found)


def test_the_halves_share_no_document_and_no_wording() -> None:
    tuning, reported = planted.Half("tuning"), planted.Half("reported")
    assert not {text for _, text in tuning.seeds} & {text for _, text in reported.seeds}
    assert not set(tuning.of(wordings.TELLS)) & set(reported.of(wordings.TELLS))
