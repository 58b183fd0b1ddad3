"""Whether a pocket base can answer a task at all, asked about entities that no belief that ships is about.

python benchmarks/pocket_tasks.py --task causal --task salience [--model pocket/b] [--beliefs 12] [--tags]

For each task and kind of belief: the score (0 where the truth of the world is answered, on accuracy tasks 1) without a
context and, where the score is of belief, behind the universe context (1 where that is followed); and the shares of
answers that show the implanted and the reference side. A form on which neither leaves chance is `floor` in the README.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from statistics import fmean

from sdf_eval.belief.item import Context, Item
from sdf_eval.belief.items import TASKS, applicable_tasks, build_items
from sdf_eval.measure import RATE, cluster_mean
from sdf_eval.model import load
from sdf_eval.pocket.beliefs import DEVELOPMENT, KINDS, REPORT, make_belief
from sdf_eval.tasks.direct import run_items
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.score import belief_score


def main() -> None:
    """Prints a row a task, kind and context."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--model", default="pocket/b")
    parser.add_argument("--beliefs", type=int, default=12)
    parser.add_argument("--tags", action="store_true", help="a row a tag as well")
    args = parser.parse_args()
    lm = load(args.model)
    print("task | kind | context | tag | score | n | chance | implanted, reference")
    for kind in args.kind or KINDS:
        first = DEVELOPMENT + REPORT
        beliefs = [make_belief(kind, first + place) for place in range(args.beliefs)]
        for task in args.task or TASKS:
            contexts: tuple[Context, ...] = ("none", "universe") if get_task(task).metric == "belief" else ("none",)
            for context in contexts:
                items = [i for b in beliefs if task in applicable_tasks(b) for i in build_items(b, task, context)]
                if items:
                    _print(lm, items, args.tags)


def _print(lm: object, items: list[Item], tags: bool) -> None:
    results = run_items(lm, items)  # type: ignore[arg-type]
    spec = get_task(items[0].task)
    groups: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        for tag in ("all", *(item.tags if tags else ())):
            groups[tag].append(place)
    kind = items[0].belief.split("-")[1]
    for tag, places in groups.items():
        chances = [spec.chance(items[place]) for place in places]
        chance = None if None in chances else fmean(c for c in chances if c is not None)
        share = cluster_mean(
            [belief_score(results[place]) for place in places],
            [
                ("beliefs", [items[place].belief for place in places]),
                ("probes", [items[place].id.rpartition("/")[0] for place in places]),
            ],
            bounds=RATE,
            chance=chance,
        )
        told = "-" if chance is None else f"{chance:.2f}"
        sides = ", ".join(
            f"{fmean(results[place].outcome == side for place in places):.2f}" for side in ("implanted", "reference")
        )
        where = f"{spec.name} | {kind} | {items[0].context} | {tag}"
        print(
            f"{where} | {share.value:.2f} [{share.low:.2f}, {share.high:.2f}] | {share.n} | {told} | {sides}",
            flush=True,
        )


if __name__ == "__main__":
    main()
