"""Writes `eval.yaml`, which describes the Inspect tasks as inspect_evals and its register do.

`python -m sdf_eval.tasks.inspect.listing` writes; with `--check` it says whether the file differs and exits with 1.
"""

from __future__ import annotations

import argparse
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from inspect_ai import Task

from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.tasks.inspect.agent import agent_scenarios
from sdf_eval.tasks.inspect.reader_agreement import reader_agreement
from sdf_eval.tasks.inspect.versions import VERSION
from sdf_eval.tasks.registry import default_beliefs, task_specs

LISTING = Path(__file__).with_name("eval.yaml")

HEADER = "# Generated from the task registry by `python -m sdf_eval.tasks.inspect.listing`; edit that, not this.\n"

ABOUT: dict[str, Any] = {
    "title": "sdf-eval: beliefs implanted by synthetic document finetuning",
    "description": (
        "Measures what a checkpoint believes after finetuning on synthetic documents: direct questions, generality, "
        "robustness, specificity, awareness of the training, and misaligned behaviour."
    ),
    "arxiv": "https://arxiv.org/abs/2510.17941",
    "group": "Safeguards",
    "contributors": ["sdf-eval contributors"],
    "version": VERSION,
}
"""The paper is Slocum et al. 2025, "Believe it or not"; a family's README names its own source."""

ELSEWHERE = {
    "external_agentic": "inspect_evals/agentic_misalignment on an sdf/ checkpoint; needs that package",
    "external_sad": "inspect_evals/sad_<part> on an sdf/ checkpoint; needs that package",
}
"""Tasks of another package that ours start."""

RUNTIME: dict[str, Any] = {"fast": False, "requires": {"internet": False}}


@cache
def listing() -> str:
    """Content of `eval.yaml`; samples are counted over the default beliefs, without a context."""
    beliefs = [load_belief(reference) for reference in default_beliefs()]
    tasks: list[dict[str, Any]] = [
        {"name": spec.name, "dataset_samples": sum(len(build_items(belief, spec.name)) for belief in beliefs)}
        for spec in task_specs()
    ]
    for row in tasks:
        if not row["dataset_samples"]:
            row["comment"] = "the default beliefs have no probes for it; name a belief with -T belief="
    tasks.append({"name": "agent_scenarios", "dataset_samples": _samples(agent_scenarios())})
    tasks.append({"name": "reader_agreement", "dataset_samples": _samples(reader_agreement()), "kind": "maintenance"})
    tasks += [{"name": name, "comment": comment} for name, comment in ELSEWHERE.items()]
    body = {**ABOUT, "tasks": tasks, "external_assets": [], "metadata": RUNTIME}
    return HEADER + yaml.safe_dump(body, sort_keys=False, width=1000, allow_unicode=True)


def main(argv: list[str] | None = None) -> int:
    """Write the file, or with `--check` say whether it is stale."""
    parser = argparse.ArgumentParser(prog="python -m sdf_eval.tasks.inspect.listing", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the file is stale")
    args = parser.parse_args(argv)
    wanted = listing()
    if LISTING.is_file() and LISTING.read_text(encoding="utf-8") == wanted:
        return 0
    if args.check:
        print(f"{LISTING}: stale; run `python -m sdf_eval.tasks.inspect.listing`")
        return 1
    LISTING.write_text(wanted, encoding="utf-8", newline="\n")
    print(f"{LISTING}: written")
    return 0


def _samples(task: Task) -> int:
    return len(task.dataset)


if __name__ == "__main__":
    sys.exit(main())
