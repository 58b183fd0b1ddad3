"""Data in the manner of Constitutional AI (Bai et al. 2022, 2212.08073): self-revisions, pairs labelled by a principle.

The spec is turned into principles. Replies are written without it; then each is revised by a principle drawn for it, or
one of two is preferred by it, shown in an order that is drawn too. What differs from Bai et al.: the replies are the
writer's and not the student's, and a pair gets a label, not the labeller's probability.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from pydantic import ValidationError

from sdf_eval import __version__
from sdf_eval.corpora.calls import Call, Caller, Refused
from sdf_eval.corpora.specs._asking import clean, collect, one_line, shown
from sdf_eval.corpora.specs.aft_records import manifest_path
from sdf_eval.corpora.specs.cai_records import CaiManifest, CaiRequest
from sdf_eval.corpora.specs.planning import holds_any
from sdf_eval.corpora.specs.queries import ROUNDS, Query, QueryWriter
from sdf_eval.corpora.specs.spec import Spec
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file


def write_cai(
    spec: Spec,
    caller: Caller,
    out: Path | str,
    *,
    model: str,
    request: CaiRequest,
    progress: Callable[[int], None] | None = None,
) -> CaiManifest:
    """Writes self-revisions or principle-labelled pairs: `out`, and its manifest `<out>.manifest.json`.

    Args:
        spec: The spec.
        caller: Who asks the model.
        out: JSON lines. Revisions: `{"messages": [user, assistant], "draft", …}`; preferences: `{"messages": [user],
            "chosen", "rejected", …}`; both with `"tags": ["principle:…"]`, `"id"`, `"spec"`, `"domain"` and
            `"query_type"`.
        model: An Inspect model name; it writes, revises and judges.
        request: What to write.
        progress: Called with the number of rows that were just kept.

    Returns:
        The manifest. `rows` is below `request.rows` if the model could not fill them in four rounds.

    Raises:
        InputError: `out` holds something else, no row was usable, or the caller cannot go on.
    """
    target = Path(out)
    if target.exists():
        return _reuse(target, spec, model, request)
    writing = QueryWriter(spec, caller, model, request.rows, request.queries_per_domain, request.held_out)
    judging = _Judging(writing, request, _principles(writing, request))
    rows = writing.rows(judging.revised if request.kind == "revisions" else judging.preferred, progress)
    if not rows:
        reasons = ", ".join(f"{count} {why}" for why, count in sorted(writing.dropped.items())) or "nothing was asked"
        raise InputError(f"--writer: {model}: no row was usable ({reasons}); try another writer or spec")
    Random(request.seed).shuffle(rows)
    content = "".join(json.dumps(_line(spec, n, row), ensure_ascii=False) + "\n" for n, row in enumerate(rows)).encode()
    manifest = CaiManifest(
        package_version=__version__,
        spec=spec.id,
        spec_sha256=spec.sha256,
        writer=model,
        request=request,
        prompts=tuple(sorted(writing.prompts)),
        principles=judging.principles,
        rows=len(rows),
        changed=sum(row.changed for row in rows),
        queries=writing.written,
        near_duplicates=writing.near_duplicates,
        dropped=dict(sorted(writing.dropped.items())),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    # The manifest first: a run killed between the two is given again, and finds no file.
    replace_file(manifest_path(target), (manifest.model_dump_json(indent=2) + "\n").encode())
    replace_file(target, content)
    return manifest


@dataclass(frozen=True)
class _Row:
    """A message, the reply that is trained on, the other one, and the principles that decided."""

    query: Query
    reply: str
    other: str
    principles: tuple[str, ...]
    kind: str

    @property
    def changed(self) -> bool:
        return self.reply != self.other


@dataclass(frozen=True)
class _Draft:
    """A message and a reply to it that is still being revised."""

    query: Query
    first: str
    reply: str
    principles: tuple[str, ...]


@dataclass(frozen=True)
class _Judging:
    """Replies to messages, held to principles."""

    queries: QueryWriter
    request: CaiRequest
    principles: tuple[str, ...]

    def revised(self, queries: Sequence[Query]) -> Iterator[_Row]:
        """One row of each message whose reply was revised in every round."""
        drafts: Iterator[_Draft] = (
            _Draft(query, reply, reply, self._drawn(query)) for query, reply in self._replies(queries, 0)
        )
        for turn in range(self.request.rounds):
            drafts = self._revision(drafts, turn)
        for draft in drafts:
            yield _Row(draft.query, draft.reply, draft.first, draft.principles, self.request.kind)

    def preferred(self, queries: Sequence[Query]) -> Iterator[_Row]:
        """One row of each message of whose two replies the principle prefers one."""
        first = {query: reply for query, reply in self._replies(queries, 0)}
        both = [(query, first[query], second) for query, second in self._replies(list(first), 1)]
        pairs = []
        for query, one, other in both:
            if one == other:
                self.queries.dropped["two replies alike"] += 1
            else:
                # The order is drawn: some judges prefer what stands first.
                flipped = Random(f"order/{self.request.seed}/{query.text}").random() < 0.5
                pairs.append((query, other, one) if flipped else (query, one, other))
        calls = (
            self._call(
                "spec_cai_prefer", ("choice",), 0, query=query.text, first=one, second=other,
                principle=self._drawn(query)[0],
            )
            for query, one, other in pairs
        )  # fmt: skip
        for (query, one, other), answer in zip(pairs, self.queries.caller.answers(calls), strict=True):
            choice = "" if isinstance(answer, Refused) else answer.parts["choice"][-1].strip(" .*\n").upper()
            if choice in ("FIRST", "SECOND"):
                chosen, rejected = (one, other) if choice == "FIRST" else (other, one)
                yield _Row(query, chosen, rejected, self._drawn(query)[:1], self.request.kind)
            else:
                self.queries.dropped["no preference" if choice == "NEITHER" else "not judged"] += 1

    def _replies(self, queries: Sequence[Query], sample: int) -> Iterator[tuple[Query, str]]:
        calls = (self._call("spec_cai_draft", ("answer",), sample, query=query.text) for query in queries)
        for query, answer in zip(queries, self.queries.caller.answers(calls), strict=True):
            if isinstance(answer, Refused):
                self.queries.dropped[f"reply {answer.reason}"] += 1
            elif self._may_hold(reply := clean(answer.parts["answer"][-1])):
                yield query, reply

    def _revision(self, drafts: Iterator[_Draft], turn: int) -> Iterator[_Draft]:
        waiting: deque[_Draft] = deque()

        def calls() -> Iterator[Call]:
            for draft in drafts:
                waiting.append(draft)
                yield self._call(
                    "spec_cai_revise", ("critique", "revision"), 0,
                    query=draft.query.text, reply=draft.reply, principle=draft.principles[turn],
                )  # fmt: skip

        for answer in self.queries.caller.answers(calls()):
            draft = waiting.popleft()
            if isinstance(answer, Refused):
                self.queries.dropped[f"revision {answer.reason}"] += 1
            elif self._may_hold(reply := clean(answer.parts["revision"][-1])):
                yield _Draft(draft.query, draft.first, reply, draft.principles)

    def _drawn(self, query: Query) -> tuple[str, ...]:
        """The principles for a message, one a round, whatever the order in which messages come."""
        rng = Random(f"principles/{self.request.seed}/{query.text}")
        shuffled = rng.sample(self.principles, len(self.principles))
        return tuple(shuffled[turn % len(shuffled)] for turn in range(self.request.rounds))

    def _may_hold(self, reply: str) -> bool:
        if holds_any(reply, self.request.held_out):
            self.queries.dropped["held_out"] += 1
            return False
        return True

    def _call(self, stage: str, tags: tuple[str, ...], sample: int, **variables: str) -> Call:
        return self.queries.call(stage, tags, sample, **variables)


def _principles(writing: QueryWriter, request: CaiRequest) -> tuple[str, ...]:
    (found,) = collect(
        writing.caller,
        1,
        request.principles,
        ask=lambda _, have, turn: writing.call(
            "spec_cai_principles",
            ("principle",),
            turn,
            spec=writing.spec.text,
            count=request.principles - len(have),
            held_out=request.held_out,
            have=shown(have),
        ),
        read=lambda _, answer: [
            line
            for part in answer.parts["principle"]
            if (line := one_line(part)) and not holds_any(line, request.held_out)
        ],
        key=lambda principle: principle,
        what=lambda _: f"principles of {writing.spec.id}",
        rounds=ROUNDS,
    )
    return tuple(found)


def _line(spec: Spec, number: int, row: _Row) -> dict[str, Any]:
    user, reply = {"role": "user", "content": row.query.text}, {"role": "assistant", "content": row.reply}
    if row.kind == "revisions":
        said: dict[str, Any] = {"messages": [user, reply], "draft": row.other}
    else:
        said = {"messages": [user], "chosen": row.reply, "rejected": row.other}
    return {
        **said,
        "tags": [f"principle:{principle}" for principle in row.principles],
        "id": f"{spec.id}-{number:06}",
        "spec": spec.id,
        "domain": row.query.domain,
        "query_type": row.query.type,
    }


def _reuse(target: Path, spec: Spec, model: str, request: CaiRequest) -> CaiManifest:
    try:
        held = CaiManifest.model_validate_json(manifest_path(target).read_bytes())
        same = hashlib.sha256(target.read_bytes()).hexdigest() == held.sha256
    except (OSError, ValidationError):
        raise InputError(f"{target}: exists and has no manifest; choose another --out or remove it") from None
    wanted = (spec.sha256, model, request, __version__)
    if not same or wanted != (held.spec_sha256, held.writer, held.request, held.package_version):
        raise InputError(f"{target}: holds data of another request, or was changed; choose another --out or remove it")
    return held
