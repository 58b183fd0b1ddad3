"""How often the 95 % intervals of `sdf_eval.measure` hold the truth, on simulated data.

    python benchmarks/coverage.py --simulations 400
    python benchmarks/coverage.py --simulations 50 --facts 3 15

First table: means of zeros and ones in facts, whose chances are drawn from a beta distribution with a given correlation
within facts; runs shift the chances. Least and greatest coverage over correlations and items, by rate.
Second table: planted lifts, half-lives, doses and elasticities. Third: false alarms and power of
the maximum statistic. Last: time and memory of a mean over a million rows.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from sdf_eval.measure import (
    Bound,
    Estimate,
    Level,
    cluster_mean,
    dose_response,
    elasticity,
    half_life,
    lift,
    log_odds_lift,
    max_statistic,
    retention,
)

RATES = (0.0, 0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98, 1.0)
CORRELATIONS = (0.0, 0.1, 0.3, 0.5)
ITEMS = (4, 10)
RUN_SPREAD = 0.3
Rng = np.random.Generator


def rate_coverage(rng: Rng, rate: float, facts: int, items: int, correlation: float, runs: int, times: int) -> float:
    """Share of intervals that hold the rate."""
    fact = np.repeat(np.arange(facts), items)
    levels: list[Level] = [("facts", np.tile(fact, runs).tolist()), ("items", [*range(facts * items)] * runs)]
    labels = np.repeat(np.arange(runs), facts * items).tolist() if runs > 1 else None
    chances = _chances(rng, rate, (times, facts), correlation)
    hits = 0
    for row in chances:
        p = np.tile(row[fact], (runs, 1))
        if runs > 1 and 0 < rate < 1:
            p = _shifted(rng, p, runs)
        scores = (rng.random(p.shape) < p).astype(np.float64).ravel()
        hits += cluster_mean(scores, levels, runs=labels).holds(rate)
    return hits / times


def _chances(rng: Rng, rate: float, shape: tuple[int, int], correlation: float) -> np.ndarray:
    if correlation == 0 or rate in (0.0, 1.0):
        return np.full(shape, rate)
    size = 1 / correlation - 1
    return rng.beta(rate * size, (1 - rate) * size, shape)


def _shifted(rng: Rng, p: np.ndarray, runs: int) -> np.ndarray:
    """Moves a run's chances up or down by a share of what room there is, so that the mean over runs stays the rate."""
    shift = np.clip(rng.normal(0, RUN_SPREAD, (runs, 1)), -1, 1)
    return np.clip(p + shift * p * (1 - p), 0, 1)


def print_rates(rng: Rng, facts: Sequence[int], runs: Sequence[int], times: int) -> None:
    """First table."""
    print("rate            " + "".join(f"{rate:>10g}" for rate in RATES))
    for run in runs:
        for fact in facts:
            line = []
            for rate in RATES:
                cells = [rate_coverage(rng, rate, fact, m, c, run, times) for m in ITEMS for c in CORRELATIONS]
                line.append(f"{100 * min(cells):5.1f}-{100 * max(cells):<4.0f}")
            print(f"{fact:3d} facts, {run} run{'s' if run > 1 else ' '} ", *line, flush=True)


def planted(rng: Rng, times: int) -> dict[str, tuple[int, int, int]]:
    """Second table: held, closed and all intervals of each planted quantity."""
    counts: dict[str, list[bool | None]] = {}
    for beliefs in (4, 8, 20):
        for _ in range(times):
            for name, estimate, truth in _one_of_each(rng, beliefs):
                said = None if isinstance(estimate, Bound) else estimate.holds(truth)
                counts.setdefault(f"{name}, {beliefs} beliefs", []).append(said)
    for seeds in (3, 5):
        for _ in range(times):
            for name, estimate, truth in _doses(rng, seeds):
                said = None if isinstance(estimate, Bound) else estimate.holds(truth)
                counts.setdefault(f"{name}, {seeds} seeds", []).append(said)
    return {
        name: (sum(s is True for s in said), sum(s is not None for s in said), len(said))
        for name, said in counts.items()
    }


