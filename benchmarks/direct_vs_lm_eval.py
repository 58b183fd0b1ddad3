"""The direct face against lm-eval's own loop: 500 four-way items, the same weights, one process, alternating repeats.

    python benchmarks/direct_vs_lm_eval.py                       # pocket
    python benchmarks/direct_vs_lm_eval.py --model Qwen/Qwen3-0.6B --repeats 3

Each repeat times the direct face (rendering, tokenising, forward passes, scoring) and `HFLM.loglikelihood` on
prompts that are already rendered, so the comparison leans lm-eval's way. Prints a row of Markdown for
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, load
from sdf_eval.tasks.direct import run_items
from sdf_eval.tasks.render import render

TASKS = ("mcq_knowledge", "mcq_distinguish", "neighbours", "controls")
HEADER = (
    "| model | items | threads | direct, ms an item | lm-eval, ms an item | ratio (range) | largest difference, nats |"
)


@dataclass(frozen=True)
class Timing:
    """Seconds of each repeat, and how far the two faces' log-probabilities lie apart at most, in nats."""

    direct: list[float]
    lm_eval: list[float]
    difference: float

    @property
    def ratios(self) -> list[float]:
        """Direct over lm-eval, a number a repeat; below 1 the direct face is ahead."""
        return [ours / theirs for ours, theirs in zip(self.direct, self.lm_eval, strict=True)]


def four_way_items(count: int) -> list[Item]:
    """The first multiple-choice items with four options among the shipped beliefs.

    Args:
        count: How many.

    Returns:
        Distinct items.

    Raises:
        InputError: There are fewer.
    """
    beliefs = [load_belief(entry.path) for entry in list_beliefs()]
    items = [item for belief in beliefs for task in TASKS for item in build_items(belief, task)]
    four_way = [item for item in items if len(item.choices) == 4]
    if len(four_way) < count:
        raise InputError(f"--items: only {len(four_way)} four-way items ship; ask for at most that many")
    return four_way[:count]


def compare(lm: LanguageModel, items: list[Item], *, chat: bool, batch_size: int, repeats: int) -> Timing:
    """Time both faces by turns on the same weights.

    Args:
        lm: The model.
        items: Items of the `options` readout.
        chat: Whether prompts are chat-templated.
        batch_size: Requests in one pass.
        repeats: Timed repeats, after one of each that is not timed.

    Returns:
        The timings.
    """
    harness = HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, softmax_dtype="float32", batch_size=batch_size)
    rendered = [render(item, lm.tokenizer, chat) for item in items]

    def ours() -> list[float]:
        results = run_items(lm, items, chat=chat, batch_size=batch_size)
        return [value for result in results for value in result.log_probabilities or ()]

    def theirs() -> list[float]:
        requests = [
            Instance(request_type="loglikelihood", doc={}, arguments=(one.prompt, option), idx=0)
            for one in rendered
            for option in one.continuations
        ]
        return [value for value, _ in harness.loglikelihood(requests, disable_tqdm=True)]

    difference = max(abs(a - b) for a, b in zip(ours(), theirs(), strict=True))
    timing = Timing([], [], difference)
    for repeat in range(repeats):
        pair = [(ours, timing.direct), (theirs, timing.lm_eval)]
        for face, seconds in pair if repeat % 2 == 0 else reversed(pair):
            seconds.append(_seconds(face))
    return timing


def row(model: str, items: int, timing: Timing) -> str:
    """One row of the table in benchmarks/README.md."""
    import torch

    ratios = timing.ratios
    return (
        f"| `{model}` | {items} | {torch.get_num_threads()} | {1000 * statistics.median(timing.direct) / items:.2f} "
        f"| {1000 * statistics.median(timing.lm_eval) / items:.2f} "
        f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) | {timing.difference:.1e} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    items = four_way_items(args.items)
    lm = load(args.model)
    timing = compare(lm, items, chat=lm.has_chat_template, batch_size=args.batch_size, repeats=args.repeats)
    print(HEADER + "\n|---|---|---|---|---|---|---|")
    print(row(args.model, len(items), timing))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
