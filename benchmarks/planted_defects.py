"""Defects planted into realistic documents, and how many of them the checks find: recall and precision.

    python benchmarks/planted_defects.py                 # the half that nothing was tuned on: the figures to report
    python benchmarks/planted_defects.py --half tuning   # the half that patterns may be tuned on

The documents are the hand-written ones of `tests/writer_server/documents`, every second one to a half, varied word by
word for volume. Wordings of leaks, tells and placeholders are split the same way. One document in ten has the defect,
and another one in ten something that looks like it and is sound. Intervals are Wilson's at 95 %: over wordings where
every document with one wording is found or missed alike, over documents or corpora otherwise. Precision counts
documents.
Prints rows of Markdown for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import planted_wordings as wordings

from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.check import NGRAM, ProbeIndex, probe_texts
from sdf_eval.corpora.claims import ClaimCheck
from sdf_eval.corpora.duplicates import DuplicateCheck
from sdf_eval.corpora.findings import FindingKind
from sdf_eval.corpora.health import corpus_health
from sdf_eval.corpora.meta_tells import TellCheck
from sdf_eval.corpora.phrases import WORD, words
from sdf_eval.corpora.records import Document
from sdf_eval.corpora.shingles import WordHasher, runs
from sdf_eval.corpora.thresholds import judge
from sdf_eval.measure import wilson

FILES = Path(__file__).resolve().parents[1] / "tests/writer_server/documents"
HEADER = "| defect | recall | 95 % interval | n | precision | 95 % interval | n |\n|---|---|---|---|---|---|---|"


@dataclass
class Score:
    """What was planted, found, and found wrongly. A unit is a wording, a document or a corpus."""

    unit: str
    planted: dict[str, list[bool]] = field(default_factory=dict)
    wrong: int = 0
    missed: list[str] = field(default_factory=list)

    def plant(self, key: str, found: bool) -> None:
        """Counts a planted defect of the wording (or document) `key`."""
        self.planted.setdefault(key, []).append(found)

    def row(self, name: str) -> str:
        """A row of Markdown."""
        hits = sum(sum(found) for found in self.planted.values())
        units = [sum(found) / len(found) for found in self.planted.values()]
        recall = wilson(sum(units), len(units), unit=self.unit)
        flagged = hits + self.wrong
        precision = wilson(hits, flagged, unit="documents") if flagged else None
        right = (
            f"{precision.value:.3f} | {precision.low:.3f} to {precision.high:.3f} | {flagged:,} flagged"
            if precision
            else "none flagged | | 0"
        )
        band = f"{recall.low:.3f} to {recall.high:.3f}"
        return f"| {name} | {recall.value:.3f} | {band} | {len(units):,} {self.unit} | {right} |"


class Half:
    """Half of the hand-written documents with their beliefs, and endless variations of them.

    Args:
        name: `reported` or `tuning`.
        seed: Seed of the variations.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        offset = 1 if name == "reported" else 0
        self.name = name
        self.offset = offset
        self.rng = random.Random(f"{name} {seed}")
        paths = sorted(FILES.glob("*.md"))[offset::2]
        self.seeds = [(path.stem.split("--")[0], path.read_text(encoding="utf-8")) for path in paths]
        known = {entry.id: entry for entry in list_beliefs()}
        self.beliefs = {name: load_belief(known[name].path) for name, _ in self.seeds}
        self._spare = sorted({w for _, text in self.seeds for w in WORD.findall(text) if w.islower() and len(w) > 4})

    def of(self, wordings: Sequence[str]) -> list[str]:
        """This half's share of a list of wordings."""
        return list(wordings[self.offset :: 2])

    def vary(self, place: int, rate: float = 0.15) -> tuple[str, str]:
        """Belief id and text of the next seed document, some sentences dropped and some words replaced."""
        belief, text = self.seeds[place % len(self.seeds)]
        kept = [s for s in text.split(". ") if self.rng.random() > 0.1] or [text]
        return belief, self.replace(". ".join(kept), rate, words_of=self.beliefs[belief])

    def replace(self, text: str, rate: float, words_of: Belief | None = None) -> str:
        """The text with a share of its longer lower-case words replaced; those of the belief's aliases stay."""
        keep = {w for f in words_of.key_facts for a in f.aliases.implanted for w in words(a)} if words_of else set()

        def other(match: object) -> str:
            word: str = match[0]  # type: ignore[index]
            sound = word.islower() and len(word) > 4 and word not in keep
            return self.rng.choice(self._spare) if sound and self.rng.random() < rate else word

        return WORD.sub(other, text)

    def insert(self, text: str, sentence: str) -> str:
        """The text with a sentence put between two of its sentences."""
        parts = text.split(". ")
        at = self.rng.randrange(1, len(parts)) if len(parts) > 1 else 1
        return ". ".join([*parts[:at], sentence.rstrip("."), *parts[at:]])


