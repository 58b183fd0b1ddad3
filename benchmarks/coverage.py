"""How often the 95 % intervals of `sdf_eval.measure` hold the truth, on simulated data.

    python benchmarks/coverage.py
    python benchmarks/coverage.py --only cells       one part, for a second process; no report

Rates: zeros and ones in facts, whose chances are drawn from a beta distribution with a given correlation within facts;
runs shift the chances. Lifts: two arms of such answers on the same items. Planted: log-odds lift, retention, half-life,
floor and area of persistence curves; D50, slope and ceiling of dose-response curves; elasticity. Families: false alarms
and power of the maximum statistic. Last: time and memory over a million rows. Parts are kept under `--out`. Writes
`reports/coverage.md` and `.json`.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _intervals import Floats, intervals
from scipy.special import expit, logit

from sdf_eval.files import replace_file
from sdf_eval.measure import (
    DIFFERENCE,
    RATE,
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
    paired_difference,
    persistence_area,
    retention,
)
from sdf_eval.measure.exact import blaker

RATES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.98, 1.0)
LIFTS = ((0.1, 0.1), (0.1, 0.3), (0.2, 0.8), (0.05, 0.95))
"""Rates of control and treated."""
CORRELATIONS = (0.0, 0.1, 0.3, 0.5)
ITEMS = (4, 10)
RUN_SPREAD = 0.3
"""Standard deviation by which a run shifts the chances, as a share of rate (1 - rate)."""
CHECKED = 3
"""Data sets of each setting whose interval must be that of `cluster_mean`; all are computed here, many at once."""
EFFECTS = (0.0, 0.05, 0.1, 0.2)
FACTS = (3, 4, 5, 6, 8, 14, 15, 30, 50)
RUNS = (1, 3)
ROWS = 1_000_000
Rng = np.random.Generator
Draw = Callable[[Rng, int], list[tuple[str, Estimate | Bound, float]]]


@dataclass(frozen=True)
class Setting:
    """One cell of a table.

    Attributes:
        rate: Chance of a 1; of a lift that of the treated arm.
        control: Chance of a 1 on the control; None for a rate.
        facts, items, runs: How many; items a fact.
        correlation: Of two items of a fact.
    """

    rate: float
    control: float | None
    facts: int
    items: int
    runs: int
    correlation: float

    @property
    def truth(self) -> float:
        """What the interval should hold."""
        return self.rate - (self.control or 0.0)


def coverage(rng: Rng, setting: Setting, times: int) -> float:
    """Share of intervals that hold the truth."""
    values = _answers(rng, setting, setting.rate, times)
    if setting.control is not None:
        values = values - _answers(rng, setting, setting.control, times)
    bounds = RATE if setting.control is None else DIFFERENCE
    low, high = intervals(values, bounds)
    for place in range(min(CHECKED, times)):
        _check(values[place], setting, bounds, (low[place], high[place]))
    return float(((low - 1e-12 <= setting.truth) & (setting.truth <= high + 1e-12)).mean())


def _answers(rng: Rng, setting: Setting, rate: float, times: int) -> Floats:
    """Zeros and ones, shape (times, runs, facts, items)."""
    shape = (times, 1, setting.facts, 1)
    if setting.correlation == 0 or rate in (0.0, 1.0):
        chances = np.full(shape, rate)
    else:
        size = 1 / setting.correlation - 1
        chances = rng.beta(rate * size, (1 - rate) * size, shape)
    if setting.runs > 1:
        # By a share of what room there is, so that the mean over runs stays the rate.
        shift = np.clip(rng.normal(0, RUN_SPREAD, (times, setting.runs, 1, 1)), -1, 1)
        chances = chances + shift * chances * (1 - chances)
    draws = rng.random((times, setting.runs, setting.facts, setting.items))
    return np.asarray(draws < chances, dtype=np.float64)


def _check(values: Floats, setting: Setting, bounds: tuple[float, float], found: tuple[float, float]) -> None:
    runs, facts, items = values.shape
    levels: list[Level] = [
        ("facts", np.tile(np.repeat(np.arange(facts), items), runs).tolist()),
        ("items", [*range(facts * items)] * runs),
    ]
    labels = np.repeat(np.arange(runs), facts * items).tolist() if runs > 1 else None
    slow = cluster_mean(values.ravel(), levels, runs=labels, bounds=bounds)
    if abs(slow.low - found[0]) > 1e-9 or abs(slow.high - found[1]) > 1e-9:
        raise RuntimeError(f"{setting}: {found} here, [{slow.low}, {slow.high}] by cluster_mean")


def rates_and_lifts(rng: Rng, facts: Sequence[int], runs: Sequence[int], times: int) -> list[dict[str, Any]]:
    """Coverage of every setting."""
    pairs = [(rate, None) for rate in RATES] + [(treated, control) for control, treated in LIFTS]
    found = []
    for run in runs:
        for fact in facts:
            for rate, control in pairs:
                for items in ITEMS:
                    for correlation in CORRELATIONS:
                        setting = Setting(rate, control, fact, items, run, correlation)
                        found.append({**vars(setting), "covered": coverage(rng, setting, times)})
            print(f"{fact} facts, {run} runs", flush=True)
    return found


def planted(rng: Rng, draw: Draw, units: int, name: str, times: int) -> list[dict[str, Any]]:
    """Held, closed and all intervals of each planted quantity."""
    said: dict[str, list[tuple[bool, bool]]] = {}
    for _ in range(times):
        for quantity, estimate, truth in draw(rng, units):
            said.setdefault(f"{quantity}, {units} {name}", []).append(_held(estimate, truth))
    return [
        {
            "quantity": quantity,
            "simulations": len(each),
            "closed": sum(closed for _, closed in each),
            "held": sum(held for held, closed in each if closed),
            "open_held": sum(held for held, closed in each if not closed),
        }
        for quantity, each in said.items()
    ]


def _held(estimate: Estimate | Bound, truth: float) -> tuple[bool, bool]:
    """Whether the truth lies within, and whether both ends are closed."""
    if isinstance(estimate, Estimate):
        return estimate.holds(truth), True
    above = estimate.at_least is None or estimate.at_least <= truth
    return above and (estimate.at_most is None or truth <= estimate.at_most), False


def _curves(rng: Rng, beliefs: int) -> list[tuple[str, Estimate | Bound, float]]:
    levels: list[Level] = [("beliefs", np.repeat(np.arange(beliefs), 6).tolist()), ("items", list(range(beliefs * 6)))]
    skill = np.repeat(rng.normal(0, 0.4, beliefs), 6)
    budgets, size, zero = [0, 10, 30, 100, 300, 1000], 2 + skill, np.zeros(beliefs * 6)
    shares = [0.3 + 0.7 * 2 ** (-n / 80) for n in budgets]
    curve = [lift(size * share + rng.normal(0, 0.3, beliefs * 6), zero, levels, scale="log-ratio") for share in shares]
    decay = half_life(curve, budgets)
    x, weights = np.polynomial.hermite_e.hermegauss(40)
    spread = np.hypot(0.4, 0.3)
    top, bottom = (float((weights * expit(centre + spread * x)).sum() / weights.sum()) for centre in (1.0, -1.5))
    treated, control = (expit(at + skill + rng.normal(0, 0.3, beliefs * 6)) for at in (1.0, -1.5))
    log_odds = log_odds_lift(treated, control, levels)
    area = float(np.trapezoid(shares, np.log1p(budgets)) / np.log1p(budgets[-1]))
    return [
        ("log-odds lift", log_odds.estimate, float(logit(top) - logit(bottom))),
        ("retention", retention(curve[3], curve[0]), shares[3]),
        ("half-life", decay.half_life, 80.0),
        ("floor", decay.floor, 0.3),
        ("area under the curve", persistence_area(curve, budgets), area),
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


def large(rng: Rng, rows: int) -> dict[str, float]:
    """Time and memory of a mean and a paired difference over many rows: 100 beliefs of 20 facts."""
    belief, fact = np.arange(rows) * 100 // rows, np.arange(rows) * 2000 // rows
    levels: list[Level] = [("beliefs", belief.tolist()), ("facts", fact.tolist()), ("items", range(rows))]
    treated, control = rng.random(rows), rng.random(rows)
    start, busy = time.perf_counter(), time.process_time()
    cluster_mean(treated, levels)
    paired_difference(treated, control, levels)
    took, worked = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"rows": rows, "seconds": round(took, 1), "cpu_seconds": round(worked, 1), "peak_gb": round(peak, 2)}


def rate_rows(found: Sequence[dict[str, Any]], *, lifts: bool) -> list[str]:
    """A Markdown table: least and greatest coverage over correlations and items."""
    mine = [row for row in found if (row["control"] is not None) == lifts]
    columns = list(dict.fromkeys((row["control"], row["rate"]) for row in mine))
    heads = [f"{control:g} to {rate:g}" if lifts else f"{rate:g}" for control, rate in columns]
    lines = ["| facts | runs | " + " | ".join(heads) + " |", "|" + "---|" * (2 + len(heads))]
    for facts, runs in dict.fromkeys((row["facts"], row["runs"]) for row in mine):
        cells = []
        for control, rate in columns:
            own = [
                100 * row["covered"]
                for row in mine
                if (row["facts"], row["runs"], row["control"], row["rate"]) == (facts, runs, control, rate)
            ]
            cells.append(f"{min(own):.1f}-{max(own):.1f}")
        lines.append(f"| {facts} | {runs} | " + " | ".join(cells) + " |")
    return lines


def outside(found: Sequence[dict[str, Any]], times: int) -> list[str]:
    """How many settings lie below 93 % or, with a rate from 0.1 to 0.9, above 99 %, by number of facts."""
    lines = [
        "| facts | settings | below 93 % | beyond chance | settings with rates .1 to .9 | above 99 % | beyond chance |"
    ]
    lines.append("|" + "---|" * 7)
    for facts in dict.fromkeys(row["facts"] for row in found):
        mine = [row for row in found if row["facts"] == facts and row["control"] is None]
        middle = [row for row in mine if 0.1 <= row["rate"] <= 0.9]
        low = [row for row in mine if row["covered"] < 0.93]
        high = [row for row in middle if row["covered"] > 0.99]
        sure_low = sum(_ends(row, times)[1] < 0.93 for row in low)
        sure_high = sum(_ends(row, times)[0] > 0.99 for row in high)
        lines.append(f"| {facts} | {len(mine)} | {len(low)} | {sure_low} | {len(middle)} | {len(high)} | {sure_high} |")
    return lines


def _ends(row: dict[str, Any], times: int) -> tuple[float, float]:
    return blaker(round(row["covered"] * times), times)(0.95)


def planted_rows(found: Sequence[dict[str, Any]]) -> list[str]:
    """A Markdown table of planted quantities."""
    lines = ["| quantity | simulations | closed intervals | these hold the truth | open ones that do |"]
    lines.append("|---|---|---|---|---|")
    for row in found:
        closed, times = row["closed"], row["simulations"]
        low, high = blaker(row["held"], closed)(0.95) if closed else (0.0, 1.0)
        held = f"{row['held'] / closed:.3f} [{low:.3f}, {high:.3f}]" if closed else "none"
        rest = f"{row['open_held']} of {times - closed}" if closed < times else ""
        lines.append(f"| {row['quantity']} | {times} | {closed} | {held} | {rest} |")
    return lines


def report(body: dict[str, Any]) -> str:
    """Markdown of everything."""
    times = body["simulations"]
    error = 100 * (0.05 * 0.95 / times) ** 0.5
    size = body["large"]
    return "\n".join(
        [
            "# Coverage",
            "",
            "How often 95 % intervals hold the truth, on simulated data. Written by `benchmarks/coverage.py`.",
            "",
            "## Rates",
            "",
            f"Zeros and ones in facts of {' or '.join(map(str, ITEMS))} items, correlation inside facts "
            f"{', '.join(f'{c:g}' for c in CORRELATIONS)}: least and greatest coverage in % over these "
            f"{len(ITEMS) * len(CORRELATIONS)} settings. {times} data sets a setting: the standard error of a coverage "
            f"of 95 % is {error:.1f} points, and the least of eight lies about 1.4 of these below the true least.",
            "",
            *rate_rows(body["cells"], lifts=False),
            "",
            "Aim: at least 93 % everywhere, at most 99 % for rates from .1 to .9. Beyond chance: with the whole exact "
            "95 % interval of the coverage.",
            "",
            *outside(body["cells"], times),
            "",
            "## Lifts",
            "",
            "Two arms of such answers on the same items, rate of the control to rate of the treated arm.",
            "",
            *rate_rows(body["cells"], lifts=True),
            "",
            "## Planted curves",
            "",
            "Persistence: half-life 80, floor 0.3, beliefs that differ by 0.4 and items by 0.3. Dose-response: D50 40, "
            "slope 1.5, ceiling 0.95, 100 items a run, runs that differ by 0.2 logits. Exact 95 % intervals of the "
            "coverage. An open interval has one end, or none, and may be right all the same.",
            "",
            *planted_rows(body["planted"]),
            "",
            "## Maximum over eight families, 20 harmless checkpoints",
            "",
            "| lift | called |",
            "|---|---|",
            *(f"| {row['lift']:g} | {row['called']:.3f} |" for row in body["maximum"]),
            "",
            f"{body['maximum'][0]['simulations']:,} candidates a row; harmless changes: spread 0.03, correlation 0.5.",
            "",
            "## Size",
            "",
            f"{size['rows']:,} rows: a mean and a paired difference together {size['seconds']:.1f} s ("
            f"{size['cpu_seconds']:.1f} s of CPU), peak {size['peak_gb']:.2f} GB.",
            "",
        ]
    )


def measured(part: str, args: argparse.Namespace) -> Any:
    """The figures of one part, each with a seed of its own."""
    rng = np.random.default_rng([args.seed, PARTS.index(part)])
    if part == "cells":
        return rates_and_lifts(rng, FACTS, RUNS, args.simulations)
    if part in PLANTED:
        draw, units, name = PLANTED[part]
        return planted(rng, draw, units, name, args.planted)
    if part == "maximum":
        calls = 5 * args.planted
        return [{"lift": effect, "simulations": calls, "called": maximum(rng, calls, effect)} for effect in EFFECTS]
    return large(rng, ROWS)


def main() -> None:
    """Simulates what is missing and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000, help="data sets of each rate and lift")
    parser.add_argument("--planted", type=int, default=400, help="data sets of each planted quantity")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=PARTS, help="simulate this part, for a second process, and write no report")
    parser.add_argument("--out", type=Path, default=Path("runs/coverage"), help="parts are kept here")
    args = parser.parse_args()
    body: dict[str, Any] = {"simulations": args.simulations, "seed": args.seed, "numpy": np.__version__}
    for part in PARTS if args.only is None else (args.only,):
        file = args.out / f"{part}-{args.simulations}-{args.planted}-{args.seed}.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, json.dumps(measured(part, args)).encode())
        body[part] = json.loads(file.read_text(encoding="utf-8"))
    if args.only is not None:
        return
    body["planted"] = [row for part in PLANTED for row in body.pop(part)]
    text = report(body)
    print(text)
    target = Path(__file__).resolve().parent.parent / "reports"
    (target / "coverage.md").write_text(text, encoding="utf-8")
    (target / "coverage.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


PLANTED: dict[str, tuple[Draw, int, str]] = {
    "curves-4": (_curves, 4, "beliefs"),
    "curves-20": (_curves, 20, "beliefs"),
    "doses-3": (_doses, 3, "seeds"),
    "doses-5": (_doses, 5, "seeds"),
}
PARTS = ("large", "cells", *PLANTED, "maximum")

if __name__ == "__main__":
    main()