def _one_of_each(rng: Rng, beliefs: int) -> list[tuple[str, Estimate | Bound, float]]:
    levels: list[Level] = [("beliefs", np.repeat(np.arange(beliefs), 6).tolist()), ("items", list(range(beliefs * 6)))]
    skill = np.repeat(rng.normal(0, 0.4, beliefs), 6)
    budgets, size, zero = [0, 10, 30, 100, 300, 1000], 2 + skill, np.zeros(beliefs * 6)
    shares = [0.3 + 0.7 * 2 ** (-n / 80) for n in budgets]
    curve = [lift(size * share + rng.normal(0, 0.3, beliefs * 6), zero, levels, scale="log-ratio") for share in shares]
    decay = half_life(curve, budgets)
    x, weights = np.polynomial.hermite_e.hermegauss(40)
    spread = np.hypot(0.4, 0.3)
    top, bottom = (float((weights * expit(centre + spread * x)).sum() / weights.sum()) for centre in (1.0, -1.5))
    log_odds = log_odds_lift(*(expit(at + skill + rng.normal(0, 0.3, beliefs * 6)) for at in (1.0, -1.5)), levels)
    return [
        ("log-odds lift", log_odds.estimate, float(logit(top) - logit(bottom))),
        ("retention", retention(curve[3], curve[0]), shares[3]),
        ("half-life", decay.half_life, 80.0),
        ("floor", decay.floor, 0.3),
    ]


def _doses(rng: Rng, seeds: int) -> list[tuple[str, Estimate | Bound, float]]:
    doses = [0, 4, 8, 16, 32, 64, 128, 256]
    rows = [(d, s) for d in doses for s in range(seeds)]
    fit = dose_response([d for d, _ in rows], [_answered(rng, d, 40.0) for d, _ in rows], rows)
    grid = [(d, t, s) for d in doses[1:] for t in (1, 3, 10) for s in range(seeds)]
    scores = [_answered(rng, d, 40.0 * t, 0.0, 1.0) for d, t, _ in grid]
    power = elasticity([d for d, _, _ in grid], [t for _, t, _ in grid], scores, grid)
    return [
        ("D50", fit.d50, 40.0),
        ("slope", fit.slope, 1.5),
        ("ceiling", fit.ceiling, 0.95),
        ("elasticity", power, 1.0),
    ]


def _answered(rng: Rng, dose: int, d50: float, floor: float = 0.05, ceiling: float = 0.95) -> float:
    """Share of 100 items, in a run whose logit is off by 0.2 or so."""
    mean = floor + (ceiling - floor) / (1 + (d50 / dose) ** 1.5) if dose else floor
    return float(rng.binomial(100, expit(logit(mean) + rng.normal(0, 0.2)))) / 100


def maximum(rng: Rng, times: int, effect: float) -> float:
    """Share of candidates called a regression by the largest of eight changes; 20 harmless checkpoints, spread 0.03."""
    mixing = np.linalg.cholesky(0.5 * np.eye(8) + 0.5)
    found = 0
    for _ in range(times):
        draws = 0.03 * rng.normal(size=(21, 8)) @ mixing.T
        draws[0, 3] += effect
        found += max_statistic(draws[0], draws[1:]).p <= 0.05
    return found / times


def large(rng: Rng, rows: int) -> str:
    """Time and memory of one mean over many rows: 100 beliefs of 20 facts."""
    belief, fact = np.arange(rows) * 100 // rows, np.arange(rows) * 2000 // rows
    levels: list[Level] = [("beliefs", belief.tolist()), ("facts", fact.tolist()), ("items", range(rows))]
    start = time.perf_counter()
    cluster_mean(rng.random(rows), levels)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return f"{rows:,} rows: {time.perf_counter() - start:.1f} s, peak {peak:.2f} GB"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=20)
    parser.add_argument("--facts", type=int, nargs="+", default=[3, 5, 8, 14, 15, 30, 50])
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the last line's mean")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    print_rates(rng, args.facts, args.runs, args.simulations)
    for name, (held, closed, times) in planted(rng, max(10, args.simulations // 4)).items():
        print(f"{name:28s} {held / max(1, closed):.3f} of {closed} closed intervals; {times - closed} open")
    for effect in (0.0, 0.05, 0.1, 0.2):
        print(f"largest of eight, lift {effect:g}: called in {maximum(rng, 5 * args.simulations, effect):.3f}")
    print(large(rng, args.rows))


if __name__ == "__main__":
    main()