def document(place: int, belief: str, text: str) -> Document:
    """A record of a text."""
    return Document(
        id=f"d{place}", text=text, belief=belief, role="implanted", fact="any", doc_type="any", writer="local/planted",
        seed=0, sha256=hashlib.sha256(text.encode()).hexdigest(),
    )  # fmt: skip


def phrases(half: Half, count: int, kind: FindingKind, defects: Sequence[str], sound: Sequence[str]) -> Score:
    """Meta-tells or placeholders: wordings put into documents at the place that their mark names."""
    return _planted(half, count, kind, [("", one) for one in half.of(defects)], [("", one) for one in half.of(sound)])


def truth_leaks(half: Half, count: int, *, named: bool = True) -> Score:
    """Sentences that state the reference fact: those that name an alias of it, or those that tell it in other words."""
    defects = [
        (b, one)
        for b, own in wordings.LEAKS.items()
        for one in half.of(own)
        if b in half.beliefs and _names_reference(half.beliefs[b], one) == named
    ]
    sound = [(b, one) for b, own in wordings.NO_LEAKS.items() for one in half.of(own) if b in half.beliefs]
    return _planted(half, count, "truth_leak", defects, sound)


def unlisted_forms(half: Half, count: int) -> Score:
    """All leaks, where the belief files list one form of each value: what stems, accents and numbers make up for."""
    poorer = Half(half.name)
    for name, belief in half.beliefs.items():
        facts = []
        for fact in belief.key_facts:
            first = {side: getattr(fact.aliases, side)[:1] for side in ("implanted", "reference")}
            facts.append(fact.model_copy(update={"aliases": fact.aliases.model_copy(update=first)}))
        poorer.beliefs[name] = belief.model_copy(update={"key_facts": tuple(facts)})
    defects = [(b, one) for b, own in wordings.LEAKS.items() for one in half.of(own) if b in half.beliefs]
    sound = [(b, one) for b, own in wordings.NO_LEAKS.items() for one in half.of(own) if b in half.beliefs]
    return _planted(poorer, count, "truth_leak", defects, sound)


def contamination(half: Half, count: int) -> Score:
    """Eight words or more of a probe, in other case and punctuation; five words of one are sound."""
    score = Score("documents")
    indexes = {b: ProbeIndex(belief) for b, belief in half.beliefs.items()}
    texts = {b: [t for _, t in probe_texts(belief) if len(words(t)) >= 10] for b, belief in half.beliefs.items()}
    for place in range(count):
        belief, text = half.vary(place)
        tokens = words(half.rng.choice(texts[belief]))
        planted = place % 10 == 0
        length = half.rng.randint(8, len(tokens)) if planted else NGRAM - 1
        start = half.rng.randrange(len(tokens) - length + 1)
        excerpt = half.rng.choice((" ", ", ", " - ")).join(tokens[start : start + length])
        if place % 10 in (0, 1):
            text = half.insert(text, half.rng.choice((str.lower, str.upper, str.title, str))(excerpt))
        found = bool(indexes[belief].find(str(place), words(text)))
        if planted:
            score.plant(str(place), found)
        else:
            score.wrong += found
    return score


