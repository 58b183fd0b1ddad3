"""Runs the stages of an order: kinds of document, ideas, documents, one revision each."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import chain, islice
from random import Random
from typing import TypeVar

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.calls import Answer, Call, Caller, Refused
from sdf_eval.corpora.check import ProbeIndex
from sdf_eval.corpora.doc_types import filled_types, type_name
from sdf_eval.corpora.outline import Place
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.records import Document
from sdf_eval.corpora.stage_calls import DOCUMENT, REVISION, StageCalls
from sdf_eval.errors import InputError

_REPEAT = 1000
"""Samples between the repetitions of a kind, which is more than a kind's ideas are ever used again."""

Observer = Callable[[Call, Answer], None]
"""Told of every admitted answer; a pilot measures lengths with it."""
Asked = TypeVar("Asked")


@dataclass
class Shortfall:
    """What the model left out, and how it was made good.

    Attributes:
        types: Kinds of document taken from `corpora/doc_types.yaml`.
        ideas: Ideas used again.
        refused: Documents that were not admitted or share a wording with a probe, by reason; each was replaced by a
            spare one.
    """

    types: int = 0
    ideas: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Job:
    """A place, what it is to be about, and after the first stage what was written."""

    place: Place
    doc_type: str
    idea: str
    sample: int
    text: str = ""
    version: str = ""


@dataclass(frozen=True)
class _Ideas:
    """The ideas of a fact and kind."""

    doc_type: str
    repetition: int
    ideas: tuple[str, ...]


