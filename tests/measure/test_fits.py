from __future__ import annotations

import numpy as np
import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import (
    Bound,
    Estimate,
    Lift,
    count_or_fraction,
    dose_response,
    elasticity,
    half_life,
    lift,
    savings,
)

BUDGETS = [0, 10, 30, 100, 300, 1000]
DOSES = [0, 4, 8, 16, 32, 64, 128, 256]


def _curve(
    rng: np.random.Generator, beliefs: int, life: float, floor: float, noise: float = 0.15, power: bool = False
) -> list[Lift]:
    size, levels = rng.normal(2, 0.4, beliefs), [("beliefs", list(range(beliefs)))]
    x = np.log1p(BUDGETS) if power else np.array(BUDGETS, dtype=float)
    shares = floor + (1 - floor) * 2 ** (-x / (np.log1p(life) if power else life))
    return [
        lift(size * share + rng.normal(0, noise, beliefs), np.zeros(beliefs), levels, scale="log-ratio")
        for share in shares
    ]


@pytest.mark.parametrize(("beliefs", "floor"), [(4, 0.3), (10, 0.0), (20, 0.3)])
def test_half_life_and_floor_cover_what_was_planted(beliefs: int, floor: float) -> None:
    rng = np.random.default_rng(1)
    fits = [half_life(_curve(rng, beliefs, 80, floor), BUDGETS) for _ in range(30)]
    lives = [fit.half_life.holds(80) for fit in fits if isinstance(fit.half_life, Estimate)]
    assert len(lives) >= 26
    assert np.mean(lives) >= 0.86
    assert np.mean([fit.floor.holds(floor) for fit in fits]) >= 0.86


def test_a_permanent_floor_is_told_from_none() -> None:
    rng = np.random.default_rng(1)
    assert half_life(_curve(rng, 10, 80, 0.3), BUDGETS).floor.low > 0.1
    assert half_life(_curve(rng, 10, 80, 0.0), BUDGETS).floor.low < 0.02


def test_the_form_of_the_decay_is_chosen() -> None:
    rng = np.random.default_rng(1)
    assert half_life(_curve(rng, 12, 80, 0.2, 0.05), BUDGETS).form == "exponential"
    slow = half_life(_curve(rng, 12, 20, 0.0, 0.05, power=True), BUDGETS)
    assert slow.form == "power"
    assert isinstance(slow.half_life, Estimate) and slow.half_life.holds(20)


def test_a_belief_that_does_not_decay_has_a_half_life_bounded_from_below() -> None:
    found = half_life(_curve(np.random.default_rng(1), 8, 1e9, 0.0), BUDGETS).half_life
    assert isinstance(found, Bound)
    assert found.at_most is None


def test_too_few_budgets_units_or_lift_have_no_half_life() -> None:
    rng = np.random.default_rng(1)
    curve = _curve(rng, 8, 80, 0.3)
    with pytest.raises(ValueError, match="at least 4"):
        half_life(curve[:3], BUDGETS[:3])
    with pytest.raises(UndefinedEstimate, match="2 beliefs"):
        half_life(_curve(rng, 2, 80, 0.3), BUDGETS)
    with pytest.raises(UndefinedEstimate, match="nothing to lose"):
        half_life([curve[-1] if i else _noise() for i in range(6)], BUDGETS)


def _noise() -> Lift:
    return lift(np.tile([0.1, -0.1], 4), np.zeros(8), [("beliefs", list(range(8)))], scale="log-ratio")


def _rows(
    rng: np.random.Generator, seeds: int, d50: float, slope: float, ceiling: float = 0.95, noise: float = 0.3
) -> tuple[list[int], list[float], list[object]]:
    doses, scores, runs = [], [], []
    for dose in DOSES:
        for seed in range(seeds):
            mean = 0.05 + (ceiling - 0.05) / (1 + (d50 / dose) ** slope) if dose else 0.05
            chance = 1 / (1 + (1 - mean) / mean * np.exp(rng.normal(0, noise)))
            doses.append(dose)
            scores.append(float(rng.binomial(100, chance)) / 100)
            runs.append((dose, seed))
    return doses, scores, runs


