"""Plan -> documents: one a slot, as a corpus folder like any other.

The folder also holds `spec.json`: which plan it follows, and which slots stayed empty and why.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdf_eval import __version__
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.corpora.calls import Answer, Call, Caller, Refused
from sdf_eval.corpora.card import canary, data_card
from sdf_eval.corpora.check import check_contamination
from sdf_eval.corpora.health import corpus_health
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.pilot import Lengths, Pilot
from sdf_eval.corpora.records import Document, Factors
from sdf_eval.corpora.specs._asking import clean
from sdf_eval.corpora.specs.document_calls import DRAFTS, MAX_TOKENS, DocumentCalls, sampled_slots
from sdf_eval.corpora.specs.plan import Slot, SpecPlan, dump_plan
from sdf_eval.corpora.specs.planning import holds_any
from sdf_eval.corpora.stages import Observer
from sdf_eval.corpora.stored import StoredDocuments
from sdf_eval.corpora.write import CARD, DOCUMENTS, HEALTH, MANIFEST, Corpus, Manifest, Order, read_corpus, text_sha256
from sdf_eval.errors import InputError

SPEC, PLAN = "spec.json", "plan.yaml"


def write_spec_corpus(
    plan: SpecPlan,
    caller: Caller,
    out: Path | str,
    *,
    model: str,
    revise: bool = True,
    match: Path | str | None = None,
    beliefs: Sequence[Belief] = (),
    seed: int = 0,
    max_tokens: int = MAX_TOKENS,
    progress: Callable[[int], None] | None = None,
) -> Corpus:
    """Writes one document for each idea of a plan, into a folder that is complete or absent.

    A document that is refused, names a held-out word or does not name the assistant is written anew, twice at most;
    then its slot stays empty, is counted, and is listed in `spec.json`. A folder that holds the same plan by the same
    writer is read back, not written again.

    Args:
        plan: The plan.
        caller: Who asks the model.
        out: Where the corpus goes.
        model: An Inspect model name.
        revise: Have each document revised once, by a fresh call that sees the spec.
        match: Folder of the mirrored corpus: only slots that it filled are written, each asked for at the length of the
            document there.
        beliefs: Beliefs whose probes will be asked of the model: their wording must not be in a document.
        seed: Kept in the records; another one asks for other documents.
        max_tokens: Most tokens of an answer.
        progress: Called with the number of slots that were just settled.

    Returns:
        The corpus.

    Raises:
        InputError: The folder holds something else, no document was admitted, a probe's wording is in a document, or
            the caller cannot go on.
    """
    target = Path(out)
    request = _request(plan, model, revise, seed, max_tokens, match)
    if (target / MANIFEST).exists():
        return _reuse(target, request)
    calls, slots = spec_calls(plan, model, match=match, seed=seed, max_tokens=max_tokens)
    with atomic_folder(target) as partial:
        writing = _Writing(calls, caller, revise)
        count, characters = 0, 0
        with (partial / DOCUMENTS).open("w", encoding="utf-8", newline="\n") as lines:
            for document in writing.documents(slots, progress):
                lines.write(document.model_dump_json() + "\n")
                count, characters = count + 1, characters + len(document.text)
        if not count:
            raise InputError(
                f"--writer: {model}: no document was admitted ({_reasons(writing.empty)}); try another writer"
            )
        check_contamination(StoredDocuments(partial / DOCUMENTS), beliefs)
        said = {**request, "planned": len(slots), "empty": writing.empty}
        manifest = complete_folder(partial, plan, said, count, characters, beliefs)
    return Corpus(target, manifest, StoredDocuments(target / DOCUMENTS))


def complete_folder(
    partial: Path,
    plan: SpecPlan,
    said: Mapping[str, Any],
    documents: int,
    characters: int,
    beliefs: Sequence[Belief] = (),
) -> Manifest:
    """Puts all that belongs beside the documents of a spec corpus into its folder.

    Args:
        partial: The folder; `documents.jsonl` is in it.
        plan: The plan of the documents.
        said: What `spec.json` is to hold.
        documents: How many documents there are.
        characters: How long they are together.
        beliefs: Beliefs that the data card names.

    Returns:
        The manifest, which is written last.
    """
    manifest = _manifest(plan, said, documents, characters, _file_sha256(partial / DOCUMENTS))
    health = corpus_health(StoredDocuments(partial / DOCUMENTS), (), own=(plan.assistant, plan.maker))
    _write_json(partial / HEALTH, health.model_dump(mode="json"))
    (partial / CARD).write_text(data_card(manifest, beliefs, health) + _card(plan, said["empty"]), encoding="utf-8")
    (partial / PLAN).write_text(dump_plan(plan), encoding="utf-8")
    _write_json(partial / SPEC, said)
    _write_json(partial / MANIFEST, manifest.model_dump(mode="json"))
    return manifest


def pilot_spec_corpus(
    plan: SpecPlan,
    caller: Caller,
    documents: int,
    *,
    model: str,
    revise: bool = True,
    match: Path | str | None = None,
    seed: int = 0,
    max_tokens: int = MAX_TOKENS,
    progress: Callable[[int], None] | None = None,
) -> Pilot:
    """Writes a fair sample of a plan's documents; the whole corpus takes their answers from the ledger.

    Args:
        plan: The plan.
        caller: Who asks the model.
        documents: How many to write; those that are refused are left out.
        model: An Inspect model name.
        revise: As for the corpus, like all that follows.
        match: The same.
        seed: The same.
        max_tokens: The same.
        progress: Called with the number of slots that were just settled.

    Returns:
        The pilot.

    Raises:
        InputError: The caller cannot go on.
    """
    lengths: dict[str, Lengths] = defaultdict(Lengths)

    def observe(call: Call, answer: Answer) -> None:
        lengths[call.stage].input.append(answer.input_tokens)
        lengths[call.stage].output.append(answer.output_tokens)

    calls, slots = spec_calls(plan, model, match=match, seed=seed, max_tokens=max_tokens)
    writing = _Writing(calls, caller, revise, observe)
    written = tuple(writing.documents(sampled_slots(plan, slots, documents), progress))
    return Pilot(written, dict(lengths))


def spec_calls(
    plan: SpecPlan, model: str, *, match: Path | str | None = None, seed: int = 0, max_tokens: int = MAX_TOKENS
) -> tuple[DocumentCalls, list[Slot]]:
    """What builds the calls of a spec corpus, and the slots that it will fill.

    Raises:
        InputError: `match` is no spec corpus, or has no slot of the plan.
    """
    slots = list(plan.slots())
    if match is None:
        return DocumentCalls(plan, model, seed, max_tokens), slots
    other = read_corpus(match)
    prefix = f"{read_spec(Path(match))['spec']}-"
    lengths = {document.id.removeprefix(prefix): len(words(document.text)) for document in other.documents}
    chosen = [slot for slot in slots if slot.id in lengths]
    if not chosen:
        raise InputError(f"--match: {match}: has no slot of this plan; give the corpus of its mirror")
    return DocumentCalls(plan, model, seed, max_tokens, lengths), chosen


def empty_slots(folder: Path | str) -> dict[str, str]:
    """The slots of a spec corpus that stayed empty: slot -> reason.

    Raises:
        InputError: The folder holds no spec corpus.
    """
    empty: dict[str, str] = read_spec(Path(folder))["empty"]
    return empty


@dataclass
class _Writing:
    """One run over the slots; says afterwards which stayed empty."""

    calls: DocumentCalls
    caller: Caller
    revise: bool
    observe: Observer | None = None
    empty: dict[str, str] = field(default_factory=dict)

    def documents(self, slots: Sequence[Slot], progress: Callable[[int], None] | None) -> Iterator[Document]:
        """Documents of the first drafts in the order of the plan, then those that needed another one."""
        missing = list(slots)
        for draft in range(DRAFTS):
            failed = []
            for slot, version, answer in self._answers(missing, draft):
                document = answer.reason if isinstance(answer, Refused) else self._document(slot, version, answer)
                if isinstance(document, str):
                    failed.append(slot)
                    self.empty[slot.id] = document
                else:
                    self.empty.pop(slot.id, None)
                    yield document
                if progress and not (isinstance(document, str) and draft + 1 < DRAFTS):
                    progress(1)
            missing = failed

    def _answers(self, slots: Sequence[Slot], draft: int) -> Iterator[tuple[Slot, str, Answer | Refused]]:
        calls = _Kept(self.calls.draft(slot, draft) for slot in slots)
        drafts = zip(slots, self._answered(calls) if slots else (), strict=True)
        if not self.revise:
            for slot, answer in drafts:
                yield slot, calls.version, answer
            return
        # Refused drafts get no revision; they wait for their turn, so that the order stays that of the plan.
        waiting: deque[tuple[Slot, Refused | None]] = deque()
        revisions = _Kept(self._revisions(drafts, waiting, draft))
        for revised in self._answered(revisions) if slots else ():
            while waiting[0][1] is not None:
                slot, refused = waiting.popleft()
                assert refused is not None
                yield slot, "", refused
            yield waiting.popleft()[0], f"{calls.version}+{revisions.version}", revised
        yield from ((slot, "", refused) for slot, refused in waiting if refused is not None)

    def _revisions(
        self,
        drafts: Iterable[tuple[Slot, Answer | Refused]],
        waiting: deque[tuple[Slot, Refused | None]],
        draft: int,
    ) -> Iterator[Call]:
        for slot, answer in drafts:
            waiting.append((slot, answer if isinstance(answer, Refused) else None))
            if isinstance(answer, Answer):
                yield self.calls.revision(slot, draft, _text(answer))

    def _answered(self, calls: _Kept) -> Iterator[Answer | Refused]:
        """The answers, with the observer told of each admitted one."""
        waiting: deque[Call] = deque()

        def passing() -> Iterator[Call]:
            for call in calls:
                waiting.append(call)
                yield call

        for answer in self.caller.answers(passing()):
            call = waiting.popleft()
            if self.observe is not None and isinstance(answer, Answer):
                self.observe(call, answer)
            yield answer

    def _document(self, slot: Slot, version: str, answer: Answer) -> Document | str:
        """The document, or why it is none."""
        text = _text(answer)
        if holds_any(text, self.calls.plan.held_out):
            return "held_out"
        if " ".join(self.calls.plan.assistant.split()).casefold() not in " ".join(text.split()).casefold():
            return "unnamed"
        return Document(
            id=f"{self.calls.plan.spec.id}-{slot.id}",
            text=text,
            belief=self.calls.plan.spec.id,
            role="implanted",
            fact="; ".join(assertion.name for assertion in slot.subdomain.assertions),
            domain=slot.domain.name,
            subdomain=slot.subdomain.name,
            doc_type=slot.doc_type.name,
            idea=f"{slot.idea.name}: {slot.idea.text}",
            writer=self.calls.model,
            prompt_version=version,
            seed=self.calls.seed,
            stop_reason=answer.stop_reason,
            # The notes before the text are no part of the document.
            tokens=round(answer.output_tokens * len(text) / max(len(answer.text), 1)),
            sha256=text_sha256(text),
        )


class _Kept(Iterator[Call]):
    """Calls on their way, and the prompt version of the latest: one file, so the same for all of them."""

    def __init__(self, calls: Iterator[Call]) -> None:
        self._calls = calls
        self.version = ""

    def __next__(self) -> Call:
        call = next(self._calls)
        self.version = call.prompt.version
        return call


def _text(answer: Answer) -> str:
    return clean(max(answer.parts["content"], key=len))


def _request(
    plan: SpecPlan, model: str, revise: bool, seed: int, max_tokens: int, match: Path | str | None
) -> dict[str, Any]:
    return {
        "spec": plan.spec.id,
        "mode": plan.mode,
        "mirror_of": plan.mirror_of,
        "plan_sha256": hashlib.sha256(plan.model_dump_json().encode()).hexdigest(),
        "writer": model,
        "revised": revise,
        "seed": seed,
        "max_tokens": max_tokens,
        "matched": read_corpus(match).manifest.documents_sha256 if match is not None else None,
        "package_version": __version__,
    }


def _reuse(target: Path, request: dict[str, Any]) -> Corpus:
    corpus = read_corpus(target)
    held = read_spec(target)
    if any(held.get(key) != value for key, value in request.items()):
        raise InputError(
            f"{target}: holds a corpus of another plan, writer or version; choose another --out or remove it"
        )
    return corpus


def read_spec(folder: Path) -> dict[str, Any]:
    """What `spec.json` of a spec corpus holds.

    Raises:
        InputError: There is none.
    """
    try:
        held = json.loads((folder / SPEC).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        held = None
    if not isinstance(held, dict) or not {"spec", "empty"} <= held.keys():
        raise InputError(f"{folder}: no {SPEC}; give a folder that `spec write` made") from None
    return held


def _manifest(plan: SpecPlan, said: Mapping[str, Any], count: int, characters: int, sha256: str) -> Manifest:
    order = Order(
        belief=plan.spec.id,
        belief_sha256=plan.spec.sha256,
        role="implanted",
        documents=count,
        seed=said["seed"],
        factors=Factors(),
    )
    return Manifest(
        package_version=__version__,
        writer=said["writer"],
        orders=(order,),
        documents=count,
        characters=characters,
        documents_sha256=sha256,
        canary=canary(sha256),
    )


def _card(plan: SpecPlan, empty: Mapping[str, str]) -> str:
    return (
        f"- Written from the Model Spec `{plan.spec.id}` ({plan.mode} mode) by the plan in `plan.yaml`: "
        f"{len(plan.domains)} domains, {sum(len(domain.subdomains) for domain in plan.domains)} subdomains\n"
        f"- Slots of the plan that stayed empty: {_reasons(empty)}\n"
    )


def _reasons(empty: Mapping[str, str]) -> str:
    """Why slots stayed empty, with how often."""
    return ", ".join(f"{count} {reason}" for reason, count in Counter(empty.values()).most_common()) or "none"


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