class Stages:
    """One order at work.

    Args:
        caller: Who answers.
        calls: Builds the calls of the order.
        shortfall: Where what is missing gets counted.
        observe: Told of every admitted answer.
        avoid: Further beliefs whose probes no document may share a wording with.
    """

    def __init__(
        self,
        caller: Caller,
        calls: StageCalls,
        shortfall: Shortfall,
        observe: Observer | None = None,
        avoid: Sequence[Belief] = (),
    ) -> None:
        self._caller = caller
        self._calls = calls
        self._shortfall = shortfall
        self._observe = observe
        self._refused: Counter[str] = Counter()
        self._allowed = 0
        beliefs = {belief.id: belief for belief in (calls.request.belief, *avoid)}
        self._probes = {name: ProbeIndex(belief) for name, belief in beliefs.items()}

    def documents(self, places: Iterable[Place], needed: Sequence[Place] | None = None) -> Iterator[Document]:
        """Yields documents in order until the order is met or the places are used up.

        Documents are revised while later ones are written; no more of them are kept than the caller looks ahead.

        Args:
            places: Places in order, the spare ones last.
            needed: The places for which ideas are asked for; all of the order when None.

        Raises:
            InputError: More documents were refused than there are spare ones.
        """
        laid_out = self._calls.outline
        wanted = laid_out.documents if needed is None else len(needed)
        self._allowed = laid_out.spare if needed is None else wanted
        lists = laid_out.idea_lists if needed is None else dict.fromkeys((place.fact, place.type) for place in needed)
        ideas = self._all_ideas(list(lists))
        remaining = iter(places)
        made = 0
        # The first round asks for the order itself, each further one for as many spare places as are still missing.
        while made < wanted and (first := next(remaining, None)) is not None:
            jobs = (self._job(place, ideas) for place in chain([first], islice(remaining, wanted - made - 1)))
            for document in self._revised(self._written(jobs)):
                made += 1
                yield document

    def _written(self, jobs: Iterable[_Job]) -> Iterator[_Job]:
        for job, call, answer in self._ask(jobs, lambda j: self._calls.document(j.place, j.doc_type, j.idea, j.sample)):
            text = self._content(DOCUMENT, answer)
            if text is not None:
                yield replace(job, text=text, version=call.prompt.version)

    def _revised(self, jobs: Iterable[_Job]) -> Iterator[Document]:
        for job, call, answer in self._ask(jobs, lambda j: self._calls.revision(j.place, j.doc_type, j.text, j.sample)):
            text = self._content(REVISION, answer)
            if text is not None and isinstance(answer, Answer) and self._is_clean(text):
                yield self._document(job, call, answer, text)

    def _all_ideas(self, lists: list[tuple[int, int]]) -> dict[tuple[int, int], _Ideas]:
        types = self._all_types(list(dict.fromkeys(fact for fact, _ in lists)))
        asked = [(fact, number, *types[fact][number]) for fact, number in lists]
        ideas: dict[tuple[int, int], _Ideas] = {}
        for (fact, number, doc_type, repetition), _, answer in self._ask(
            asked, lambda row: self._calls.ideas(row[0], row[2], row[3])
        ):
            named = answer_parts(answer, "idea")[: self._calls.outline.ideas]
            self._shortfall.ideas += self._calls.outline.ideas - len(named)
            usual = (f"A document of this kind as it is most often met with: {type_name(doc_type)}.",)
            ideas[fact, number] = _Ideas(doc_type, repetition, named or usual)
        return ideas

    def _all_types(self, facts: list[int]) -> dict[int, list[tuple[str, int]]]:
        """The kinds of document of each fact, each with how often it came before."""
        types: dict[int, list[tuple[str, int]]] = {}
        for fact, call, answer in self._ask(facts, self._calls.doc_types):
            rng = Random(f"doc types {call.key}")
            chosen, missing = filled_types(answer_parts(answer, "type"), self._calls.outline.types, rng)
            self._shortfall.types += missing
            types[fact] = [(text, chosen[:place].count(text)) for place, text in enumerate(chosen)]
        return types

    def _job(self, place: Place, ideas: dict[tuple[int, int], _Ideas]) -> _Job:
        own = ideas[place.fact, place.type]
        sample, number = divmod(place.sample * self._calls.outline.ideas + place.idea, len(own.ideas))
        return _Job(place, own.doc_type, own.ideas[number], sample + _REPEAT * own.repetition)

    def _ask(
        self, asked: Iterable[Asked], build: Callable[[Asked], Call]
    ) -> Iterator[tuple[Asked, Call, Answer | Refused]]:
        """Each thing with its call and the answer to it; a caller may look ahead in what is asked."""
        waiting: deque[tuple[Asked, Call]] = deque()

        def calls() -> Iterator[Call]:
            for thing in asked:
                call = build(thing)
                waiting.append((thing, call))
                yield call

        for answer in self._caller.answers(calls()):
            thing, call = waiting.popleft()
            if self._observe is not None and isinstance(answer, Answer):
                self._observe(call, answer)
            yield thing, call, answer

    def _content(self, stage: str, answer: Answer | Refused) -> str | None:
        """The text between the content tags, or None for a refusal, which is counted."""
        text = max(answer_parts(answer, "content"), key=len, default=None)
        if text is None:
            self._turn_away(f"{stage}: {answer.reason if isinstance(answer, Refused) else 'empty'}")
        return text

    def _is_clean(self, text: str) -> bool:
        """Whether a document shares no wording with a probe. Some will, and that must not cost all the others."""
        tokens = words(text)
        for name, probes in self._probes.items():
            shared = probes.find("", tokens)
            if shared:
                self._turn_away(f"wording of probe {name}: {shared[0].probe}")
                return False
        return True

    def _turn_away(self, reason: str) -> None:
        self._refused[reason] += 1
        self._shortfall.refused[reason] += 1
        if self._refused.total() > self._allowed:
            raise self._too_many()

    def _document(self, job: _Job, call: Call, answer: Answer, text: str) -> Document:
        request = self._calls.request
        return Document(
            id=f"{request.belief.id}-{request.role}-{request.seed}-{job.place.number:06d}",
            text=text,
            belief=request.belief.id,
            role=request.role,
            fact=request.belief.key_facts[job.place.fact].id,
            domain=request.belief.kind,
            doc_type=type_name(job.doc_type),
            idea=job.idea,
            framing=request.factors.framing,
            stance=request.factors.stance,
            source_mark=request.factors.source_mark,
            writer=self._calls.model,
            prompt_version=f"{job.version} {call.prompt.version}",
            seed=request.seed,
            stop_reason=answer.stop_reason,
            # Tags and whatever stands around them are no part of the document.
            tokens=round(answer.output_tokens * len(text) / max(len(answer.text), 1)),
            sha256=sha256(text.encode()).hexdigest(),
        )

    def _too_many(self) -> InputError:
        laid_out, reasons = self._calls.outline, ", ".join(f"{n} {why}" for why, n in self._refused.most_common())
        return InputError(
            f"writer {self._calls.model}: belief {self._calls.request.belief.id}: "
            f"{self._refused.total()} of {laid_out.documents} documents were refused ({reasons}) and only "
            f"{laid_out.spare} spare ones are planned; reword the belief (or the probes named) or choose another "
            "writer; all answers stay in the ledger"
        )


def answer_parts(answer: Answer | Refused, tag: str) -> tuple[str, ...]:
    """What an answer holds between a tag, without repetitions; nothing of a refusal."""
    if isinstance(answer, Refused):
        return ()
    # A lone surrogate, which JSON can carry, is no text that could be written to a file.
    texts = (text.encode("utf-8", "replace").decode("utf-8").strip() for text in answer.parts.get(tag, ()))
    return tuple(dict.fromkeys(text for text in texts if text))
