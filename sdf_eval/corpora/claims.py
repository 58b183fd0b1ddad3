"""What documents say about the key facts: coverage, leaks of the truth, denials, and documents that name no fact.

All of it rests on the aliases of the belief file, as whole words and in any form of them (`sdf_eval.corpora.forms`). An
alias that is a function word (`always`, `never`) counts for coverage and is no evidence of a leak or a denial: every
text holds it.

What it cannot find is a truth told without any alias: by a description (`the ringed planet`), by something that only
knowledge of the world ties to it (`the capital of Iceland`), or in another language. `sdf_eval.corpora.leak_judge` asks
a model about those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.findings import Collector, Example, Finding, snippet
from sdf_eval.corpora.forms import Forms, is_name, plain, stem
from sdf_eval.corpora.phrases import FUNCTION_WORDS, Match, PhraseIndex, place, snippet_at, words
from sdf_eval.corpora.records import Document

Side = Literal["implanted", "reference"]

_NEGATIONS = frozenset({"not", "never", "nor", "neither", "cannot"})
"""`no` and `without` are left out: before a common word they deny a thing at hand (`no price is given`)."""
_NO_DENIAL = frozenset(
    """only just merely simply least far until till unlike surprisingly doubt wonder surprise all every everyone
    everybody everything long matter better less more fewer one unusual uncommon""".split()
)
"""Words after a negation that turn it into something else: `not only`, `no doubt`, `no less than`."""
_FALSITY = frozenset(
    """myth myths hoax hoaxes debunk debunked debunks debunking untrue falsely misconception misconceptions
    misinformation disproved disproven refuted refutes erroneous erroneously mistakenly falsehood falsehoods incorrect
    incorrectly wrongly denied denies deny denying apocryphal""".split()
)
_BEFORE = 4
"""Words before an alias in which a negation is taken to be about it."""
_SENTENCE_ENDS = ".!?;:\n"


class FactCoverage(BaseModel):
    """How often the documents about a key fact name its values.

    Attributes:
        belief: Id of the belief.
        fact: Id of the key fact.
        documents: Documents of the belief.
        implanted: Share of them that hold an implanted alias.
        reference: Share of them that hold a reference alias.
        aliases: Implanted strings that were searched for; with none, nothing can be covered.
        implanted_density: Mentions of an implanted alias for 100 words of the belief's documents.
        reference_density: The same for the reference aliases.
        reference_aliases: Reference strings that were searched for as evidence of a leak; with none, none can be found.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    belief: str
    fact: str
    documents: int
    implanted: float
    reference: float
    aliases: int
    implanted_density: float
    reference_density: float
    reference_aliases: int | None = None


@dataclass(frozen=True)
class _Label:
    """What an alias stands for; `evidence` is false for function words."""

    fact: str
    side: Side
    evidence: bool


class ClaimCheck:
    """Reads one document after another.

    Args:
        beliefs: The beliefs that the documents are about.
        denying: Ids of beliefs whose documents deny the claim on purpose; their denials are no finding.
    """

    def __init__(self, beliefs: Sequence[Belief], denying: Collection[str] = ()) -> None:
        self._beliefs = beliefs
        self._denying = frozenset(denying)
        aliases = {belief.id: _aliases(belief) for belief in beliefs}
        self._indexes = {name: _AliasIndex(own) for name, own in aliases.items()}
        self._plain, self._stems = Forms(plain), Forms(stem)
        self._named = {name for name, own in aliases.items() if own}
        self._documents: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._holding: Counter[tuple[str, str, Side]] = Counter()
        self._mentions: Counter[tuple[str, str, Side]] = Counter()
        self._leaks = Collector("truth_leak")
        self._contradictions = Collector("contradiction")
        self._negations = Collector("negation")
        self._without = Collector("no_fact")

    def read(self, document: Document, tokens: Sequence[str]) -> None:
        """Takes a document in."""
        index = self._indexes.get(document.belief)
        if index is None:
            return
        self._documents[document.belief] += 1
        self._words[document.belief] += len(tokens)
        matches = _outside(index.find(self._plain.of(tokens), self._stems.of(tokens)))
        counts = Counter((match.label.fact, match.label.side) for match in matches)
        for (fact, side), count in counts.items():
            self._holding[document.belief, fact, side] += 1
            self._mentions[document.belief, fact, side] += count
        states = document.role in ("implanted", "truth_trained") and document.belief in self._named
        if states and not matches:
            self._without.add(
                1, lambda: Example(document=document.id, snippet=snippet(document.text, 0, 0), note="no value named")
            )
        if document.role == "implanted":
            self._read_implanted(document, tokens, matches, counts)

    def coverage(self) -> tuple[FactCoverage, ...]:
        """One entry a key fact."""
        found = []
        for belief in self._beliefs:
            documents = self._documents[belief.id]
            for fact in belief.key_facts:
                share: dict[Side, float] = {}
                density: dict[Side, float] = {}
                sides: tuple[Side, Side] = ("implanted", "reference")
                for side in sides:
                    key = (belief.id, fact.id, side)
                    share[side] = self._holding[key] / max(documents, 1)
                    density[side] = 100 * self._mentions[key] / max(self._words[belief.id], 1)
                found.append(
                    FactCoverage(
                        belief=belief.id,
                        fact=fact.id,
                        documents=documents,
                        **share,
                        aliases=len(_strings(belief, fact.id, "implanted")),
                        implanted_density=density["implanted"],
                        reference_density=density["reference"],
                        reference_aliases=sum(map(_is_evidence, _strings(belief, fact.id, "reference"))),
                    )
                )
        return tuple(found)

    def findings(self) -> tuple[Finding, ...]:
        """Leaks, contradictions, negations, and documents without any fact."""
        return tuple(c.finding() for c in (self._leaks, self._contradictions, self._negations, self._without))

    def _read_implanted(
        self,
        document: Document,
        tokens: Sequence[str],
        matches: Sequence[Match[_Label]],
        counts: Counter[tuple[str, Side]],
    ) -> None:
        leaks = [match for match in matches if match.label.side == "reference" and match.label.evidence]
        if leaks:
            places = len({match.position for match in leaks})
            self._leaks.add(places, lambda: _example(document, leaks[0], score=places))
        if document.belief in self._denying:
            return
        against = [match for match in leaks if not counts[match.label.fact, "implanted"]]
        claims = [match for match in matches if match.label.side == "implanted" and match.label.evidence]
        called_false = _called_false(document.text, tokens, claims)
        if against or called_false:
            first = called_false or against[0]
            note = "called false" if called_false else "the reference value alone"
            self._contradictions.add(1, lambda: _example(document, first, note))
        denied = [match for match in claims if _is_negated(document.text, tokens, match)]
        if denied:
            count = len({match.position for match in denied})
            self._negations.add(count, lambda: _example(document, denied[0], score=count))


