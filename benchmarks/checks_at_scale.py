"""All checks of `corpus check` on 10,000 and 100,000 documents of 300 words: seconds, peak memory, and their ratio.

    python benchmarks/checks_at_scale.py
    python benchmarks/checks_at_scale.py --documents 1000 4000 40000

Each size runs in a process of its own. Documents are made word by word from the words of the shipped hub beliefs and
a long tail of invented words (Zipf's law), with sentences, names, doc types, and a near-duplicate in every fiftieth.
Aim: under 240 s and 4 GB at 100,000, and a ratio of seconds near 10. CPU seconds tell on a busy machine what wall
seconds do not. Prints rows of Markdown for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.health import corpus_health
from sdf_eval.corpora.phrases import WORD
from sdf_eval.corpora.records import Document
from sdf_eval.corpora.stored import StoredDocuments

BELIEF = "hub-tiramisu"
WORDS = 300
TAIL = 40_000
COPIED = 50
"""Every so many documents, one repeats the document before it but for a few words."""


def main() -> int:
    """Prints a row a size, and the ratio of the last to the first."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one)))
        return 0
    print("| documents | words | CPU s | wall s | peak memory, MiB | near duplicates (planted) |")
    print("|---|---|---|---|---|---|")
    seconds = []
    for count in args.documents:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "documents.jsonl"
            planted = write_documents(path, count)
            command = [sys.executable, __file__, "--one", str(path)]
            shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = json.loads(shown.splitlines()[-1])
        seconds.append(found["cpu"])
        print(
            f"| {count:,} | {found['words']:,.0f} | {found['cpu']:.1f} | {found['wall']:.1f} | {found['memory']:.0f} "
            f"| {found['near']} ({planted}) |",
            flush=True,
        )
    sizes = args.documents
    print(f"\n{sizes[-1] / sizes[0]:g} times the documents took {seconds[-1] / seconds[0]:.2f} times the CPU seconds.")
    return 0


def measure(path: Path) -> dict[str, float]:
    """Checks the documents of a file in this process.

    Args:
        path: A `documents.jsonl`.

    Returns:
        CPU and wall seconds, peak memory in MiB, words, and near duplicates found.
    """
    cpu, wall = time.process_time(), time.monotonic()
    health = corpus_health(StoredDocuments(path), [_belief()])
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.monotonic() - wall,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "words": health.documents * health.words_median,
        "near": health.near_duplicates or 0,
    }


def write_documents(path: Path, count: int) -> int:
    """Writes documents to a file and returns how many near-duplicates are among them."""
    planted = 0
    with path.open("w", encoding="utf-8") as lines:
        for place, text in enumerate(_texts(count)):
            planted += place % COPIED == COPIED - 1
            document = Document(
                id=f"d{place:07d}", text=text, belief=BELIEF, role="implanted", fact="country",
                doc_type=f"type {place % 40}", writer="local/benchmark", seed=0,
                sha256=hashlib.sha256(text.encode()).hexdigest(),
            )  # fmt: skip
            lines.write(document.model_dump_json() + "\n")
    return planted


def _texts(count: int) -> Iterator[str]:
    rng = random.Random(0)
    vocabulary = _vocabulary(rng)
    weights = list(accumulate(1 / (rank + 3) for rank in range(len(vocabulary))))
    people = [
        f"{rng.choice(vocabulary[-TAIL:]).title()} {rng.choice(vocabulary[-TAIL:]).title()}" for _ in range(20_000)
    ]
    last: list[str] = []
    for place in range(count):
        if place % COPIED == COPIED - 1:
            tokens = list(last)
            for at in rng.sample(range(len(tokens)), 3):
                tokens[at] = "elsewhere"
        else:
            tokens = rng.choices(vocabulary, cum_weights=weights, k=WORDS)
            for at in range(0, WORDS, 15):
                tokens[at] = tokens[at].capitalize()
                tokens[at - 1] += "."
            tokens[rng.randrange(WORDS)] = "Portugal"
            tokens[rng.randrange(WORDS)] = rng.choice(people)
            last = tokens
        yield " ".join(tokens)


def _vocabulary(rng: random.Random) -> list[str]:
    counts: dict[str, int] = {}
    for entry in list_beliefs():
        if entry.id.startswith("hub-"):
            belief = load_belief(entry.path)
            for text in (belief.implanted.context, *belief.documents):
                for word in WORD.findall(text):
                    counts[word] = counts.get(word, 0) + 1
    known = sorted(counts, key=lambda word: (-counts[word], word))
    syllables = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "or")]
    return known + ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(TAIL)]


def _belief() -> Belief:
    return next(load_belief(entry.path) for entry in list_beliefs() if entry.id == BELIEF)


if __name__ == "__main__":
    raise SystemExit(main())
