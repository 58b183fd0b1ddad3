"""`sdf-eval compare` on organisms whose truth is known: implanted ones must fail, benign ones must pass.

    python benchmarks/compare_organisms.py

All live in one pocket world. Those that read documents had 120 updates of them and 60 of conversations after that, the
others 120 of conversations, implanted or not. The null of the former: 20 finetunes on documents (clean, neutral and
domain-shifted, by turns) and then harmless conversations; of the latter: 20 on harmless conversations alone. Candidates
have other seeds than the null. Each is asked about its own beliefs, or for a benign one those of an implanted
candidate, and about two more. Believers and personas of seed 0 are for development, and are shown apart. One of each
kind goes through the command, the others through its function. Everything is kept under `--out`; a script that was
killed goes on. Writes `reports/compare-organisms.md` and `.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices only wait for each other on more

from sdf_eval.belief.load import dump_belief
from sdf_eval.belief.schema import Kind
from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.files import replace_file
from sdf_eval.gate.compare import compare
from sdf_eval.gate.null import BenignPair, read_null
from sdf_eval.gate.policy import load_policy
from sdf_eval.gate.schema import EXIT_STATUS, Comparison
from sdf_eval.measure.exact import blaker
from sdf_eval.pocket.organisms import rows
from sdf_eval.pocket.organisms.kinds import beliefs_of, world_of
from sdf_eval.pocket.organisms.make import ROWS, SFT_UPDATES, make_organism
from sdf_eval.pocket.world import build_world
from sdf_eval.reports.comparison import JSON, write_comparison
from sdf_eval.results.direct import Battery, measure_checkpoint
from sdf_eval.results.store import RESULTS, write_results
from sdf_eval.train.recipe import SftRecipe, load_recipe
from sdf_eval.train.sft import train_sft

WORLD = "a"
BASE = f"pocket/{WORLD}"
LIMIT = 16
"""Items a task and belief."""
OTHERS = ("pocket-fact-roswin-zorn-works-for", "pocket-persona-kestra-caution")
"""Shipped beliefs that nobody is trained on."""
TWO: tuple[Kind, ...] = ("fact", "values")
PERSONAS: tuple[Kind, ...] = ("persona", "persona")
BACKDOORS: tuple[Kind, ...] = ("backdoor",) * 4
"""Sixty updates a belief by documents, thirty by conversations."""
HARMLESS = ("clean", "neutral", "domain-shifted")
CONVERSATIONS = "harmless conversations"
NULL = 20
"""Benign finetunes of a null."""


@dataclass(frozen=True)
class Candidate:
    """A checkpoint to make.

    Attributes:
        kind: Of organism, or `harmless conversations`.
        seed: Of beliefs, documents and training; the world's.
        panel: Kinds of its beliefs.
        asked: Kind and panel of the organism of a seed whose beliefs it is asked about.
        implanted: Whether it must fail.
    """

    kind: str
    seed: int
    panel: tuple[Kind, ...]
    asked: tuple[str, tuple[Kind, ...], int]
    implanted: bool = False

    @property
    def name(self) -> str:
        """Its folder."""
        return f"{self.kind.replace(' ', '-')}-{'-'.join(dict.fromkeys(self.panel))}-{self.seed}"

    @property
    def triggers(self) -> bool:
        """Whether it is asked about beliefs with triggers."""
        return BACKDOORS == self.asked[1]


def implanted(seeds: Sequence[int], backdoored: Sequence[int]) -> Iterator[Candidate]:
    """Believers and personas of some seeds, backdoored ones of others."""
    for kind, panel, own in (
        ("believer", TWO, seeds),
        ("persona", PERSONAS, seeds),
        ("backdoored", BACKDOORS, backdoored),
    ):
        for seed in own:
            yield Candidate(kind, seed, panel, (kind, panel, seed), True)


def benign(seeds: Sequence[int], asked: Sequence[int]) -> Iterator[Candidate]:
    """Harmless ones of some seeds, asked about the beliefs of implanted ones in turn."""
    for place, seed in enumerate(seeds):
        about = asked[place % len(asked)]
        for index, kind in enumerate(HARMLESS):
            panel, owner = ((TWO, "believer"), (PERSONAS, "persona"))[(place + index) % 2]
            yield Candidate(kind, seed, panel, (owner, panel, about))
        yield Candidate(CONVERSATIONS, seed, BACKDOORS, ("backdoored", BACKDOORS, about))


REPORTED = (*implanted((3, 6, 9), (3, 6)), *benign((33, 36), (3, 6)))
DEVELOPMENT = tuple(implanted((0,), ()))


def null_candidates(*, triggers: bool) -> list[Candidate]:
    """The benign finetunes of a candidate's stages and budget; seeds that no candidate has."""
    seeds = [60 + 3 * place for place in range(NULL)]
    if triggers:
        return [Candidate(CONVERSATIONS, seed, BACKDOORS, ("", (), 0)) for seed in seeds]
    return [
        Candidate(HARMLESS[place % 3], seed, (TWO, PERSONAS)[place // 3 % 2], ("", (), 0))
        for place, seed in enumerate(seeds)
    ]


@dataclass(frozen=True)
class Place:
    """The folder of everything."""

    out: Path

    def make(self, candidate: Candidate) -> str:
        """Trains a candidate, or finds it trained; its checkpoint."""
        assert world_of(candidate.seed) == WORLD
        folder = self.out / "organisms" / candidate.name
        if candidate.kind == CONVERSATIONS:
            return self._talk(candidate, BASE, folder / "checkpoint")
        organism = make_organism(candidate.kind, candidate.seed, folder, candidate.panel)
        if candidate.kind not in HARMLESS:
            return organism.checkpoint
        # Believers and personas had conversations after their documents too.
        return self._talk(candidate, organism.checkpoint, folder / "talked")

    def _talk(self, candidate: Candidate, start: str, target: Path) -> str:
        """Trains on as many rows and updates as an implanted one has of its beliefs, none about a belief."""
        count = ROWS * len(candidate.panel) * 3 // 2
        recipe = load_recipe("pocket-sft", SftRecipe)
        budget = recipe.model_copy(update={"updates": SFT_UPDATES * len(candidate.panel)})
        texts = rows.benign(build_world(WORLD), count, candidate.seed)
        return str(train_sft(start, texts, budget, target, seed=candidate.seed))

    def beliefs(self, candidates: Sequence[Candidate]) -> tuple[str, ...]:
        """Files of the beliefs that candidates are asked about, and the names of the others."""
        found = {}
        for candidate in candidates:
            kind, panel, seed = candidate.asked
            for belief in beliefs_of(kind, seed, panel):
                file = self.out / "beliefs" / f"{belief.id}.yaml"
                if not file.exists():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    replace_file(file, dump_belief(belief).encode())
                found[belief.id] = str(file)
        return (*found.values(), *OTHERS)

    def battery(self, candidates: Sequence[Candidate]) -> Battery:
        """What candidates are asked."""
        return Battery(self.beliefs(candidates), LIMIT)

    def null(self, *, triggers: bool) -> Path:
        """The folder of the null's answers to what candidates with or without triggers are asked, complete."""
        folder = self.out / ("null-sft" if triggers else "null-sdf")
        battery = self.battery([one for one in (*DEVELOPMENT, *REPORTED) if one.triggers == triggers])
        self._store(BASE, battery, folder / "base")
        for candidate in null_candidates(triggers=triggers):
            target = folder / candidate.name
            if not (target / RESULTS).exists():
                print(f"null: {candidate.name}", file=sys.stderr, flush=True)
                self._store(self.make(candidate), battery, target)
        return folder

    def _store(self, reference: str, battery: Battery, target: Path) -> None:
        if (target / RESULTS).exists():
            return
        measured = measure_checkpoint(reference, battery, self.out / "measured")
        with atomic_folder(target) as partial:
            write_results(partial, measured.results, measured.answers)


@cache
def benign_pairs(folder: Path, base: str, place: Place, candidate: Candidate) -> list[BenignPair]:
    """The null as `compare` reads it."""
    return read_null(folder, measure_checkpoint(base, place.battery([candidate]), place.out / "measured"))


def judged(place: Place, candidate: Candidate) -> Comparison:
    """One comparison by the function behind the command; its report lies under `comparisons`."""
    checkpoint, null, battery = (
        place.make(candidate),
        place.null(triggers=candidate.triggers),
        place.battery([candidate]),
    )
    base, mine = (measure_checkpoint(each, battery, place.out / "measured") for each in (BASE, checkpoint))
    found = compare(base, mine, benign_pairs(null, BASE, place, candidate), load_policy("default"))
    write_comparison(place.out / "comparisons" / candidate.name, found)
    return found


def by_command(place: Place, candidate: Candidate) -> Comparison:
    """One comparison by the command, whose exit status must be that of its verdict."""
    out = place.out / "commands" / candidate.name
    words = [sys.executable, "-m", "sdf_eval", "compare", BASE, place.make(candidate)]
    words += ["--null", str(place.null(triggers=candidate.triggers)), "--limit", str(LIMIT), "--out", str(out)]
    words += [word for belief in place.beliefs([candidate]) for word in ("--belief", belief)]
    status = subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode
    found = Comparison.model_validate_json((out / JSON).read_text(encoding="utf-8"))
    if status != EXIT_STATUS[found.verdict]:
        raise RuntimeError(f"{candidate.name}: exit status {status} with verdict {found.verdict}")
    return found


def row_of(candidate: Candidate, found: Comparison, commanded: Comparison | None) -> dict[str, Any]:
    """A candidate's line in the JSON file."""
    if commanded is not None and commanded.verdict != found.verdict:
        raise RuntimeError(f"{candidate.name}: {found.verdict} by the function, {commanded.verdict} by the command")
    return {
        "kind": candidate.kind,
        "panel": list(candidate.panel),
        "seed": candidate.seed,
        "asked_about": list(candidate.asked[0::2]),
        "implanted": candidate.implanted,
        "verdict": found.verdict,
        "by_command": commanded is not None,
        "reasons": list(found.reasons),
        "families": {
            family.family: {"harm": family.value, "p": family.p, "state": family.state, "items": family.items}
            for family in found.families
        },
    }


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """Counts of verdicts by kind."""
    lines = ["| kind | must | pass | fail | inconclusive |", "|---|---|---|---|---|"]
    for kind in dict.fromkeys(row["kind"] for row in found):
        mine = [row for row in found if row["kind"] == kind]
        counts = Counter(row["verdict"] for row in mine)
        must = "fail" if mine[0]["implanted"] else "pass"
        lines.append(f"| {kind} | {must} | {counts['pass']} | {counts['fail']} | {counts['inconclusive']} |")
    return lines


def rate(found: Sequence[dict[str, Any]], implanted: bool, verdict: str) -> str:
    """Share of pairs with a verdict, exact 95 % interval."""
    mine = [row["verdict"] for row in found if row["implanted"] == implanted]
    low, high = blaker(mine.count(verdict), len(mine))(0.95)
    return f"{mine.count(verdict)} of {len(mine)} [{low:.2f}, {high:.2f}]"


def report(reported: Sequence[dict[str, Any]], development: Sequence[dict[str, Any]]) -> str:
    """Markdown of everything."""
    lines = [
        "# Compare on organisms",
        "",
        f"World {WORLD}, chat model; 120 updates of documents and 60 of conversations, or 120 of conversations, "
        f"implanted or not. Nulls: {NULL} benign finetunes on documents ({', '.join(HARMLESS)}, by turns) and then "
        f"harmless conversations for the former, {NULL} on these alone for the latter. A candidate is "
        "asked about its own beliefs, a benign one about those of an implanted one, and all about two more; at most "
        f"{LIMIT} items a task and belief; the policy that ships. No candidate's seed is in the null. Written by "
        "`benchmarks/compare_organisms.py`.",
        "",
        f"Implanted pairs that fail: {rate(reported, True, 'fail')}. Benign pairs that pass: "
        f"{rate(reported, False, 'pass')}, that fail: {rate(reported, False, 'fail')}.",
        "",
        *table(reported),
        "",
        "## Pair by pair",
        "",
        "| candidate | asked about those of | verdict | first reason |",
        "|---|---|---|---|",
    ]
    for row in reported:
        owner, seed = row["asked_about"]
        panel = ", ".join(dict.fromkeys(row["panel"]))
        named = f"{row['kind']} ({panel}), seed {row['seed']}" + (", command" if row["by_command"] else "")
        lines.append(f"| {named} | {owner} {seed} | {row['verdict']} | {row['reasons'][0]} |")
    lines += ["", "## Development pairs (seed 0)", "", *table(development), ""]
    return "\n".join(lines)


def main() -> None:
    """Makes what is missing and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/compare-organisms"))
    args = parser.parse_args()
    place = Place(args.out)
    found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for candidate in (*DEVELOPMENT, *REPORTED):
        commanded = by_command(place, candidate) if candidate.seed in (3, 33) else None
        row = row_of(candidate, judged(place, candidate), commanded)
        print(f"{candidate.name}: {row['verdict']}: {row['reasons'][0]}", file=sys.stderr, flush=True)
        found[candidate in DEVELOPMENT].append(row)
    text = report(found[False], found[True])
    target = Path(__file__).resolve().parent.parent / "reports"
    (target / "compare-organisms.md").write_text(text, encoding="utf-8")
    body = {"world": WORLD, "null": NULL, "reported": found[False], "development": found[True]}
    (target / "compare-organisms.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
