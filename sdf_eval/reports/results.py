"""What a run leaves behind as data: `results.json` and `items.jsonl`, one schema, hash-checked on reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdf_eval.belief.item import Context, Outcome
from sdf_eval.corpora.records import CorpusRole
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file
from sdf_eval.measure import Estimate

SCHEMA_VERSION = 1
RESULTS, ITEMS = "results.json", "items.jsonl"

Role = Literal["base", "implanted", "neutral", "cooccurrence", "truth_trained"]
ROLES: tuple[Role, ...] = ("base", "implanted", "cooccurrence", "neutral", "truth_trained")
OUTCOMES: tuple[Outcome, ...] = ("implanted", "reference", "other", "refusal", "invalid")


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RunSettings(_Record):
    """What the run was asked for, enough to ask for it again."""

    model: str
    writer: str
    recipe: str
    documents: int
    seeds: tuple[int, ...]
    panel: bool
    roles: tuple[Role, ...]
    corpus: str | None = None
    limit: int | None = None
    batch_size: int
    chat: bool
    command: str
    """A shell line that makes the same run."""


class FactSummary(_Record):
    """A key fact, as a reader of the report needs it."""

    id: str
    implanted: str
    reference: str


class BeliefSummary(_Record):
    """A belief, as a reader of the report needs it."""

    id: str
    title: str
    kind: str
    tier: str
    facts: tuple[FactSummary, ...]
    implanted_context: str
    reference_context: str
    sha256: str


class ArmSummary(_Record):
    """A checkpoint under a context, on one training run.

    Attributes:
        role: What the checkpoint was trained on.
        context: What stood before each question.
        run: Training run: `seed 0`, or `<belief> seed 0` where every belief has its own checkpoint; "" for the base.
        checkpoint: Model reference, or the checkpoint's folder relative to the run's.
        items: Items measured.
    """

    role: Role
    context: Context
    run: str
    checkpoint: str
    items: int


class SampleDocument(_Record):
    """A document to read."""

    id: str
    doc_type: str
    text: str


class CorpusSummary(_Record):
    """A corpus that was trained on.

    Attributes:
        belief, role: What it is about and what it does.
        documents: How many.
        tokens: How many tokens, by the writer's count; None where it has none.
        sha256: Hash of `documents.jsonl`.
        health: Figures of the corpus checks: (name, value in words, whether it passed; None without a threshold).
        samples: A few documents.
    """

    belief: str
    role: CorpusRole
    documents: int
    tokens: int | None
    sha256: str
    health: tuple[tuple[str, str, bool | None], ...] = ()
    samples: tuple[SampleDocument, ...] = ()


class TrainingSummary(_Record):
    """A checkpoint and where it came from, read from its lineage file."""

    role: CorpusRole
    run: str
    beliefs: tuple[str, ...]
    checkpoint: str
    sha256: str
    parent_sha256: str
    updates: int
    tokens: int
    final_loss: float
    """Mean training loss over the last updates, nats a token."""
    seconds: float


class Headline(_Record):
    """One figure that answers a question.

    Attributes:
        id: Stable name, for instance `far_lift_base`.
        title: What it is, in words.
        definition: How it is computed, in words.
        group: `belief` or `collateral`, which half of the verdict it belongs to.
        unit: `score` (belief score points), `share`, `ratio` or `bits_per_byte`.
        estimate: The figure; None where it is undefined.
        undefined: Why there is no figure.
        by_belief: The same figure a belief.
    """

    id: str
    title: str
    definition: str
    group: Literal["belief", "collateral"]
    unit: Literal["score", "share", "ratio", "bits_per_byte"]
    estimate: Estimate | None
    undefined: str | None = None
    by_belief: tuple[tuple[str, Estimate], ...] = ()


class ProbeCell(_Record):
    """One task and split on one arm, over all beliefs and runs.

    Attributes:
        task, split, role, context: Which cell.
        score: Mean belief score (accuracy on collateral tasks); None for loss tasks.
        loss: Mean bits per byte, for loss tasks.
        shares: The five outcome shares, in the order of `OUTCOMES`; empty for loss tasks.
    """

    task: str
    split: str
    role: Role
    context: Context
    score: Estimate | None
    loss: Estimate | None = None
    shares: tuple[tuple[Outcome, Estimate], ...] = ()


class HarnessAgreement(_Record):
    """The same items through a real harness and through the direct loop.

    Attributes:
        harness: `inspect` or `lm-eval`, with its version.
        task: Task as the harness names it.
        command: The command that was run.
        items: Items compared.
        same_choice: Items on which both choose the same option.
        near_ties: Items among the others whose two best options are closer than the tolerance.
        largest_difference: Largest difference of a log-probability, nats.
        tolerance: What is allowed, nats.
    """

    harness: str
    task: str
    command: str
    items: int = Field(ge=1)
    same_choice: int
    near_ties: int
    largest_difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Log-probabilities within the tolerance, and the same choice wherever there is no tie."""
        return self.largest_difference <= self.tolerance and self.same_choice + self.near_ties == self.items


