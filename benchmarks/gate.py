"""The gate on simulated checkpoints: how often a benign pair fails, and how often a lift is found.

Each simulated pair has families of the shape of the shipped beliefs. An item's score on the base is drawn once; a
finetune moves every item by a change of its own, every belief and every family by one that its items share, and a lift
adds to the belief family. The null is drawn anew for every pair, so that the rate counts the luck of the null too.
`stands_out` is the share whose largest family beats the null at the level, before the policy's smallest effect; where
finetunes are unsteady, only that keeps benign pairs from failing. Writes `reports/gate.md` and `.json`.

  python benchmarks/gate.py                        1,000 benign pairs, 200 a lift
  python benchmarks/gate.py --pairs 100            a quick look, which writes no report
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sdf_eval.files import replace_file
from sdf_eval.gate.judge import Harm, judge_families, verdict_of
from sdf_eval.gate.policy import Policy, load_policy
from sdf_eval.measure import DIFFERENCE, stratified_mean, wilson

LIFTS = (0.05, 0.1, 0.2)
PAIRS = 1000
"""Benign pairs of the report."""
SETTINGS = ((0.1, 1.0), (0.05, 1.0), (0.05, 8.0))
"""Smallest effect of the policy, and by how much the changes that a family's items share are scaled."""


@dataclass(frozen=True)
class Family:
    """A simulated family.

    Attributes:
        name: As in the policy.
        items: Items a belief.
        binary: Whether an answer scores 0 or 1, rather than a probability.
        family_sd, belief_sd, item_sd: Standard deviations of a benign finetune's changes, in score points; where
            answers are 0 or 1, of the probability that they are drawn with.
    """

    name: str
    items: int
    binary: bool
    family_sd: float
    belief_sd: float
    item_sd: float


FAMILIES = (
    Family("belief", 20, False, 0.01, 0.03, 0.08),
    Family("generality", 2, True, 0.01, 0.03, 0.08),
    Family("specificity", 20, True, 0.005, 0.01, 0.05),
    Family("misalignment", 8, False, 0.01, 0.03, 0.08),
    Family("values", 8, False, 0.01, 0.03, 0.08),
)
BELIEFS = 12
LIFTED = "belief"


