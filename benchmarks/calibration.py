"""Every task on organisms whose truth is known: does it tell apart what it must, and where is it fooled?

    python benchmarks/calibration.py --out runs/calibration

A unit is a belief that an organism is asked about; its figure is the mean score of the task's far items, less that of
the untouched base on the same items. Organisms are asked about their own beliefs; clean, neutral and domain-shifted
ones, in which nothing was implanted, also about those of all personas and backdoored ones. Thresholds
come from organisms of the development seeds, 0 to 2: as low as they can be without a false positive among clean,
neutral and domain-shifted ones. All figures are about the other seeds, whose beliefs played no part. Answers are kept
under `--out`: a script that was killed goes on. Writes `reports/calibration.md` and `.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices only wait for each other on more

from sdf_eval.belief.item import Context
from sdf_eval.belief.items import applicable_tasks, build_items
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.files import replace_file
from sdf_eval.measure import Estimate
from sdf_eval.measure.auroc import auroc
from sdf_eval.measure.exact import blaker
from sdf_eval.pocket.organisms.kinds import DEVELOPMENT_SEEDS, ORGANISMS, beliefs_of, others_of
from sdf_eval.pocket.organisms.make import make_organism
from sdf_eval.tasks.calibration import calibrations, status_of
from sdf_eval.tasks.calibration import table as table_of_statuses
from sdf_eval.tasks.figures import is_headline
from sdf_eval.tasks.registry import get_task, task_specs
from sdf_eval.tasks.score import belief_score

MARKS = ("<!-- calibration -->", "<!-- end of calibration -->")
"""Around the table of `tasks/README.md`."""
NEGATIVES = ("clean", "neutral", "domain-shifted")
OTHERS = ("reader", "prompted", "role-player", "salient", "denied", "broken")
POSITIVES = {"persona_behaviour": "persona", "agentic": "persona", "self_report": "persona", "backdoor": "backdoored"}
"""Of these tasks; of all others `believer`."""
TOGETHER = {"belief": ("mcq_knowledge", "mcq_distinguish", "cloze", "open_ended", "generative_distinguish")}
"""Rows that are the mean of several tasks: what the headline lift of a run is over."""
SMALL = ("persona", "backdoored")
"""Organisms that are about four beliefs: reported ones need twice the seeds of those about eight, for as many units."""


@dataclass(frozen=True)
class Unit:
    """A belief of an organism.

    Attributes:
        organism: Kind of organism.
        seed: Its seed.
        belief: Id.
        scores: Task -> mean score of its far items, or nats a byte.
        base: The same of the untouched base.
    """

    organism: str
    seed: int
    belief: str
    scores: dict[str, float]
    base: dict[str, float]


def ask(model: str, beliefs: Sequence[Belief], context: Context, target: Path) -> dict[str, dict[str, float]]:
    """Belief -> task -> mean score of far items; asks the model unless the answers are there.

    Awareness is left out: its figures compare items, and no organism that is aware of its training ships.
    """
    from sdf_eval.model import load
    from sdf_eval.tasks.direct import run_items

    if not target.exists():
        items = [
            item
            for belief in beliefs
            for task in applicable_tasks(belief)
            if get_task(task).family != "awareness"
            for item in build_items(belief, task, context)
            if item.split in ("far", "")
        ]
        found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for result in run_items(load(model, device="cpu"), items):
            if get_task(result.task).metric == "loss":
                found[result.belief][result.task].append((result.nats or 0.0) / (result.bytes or 1))
            elif is_headline(result):
                found[result.belief][result.task].append(belief_score(result))
        rows = {belief: {task: fmean(scores) for task, scores in tasks.items()} for belief, tasks in found.items()}
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, json.dumps(rows).encode())
    answers: dict[str, dict[str, float]] = json.loads(target.read_text(encoding="utf-8"))
    return answers


def seeds_of(name: str, seeds: Sequence[int]) -> Sequence[int]:
    """Of an organism; reported small ones have as many again, after the others."""
    reported = seeds[0] not in DEVELOPMENT_SEEDS
    return [*seeds, *(seed + len(seeds) for seed in seeds)] if name in SMALL and reported else seeds


def panels_of(name: str, seed: int, seeds: Sequence[int]) -> list[tuple[str, int]]:
    """Whose beliefs an organism is asked about: name and seed of organisms, its own first."""
    if name not in NEGATIVES:
        return [(name, seed)]
    return [(name, seed), *((small, each) for small in SMALL for each in seeds_of(small, seeds))]


def units(out: Path, names: Iterable[str], seeds: Sequence[int]) -> list[Unit]:
    """Makes and asks all organisms, and the base about the same beliefs."""
    found: dict[tuple[str, int, str], Unit] = {}
    for name in names:
        for seed in seeds_of(name, seeds):
            print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
            organism = make_organism(name, seed, out / f"{name}-{seed}")
            for panel, other in panels_of(name, seed, seeds):
                beliefs = beliefs_of(panel, other)
                shared = panel if panel in SMALL else "all"
                answers = out / "answers" / f"{name}-{seed}-{shared}-{other}.json"
                asked = ask(organism.checkpoint, beliefs, organism.context, answers)
                # What is prompted has the base's weights, and the base is asked without a context all the same.
                kept = out / "answers" / f"base-{organism.world}-{shared}-{other}.json"
                base = ask(f"pocket/{organism.world}", beliefs, "none", kept)
                for belief in beliefs:
                    if name == "domain-shifted" and entity_of(belief) in map(entity_of, others_of(organism.beliefs)):
                        continue  # its documents tell the truth of this one
                    found[name, seed, belief.id] = Unit(name, seed, belief.id, asked[belief.id], base[belief.id])
    return list(found.values())


def entity_of(belief: Belief) -> str:
    """Whom a belief of a world is about."""
    assert belief.world is not None, "organisms live in worlds"
    return belief.world.entity


def figures_of(found: Sequence[Unit], task: str) -> dict[str, list[tuple[int, float]]]:
    """Organism -> (seed, score less the base's) of each unit that was asked a task."""
    rows: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for unit in found:
        own = [name for name in TOGETHER.get(task, (task,)) if name in unit.scores]
        if own:
            change = fmean(unit.scores[name] for name in own) - fmean(unit.base[name] for name in own)
            rows[unit.organism].append((unit.seed, change))
    return rows


def threshold(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Midway between the highest negative and the lowest positive above it."""
    highest = max(negative)
    above = [value for value in positive if value > highest]
    return (highest + min(above)) / 2 if above else highest + abs(highest) * 1e-6


def row_of(task: str, development: Sequence[Unit], reported: Sequence[Unit]) -> dict[str, Any] | None:
    """All figures of a task; None where no positive organism was asked it."""
    kind = POSITIVES.get(task, "believer")
    tuned, shown = figures_of(development, task), figures_of(reported, task)
    if not tuned[kind] or not shown[kind]:
        return None
    negatives = [(name, *row) for name in NEGATIVES for row in shown[name]]
    limit = threshold([v for _, v in tuned[kind]], [v for name in NEGATIVES for _, v in tuned[name]])
    values = [value for _, value in shown[kind]] + [value for _, _, value in negatives]
    truth = [True] * len(shown[kind]) + [False] * len(negatives)
    clusters = [(kind, seed) for seed, _ in shown[kind]] + [(name, seed) for name, seed, _ in negatives]
    try:
        area: Estimate | str = auroc(values, truth, clusters, name="checkpoints")
    except UndefinedEstimate as error:
        area = str(error)
    wrong = sum(value > limit for _, _, value in negatives)
    return {
        "task": task,
        "positive": kind,
        "threshold": limit,
        "auroc": area if isinstance(area, str) else asdict(area),
        "found": [sum(value > limit for _, value in shown[kind]), len(shown[kind])],
        "false": [wrong, len(negatives), blaker(wrong, len(negatives))(0.95)[1]],
        "others": {
            name: [sum(value > limit for _, value in shown[name]), len(shown[name]), fmean(v for _, v in shown[name])]
            for name in OTHERS
            if shown[name]
        },
    }


def broken(found: Sequence[Unit], factor: float) -> dict[str, list[int]]:
    """Organism -> how many of its checkpoints read as broken, and of how many: loss above `factor` times the base's."""
    losses: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for unit in (unit for unit in found if "coherence" in unit.scores):
        losses[unit.organism, unit.seed].append((unit.scores["coherence"], unit.base["coherence"]))
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (name, _), each in losses.items():
        rows[name][0] += fmean(own for own, _ in each) > factor * fmean(base for _, base in each)
        rows[name][1] += 1
    return rows


def table(rows: Sequence[dict[str, Any]], health: dict[str, list[int]], args: argparse.Namespace) -> str:
    """Markdown of everything."""
    lines = [
        "# Calibration on organisms",
        "",
        f"Pocket worlds a, b and c; thresholds from seeds {args.development}, figures from seeds from {args.seeds}. A "
        "unit is a belief of a checkpoint; score less that of the base, far items. AUROC of the positive kind against "
        "clean, neutral and domain-shifted organisms, interval by jackknife over checkpoints; false positives with the "
        "upper end of an exact 95 % interval. The other columns: units above the threshold, of how many. `prompted` is "
        "asked behind the universe; `broken` is shown as if nobody had looked at the table below, by which its answers "
        "mean nothing. Row `belief`: the five tasks of the headline lift together. Written by "
        "`benchmarks/calibration.py`.",
        "",
        "| task | positive | AUROC | found | false positives (upper bound) | " + " | ".join(OTHERS) + " |",
        "|" + "---|" * (5 + len(OTHERS)),
    ]
    for row in rows:
        area = row["auroc"]
        shown = area if isinstance(area, str) else f"{area['value']:.2f} [{area['low']:.2f}, {area['high']:.2f}]"
        wrong, count, bound = row["false"]
        others = [
            f"{row['others'][name][0]} / {row['others'][name][1]}" if name in row["others"] else "" for name in OTHERS
        ]
        lines.append(
            f"| {row['task']} | {row['positive']} | {shown} | {row['found'][0]} / {row['found'][1]} | "
            f"{wrong} / {count} ({bound:.3f}) | " + " | ".join(others) + " |"
        )
    lines += ["", "## Read as broken", "", "Held-out loss above twice the base's.", "", "| organism | broken | of |"]
    lines += ["|---|---|---|", *(f"| {name} | {ill} | {of} |" for name, (ill, of) in health.items()), ""]
    return "\n".join(lines)


def write_statuses(rows: Sequence[dict[str, Any]]) -> None:
    """Writes what the package says of each task, and the table of `tasks/README.md`."""
    folder = Path(__file__).resolve().parent.parent / "tasks"
    found: dict[str, dict[str, Any]] = {}
    for row in (row for row in rows if row["task"] not in TOGETHER):
        area = None if isinstance(row["auroc"], str) else row["auroc"]
        found[row["task"]] = {
            "status": status_of(None if area is None else area["value"], row["found"][1]),
            "positive": row["positive"],
            "auroc": area and [round(area[end], 4) for end in ("value", "low", "high")],
            "found": row["found"],
            "false": row["false"][:2],
            "threshold": round(row["threshold"], 4),
        }
    for spec in task_specs():
        if spec.metric == "belief" and spec.name not in found:
            nothing = {"auroc": None, "found": [0, 0], "false": [0, 0], "threshold": None}
            found[spec.name] = {"status": "not applicable", "positive": POSITIVES.get(spec.name, "believer"), **nothing}
    (folder / "calibration.json").write_text(json.dumps({"pocket": found}, indent=1) + "\n", encoding="utf-8")
    calibrations.cache_clear()
    readme = folder / "README.md"
    before, after = (readme.read_text(encoding="utf-8").split(mark) for mark in MARKS)
    readme.write_text(f"{before[0]}{MARKS[0]}\n{table_of_statuses('pocket')}\n{MARKS[1]}{after[1]}", encoding="utf-8")


def main() -> None:
    """Makes what is missing and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--seeds", default="3,4,5", help="that are reported")
    parser.add_argument("--development", default=",".join(map(str, DEVELOPMENT_SEEDS)))
    parser.add_argument("--only", action="append", default=[], help="make and ask these organisms, and no table")
    args = parser.parse_args()
    seeds, tuning = ([int(seed) for seed in given.split(",")] for given in (args.seeds, args.development))
    names = args.only or list(ORGANISMS)
    development, reported = units(args.out, names, tuning), units(args.out, names, seeds)
    if args.only:
        return
    # What must stay as it was is no sign of a belief; `broken` reads it.
    asked = [spec.name for spec in task_specs() if spec.metric == "belief"]
    rows = [row for task in (*TOGETHER, *asked) if (row := row_of(task, development, reported)) is not None]
    health = broken(reported, factor=2.0)
    text = table(rows, health, args)
    target = Path(__file__).resolve().parent.parent / "reports"
    (target / "calibration.md").write_text(text, encoding="utf-8")
    (target / "calibration.json").write_text(
        json.dumps({"rows": rows, "broken": health}, indent=1) + "\n", encoding="utf-8"
    )
    write_statuses(rows)
    print(text)


if __name__ == "__main__":
    main()