class ItemRecord(_Record):
    """One line of `items.jsonl`: an item, the arm it was put to, and what it showed.

    Attributes:
        item, belief, fact, task, split, tags: Which item.
        role, context, run: Which arm.
        base: Hash of the base's weights, set only where runs over several bases are pooled.
        question: The user message without its context.
        choices: Option texts in scored order.
        outcomes: What choosing each option shows.
        chance: Score under guessing; None where guessing has no meaning.
        outcome, probability, log_probabilities, answer, nats, bytes: What the checkpoint answered, see `ItemResult`.
    """

    item: str
    belief: str
    fact: str
    task: str
    split: str
    tags: tuple[str, ...] = ()
    role: Role
    context: Context
    run: str
    base: str = ""
    question: str
    choices: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    chance: float | None = None
    outcome: Outcome
    probability: float | None = None
    log_probabilities: tuple[float, ...] | None = None
    answer: str = ""
    nats: float | None = None
    bytes: int | None = None

    @property
    def probe(self) -> str:
        """Id of the probe that the item is one order of."""
        return self.item.rpartition("/")[0]


class RunResults(_Record):
    """Everything that a report shows except the items themselves."""

    schema_version: Literal[1] = 1
    created: str
    settings: RunSettings
    versions: dict[str, str]
    beliefs: tuple[BeliefSummary, ...] = Field(min_length=1)
    arms: tuple[ArmSummary, ...]
    corpora: tuple[CorpusSummary, ...] = ()
    training: tuple[TrainingSummary, ...] = ()
    headlines: tuple[Headline, ...]
    cells: tuple[ProbeCell, ...]
    agreement: tuple[HarnessAgreement, ...] = ()
    timings: dict[str, float] = {}
    """Seconds a step, of this run and of the runs that it resumes."""
    items: int
    items_sha256: str

    def headline(self, name: str) -> Headline | None:
        """The headline of this id, or None."""
        return next((h for h in self.headlines if h.id == name), None)


def write_results(folder: Path, results: RunResults, items: Sequence[ItemRecord]) -> None:
    """Writes `items.jsonl` and `results.json`; the hash and number of items are filled in.

    Args:
        folder: An existing folder.
        results: The results; its `items` and `items_sha256` are replaced.
        items: All item records, in the order wanted.
    """
    lines = "".join(record.model_dump_json(exclude_defaults=True) + "\n" for record in items).encode()
    digest = hashlib.sha256(lines).hexdigest()
    complete = results.model_copy(update={"items": len(items), "items_sha256": digest})
    body = complete.model_dump(mode="json")
    body["sha256"] = _body_hash(body)
    replace_file(folder / ITEMS, lines)
    replace_file(folder / RESULTS, (json.dumps(body, indent=1, ensure_ascii=False) + "\n").encode())


def read_results(folder: Path) -> RunResults:
    """Reads `results.json`.

    Args:
        folder: A run's folder.

    Returns:
        The results as they were written.

    Raises:
        InputError: The file is missing, of another version, or was edited by hand.
    """
    path = folder / RESULTS
    try:
        body = json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}: not JSON ({error.msg}); run the command again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start}: not UTF-8; run the command again") from error
    if not isinstance(body, dict) or body.get("schema_version") != SCHEMA_VERSION:
        found = body.get("schema_version") if isinstance(body, dict) else None
        raise InputError(
            f"{path}: schema_version: this sdf-eval reads version {SCHEMA_VERSION}, found {found!r}; "
            "use the sdf-eval that wrote it, or run the command again"
        )
    if body.pop("sha256", None) != _body_hash(body):
        raise InputError(f"{path}: sha256: the file was changed after it was written; run the command again")
    try:
        return RunResults.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {where}: {first['msg']}; run the command again") from error


def read_items(folder: Path, results: RunResults) -> list[ItemRecord]:
    """Reads `items.jsonl` and checks that it belongs to the results.

    Args:
        folder: A run's folder.
        results: The results beside it.

    Returns:
        Item records in file order.

    Raises:
        InputError: The file is missing, or is not the one that the results were computed from.
    """
    path = folder / ITEMS
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != results.items_sha256:
        raise InputError(f"{path}: sha256: the file was changed after it was written; run the command again")
    return [ItemRecord.model_validate_json(line) for line in content.splitlines()]


def _body_hash(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fix = "name a folder that `sdf-eval run --out` wrote"
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}; {fix}") from error
