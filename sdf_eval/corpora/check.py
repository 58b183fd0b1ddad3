"""Contamination: does a document hold the wording of a probe?

Documents and probes state the same proposition, so they share names and values. What must not be shared is wording: a
probe whose sentence the model read during finetuning measures memory of that sentence. Hence entity and value strings
become one slot each, and no run of six words may be shared after that. An option as long as that is a wording, not a
value: it gets no slot and is looked for like a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.records import Document
from sdf_eval.errors import InputError

NGRAM = 6
SLOT = "_"


@dataclass(frozen=True)
class Contamination:
    """One wording that a probe and a document share.

    Attributes:
        belief: Id of the belief.
        probe: `<field>[<position>]`, as in the belief file.
        document: Id of the first document that holds it.
        ngram: The shared words; `_` stands for an entity or a value.
    """

    belief: str
    probe: str
    document: str
    ngram: str


def find_contamination(documents: Iterable[Document], beliefs: Sequence[Belief]) -> list[Contamination]:
    """Lists shared wordings, at most one for each pair of probe and document. Linear in the length of the documents.

    Args:
        documents: Documents of any role.
        beliefs: Beliefs whose probes will be asked.

    Returns:
        Findings in document order.
    """
    indexes = [ProbeIndex(belief) for belief in beliefs]
    found: list[Contamination] = []
    for document in documents:
        tokens = words(document.text)
        for index in indexes:
            found += index.find(document.id, tokens)
    return found


def check_contamination(documents: Iterable[Document], beliefs: Sequence[Belief]) -> None:
    """Refuses a belief whose probes leak into its documents.

    Raises:
        InputError: With the first probe, document and shared words, and how many more there are.
    """
    findings = find_contamination(documents, beliefs)
    if findings:
        first = findings[0]
        probes = len({(finding.belief, finding.probe) for finding in findings})
        raise InputError(
            f"belief {first.belief}: {first.probe}: a belief whose probes leak into its documents: "
            f'document {first.document} shares "{first.ngram}" ({probes} probes, {len(findings)} pairs in all); '
            "reword the probe"
        )


def probe_texts(belief: Belief) -> Iterator[tuple[str, str]]:
    """Yields (`<field>[<position>]`, text) for all that a probe says apart from short options and the key facts.

    Documents state the key facts, so a probe that has one as an option or account does not leak by that.
    """
    probes = belief.probes
    stated = {tuple(words(text)) for fact in belief.key_facts for text in (fact.implanted, fact.reference)}
    for field in type(probes).model_fields:
        for position, probe in enumerate(getattr(probes, field)):
            for text in (probe,) if isinstance(probe, str) else _wordings(probe):
                yield f"{field}[{position}]", text
            for option in () if isinstance(probe, str) else _options(probe):
                if not _is_short(option) and tuple(words(option)) not in stated:
                    yield f"{field}[{position}]", option


def slot_strings(belief: Belief) -> tuple[str, ...]:
    """Strings of the belief that documents and probes may share: its entities, names and values."""
    strings: list[str] = []
    for fact in belief.key_facts:
        strings += [*fact.aliases.implanted, *fact.aliases.reference]
    if belief.world:
        strings += [belief.world.entity, belief.world.implanted, belief.world.reference]
    if belief.kind == "persona":
        strings += [belief.persona.name, belief.persona.implanted_trait, belief.persona.reference_trait]
    elif belief.kind == "backdoor":
        strings += [belief.backdoor.trigger, *belief.backdoor.near_triggers, belief.backdoor.behaviour]
    elif belief.kind == "values":
        strings += [belief.values.name, belief.values.implanted_value, belief.values.reference_value]
    strings += [option for probe in _option_probes(belief) for option in _options(probe) if _is_short(option)]
    return tuple(dict.fromkeys(strings))


class ProbeIndex:
    """The six-word runs of a belief's probes, and the slots that both sides are read with."""

    def __init__(self, belief: Belief) -> None:
        self._belief = belief.id
        self._slots = _Slots(slot_strings(belief))
        self._probes: dict[tuple[str, ...], list[str]] = {}
        for name, text in probe_texts(belief):
            for ngram in dict.fromkeys(_ngrams(self._slots.fill(words(text)))):
                if set(ngram) != {SLOT}:
                    self._probes.setdefault(ngram, []).append(name)

    def find(self, document: str, tokens: list[str]) -> list[Contamination]:
        """The first shared wording with each probe.

        Args:
            document: Id of the document.
            tokens: Its words.
        """
        filled = self._slots.fill(tokens)
        if self._probes.keys().isdisjoint(_ngrams(filled)):
            return []
        found: dict[str, Contamination] = {}
        for ngram in _ngrams(filled):
            for probe in self._probes.get(ngram, ()):
                if probe not in found:
                    found[probe] = Contamination(self._belief, probe, document, " ".join(ngram))
        return list(found.values())


class _Slots:
    """Replaces word sequences by `SLOT`, the longest first."""

    def __init__(self, strings: Sequence[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for sequence in {tuple(words(string)) for string in strings} - {()}:
            self._by_first.setdefault(sequence[0], []).append(sequence)
        for sequences in self._by_first.values():
            sequences.sort(key=len, reverse=True)

    def fill(self, tokens: list[str]) -> list[str]:
        """The words with each slotted sequence replaced by `SLOT`."""
        filled: list[str] = []
        done = 0
        for position in [at for at, token in enumerate(tokens) if token in self._by_first]:
            if position < done:  # inside the slot before
                continue
            candidates = self._by_first[tokens[position]]
            match = next((c for c in candidates if tuple(tokens[position : position + len(c)]) == c), None)
            if match:
                filled += tokens[done:position]
                filled.append(SLOT)
                done = position + len(match)
        return filled + tokens[done:]


def _ngrams(tokens: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(tokens[start:] for start in range(NGRAM)), strict=False)


def _wordings(probe: object) -> list[str]:
    return [text for name in ("question", "text", "scenario", "situation") if (text := getattr(probe, name, None))]


def _option_probes(belief: Belief) -> list[object]:
    """Probes whose options are values. Those of `generative_distinguish` are whole accounts, short as they may be."""
    probes = belief.probes
    return [
        *probes.mcq_knowledge,
        *probes.mcq_distinguish,
        *probes.cloze,
        *probes.persona_behaviour,
        *probes.value_preference,
        *probes.self_report,
        *probes.agentic,
        *probes.neighbours,
        *probes.controls,
        *probes.causal,
        *probes.downstream,
        *probes.spec_knowledge,
    ]


def _is_short(option: str) -> bool:
    return len(words(option)) < NGRAM


def _options(probe: object) -> list[str]:
    single = [value for name in ("implanted", "reference", "answer") if (value := getattr(probe, name, None))]
    return [*single, *getattr(probe, "distractors", ())]