@pytest.mark.parametrize("seeds", [3, 5])
def test_d50_slope_and_ceiling_cover_what_was_planted(seeds: int) -> None:
    rng = np.random.default_rng(2)
    fits = [dose_response(*_rows(rng, seeds, 40, 1.5)) for _ in range(20)]
    d50 = [fit.d50.holds(40) for fit in fits if isinstance(fit.d50, Estimate)]
    assert len(d50) >= 19 and np.mean(d50) >= 0.84
    assert np.mean([fit.slope.holds(1.5) for fit in fits if isinstance(fit.slope, Estimate)]) >= 0.84
    assert np.mean([fit.floor.holds(0.05) for fit in fits]) >= 0.85
    assert np.median([fit.d50.value for fit in fits if isinstance(fit.d50, Estimate)]) == pytest.approx(40, rel=0.1)


def test_doses_that_end_before_the_rise_bound_d50_from_below() -> None:
    found = dose_response(*_rows(np.random.default_rng(2), 4, 600, 1.5)).d50
    assert isinstance(found, Bound)
    assert found.at_most is None


def test_whole_curves_of_seeds_are_drawn_where_each_has_all_doses() -> None:
    doses, scores, runs = _rows(np.random.default_rng(2), 5, 40, 1.5)
    found = dose_response(doses, scores, [seed for _, seed in runs])  # type: ignore[misc]
    assert found.d50.method == "least squares, bootstrap over 5 clusters"


def test_scores_that_do_not_rise_have_no_dose_response() -> None:
    doses, _, runs = _rows(np.random.default_rng(2), 3, 40, 1.5)
    with pytest.raises(UndefinedEstimate, match="no rise to place"):
        dose_response(doses, [0.3 if dose == 0 else 0.1 for dose in doses], runs)


def test_rows_that_make_no_dose_response_are_refused() -> None:
    doses, scores, runs = _rows(np.random.default_rng(2), 3, 40, 1.5)
    with pytest.raises(ValueError, match="clean control"):
        dose_response(doses[3:], scores[3:], runs[3:])
    with pytest.raises(ValueError, match="at least 4 doses"):
        dose_response(doses[:12], scores[:12], runs[:12])
    with pytest.raises(ValueError, match="within 0 and 1"):
        dose_response(doses, [2.0, *scores[1:]], runs)
    with pytest.raises(ValueError, match="finite"):
        dose_response(doses, [float("nan"), *scores[1:]], runs)
    with pytest.raises(ValueError, match="non-empty"):
        dose_response([], [], [])
    with pytest.raises(UndefinedEstimate, match="one cluster under condition"):
        dose_response(doses[::3], scores[::3], runs[::3])


def _grid(
    rng: np.random.Generator, power: float, noise: float = 0.4
) -> tuple[list[int], list[int], list[float], list[object]]:
    cells = [(d, t, s) for t in (1, 3, 10) for d in (8, 16, 32, 64, 128, 256) for s in range(3)]
    chances = [1 / (1 + (40 * t**power / d) ** 1.3 * np.exp(rng.normal(0, noise))) for d, t, _ in cells]
    scores = [float(rng.binomial(100, chance)) / 100 for chance in chances]
    return [d for d, _, _ in cells], [t for _, t, _ in cells], scores, list(cells)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_elasticity_covers_what_was_planted(power: float) -> None:
    rng = np.random.default_rng(3)
    found = [elasticity(*_grid(rng, power)) for _ in range(60)]
    assert np.mean([e.holds(power) for e in found]) >= 0.88
    assert np.median([e.value for e in found]) == pytest.approx(power, abs=0.05)


