"""The study frame on cells whose arms were exchanged, and on such cells with a planted effect.

    python benchmarks/study_null.py --cells reports/studies --tier full

Exchanging whole checkpoints between the arms of a base and seed makes every claim of superiority false; an analysis may
call it true in 5 % of cases at most. Then the smallest effect that the study writes down is planted in the first
contrast of exchanged cells: how often is it found? Writes `reports/study-null.md` and `.json`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sdf_eval.measure import wilson
from sdf_eval.study.frame.identity import belief_at, beliefs_of
from sdf_eval.study.frame.judge import judge
from sdf_eval.study.frame.null import planted, shuffled
from sdf_eval.study.frame.registry import NAMES, get_study
from sdf_eval.study.frame.runner import CELLS, stored_table
from sdf_eval.study.frame.store import Store
from sdf_eval.study.frame.study import Contrast, Study
from sdf_eval.study.frame.substrate import POCKET


def row_of(study: Study, tier: str, store: Store, times: int) -> dict[str, Any] | None:
    """False alarms of a study's first estimand, and power for one and two smallest effects; None without cells."""
    placed = list(study.cells(tier, POCKET))  # type: ignore[arg-type]
    table, missing = stored_table(placed, store)
    first = study.primary
    if missing or first.claim != "above":
        return {"study": study.name, "left_out": f"{missing} cells missing" if missing else "a claim of equality"}
    kinds: dict[str, str] = {
        belief_at(name).id: belief_at(name).kind for one in placed for name in beliefs_of(one.cell)
    }
    exchanged = [shuffled(table, seed) for seed in range(times)]
    row: dict[str, Any] = {
        "study": study.name,
        "effect": first.smallest_effect,
        "held": sum(judge(first, one, kinds).verdict == "holds" for one in exchanged),
        "of": times,
    }
    if isinstance(first, Contrast):
        for factor in (1, 2):
            grown = [planted(one, first, factor * first.smallest_effect) for one in exchanged]
            row[f"found_{factor}"] = sum(judge(first, one, kinds).verdict == "holds" for one in grown)
    return row


def main() -> None:
    """Prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=Path, default=Path("reports/studies"), help="folder of `sdf-eval study run`")
    parser.add_argument("--tier", choices=("smoke", "full"), default="full")
    parser.add_argument("--times", type=int, default=200)
    args = parser.parse_args()
    store = Store(args.cells / CELLS)
    rows = [row for name in NAMES if (row := row_of(get_study(name), args.tier, store, args.times)) is not None]
    counted = [row for row in rows if "of" in row]
    lines = [
        "# The study frame on exchanged arms",
        "",
        f"Tier {args.tier}, {args.times} exchanges of whole checkpoints a study; the first estimand by its own "
        "criterion. Planted: one and two smallest effects, added to exchanged cells. Written by "
        "`benchmarks/study_null.py`.",
        "",
        "| study | held by chance | smallest effect | found | twice that, found |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if "of" not in row:
            lines.append(f"| {row['study']} | left out: {row['left_out']} | | | |")
            continue
        found = [f"{row[key]} / {row['of']}" if key in row else "" for key in ("found_1", "found_2")]
        lines.append(f"| {row['study']} | {row['held']} / {row['of']} | {row['effect']:g} | {' | '.join(found)} |")
    if counted:
        share = wilson(sum(row["held"] for row in counted), sum(row["of"] for row in counted))
        lines += ["", f"All together: {share.value:.3f} [{share.low:.3f}, {share.high:.3f}] held by chance; aim: 0.05."]
    target = Path(__file__).resolve().parent.parent / "reports"
    (target / "study-null.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    (target / "study-null.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
