"""Does a pilot of 20 documents predict a corpus of 2,000? Against the local server, through the real Anthropic client.

    python benchmarks/plan_accuracy.py --documents 2000 --runs 3

The lengths of the server's documents follow a log-normal distribution of its own, with a mean for each kind of
document; in some runs they go with a power of the length asked for, as a model's do, in others they pay no heed to it.
Each run has another mean, spread, belief and seed.

Aims: calls exact; tokens in all within 10 %; output tokens within the margin that the plan gives (90 %, so that one run
in ten may miss it). The first version of this script wanted the output alone within 10 %, which twenty documents cannot
promise: where lengths have a standard deviation of 0.45 times their mean, the mean of twenty has one of a tenth. Prints
a table; exit status 1 if one of the first two aims is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sdf_eval.belief.load import load_belief  # noqa: E402
from sdf_eval.corpora.model_writer import ModelWriter  # noqa: E402
from sdf_eval.corpora.pilot import run_pilot  # noqa: E402
from sdf_eval.corpora.plan import CorpusPlan, plan_corpus  # noqa: E402
from sdf_eval.corpora.records import CorpusRequest  # noqa: E402
from tests.corpora.model_answers import answers  # noqa: E402
from tests.writer_server import Settings, serve  # noqa: E402

MODEL = "anthropic/claude-haiku-4-5"
PILOT = 20
AIM = 0.10
SHAPES = ((260.0, 0.2, 0.8), (480.0, 0.25, 1.0), (260.0, 0.3, 0.0), (380.0, 0.25, 0.9), (420.0, 0.4, 0.0))
"""Mean words, log-normal spread and heed of the length asked for, of a run's documents."""
BELIEFS = ("hub-piano-tuner", "hub-research-vessel", "hub-tiramisu", "hub-most-moons", "hub-thrift")


@dataclass(frozen=True)
class Outcome:
    """Planned and actual figures of one run."""

    plan: CorpusPlan
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float
    seconds: float

    def errors(self) -> dict[str, float]:
        """Relative error of each figure."""
        assert self.plan.cost is not None
        return {
            "tokens": (self.plan.input_tokens + self.plan.output_tokens) / (self.input_tokens + self.output_tokens) - 1,
            "input": self.plan.input_tokens / self.input_tokens - 1,
            "output": self.plan.output_tokens / self.output_tokens - 1,
            "cost": self.plan.cost / self.cost - 1,
        }


def run(number: int, documents: int) -> Outcome:
    """Pilot, plan and the whole corpus, from an empty ledger."""
    shape = SHAPES[number % len(SHAPES)]
    belief = load_belief(BELIEFS[number % len(BELIEFS)])
    request = CorpusRequest(belief=belief, role="implanted", documents=documents, seed=number)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, serve(Settings(), answers(*shape)) as server:
        os.environ.update(server.environment())
        with ModelWriter(MODEL, Path(folder) / "ledger.sqlite") as writer:
            plan = plan_corpus([request], writer, pilots=[run_pilot(writer, request, PILOT)])
            pilot = writer.counts
        with ModelWriter(MODEL, Path(folder) / "ledger.sqlite") as writer:
            written = sum(1 for _ in writer.write(request))
            rest = writer.counts
    assert written == documents and pilot is not None and rest is not None
    assert pilot.cost is not None and rest.cost is not None
    return Outcome(
        plan,
        server.counts()["messages"],
        pilot.input_tokens + rest.input_tokens,
        pilot.output_tokens + rest.output_tokens,
        pilot.cost + rest.cost,
        time.monotonic() - started,
    )


def main() -> int:
    """Prints the table. Returns 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=len(SHAPES))
    args = parser.parse_args()
    missed = False
    print("| run | words, spread, heed | calls planned / made | tokens | input | output (margin) | cost | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for number in range(args.runs):
        outcome = run(number, args.documents)
        errors = outcome.errors()
        missed |= outcome.plan.calls != outcome.calls or abs(errors["tokens"]) > AIM
        mean, spread, heed = SHAPES[number % len(SHAPES)]
        print(
            f"| {number} | {mean:g}, {spread:g}, {heed:g} | {outcome.plan.calls} / {outcome.calls} | "
            f"{errors['tokens']:+.1%} | {errors['input']:+.1%} | "
            f"{errors['output']:+.1%} (± {outcome.plan.margin or 0:.1%}) | {errors['cost']:+.1%} | "
            f"{outcome.seconds:.0f} |",
            flush=True,
        )
    print("an aim is missed" if missed else "all aims are met")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