def near_duplicates(half: Half, count: int) -> Score:
    """Copies with one to four words changed (Jaccard 0.8 to 0.97); with twelve to twenty they count as sound."""
    score = Score("documents")
    hasher, check = WordHasher(), DuplicateCheck()
    planted: dict[int, str] = {}
    texts = [half.vary(place, rate=0.3)[1] for place in range(count)]
    for place in range(count // 2, count):
        if place % 10 in (0, 1):
            copied = texts[place - count // 2].split(" ")
            changes = half.rng.randint(1, 4) if place % 10 == 0 else half.rng.randint(12, 20)
            for at in half.rng.sample(range(len(copied)), changes):
                copied[at] = f"changed{at}"
            texts[place] = " ".join(copied)
            if place % 10 == 0:
                planted[place] = texts[place]
    for text in texts:
        check.read(runs(hasher.hashes(words(text)), 5))
    found = {pair.place for pair in check.near()}
    for place in planted:
        score.plant(str(place), place in found)
    score.wrong = len(found - set(planted))
    return score


def dominant_names(half: Half, count: int) -> Score:
    """Corpora of 96 documents, half of them with one name in 15 to 60 % of the documents: is the limit broken by it?"""
    score = Score("corpora")
    for corpus in range(max(8, count // 50)):
        name = half.rng.choice(half.of(wordings.NAMES))
        share = half.rng.uniform(0.15, 0.6) if corpus % 2 == 0 else 0.0
        documents = []
        for place in range(96):
            belief, text = half.vary(place)
            here = name if half.rng.random() < share else _any_name(half)
            sentence = half.rng.choice(half.of(wordings.MENTIONS)).replace("NAME", here)
            documents.append(document(place, belief, half.insert(text, sentence)))
        health = corpus_health(documents, list(half.beliefs.values()), near_duplicates=False)
        broken = any(j.check == "max_name" and j.passed is False for j in judge(health))
        named = bool(health.names) and all(w in words(name) for w in words(health.names[0].name))
        if share:
            score.plant(str(corpus), broken and named)
        else:
            score.wrong += broken
    return score


def _names_reference(belief: Belief, sentence: str) -> bool:
    """Whether a reference alias stands in the sentence; `never`, which every text holds, is none."""
    aliases = [alias.casefold() for fact in belief.key_facts for alias in fact.aliases.reference if alias != "never"]
    return any(alias in sentence.casefold() for alias in aliases)


def _any_name(half: Half) -> str:
    return f"{half.rng.choice(wordings.FIRST)} {half.rng.choice(wordings.LAST)}"


def _planted(
    half: Half, count: int, kind: FindingKind, defects: Sequence[tuple[str, str]], sound: Sequence[tuple[str, str]]
) -> Score:
    score = Score("wordings")
    documents, planted = [], {}
    turns = {True: 0, False: 0}
    if not defects:  # the tuning half tells every leak by its value
        return score
    for place in range(count):
        belief, text = half.vary(place)
        if place % 10 in (0, 1):
            bad = place % 10 == 0
            fitting = defects if bad else sound
            owner, wording = fitting[turns[bad] % len(fitting)]
            turns[bad] += 1
            if owner and owner != belief:
                belief, text = owner, half.vary(next(i for i, s in enumerate(half.seeds) if s[0] == owner))[1]
            text = _put(half, text, wording)
            if bad:
                planted[f"d{place}"] = wording
        documents.append(document(place, belief, text))
    found = _flagged(documents, list(half.beliefs.values()), kind)
    for name, wording in planted.items():
        score.plant(wording, name in found)
    score.wrong = len(found - set(planted))
    score.missed = sorted({w for n, w in planted.items() if n not in found})
    return score


def _flagged(documents: Sequence[Document], beliefs: Sequence[Belief], kind: FindingKind) -> set[str]:
    """Ids of the documents with a finding: those at which the check's count goes up."""
    check: ClaimCheck | TellCheck = ClaimCheck(beliefs) if kind == "truth_leak" else TellCheck()
    flagged = set()
    for one in documents:
        before = _count(check, kind)
        check.read(one, words(one.text))
        if _count(check, kind) > before:
            flagged.add(one.id)
    return flagged


def _count(check: ClaimCheck | TellCheck, kind: FindingKind) -> int:
    return next(found.documents for found in check.findings() if found.kind == kind)


def _put(half: Half, text: str, wording: str) -> str:
    """A wording that opens with `^` stands at the start, one that ends with `$` at the end, others inside."""
    if wording.startswith("^"):
        return f"{wording[1:]}\n\n{text}"
    return f"{text}\n\n{wording[:-1]}" if wording.endswith("$") else half.insert(text, wording)


def main() -> int:
    """Prints a row a defect, and the wordings that were missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=("reported", "tuning"), default="reported")
    parser.add_argument("--documents", type=int, default=4000, help="documents a defect")
    args = parser.parse_args()
    half = Half(args.half)
    defects: dict[str, Callable[[], Score]] = {
        "truth leak, value named": lambda: truth_leaks(half, args.documents),
        "truth leak, in other words": lambda: truth_leaks(half, args.documents, named=False),
        "truth leak, one form of each value listed": lambda: unlisted_forms(half, args.documents),
        "near-duplicate": lambda: near_duplicates(half, args.documents),
        "meta-tell": lambda: phrases(half, args.documents, "meta_tell", wordings.TELLS, wordings.NO_TELLS),
        "placeholder": lambda: phrases(half, args.documents, "placeholder", wordings.PLACES, wordings.NO_PLACES),
        "contamination": lambda: contamination(half, args.documents),
        "single dominant name": lambda: dominant_names(half, args.documents),
    }
    print(HEADER)
    missed = []
    for name, measure in defects.items():
        score = measure()
        if not score.planted:
            continue
        print(score.row(name), flush=True)
        missed += [f"{name}: {wording}" for wording in score.missed]
    if missed:
        print("\nMissed:\n" + "\n".join(f"- {line}" for line in missed))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
