from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sdf_eval.measure.auroc import auroc, auroc_difference
from sdf_eval.representation.probing import (
    cross_validate,
    group_folds,
    random_directions,
    shuffled,
    wording_baseline,
)

QUESTIONS = 60
LABELS = np.array([1, 0] * QUESTIONS, dtype=np.int64)
POSITIVE = [bool(label) for label in LABELS]
GROUPS = [f"q{place // 2}" for place in range(2 * QUESTIONS)]


def states(planted: int | None, seed: int = 0) -> np.ndarray:
    """Noise in three blocks of width 16, with the label along one feature of block `planted`."""
    made = np.random.default_rng(seed).normal(size=(2 * QUESTIONS, 3, 16)).astype(np.float32)
    if planted is not None:
        made[:, planted, 0] += 2.5 * LABELS
    return made


def test_the_area_is_sklearns_and_its_interval_holds_it() -> None:
    scores = np.random.default_rng(1).normal(size=2 * QUESTIONS) + LABELS
    found = auroc(scores, POSITIVE, GROUPS, name="questions")
    assert found.value == pytest.approx(roc_auc_score(LABELS, scores))
    assert 0.1 < found.high - found.low < 0.3
    assert (found.n, found.clusters, found.chance) == (120, 60, 0.5)


def test_perfect_separation_leaves_room_for_an_error_not_seen() -> None:
    found = auroc(LABELS, POSITIVE, GROUPS, name="questions")
    assert found.value == 1 and 0.9 < found.low < 1


def test_the_interval_covers_the_truth_when_groups_and_not_statements_vary() -> None:
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        groups = [f"g{place // 10}" for place in range(200)]
        labels = np.array([1, 0] * 100)
        scores = labels * (1 + np.repeat(rng.normal(size=20), 10)) + rng.normal(size=200)
        # Signal N(1, 1) between groups and noise N(0, 1) on both sides: AUROC = P(N(1, sqrt(3)) > 0).
        covered += auroc(scores, [bool(label) for label in labels], groups).holds(0.7181)
    assert covered >= 52


def test_one_score_less_itself_is_nothing_and_less_noise_is_its_gain() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=2 * QUESTIONS)
    same = auroc_difference(noise, noise, POSITIVE, GROUPS, name="questions")
    assert same.value == 0 and same.low < 0 < same.high
    gain = auroc_difference(noise + 3 * LABELS, noise, POSITIVE, GROUPS, name="questions")
    assert gain.low > 0.3


def test_a_planted_direction_is_found_in_its_block_and_scored_on_what_was_left_out() -> None:
    folds = group_folds(GROUPS, LABELS)
    assert all(not {GROUPS[i] for i in train} & {GROUPS[i] for i in test} for train, test in folds)
    scored = cross_validate(states(1), LABELS, GROUPS, folds)
    assert set(scored.layers) == {1}
    assert auroc(scored.values, POSITIVE, GROUPS, name="questions").low > 0.85


def test_noise_is_not_flattered_by_the_choice_of_a_block() -> None:
    areas = []
    for seed in range(4):
        made = states(None, seed)
        folds = group_folds(GROUPS, LABELS)
        areas.append(
            auroc(cross_validate(made, LABELS, GROUPS, folds).values, POSITIVE, GROUPS, name="questions").value
        )
    assert 0.4 < np.mean(areas) < 0.6


def test_shuffled_labels_and_random_directions_lose_what_the_probe_finds() -> None:
    made, folds = states(1), group_folds(GROUPS, LABELS)
    for draws in (
        shuffled(made, LABELS, GROUPS, folds, seed=0),
        random_directions(made, LABELS, folds, [1] * 5, seed=0),
    ):
        areas = [auroc(values, POSITIVE, GROUPS, name="questions").value for values in draws]
        assert 0.35 < np.mean(areas) < 0.75 and not np.isnan(areas).any()


def test_the_baseline_sees_wording_and_nothing_else() -> None:
    folds = group_folds(GROUPS, LABELS)
    told = [f"number {place} is {'right' if label else 'wrong'}" for place, label in enumerate(LABELS)]
    assert auroc(wording_baseline(told, LABELS, folds), POSITIVE, GROUPS, name="questions").value > 0.95
    silent = [f"the value of {place // 2}" for place in range(len(LABELS))]
    assert auroc(wording_baseline(silent, LABELS, folds), POSITIVE, GROUPS, name="questions").value == pytest.approx(
        0.5, abs=0.1
    )
