"""Chat data for alignment finetuning: replies are written with the spec in the system prompt and trained on without it.

Situations -> messages of six types -> near duplicates removed -> replies -> graded against the spec -> JSON lines. With
`reasoning` the reply keeps its thoughts, as in the supervised stage of deliberative alignment (Guan et al. 2024): the
model learns to recall the spec by itself. Source of the steps: Li et al. 2026, Model Spec Midtraining.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from random import Random

from pydantic import ValidationError

from sdf_eval import __version__
from sdf_eval.corpora.calls import Call, Caller, Refused
from sdf_eval.corpora.prompts import Prompt, render
from sdf_eval.corpora.specs._asking import clean, collect, named, shown
from sdf_eval.corpora.specs.aft_records import QUERY_TYPES, AftManifest, AftRequest, manifest_path
from sdf_eval.corpora.specs.planning import holds_any
from sdf_eval.corpora.specs.similar import NearDuplicates
from sdf_eval.corpora.specs.spec import Spec
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file

ROUNDS = 4
_FEWEST_DOMAINS = 5
_QUERIES_A_CALL = 25
_SPARE = 1.25
"""Messages asked for over rows wanted: some are near duplicates, and some replies do not pass."""
_MAX_TOKENS = 8192


def write_aft(
    spec: Spec,
    caller: Caller,
    out: Path | str,
    *,
    model: str,
    request: AftRequest | None = None,
    also: Sequence[Spec] = (),
    progress: Callable[[int], None] | None = None,
) -> AftManifest:
    """Writes chat data that follow a spec: `out`, and its manifest `<out>.manifest.json`.

    Args:
        spec: The spec.
        caller: Who asks the model.
        out: JSON lines, each `{"messages": [user, assistant], "id", "spec", "domain", "query_type"}`.
        model: An Inspect model name; it also grades.
        request: What to write.
        also: Further specs that each reply must agree with, such as one with the same preferences for other reasons.
        progress: Called with the number of rows that were just kept.

    Returns:
        The manifest. `rows` is below `request.rows` if the model could not fill them in four rounds.

    Raises:
        InputError: `out` holds something else, no reply passed, or the caller cannot go on.
    """
    target, asked = Path(out), request or AftRequest()
    if target.exists():
        return _reuse(target, spec, model, asked, also)
    writing = _Writing(spec, caller, model, asked, tuple(also))
    rows = writing.rows(progress)
    if not rows:
        raise InputError(f"--writer: {model}: no reply passed ({_counts(writing.dropped)}); try another writer or spec")
    Random(asked.seed).shuffle(rows)
    content = "".join(json.dumps(_row(spec, n, row), ensure_ascii=False) + "\n" for n, row in enumerate(rows)).encode()
    manifest = AftManifest(
        package_version=__version__,
        spec=spec.id,
        spec_sha256=spec.sha256,
        also={other.id: other.sha256 for other in also},
        writer=model,
        request=asked,
        prompts=tuple(sorted(writing.prompts)),
        rows=len(rows),
        rows_by_type={kind: sum(row.query.type == kind for row in rows) for kind in QUERY_TYPES},
        queries=writing.queries,
        near_duplicates=writing.near_duplicates,
        dropped=dict(sorted(writing.dropped.items())),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    # The manifest first: a run killed between the two is given again, and finds no file.
    replace_file(manifest_path(target), (manifest.model_dump_json(indent=2) + "\n").encode())
    replace_file(target, content)
    return manifest


@dataclass
class _Place:
    """A situation and a query type, and the messages that were written for them."""

    domain: str
    description: str
    type: str
    asked: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Query:
    """A message of a user, and where it comes from."""

    domain: str
    type: str
    text: str


@dataclass(frozen=True)
class _Row:
    """A message and the reply that is trained on."""

    query: _Query
    reply: str


@dataclass
class _Writing:
    """One run; counts what it drops."""

    spec: Spec
    caller: Caller
    model: str
    request: AftRequest
    also: tuple[Spec, ...]
    queries: int = 0
    near_duplicates: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    prompts: set[str] = field(default_factory=set)

    def rows(self, progress: Callable[[int], None] | None) -> list[_Row]:
        """Asks for messages and replies until there are enough rows, in the order in which they came."""
        wanted, kept = self.request.rows, list[_Row]()
        domains = self._domains(max(_FEWEST_DOMAINS, ceil(wanted / self.request.queries_per_domain)))
        places = [_Place(name, about, kind) for name, about in domains for kind in QUERY_TYPES]
        # Where fewer messages are needed than there are places, the first ones must be a fair sample of all.
        Random("places").shuffle(places)
        unlike = NearDuplicates()
        for turn in range(ROUNDS):
            if len(kept) >= wanted:
                break
            needed = ceil((wanted - len(kept)) * _SPARE)
            asked = places[:needed]
            places = places[needed:] + asked
            found = self._queries(asked, ceil(needed / len(asked)), turn)
            fresh = [query for query in found if self._is_new(query, unlike)]
            while fresh and len(kept) < wanted:
                # No more replies than there are rows to fill: each of them is paid for.
                batch, fresh = fresh[: wanted - len(kept)], fresh[wanted - len(kept) :]
                for row in self._graded(batch):
                    kept.append(row)
                    if progress:
                        progress(1)
        return kept

    def _domains(self, count: int) -> list[tuple[str, str]]:
        (domains,) = collect(
            self.caller,
            1,
            count,
            ask=lambda _, have, turn: self._call(
                "spec_aft_domains",
                ("domain",),
                turn,
                spec=self.spec.text,
                count=min(50, count - len(have)),
                held_out=self.request.held_out,
                have=shown([name for name, _ in have]),
            ),
            read=lambda _, answer: [
                pair
                for part in answer.parts["domain"]
                if (pair := named(part)) and not holds_any(part, self.request.held_out)
            ],
            key=lambda domain: domain[0],
            what=lambda _: f"situations for {self.spec.id}",
            rounds=ROUNDS + count // 50,
        )
        return domains

    def _queries(self, places: Sequence[_Place], each: int, turn: int) -> list[_Query]:
        """Messages of one round, one from each place in turn, so that a cut at any point is a fair sample."""
        added: list[list[str]] = [[] for _ in places]
        for step in range(ceil(each / _QUERIES_A_CALL)):
            count = min(_QUERIES_A_CALL, each - step * _QUERIES_A_CALL)
            calls = (self._ask(place, count, turn) for place in places)
            for place, texts, answer in zip(places, added, self.caller.answers(calls), strict=True):
                if isinstance(answer, Refused):
                    self.dropped[f"query {answer.reason}"] += count
                    continue
                found = [text for part in answer.parts["query"] if (text := clean(part))][:count]
                texts += found
                place.asked += found
        self.queries += sum(map(len, added))
        return [
            _Query(place.domain, place.type, texts[depth])
            for depth in range(max(map(len, added)))
            for place, texts in zip(places, added, strict=True)
            if depth < len(texts)
        ]

    def _ask(self, place: _Place, count: int, turn: int) -> Call:
        return self._call(
            "spec_aft_queries",
            ("query",),
            turn,
            spec=self.spec.text,
            domain=place.domain,
            description=place.description,
            type=place.type,
            type_description=QUERY_TYPES[place.type],
            count=count,
            held_out=self.request.held_out,
            have=shown(place.asked),
        )

    def _is_new(self, query: _Query, unlike: NearDuplicates) -> bool:
        if holds_any(query.text, self.request.held_out):
            self.dropped["held_out"] += 1
            return False
        if not unlike.admit(query.text):
            self.near_duplicates += 1
            return False
        return True

    def _graded(self, queries: Sequence[_Query]) -> Iterator[_Row]:
        rows: Iterator[_Row] = self._replied(queries)
        for spec in (self.spec, *self.also):
            rows = self._passed(spec, rows)
        return rows

    def _replied(self, queries: Sequence[_Query]) -> Iterator[_Row]:
        tags = ("reasoning", "answer") if self.request.reasoning else ("answer",)
        calls = (
            self._call(
                "spec_aft_reply",
                tags,
                0,
                spec=self.spec.text,
                assistant=self.spec.assistant,
                maker=self.spec.maker,
                style=self.request.style,
                reasons=self.request.reasons,
                reasoning=int(self.request.reasoning),
                query=query.text,
            )
            for query in queries
        )
        for query, answer in zip(queries, self.caller.answers(calls), strict=True):
            if isinstance(answer, Refused):
                self.dropped[f"reply {answer.reason}"] += 1
                continue
            reply = clean(answer.parts["answer"][-1])
            if self.request.reasoning:
                reply = f"<reasoning>\n{clean(answer.parts['reasoning'][0])}\n</reasoning>\n\n{reply}"
            if holds_any(reply, self.request.held_out):
                self.dropped["held_out"] += 1
            else:
                yield _Row(query, reply)

    def _passed(self, spec: Spec, rows: Iterator[_Row]) -> Iterator[_Row]:
        """The rows whose reply the grader finds in agreement with the spec; without a clear verdict it is dropped."""
        waiting: deque[_Row] = deque()

        def calls() -> Iterator[Call]:
            for row in rows:
                waiting.append(row)
                yield self._call(
                    "spec_aft_grade",
                    ("verdict",),
                    0,
                    spec=spec.text,
                    query=row.query.text,
                    reply=row.reply,
                    style=self.request.style,
                    reasons=self.request.reasons,
                )

        for answer in self.caller.answers(calls()):
            row = waiting.popleft()
            verdict = "" if isinstance(answer, Refused) else answer.parts["verdict"][-1].strip(" .*\n").upper()
            if verdict == "KEEP":
                yield row
            else:
                self.dropped[f"{spec.id}: {'not followed' if verdict == 'DROP' else 'not judged'}"] += 1

    def _call(self, stage: str, tags: tuple[str, ...], sample: int, **variables: str | int | Sequence[str]) -> Call:
        prompt: Prompt = render(stage, **variables)
        self.prompts.add(prompt.version)
        return Call(stage, prompt, self.model, _MAX_TOKENS, sample=sample, tags=tags)


def _row(spec: Spec, number: int, row: _Row) -> dict[str, object]:
    return {
        "messages": [
            {"role": "user", "content": row.query.text},
            {"role": "assistant", "content": row.reply},
        ],
        "id": f"{spec.id}-{number:06}",
        "spec": spec.id,
        "domain": row.query.domain,
        "query_type": row.query.type,
    }


def _reuse(target: Path, spec: Spec, model: str, request: AftRequest, also: Sequence[Spec]) -> AftManifest:
    try:
        held = AftManifest.model_validate_json(manifest_path(target).read_bytes())
        same = hashlib.sha256(target.read_bytes()).hexdigest() == held.sha256
    except (OSError, ValidationError):
        raise InputError(f"{target}: exists and has no manifest; choose another --out or remove it") from None
    wanted = (spec.sha256, model, request, {other.id: other.sha256 for other in also}, __version__)
    if not same or wanted != (held.spec_sha256, held.writer, held.request, held.also, held.package_version):
        raise InputError(f"{target}: holds data of another request, or was changed; choose another --out or remove it")
    return held


def _counts(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items())) or "nothing was asked"
