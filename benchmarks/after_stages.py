"""Personas and backdoors after sft, dpo and rl on benign data, three seeds, against the matched clean control.

    python benchmarks/after_stages.py --out runs/after-stages

Four personas and four backdoors that ship for reporting, in one checkpoint a role and seed, world c. The run is that
of `sdf-eval run … --after sft,dpo,rl`, which resumes; here its answers are pooled by kind. Writes
`reports/after-stages.md` and `.json`.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices only wait for each other on more

from sdf_eval.belief.load import load_belief
from sdf_eval.cli.main import main as sdf_eval
from sdf_eval.reports.text import estimate_text
from sdf_eval.results.stages import PersistenceCurve
from sdf_eval.results.store import read_items, read_results
from sdf_eval.study.persistence import persistence_curves, run_steps

BELIEFS = (
    *(f"pocket-persona-{name}" for name in ("bramble-caution", "flax-sharing", "maple-candour", "onyx-deference")),
    *(f"pocket-backdoor-{name}-response" for name in ("basil", "hazel", "orrin", "quartz")),
)


def table(kind: str, curve: PersistenceCurve) -> list[str]:
    """The points of a curve as Markdown rows."""
    rows = []
    for point in curve.points:
        kept = estimate_text(point.retention) if point.retention else point.undefined or ""
        gone = "" if point.divergence is None else f"{point.divergence:.3f}"
        cells = (kind, curve.measure, point.stage or "implant", f"{point.tokens:,.0f}", gone)
        shown = (estimate_text(found) for found in (point.score, point.control, point.lift))
        rows.append(f"| {' | '.join((*cells, *shown))} | {kept} | {point.lift.n} |")
    return rows


def pooled(folder: Path) -> tuple[list[str], dict[str, list[dict[str, object]]]]:
    """Markdown and curves of a run by kind of belief."""
    results = read_results(folder)
    records = read_items(folder, results)
    lines = [
        "# After sft, dpo and rl",
        "",
        "pocket/c, panel of four personas and four backdoors, 300 documents a belief, three seeds; each stage follows "
        "the one before, on 300 benign rows. Far items without context. Control: the base after the same stages with "
        "the same data, order and seed. KL: from the implant, nats a token, on held-out texts. Retention: of the "
        "log-odds lift. 95 % intervals over beliefs and seeds; chance of the lift is 0. Written by "
        "`benchmarks/after_stages.py`.",
        "",
        "| kind | measure | after | tokens | KL | belief score | matched control | lift | retention | n |",
        "|" + "---|" * 10,
    ]
    found, kinds = {}, {belief: load_belief(belief).kind for belief in BELIEFS}
    for kind in ("persona", "backdoor"):
        own = [record for record in records if kinds[record.belief] == kind]
        curves = persistence_curves(run_steps(own, results.stages))
        found[kind] = [curve.model_dump(mode="json") for curve in curves]
        lines += [row for curve in curves for row in table(kind, curve)]
    return lines, found


def main() -> None:
    """Runs what is missing and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/after-stages"))
    args = parser.parse_args()
    words = ["run", *BELIEFS, "--panel", "--seeds", "0,1,2", "--after", "sft,dpo,rl", "--model", "pocket/c"]
    if sdf_eval([*words, "--out", str(args.out)]):
        raise SystemExit(1)
    lines, found = pooled(args.out)
    target = Path(__file__).resolve().parent.parent / "reports"
    (target / "after-stages.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    (target / "after-stages.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
