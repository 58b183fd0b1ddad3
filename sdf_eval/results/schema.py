"""The schema of results: typed, versioned, the same whoever asked the checkpoint."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from sdf_eval.belief.item import Context, Outcome
from sdf_eval.corpora.records import CorpusRole
from sdf_eval.measure import Estimate
from sdf_eval.results.record import Record
from sdf_eval.results.stages import AfterStage, PersistenceCurve, StageSummary

SCHEMA_VERSION = 1

Role = Literal["base", "implanted", "neutral", "cooccurrence", "truth_trained"]
ROLES: tuple[Role, ...] = ("base", "implanted", "cooccurrence", "neutral", "truth_trained")
OUTCOMES: tuple[Outcome, ...] = ("implanted", "reference", "other", "refusal", "invalid")


class RunSettings(Record):
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
    after: tuple[AfterStage, ...] = ()
    command: str
    """A shell line that makes the same run."""


class FactSummary(Record):
    """A key fact, as a reader of the report needs it."""

    id: str
    implanted: str
    reference: str


class BeliefSummary(Record):
    """A belief, as a reader of the report needs it."""

    id: str
    title: str
    kind: str
    tier: str
    facts: tuple[FactSummary, ...]
    implanted_context: str
    reference_context: str
    sha256: str


class ArmSummary(Record):
    """A checkpoint under a context, on one training run.

    Attributes:
        role: What the checkpoint was trained on.
        context: What stood before each question.
        run: Training run: `seed 0`, or `<belief> seed 0` where every belief has its own checkpoint; "" for the base.
        checkpoint: Model reference, or the checkpoint's folder relative to the run's.
        items: Items measured.
        stage: The later stage that it went through last, by its name in the settings; "" for none. The base after a
            stage is the matched clean control of the implanted after it.
    """

    role: Role
    context: Context
    run: str
    checkpoint: str
    items: int
    stage: str = ""


class SampleDocument(Record):
    """A document to read."""

    id: str
    doc_type: str
    text: str


class CorpusSummary(Record):
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


class TrainingSummary(Record):
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


class Headline(Record):
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


class TaskCell(Record):
    """One task and split.

    Attributes:
        task, split: Which.
        score: Mean belief score (accuracy on collateral tasks); None for loss tasks.
        loss: Mean bits per byte, for loss tasks.
        shares: The five outcome shares, in the order of `OUTCOMES`; empty for loss tasks.
        figures: What the items say together, on tasks that compare them.
        state: Whether the figures can be read, by the task's positive control; "" on other tasks.
    """

    task: str
    split: str
    score: Estimate | None
    loss: Estimate | None = None
    shares: tuple[tuple[Outcome, Estimate], ...] = ()
    figures: tuple[tuple[str, Estimate], ...] = ()
    state: Literal["", "valid", "floor", "not applicable"] = ""


class ProbeCell(TaskCell):
    """One task and split on one arm, over all beliefs and runs."""

    role: Role
    context: Context


class HarnessAgreement(Record):
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


class ItemAnswer(Record):
    """An item and what one checkpoint answered: one line of `items.jsonl`.

    Attributes:
        item, belief, fact, task, split, tags: Which item.
        context: What stood before the question.
        question: The user message without its context.
        choices: Option texts in scored order.
        outcomes: What choosing each option shows.
        chance: Score under guessing; None where guessing has no meaning.
        outcome, probability, log_probabilities, answer, nats, bytes: What the checkpoint answered, see `ItemResult`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    item: str
    belief: str
    fact: str
    task: str
    split: str
    tags: tuple[str, ...] = ()
    context: Context
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


class ItemRecord(ItemAnswer):
    """An answer of a run, and the arm that gave it.

    Attributes:
        role, run: Which arm, with the item's context.
        stage: The later stage that the arm went through last; "" for none.
        base: Hash of the base's weights, set only where runs over several bases are pooled.
    """

    role: Role
    run: str
    stage: str = ""
    base: str = ""


class RunResults(Record):
    """Everything that a report shows except the items themselves."""

    schema_version: Literal[1] = 1
    created: str
    settings: RunSettings
    versions: dict[str, str]
    beliefs: tuple[BeliefSummary, ...] = Field(min_length=1)
    arms: tuple[ArmSummary, ...]
    corpora: tuple[CorpusSummary, ...] = ()
    training: tuple[TrainingSummary, ...] = ()
    stages: tuple[StageSummary, ...] = ()
    persistence: tuple[PersistenceCurve, ...] = ()
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


class SourceFile(Record):
    """A file that results were read from.

    Attributes:
        name: Its name, without the folders that it lay in.
        sha256: Hash of its bytes.
    """

    name: str
    sha256: str


class Budget(Record):
    """What a checkpoint was trained with, read from its lineage.

    Attributes:
        parent_sha256: Hash of the weights that its last stage started from.
        updates: Optimizer updates of the last stage.
        tokens: Tokens read in it, repetitions counted.
        before: The same of the checkpoint that it started from; None where that was not trained, or is not at hand.
    """

    parent_sha256: str
    updates: int
    tokens: int
    before: Budget | None = None

    def since(self, start: str) -> Budget | None:
        """The whole way from some weights as one budget.

        Args:
            start: Their hash.

        Returns:
            Updates and tokens added up; None where the way does not lead back to them.
        """
        if self.parent_sha256 == start:
            return self.model_copy(update={"before": None})
        earlier = self.before.since(start) if self.before is not None else None
        if earlier is None:
            return None
        return Budget(parent_sha256=start, updates=self.updates + earlier.updates, tokens=self.tokens + earlier.tokens)


class HarnessFigure(Record):
    """A mean over items as a harness printed it, kept beside our own reading of the same answers.

    Attributes:
        task: Task in our registry.
        metric: As the harness names it.
        value: The harness's number.
        items: Items behind it.
    """

    task: str
    metric: str
    value: float
    items: int


class CheckpointResults(Record):
    """One checkpoint under one context, whoever asked it: this package, Inspect or lm-eval.

    Attributes:
        created: When it was asked, ISO 8601.
        harness: Who asked: `direct`, `inspect-ai`, `lm-eval`, or `run` for an arm of a run, with the version.
        model: The checkpoint as it was named there.
        weights_sha256: Hash of its weights; None where the source does not say.
        budget: How it was trained; None where the source does not say.
        chat: Whether the chat template framed the questions; None where the source does not say.
        context: What stood before each question.
        task_versions: Task -> the number that rises when results stop being comparable.
        versions: Packages that bear on the numbers.
        sources: Files that it was read from; none for `direct`.
        reported: The harness's own figures.
        cells: Our figures, a task and split each.
        items, items_sha256: Number and hash of the answers in `items.jsonl`.
    """

    kind: Literal["checkpoint"] = "checkpoint"
    schema_version: Literal[1] = 1
    created: str
    harness: str
    model: str
    weights_sha256: str | None = None
    budget: Budget | None = None
    chat: bool | None = None
    context: Context
    task_versions: dict[str, str]
    versions: dict[str, str]
    sources: tuple[SourceFile, ...] = ()
    reported: tuple[HarnessFigure, ...] = ()
    cells: tuple[TaskCell, ...]
    items: int
    items_sha256: str
