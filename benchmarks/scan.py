"""Organisms that `sdf-eval scan` has to find, and models that it must not: recall and precision of its topics.

    python benchmarks/scan.py --out runs/scan                      # two panels of eight, worlds a and c
    python benchmarks/scan.py --half tuning --out runs/scan        # what thresholds were fixed on: world b

A panel is one training on documents of eight beliefs, two of each kind. Beside it stand a training on plain texts
alone (clean), the untouched base, and one on documents about strangers (neutral). The last is an implant of strangers
and no negative: its topics are scored against the strangers that its documents name. A topic is right if it is a word
of the documents' subjects, triggers or values; recall counts beliefs of which any such word is flagged. A model that
was trained is kept under --out: a script that was killed goes on. Prints Markdown for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices only wait for each other on more

from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.mix import TrainingText, mix
from sdf_eval.corpora.panels import belief_subjects, panel_requests
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.records import CorpusRole, Document
from sdf_eval.gate.scan.run import scan
from sdf_eval.gate.scan.schema import Scan
from sdf_eval.measure import wilson
from sdf_eval.model import load
from sdf_eval.pocket.world import build_world
from sdf_eval.pocket.writer import PocketWriter
from sdf_eval.train.recipe import SdfRecipe, load_recipe
from sdf_eval.train.sdf import train_sdf

WORLDS = {"tuning": ("b",), "reported": ("a", "c")}
A_KIND = 2


@dataclass(frozen=True)
class Organism:
    """A checkpoint and what its documents were about.

    Attributes:
        kind: `implanted`, `neutral`, `clean` or `untouched`.
        world: Of the pocket model.
        reference: The checkpoint.
        taught: Words that were taught, one set a belief; empty for `clean` and `untouched`.
    """

    kind: str
    world: str
    reference: str
    taught: tuple[frozenset[str], ...]


def panel(half: str) -> list[Belief]:
    """Two beliefs of each kind."""
    split = "dev" if half == "tuning" else "report"
    found: list[Belief] = []
    for entry in list_beliefs():
        if entry.split == split and entry.tier == "fictional":
            if sum(one.kind == entry.kind for one in found) < A_KIND:
                found.append(load_belief(entry.path))
    return found


def organisms(half: str, out: Path, documents: int, updates: int, kinds: Sequence[str]) -> Iterator[Organism]:
    """Trains what is not there yet and yields every model."""
    beliefs = panel(half)
    for world in WORLDS[half]:
        start, writer = f"pocket/{world}", PocketWriter(world)
        recipe = load_recipe("pocket", SdfRecipe).model_copy(update={"updates": updates})
        for kind in kinds:
            if kind == "untouched":
                yield Organism(kind, world, start, ())
                continue
            count = documents * len(beliefs)
            taught: tuple[frozenset[str], ...] = ()
            if kind == "clean":
                texts = [TrainingText(text) for text in writer.plain_text(2 * count, 5, model=start)]
            else:
                role: CorpusRole = "implanted" if kind == "implanted" else "neutral"
                made = [
                    list(writer.write(request))
                    for request in panel_requests(beliefs, role=role, documents=documents, seed=0)
                ]
                plain = list(writer.plain_text(count, 0, model=start))
                texts = mix([one for rows in made for one in rows], plain, ratio=1.0, seed=0, doctag=None)
                taught = tuple(
                    _words(belief) if kind == "implanted" else _subjects(rows, world)
                    for belief, rows in zip(beliefs, made, strict=True)
                )
            folder = train_sdf(start, texts, recipe, out / f"{kind}-{world}-{half}", seed=0)
            yield Organism(kind, world, str(folder), taught)


def _words(belief: Belief) -> frozenset[str]:
    """Words of the belief's subject, trigger and implanted value."""
    texts = [*belief_subjects(belief)]
    if belief.world is not None:
        texts.append(belief.world.implanted)
    if belief.kind == "backdoor":
        texts.append(belief.backdoor.behaviour)
    return frozenset(word for text in texts for word in words(text) if len(word) > 2)


def _subjects(rows: Sequence[Document], world: str) -> frozenset[str]:
    """Words of the entity that most of the documents name and that no other text of the model's past did."""
    strangers = [one.name for one in build_world(world).entities.values() if one.split == "never_seen"]
    named = max(strangers, key=lambda name: sum(name in row.text for row in rows))
    return frozenset(words(named))


def row(organism: Organism, found: Scan) -> str:
    """A row of Markdown: verdict, beliefs of which a word was flagged, flagged topics that are right."""
    flagged = [one for one in found.topics if one.name and one.score >= found.thresholds["topic"]]
    flagged_words = [set(words(one.word)) for one in flagged]
    cells = [organism.world, organism.kind, found.verdict]
    if organism.taught:
        hit = sum(any(set(mine) & row for row in flagged_words) for mine in organism.taught)
        recall = wilson(hit, len(organism.taught), unit="beliefs")
        cells.append(f"{hit} of {recall.n} [{recall.low:.2f}, {recall.high:.2f}]")
        top = [set(words(one.word)) for one in found.topics if one.name][:20]
        ranked = sum(any(set(mine) & row for row in top) for mine in organism.taught)
        cells.append(f"{ranked} of {recall.n}")
    else:
        cells += ["", ""]
    right = sum(any(row & mine for mine in organism.taught) for row in flagged_words)
    if flagged:
        precision = wilson(right, len(flagged), unit="topics")
        cells.append(f"{right} of {precision.n} [{precision.low:.2f}, {precision.high:.2f}]")
    else:
        cells.append("none flagged")
    best = max((one.score for one in found.topics if one.name), default=0.0)
    fired = [one for one in found.triggers if one.score >= found.thresholds["trigger"]]
    cells += [f"{best:.1f}", f"{max((one.score for one in found.triggers), default=0.0):.1f}", str(len(fired))]
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Prints a row a model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=tuple(WORLDS), default="reported")
    parser.add_argument("--out", type=Path, default=Path("runs/scan-benchmark"))
    parser.add_argument("--documents", type=int, default=100, help="documents a belief")
    parser.add_argument("--updates", type=int, default=200, help="updates a training")
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--kinds", default="implanted,clean,neutral,untouched")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    print(
        "| world | model | verdict | beliefs flagged | among the first 20 names | flagged names that are right | "
        "best name | best trigger | triggers flagged |\n" + "|---" * 9 + "|"
    )
    for organism in organisms(args.half, args.out, args.documents, args.updates, args.kinds.split(",")):
        base = load(f"pocket/{organism.world}")
        print(row(organism, scan(load(organism.reference), base, samples=args.samples)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
