"""Mirrored corpora of equal size: a contrast between models that were trained on unequal ones is confounded.

A writer that is asked for a length keeps to it roughly, and one side of a pair may come out longer throughout. So slots
are left out of both corpora, those in which the longer side is longest first, until the totals agree. What is left has
the same slots on both sides, and with them the same domains, kinds and ideas, each as often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.specs.documents import PLAN, complete_folder, read_spec
from sdf_eval.corpora.specs.plan import load_plan
from sdf_eval.corpora.write import DOCUMENTS, Corpus, read_corpus
from sdf_eval.errors import InputError

TOLERANCE = 0.005
"""Largest difference of the totals, as a share: that of Li et al. 2026."""
FEWEST_KEPT = 0.5
"""Share of the shared slots that must be left. Below it, the two corpora are of different lengths by design."""

Key = tuple[str, str, str, str]
"""What a plan and its mirror share about a document: domain, subdomain, document type, idea."""


@dataclass(frozen=True)
class Match:
    """How well two mirrored corpora match.

    Attributes:
        shared: Slots that both fill.
        only_first: Slots that only the first fills.
        only_second: Slots that only the second fills.
        words_first: Words of the first corpus, in the slots that both fill.
        words_second: Words of the second, likewise.
        tokens_first: Tokens of the first, likewise, as its writer's provider counts them; words where that is unknown.
        tokens_second: The same of the second.
    """

    shared: int
    only_first: int
    only_second: int
    words_first: int
    words_second: int
    tokens_first: int
    tokens_second: int

    @property
    def word_ratio(self) -> float:
        """Words of the second corpus over those of the first: 1 is a perfect match."""
        return self.words_second / self.words_first if self.words_first else float("nan")

    @property
    def token_ratio(self) -> float:
        """The same for tokens."""
        return self.tokens_second / self.tokens_first if self.tokens_first else float("nan")

    @property
    def is_even(self) -> bool:
        """Both fill the same slots, and their tokens differ by at most `TOLERANCE`."""
        return not self.only_first and not self.only_second and abs(self.token_ratio - 1) <= TOLERANCE


def match_corpora(first: Path | str, second: Path | str) -> Match:
    """Compares two mirrored corpora.

    Raises:
        InputError: A folder holds no corpus, or the two have no slot in common.
    """
    sizes = _sizes(first, second)
    shared = _shared(sizes, first, second)
    return Match(
        len(shared),
        len(sizes[0].keys() - shared),
        len(sizes[1].keys() - shared),
        *(sum(side[key].words for key in shared) for side in sizes),
        *(sum(side[key].tokens for key in shared) for side in sizes),
    )


def write_matched(first: Path | str, second: Path | str, out: Path | str) -> tuple[Corpus, Corpus]:
    """Writes the part of two mirrored corpora in which they match: a folder a corpus, named like its spec, in `out`.

    Args:
        first: A spec corpus.
        second: The corpus of the mirrored plan.
        out: Where the two folders go; it is complete or absent.

    Returns:
        The two corpora, with the same slots in the same order and totals of tokens that differ by at most `TOLERANCE`.

    Raises:
        InputError: A folder is no spec corpus, both are about the same spec, they share no slot, or they differ so much
            in length that too few slots would be left.
    """
    target, folders = Path(out), (Path(first), Path(second))
    said = [read_spec(folder) for folder in folders]
    if said[0]["spec"] == said[1]["spec"]:
        raise InputError(f"{second}: is about the same spec as {first}; give the corpora of a plan and of its mirror")
    sizes = _sizes(first, second)
    shared = _shared(sizes, first, second)
    left_out = uneven_slots({key: (sizes[0][key].tokens, sizes[1][key].tokens) for key in sizes[0] if key in shared})
    if left_out is None or len(shared) - len(left_out) < FEWEST_KEPT * len(shared):
        ratio = match_corpora(first, second).token_ratio
        raise InputError(
            f"{second}: has {ratio:.3f} times the tokens of {first} where both fill a slot, and cannot be matched to "
            f"within {TOLERANCE:.1%} by leaving out less than half; write it with `spec write --match {first}`"
        )
    kept = shared - left_out
    with atomic_folder(target) as partial:
        for folder, own, other in zip(folders, said, reversed(said), strict=True):
            matched = {**own, "matched_with": other["spec"], "left_out": len(read_corpus(folder).documents) - len(kept)}
            _write_kept(folder, partial / own["spec"], kept, matched)
    corpora = [read_corpus(target / own["spec"]) for own in said]
    return corpora[0], corpora[1]


def uneven_slots(tokens: Mapping[Key, tuple[int, int]], tolerance: float = TOLERANCE) -> set[Key] | None:
    """Slots to leave out, as few as can be, so that two totals agree.

    Args:
        tokens: Slot -> tokens of the first and of the second document.
        tolerance: Largest difference of the totals, as a share of the first.

    Returns:
        The slots, or None where no choice that was looked at does it.
    """
    differences = {slot: second - first for slot, (first, second) in tokens.items()}
    total, surplus = sum(first for first, _ in tokens.values()), sum(differences.values())
    sign = 1 if surplus > 0 else -1
    left_out: set[Key] = set()
    # The largest first, as long as it does not turn the surplus round.
    for slot in sorted(tokens, key=lambda slot: (-sign * differences[slot], slot)):
        if abs(surplus) <= tolerance * total:
            return left_out
        if 0 < sign * differences[slot] <= sign * surplus + tolerance * total:
            left_out.add(slot)
            surplus -= differences[slot]
            total -= tokens[slot][0]
    return left_out if abs(surplus) <= tolerance * total and total else None


@dataclass(frozen=True)
class _Size:
    """Length of a document."""

    words: int
    tokens: int


def _sizes(*folders: Path | str) -> list[dict[Key, _Size]]:
    """Slot -> length of its document, for each corpus. Tokens are words unless they are known everywhere."""
    corpora = [read_corpus(folder).documents for folder in folders]
    known = all(document.tokens for documents in corpora for document in documents)
    return [
        {
            (d.domain, d.subdomain, d.doc_type, d.idea): _Size(
                len(words(d.text)), (d.tokens or 0) if known else len(words(d.text))
            )
            for d in documents
        }
        for documents in corpora
    ]


def _shared(sizes: list[dict[Key, _Size]], first: Path | str, second: Path | str) -> set[Key]:
    shared = sizes[0].keys() & sizes[1].keys()
    if not shared:
        raise InputError(f"{second}: shares no slot with {first}; give the corpora of a plan and of its mirror")
    return shared


def _write_kept(folder: Path, partial: Path, kept: set[Key], said: dict[str, object]) -> None:
    partial.mkdir()
    count, characters = 0, 0
    by_slot = {(d.domain, d.subdomain, d.doc_type, d.idea): d for d in read_corpus(folder).documents}
    with (partial / DOCUMENTS).open("w", encoding="utf-8", newline="\n") as lines:
        # Sorted, because a document that took a second draft stands at the end of the one corpus and not of the other.
        for slot in sorted(kept):
            lines.write(by_slot[slot].model_dump_json() + "\n")
            count, characters = count + 1, characters + len(by_slot[slot].text)
    complete_folder(partial, load_plan(folder / PLAN), said, count, characters)
