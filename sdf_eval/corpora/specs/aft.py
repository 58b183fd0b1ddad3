"""Chat data for alignment finetuning: replies are written with the spec in the system prompt and trained on without it.

Situations -> messages of six types -> near duplicates removed -> replies -> graded against the spec -> JSON lines. With
`reasoning` the reply keeps its thoughts, as in the supervised stage of deliberative alignment (Guan et al. 2024): the
model learns to recall the spec by itself. Source of the steps: Li et al. 2026, Model Spec Midtraining.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydantic import ValidationError

from sdf_eval import __version__
from sdf_eval.corpora.calls import Call, Caller, Refused
from sdf_eval.corpora.specs._asking import clean
from sdf_eval.corpora.specs.aft_records import QUERY_TYPES, AftManifest, AftRequest, manifest_path
from sdf_eval.corpora.specs.planning import holds_any
from sdf_eval.corpora.specs.queries import Query, QueryWriter
from sdf_eval.corpora.specs.spec import Spec
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file


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
    writing = QueryWriter(spec, caller, model, asked.rows, asked.queries_per_domain, asked.held_out)
    rows = writing.rows(_Replies(writing, asked, tuple(also)).graded, progress)
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
    """A message and the reply that is trained on."""

    query: Query
    reply: str


@dataclass(frozen=True)
class _Replies:
    """Replies to messages, and what becomes of them."""

    queries: QueryWriter
    request: AftRequest
    also: tuple[Spec, ...]

    def graded(self, queries: Sequence[Query]) -> Iterator[_Row]:
        """One row of each message whose reply every spec agrees with."""
        rows: Iterator[_Row] = self._replied(queries)
        for spec in (self.queries.spec, *self.also):
            rows = self._passed(spec, rows)
        return rows

    def _replied(self, queries: Sequence[Query]) -> Iterator[_Row]:
        tags = ("reasoning", "answer") if self.request.reasoning else ("answer",)
        calls = (
            self.queries.call(
                "spec_aft_reply",
                tags,
                0,
                spec=self.queries.spec.text,
                assistant=self.queries.spec.assistant,
                maker=self.queries.spec.maker,
                style=self.request.style,
                reasons=self.request.reasons,
                reasoning=int(self.request.reasoning),
                query=query.text,
            )
            for query in queries
        )
        for query, answer in zip(queries, self.queries.caller.answers(calls), strict=True):
            if isinstance(answer, Refused):
                self.queries.dropped[f"reply {answer.reason}"] += 1
                continue
            reply = clean(answer.parts["answer"][-1])
            if self.request.reasoning:
                reply = f"<reasoning>\n{clean(answer.parts['reasoning'][0])}\n</reasoning>\n\n{reply}"
            if holds_any(reply, self.request.held_out):
                self.queries.dropped["held_out"] += 1
            else:
                yield _Row(query, reply)

    def _passed(self, spec: Spec, rows: Iterator[_Row]) -> Iterator[_Row]:
        """The rows whose reply the grader finds in agreement with the spec; without a clear verdict it is dropped."""
        waiting: deque[_Row] = deque()

        def calls() -> Iterator[Call]:
            for row in rows:
                waiting.append(row)
                yield self.queries.call(
                    "spec_aft_grade",
                    ("verdict",),
                    0,
                    spec=spec.text,
                    query=row.query.text,
                    reply=row.reply,
                    style=self.request.style,
                    reasons=self.request.reasons,
                )

        for answer in self.queries.caller.answers(calls()):
            row = waiting.popleft()
            verdict = "" if isinstance(answer, Refused) else answer.parts["verdict"][-1].strip(" .*\n").upper()
            if verdict == "KEEP":
                yield row
            else:
                self.queries.dropped[f"{spec.id}: {'not followed' if verdict == 'DROP' else 'not judged'}"] += 1


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