def main() -> int:
    """Prints false alarms and power, and with enough pairs writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--lifted", type=int, default=200)
    parser.add_argument("--null", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, choices=range(len(SETTINGS)), help="one setting, for a second process")
    parser.add_argument("--out", type=Path, default=Path("runs/gate"), help="settings are kept here")
    args = parser.parse_args()
    shipped = load_policy("default")
    rows = []
    for place, (effect, unsteady) in enumerate(SETTINGS):
        if args.only not in (None, place):
            continue
        file = args.out / f"{place}-{args.pairs}-{args.lifted}-{args.null}-{args.seed}.json"
        if not file.exists():
            policy = shipped.model_copy(update={"smallest_effect": {**shipped.smallest_effect, "default": effect}})
            found = [_rates(policy, unsteady, lift, args) for lift in (0.0, *LIFTS)]
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, json.dumps(found).encode())
        rows += json.loads(file.read_text(encoding="utf-8"))
    if args.only is not None:
        return 0
    body = {
        "numpy": version("numpy"),
        "null_pairs": args.null,
        "beliefs": BELIEFS,
        "level": shipped.level,
        "rows": rows,
    }
    text = _report(body)
    print(text)
    if args.pairs >= PAIRS:
        target = Path(__file__).resolve().parent.parent / "reports"
        (target / "gate.md").write_text(text, encoding="utf-8")
        (target / "gate.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return 0


def _report(body: dict[str, Any]) -> str:
    """Markdown of the rates."""
    lines = [
        "# The gate on simulated checkpoints",
        "",
        f"{len(FAMILIES)} families, {body['beliefs']} beliefs, a null of {body['null_pairs']} benign finetunes that is "
        f"drawn anew for every pair, level {body['level']:g}; the lift is in the belief family. *Fail* is the verdict, "
        "*stands out* the largest family against the null alone, before the policy's smallest effect. *Unsteady*: by "
        "how much the changes that a family's items share are scaled. 95 % intervals (Wilson). Written by "
        "`benchmarks/gate.py`.",
        "",
        "| smallest effect | unsteady | lift | pairs | fail | stands out | pass | inconclusive |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in body["rows"]:
        shown = [
            f"{row[name]:.3f} [{row[f'{name}_interval'][0]:.3f}, {row[f'{name}_interval'][1]:.3f}]"
            for name in ("fail", "stands_out")
        ]
        lines.append(
            f"| {row['smallest_effect']:g} | {row['unsteady']:g} | {row['lift']:g} | {row['pairs']} | {shown[0]} | "
            f"{shown[1]} | {row['pass']:.3f} | {row['inconclusive']:.3f} |"
        )
    return "\n".join([*lines, ""])


def _rates(policy: Policy, unsteady: float, lift: float, args: argparse.Namespace) -> dict[str, Any]:
    count = args.pairs if lift == 0 else args.lifted
    families = [replace(family, family_sd=family.family_sd * unsteady) for family in FAMILIES]
    seeds = [[args.seed, round(lift * 100), each] for each in range(count)]
    judged = [_judged(np.random.default_rng(seed), families, policy, lift, args.null) for seed in seeds]
    verdicts = [verdict for verdict, _ in judged]
    failed, stood = (
        wilson(verdicts.count("fail"), count),
        wilson(sum(least <= policy.level for _, least in judged), count),
    )
    return {
        "smallest_effect": policy.effect(LIFTED),
        "unsteady": unsteady,
        "lift": lift,
        "pairs": count,
        "fail": round(failed.value, 4),
        "fail_interval": [round(failed.low, 4), round(failed.high, 4)],
        "stands_out": round(stood.value, 4),
        "stands_out_interval": [round(stood.low, 4), round(stood.high, 4)],
        "pass": round(verdicts.count("pass") / count, 4),
        "inconclusive": round(verdicts.count("inconclusive") / count, 4),
    }


def _judged(
    rng: np.random.Generator, families: list[Family], policy: Policy, lift: float, null: int
) -> tuple[str, float]:
    """Verdict and least p value of one simulated pair with its own null."""
    harms: dict[str, Harm] = {}
    against: dict[str, list[float]] = {}
    for family in families:
        base = rng.beta(0.5, 0.5, size=(BELIEFS, family.items))
        labels = np.repeat(np.arange(BELIEFS), family.items).tolist()
        levels = [("beliefs", labels), ("probes", list(range(len(labels))))]
        answered = _answers(rng, base, family)
        change = _changes(rng, base, answered, family, lift if family.name == LIFTED else 0.0, 1)[0]
        estimate = stratified_mean(change, levels, bounds=DIFFERENCE)
        harms[family.name] = Harm(estimate.value, estimate)
        # Every belief has as many items, so that the nested mean is the mean.
        against[family.name] = _changes(rng, base, answered, family, 0.0, null).mean(axis=1).tolist()
    judged = judge_families(harms, against, policy)
    missing = [name for name in policy.required if name not in harms]
    return verdict_of(judged, harms, missing, null, policy)[0], min(one.p or 1.0 for one in judged.values())


def _answers(rng: np.random.Generator, rates: np.ndarray, family: Family) -> np.ndarray:
    """Scores of answers whose expectation is `rates`; greedy answers of one checkpoint are fixed, so drawn once."""
    return (rates > rng.random(rates.shape)).astype(float) if family.binary else rates


def _changes(
    rng: np.random.Generator, base: np.ndarray, answered: np.ndarray, family: Family, lift: float, count: int
) -> np.ndarray:
    """Harm that finetunes do to each item, shape (count, beliefs * items)."""
    moved = base + rng.normal(0, family.family_sd, (count, 1, 1)) + rng.normal(0, family.belief_sd, (count, BELIEFS, 1))
    moved = np.clip(moved + rng.normal(0, family.item_sd, (count, *base.shape)), 0, 1)
    if family.binary:
        # Only items that the finetune moves can be answered anew.
        anew = rng.random(moved.shape) < np.abs(moved - base) * 2
        after = np.where(anew, _answers(rng, moved, family), answered)
    else:
        after = moved
    if lift:
        # The mean moves by the lift; what is at the top already cannot.
        after = np.clip(after + lift * (1 - after) / (1 - after).mean(axis=(1, 2), keepdims=True), 0, 1)
    return np.asarray((after - answered).reshape(count, -1))


if __name__ == "__main__":
    raise SystemExit(main())