def test_size_elasticity_is_told_apart_from_that_of_data_that_are_given() -> None:
    rng = np.random.default_rng(3)
    rows = [(d, t, n, s) for n in (1, 4, 16) for t in (1, 10) for d in (8, 32, 128, 512) for s in (0, 1)]
    d, t, n = ([row[i] for row in rows] for i in range(3))
    scores = [1 / (1 + (20 * u * m**-0.5 / x) ** 1.2 * np.exp(rng.normal(0, 0.2))) for x, u, m, _ in rows]
    assert elasticity(d, n, scores, rows, given=t).holds(-0.5)
    with pytest.raises(ValueError, match="grow together"):
        elasticity(d, n, scores, rows, given=[m**2 for m in n])


@pytest.mark.parametrize(("power", "favoured"), [(0.0, "count"), (1.0, "fraction"), (0.5, "neither")])
def test_count_and_fraction_data_are_told_apart(power: float, favoured: str) -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(20):
        doses, clean, scores, _ = _grid(rng, power)
        found.append(count_or_fraction(doses, clean, scores, 100).favoured)
    assert found.count(favoured) >= 18  # type: ignore[arg-type]


def test_scores_that_no_dose_explains_have_no_elasticity_and_favour_nothing() -> None:
    doses, clean, _, runs = _grid(np.random.default_rng(3), 0.0)
    scores = np.random.default_rng(4).uniform(0.3, 0.7, len(doses))
    with pytest.raises(UndefinedEstimate, match="do not rise"):
        elasticity(doses, clean, scores, runs)
    assert count_or_fraction(doses, clean, scores, 100).favoured == "undecided"


def test_rows_that_make_no_elasticity_are_refused() -> None:
    doses, clean, scores, runs = _grid(np.random.default_rng(3), 0.0)
    with pytest.raises(ValueError, match="above 0"):
        elasticity([0, *doses[1:]], clean, scores, runs)
    with pytest.raises(ValueError, match="3 different amounts"):
        elasticity(doses, [1] * len(doses), scores, runs)
    with pytest.raises(ValueError, match="finite"):
        elasticity(doses, clean, [float("nan"), *scores[1:]], runs)
    with pytest.raises(UndefinedEstimate, match="too few"):
        elasticity(doses, clean, scores, [0] * len(doses))


def _relearning(faster: float, seeds: int = 4) -> tuple[list[int], list[float], list[bool], list[int]]:
    rng = np.random.default_rng(5)
    rows = [(d, w, s) for d in (0, 1, 4, 16, 64, 256) for w in (True, False) for s in range(seeds)]
    means = [0.95 * (1 - np.exp(-d * (faster if w else 1) / 20)) for d, w, _ in rows]
    scores = [float(np.clip(m + rng.normal(0, 0.02), 0, 1)) for m in means]
    return [r[0] for r in rows], scores, [r[1] for r in rows], [r[2] for r in rows]


def test_a_residue_saves_documents_and_none_saves_none() -> None:
    saved, none = savings(*_relearning(4.0), target=0.8), savings(*_relearning(1.0), target=0.8)
    assert isinstance(saved, Estimate) and saved.high < 0.6
    assert isinstance(none, Estimate) and none.holds(1.0)


def test_a_belief_that_never_left_needs_nothing() -> None:
    doses, scores, washed, seeds = _relearning(1.0)
    kept = [0.9 if flag else score for flag, score in zip(washed, scores, strict=True)]
    found = savings(doses, kept, washed, seeds, target=0.8)
    assert isinstance(found, Bound)
    assert found.at_least is None


def test_savings_that_cannot_be_told_are_undefined_or_refused() -> None:
    doses, scores, washed, seeds = _relearning(2.0)
    with pytest.raises(UndefinedEstimate, match="neither arm"):
        savings(doses, scores, washed, seeds, target=0.99)
    with pytest.raises(UndefinedEstimate, match="without relearning"):
        savings(doses, scores, washed, seeds, target=-0.5)
    with pytest.raises(ValueError, match="same doses"):
        savings(doses[4:], scores[4:], washed[4:], seeds[4:], target=0.8)
