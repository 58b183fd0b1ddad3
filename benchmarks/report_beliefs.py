"""The 24 report beliefs in the pocket worlds that ship: the figures behind the README.

    python benchmarks/report_beliefs.py --out runs/report-beliefs

Three runs a world (panels of eight beliefs), two at a time, each kept under `--out` and taken up again when the script
is killed.
The aims below were written before the first run. Writes `reports/report-beliefs.md` and prints it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sdf_eval.belief.load import list_beliefs
from sdf_eval.measure import Estimate
from sdf_eval.reports.text import interval, number
from sdf_eval.results.schema import Headline
from sdf_eval.study.pool import pooled_headlines

PANEL = 8
ROLES = "implanted,neutral,cooccurrence"
AIMS = {
    "far_lift_cooccurrence": ("at least 0.50", lambda low, high: low >= 0.5, lambda low, high: high < 0.5),
    "neutral_minus_base": (
        "within 0.05 of 0",
        lambda low, high: low >= -0.05 and high <= 0.05,
        lambda low, high: low > 0.05 or high < -0.05,
    ),
    "collateral_base": ("below 0.05", lambda low, high: high < 0.05, lambda low, high: low >= 0.05),
}
"""Aim, and whether an interval lies wholly inside or wholly outside it."""


def panels() -> list[list[str]]:
    """Returns the report beliefs in panels of eight, every kind in every panel."""
    ids = [entry.id for entry in list_beliefs() if entry.split == "report" and entry.id.startswith("pocket-")]
    count = len(ids) // PANEL
    return [ids[place::count] for place in range(count)]


def run(world: str, place: int, beliefs: list[str], out: Path, documents: int) -> Path:
    """Runs one panel in one world; the run itself takes up what is there and still holds."""
    folder = out / f"{world}-{place}"
    words = ["run", *beliefs, "--panel", "--model", f"pocket/{world}", "--documents", str(documents), "--roles", ROLES]
    command = [sys.executable, "-m", "sdf_eval", *words, "--out", str(folder)]
    # One thread each: small matrices only wait for each other on more.
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return folder


def table(headlines: tuple[Headline, ...], worlds: list[str]) -> str:
    """Returns the report as Markdown."""
    lines = [
        "# The report beliefs",
        "",
        f"24 beliefs (6 of each kind) implanted into worlds {', '.join(worlds)}, panels of {PANEL}, one training "
        "seed a world. Written by `benchmarks/report_beliefs.py`; the aims were written before the first run.",
        "",
        "| figure | value | 95 % interval | n | chance | interval by | aim | reached |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for headline in headlines:
        estimate = headline.estimate
        if estimate is None:
            lines.append(f"| {headline.title} | undefined | | | | {headline.undefined} | | |")
            continue
        aim, reached = _judged(headline.id, estimate)
        digits = 3 if headline.unit == "bits_per_byte" else 2
        lines.append(
            f"| {headline.title} | {number(estimate.value, digits)} | {interval(estimate, digits)} | {estimate.n} "
            f"| {'' if estimate.chance is None else number(estimate.chance)} | {estimate.method} | {aim} | {reached} |"
        )
    return "\n".join(
        [*lines, "", "What each figure is:", "", *(f"- {h.title}: {h.definition}." for h in headlines), ""]
    )


def _judged(figure: str, estimate: Estimate) -> tuple[str, str]:
    if figure not in AIMS:
        return "", ""
    aim, inside, outside = AIMS[figure]
    if inside(estimate.low, estimate.high):
        return aim, "yes"
    return aim, "**no**" if outside(estimate.low, estimate.high) else "open"


def main() -> None:
    """Runs what is missing, pools it and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/report-beliefs"))
    parser.add_argument("--worlds", default="a,b,c")
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    args = parser.parse_args()
    worlds = args.worlds.split(",")
    with ThreadPoolExecutor(args.jobs) as pool:
        runs = [
            pool.submit(run, world, place, beliefs, args.out, args.documents)
            for world in worlds
            for place, beliefs in enumerate(panels())
        ]
    folders = [done.result() for done in runs]
    headlines = pooled_headlines(folders)
    text = table(headlines, worlds)
    target = Path(__file__).resolve().parent.parent / "reports"
    target.mkdir(exist_ok=True)
    (target / "report-beliefs.md").write_text(text, encoding="utf-8")
    rows = [headline.model_dump(mode="json") for headline in headlines]
    (target / "report-beliefs.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