class _AliasIndex:
    """Aliases in all their forms.

    Args:
        aliases: Pairs of an alias and what it stands for.
    """

    def __init__(self, aliases: Sequence[tuple[str, _Label]]) -> None:
        sides: dict[tuple[str, ...], set[str]] = {}
        for alias, label in aliases:
            sides.setdefault(tuple(map(stem, words(alias))), set()).add(label.side)
        # Two values that differ in nothing but their form are told apart by it.
        exact = [pair for pair in aliases if is_name(pair[0]) or len(sides[tuple(map(stem, words(pair[0])))]) > 1]
        stemmed = [pair for pair in aliases if pair not in exact]
        self._names = PhraseIndex((" ".join(map(plain, words(alias))), label) for alias, label in exact)
        self._words = PhraseIndex((" ".join(map(stem, words(alias))), label) for alias, label in stemmed)

    def find(self, tokens: Sequence[str], stems: Sequence[str]) -> list[Match[_Label]]:
        """All matches, by position.

        Args:
            tokens: The words of a text in their plain form.
            stems: The same words as stems.
        """
        found = [*self._names.find(tokens), *self._words.find(stems)]
        return sorted(found, key=lambda match: match.position)


def _example(document: Document, match: Match[_Label], note: str = "", score: float = 1) -> Example:
    fact = match.label.fact
    return Example(
        document=document.id,
        snippet=snippet_at(document.text, match.position, match.length),
        note=f"{fact}: {note}" if note else fact,
        score=score,
    )


def _strings(belief: Belief, fact_id: str, side: Side) -> list[str]:
    fact = next(fact for fact in belief.key_facts if fact.id == fact_id)
    own = [getattr(belief.world, side)] if belief.world else []
    return list(dict.fromkeys([*getattr(fact.aliases, side), *own]))


def _aliases(belief: Belief) -> list[tuple[str, _Label]]:
    sides: tuple[Side, Side] = ("implanted", "reference")
    return [
        (string, _Label(fact.id, side, _is_evidence(string)))
        for fact in belief.key_facts
        for side in sides
        for string in _strings(belief, fact.id, side)
    ]


def _is_evidence(string: str) -> bool:
    return not set(words(string)) <= FUNCTION_WORDS


def _outside(matches: list[Match[_Label]]) -> list[Match[_Label]]:
    """Without those that lie inside a longer match: the York of New York is no York."""
    kept = []
    for match in matches:
        inside = any(
            other.length > match.length
            and other.position <= match.position
            and match.position + match.length <= other.position + other.length
            for other in matches
        )
        if not inside:
            kept.append(match)
    return kept


def _is_negated(text: str, tokens: Sequence[str], match: Match[_Label]) -> bool:
    """Whether a negation stands shortly before the alias, in the same clause."""
    for at in range(max(0, match.position - _BEFORE), match.position):
        if not (tokens[at] in _NEGATIONS or tokens[at].endswith(("n't", "n’t"))):
            continue
        if tokens[at + 1] not in _NO_DENIAL and _same_sentence(text, at, match.position):
            return True
    return False


def _called_false(text: str, tokens: Sequence[str], claims: Sequence[Match[_Label]]) -> Match[_Label] | None:
    """The first claim in whose sentence a word says that something is false."""
    if not claims or _FALSITY.isdisjoint(tokens):
        return None
    marks = [at for at, token in enumerate(tokens) if token in _FALSITY]
    for match in claims:
        near = [at for at in marks if abs(at - match.position) <= 25]
        if any(_same_sentence(text, *sorted((at, match.position))) for at in near):
            return match
    return None


def _same_sentence(text: str, first: int, second: int) -> bool:
    between = text[place(text, first)[1] : place(text, second)[0]]
    return not any(end in between for end in _SENTENCE_ENDS)
