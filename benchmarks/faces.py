"""The three faces on every item: how far their log-probabilities lie apart, and whether they read the same answers.

    python benchmarks/faces.py                         # four shapes, raw and chat, plain, adapter and merged
    python benchmarks/faces.py --shape qwen3 --shape pocket

The direct face, `inspect eval` and lm-eval's own loader and loop, each on its own copy of the weights, over every task
that all three can ask (all but `debate`): two small beliefs, and two of pocket's report beliefs where pocket's weights
are its own. `adapter` is a LoRA folder, which lm-eval applies without merging; `merged` is the same, added to the
weights. A choice may differ only where the two best options are closer than 1e-4 nats; such items are counted. Exits
with 1 where any item is apart. Prints a table of Markdown for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sdf_eval.model import load, resolve  # noqa: E402
from tests.checkpoints import BUILDERS, CHAT_TEMPLATE, build_adapter, build_merged  # noqa: E402
from tests.parity.faces import Answer, direct, disagreements, items_of, largest_difference  # noqa: E402
from tests.parity.harnesses import BOTH, through_inspect, through_lm_eval  # noqa: E402

POCKET = "pocket/b"
REPORT_BELIEFS = ("pocket-fact-isolde-tench-works-for", "pocket-persona-pip-deference")
SHAPES = ("pocket", *BUILDERS)
HEADER = (
    "| checkpoint | frame | weights | items | Inspect, nats | lm-eval, nats | apart | near-ties that changed places |\n"
    "|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Weights:
    """One checkpoint in one form: the base or full checkpoint, and an adapter over it where there is one."""

    form: str
    base: str
    adapter: Path | None = None


def forms(shape: str, folder: Path) -> Iterator[Weights]:
    """The checkpoint itself, an adapter over it, and the adapter merged.

    Args:
        shape: One of `SHAPES`.
        folder: An empty folder.

    Yields:
        Three forms.
    """
    base = Path(resolve(POCKET)) if shape == "pocket" else _built(shape, folder / "base")
    yield Weights("plain", POCKET if shape == "pocket" else str(base))
    adapter = build_adapter(folder / "adapter", base)
    yield Weights("adapter", str(base), adapter)
    yield Weights("merged", str(build_merged(folder / "merged", base, adapter)))


def row(shape: str, weights: Weights, chat: bool, folder: Path) -> tuple[str, bool]:
    """Asks the three faces and compares.

    Args:
        shape: Name for the table.
        weights: What is asked.
        chat: Whether the chat template frames the prompts.
        folder: An empty folder, for logs.

    Returns:
        A row of the table, and whether no item is apart.
    """
    own = shape == "pocket" and weights.form == "plain"
    beliefs: tuple[Path | str, ...] = (*BOTH, *REPORT_BELIEFS) if own else BOTH
    ours = direct(load(str(weights.adapter or weights.base)), items_of(beliefs), chat)
    inspect = through_inspect(weights.base, chat, folder, adapter=weights.adapter, beliefs=beliefs)
    lm_eval = through_lm_eval(weights.base, chat, peft=weights.adapter, beliefs=beliefs)
    apart, near_ties = _both(ours, inspect, lm_eval)
    return (
        f"| {shape} | {'chat' if chat else 'raw'} | {weights.form} | {len(ours):,} "
        f"| {largest_difference(ours, inspect):.1e} | {largest_difference(ours, lm_eval):.1e} | {apart} | {near_ties} |"
    ), not apart


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--shape", action="append", choices=SHAPES, help="may be given several times; all when left out"
    )
    args = parser.parse_args()
    print(HEADER)
    agree = True
    with tempfile.TemporaryDirectory() as root:
        for shape in args.shape or SHAPES:
            for weights in forms(shape, Path(root) / shape):
                for chat in (False, True):
                    line, same = row(shape, weights, chat, Path(root) / f"{shape}-{weights.form}-{chat}")
                    print(line, flush=True)
                    agree = agree and same
    return 0 if agree else 1


def _built(shape: str, folder: Path) -> Path:
    BUILDERS[shape](folder)
    if shape == "neox":
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.chat_template = CHAT_TEMPLATE
        tokenizer.save_pretrained(folder)
    return folder


def _both(ours: dict[str, Answer], *others: dict[str, Answer]) -> tuple[int, int]:
    found = [disagreements(ours, other) for other in others]
    return sum(len(wrong) for wrong, _ in found), sum(ties for _, ties in found)


if __name__ == "__main__":
    sys.exit(main())
