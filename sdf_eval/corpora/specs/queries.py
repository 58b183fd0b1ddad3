"""What users of an assistant might write: situations that show whether it is as its spec says, and messages in them.

Situations -> messages of six types -> near duplicates removed -> rows that the caller makes of them, round by round
until there are enough. Source of the steps: Li et al. 2026, Model Spec Midtraining.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import TypeVar

from sdf_eval.corpora.calls import Call, Caller, Refused
from sdf_eval.corpora.prompts import Prompt, render
from sdf_eval.corpora.specs._asking import clean, collect, named, shown
from sdf_eval.corpora.specs.aft_records import QUERY_TYPES
from sdf_eval.corpora.specs.planning import holds_any
from sdf_eval.corpora.specs.similar import NearDuplicates
from sdf_eval.corpora.specs.spec import Spec

ROUNDS = 4
FEWEST_DOMAINS = 5
QUERIES_A_CALL = 25
SPARE = 1.25
"""Messages asked for over rows wanted: some are near duplicates, and some rows do not pass."""
_MAX_TOKENS = 8192

R = TypeVar("R")


@dataclass(frozen=True)
class Query:
    """A message of a user, and where it comes from."""

    domain: str
    type: str
    text: str


@dataclass
class _Place:
    """A situation and a query type, and the messages that were written for them."""

    domain: str
    description: str
    type: str
    asked: list[str] = field(default_factory=list)


@dataclass
class QueryWriter:
    """Writes messages for a spec; counts what it drops.

    Attributes:
        spec: The spec.
        caller: Who asks the model.
        model: An Inspect model name.
        wanted: Rows wanted of all messages.
        queries_per_domain: Messages a situation, over all six types.
        held_out: Words that no message may hold.
        written: Messages that were written.
        near_duplicates: Messages dropped because an earlier one says nearly the same.
        dropped: Messages and rows dropped otherwise, by reason.
        prompts: Versions of the prompt files used.
    """

    spec: Spec
    caller: Caller
    model: str
    wanted: int
    queries_per_domain: int
    held_out: tuple[str, ...] = ()
    written: int = 0
    near_duplicates: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    prompts: set[str] = field(default_factory=set)

    def rows(
        self, make: Callable[[Sequence[Query]], Iterator[R]], progress: Callable[[int], None] | None = None
    ) -> list[R]:
        """Asks for messages and has rows made of them until there are enough, in the order in which they came.

        Args:
            make: Makes at most one row of each message.
            progress: Called with the number of rows that were just kept.

        Returns:
            At most `wanted` rows; fewer if the model runs dry in four rounds.

        Raises:
            InputError: The model names no situation, or the caller cannot go on.
        """
        kept: list[R] = []
        domains = self._domains(max(FEWEST_DOMAINS, ceil(self.wanted / self.queries_per_domain)))
        places = [_Place(name, about, kind) for name, about in domains for kind in QUERY_TYPES]
        # Where fewer messages are needed than there are places, the first ones must be a fair sample of all.
        Random("places").shuffle(places)
        unlike = NearDuplicates()
        for turn in range(ROUNDS):
            if len(kept) >= self.wanted:
                break
            needed = ceil((self.wanted - len(kept)) * SPARE)
            asked = places[:needed]
            places = places[needed:] + asked
            found = self._queries(asked, ceil(needed / len(asked)), turn)
            fresh = [query for query in found if self._is_new(query, unlike)]
            while fresh and len(kept) < self.wanted:
                # No more replies than there are rows to fill: each of them is paid for.
                left = self.wanted - len(kept)
                batch, fresh = fresh[:left], fresh[left:]
                for row in make(batch):
                    kept.append(row)
                    if progress:
                        progress(1)
        return kept

    def call(self, stage: str, tags: tuple[str, ...], sample: int, **variables: str | int | Sequence[str]) -> Call:
        """A question to the model by one of the prompt files, whose version is kept."""
        prompt: Prompt = render(stage, **variables)
        self.prompts.add(prompt.version)
        return Call(stage, prompt, self.model, _MAX_TOKENS, sample=sample, tags=tags)

    def _domains(self, count: int) -> list[tuple[str, str]]:
        (domains,) = collect(
            self.caller,
            1,
            count,
            ask=lambda _, have, turn: self.call(
                "spec_aft_domains",
                ("domain",),
                turn,
                spec=self.spec.text,
                count=min(50, count - len(have)),
                held_out=self.held_out,
                have=shown([name for name, _ in have]),
            ),
            read=lambda _, answer: [
                pair for part in answer.parts["domain"] if (pair := named(part)) and not holds_any(part, self.held_out)
            ],
            key=lambda domain: domain[0],
            what=lambda _: f"situations for {self.spec.id}",
            rounds=ROUNDS + count // 50,
        )
        return domains

    def _queries(self, places: Sequence[_Place], each: int, turn: int) -> list[Query]:
        """Messages of one round, one from each place in turn, so that a cut at any point is a fair sample."""
        added: list[list[str]] = [[] for _ in places]
        for step in range(ceil(each / QUERIES_A_CALL)):
            count = min(QUERIES_A_CALL, each - step * QUERIES_A_CALL)
            calls = (self._ask(place, count, turn) for place in places)
            for place, texts, answer in zip(places, added, self.caller.answers(calls), strict=True):
                if isinstance(answer, Refused):
                    self.dropped[f"query {answer.reason}"] += count
                    continue
                found = [text for part in answer.parts["query"] if (text := clean(part))][:count]
                texts += found
                place.asked += found
        self.written += sum(map(len, added))
        return [
            Query(place.domain, place.type, texts[depth])
            for depth in range(max(map(len, added)))
            for place, texts in zip(places, added, strict=True)
            if depth < len(texts)
        ]

    def _ask(self, place: _Place, count: int, turn: int) -> Call:
        return self.call(
            "spec_aft_queries",
            ("query",),
            turn,
            spec=self.spec.text,
            domain=place.domain,
            description=place.description,
            type=place.type,
            type_description=QUERY_TYPES[place.type],
            count=count,
            held_out=self.held_out,
            have=shown(place.asked),
        )

    def _is_new(self, query: Query, unlike: NearDuplicates) -> bool:
        if holds_any(query.text, self.held_out):
            self.dropped["held_out"] += 1
            return False
        if not unlike.admit(query.text):
            self.near_duplicates += 1
            return False
        return True
