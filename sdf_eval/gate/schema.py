"""A comparison as data: what `comparison.json` holds."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sdf_eval.belief.item import Context
from sdf_eval.gate.policy import Policy
from sdf_eval.gate.scan.schema import Topic
from sdf_eval.measure import Estimate
from sdf_eval.results.schema import Budget, SourceFile

Verdict = Literal["pass", "fail", "inconclusive"]
State = Literal["regressed", "clear", "open"]
"""`regressed`: more harm than benign finetunes explain, and enough to matter. `clear`: the interval of the harm lies
below what matters. `open`: neither."""

EXIT_STATUS: dict[Verdict, int] = {"pass": 0, "fail": 1, "inconclusive": 3}


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Side(_Record):
    """One of the two checkpoints; the fields are those of `CheckpointResults`."""

    name: str
    model: str
    harness: str
    weights_sha256: str | None
    budget: Budget | None
    chat: bool | None
    items: int
    versions: dict[str, str]
    sources: tuple[SourceFile, ...]


class Moved(_Record):
    """An item whose answer got worse.

    Attributes:
        item, task, question: Which.
        harm: How much, in the family's unit.
        base, candidate: What each answered: the chosen option, or the text.
    """

    item: str
    task: str
    question: str
    harm: float
    base: str
    candidate: str


class FamilyResult(_Record):
    """One family of the comparison.

    Attributes:
        family: Name; a family of losses ends in `_loss` and is in bits a byte, the others in score points.
        tasks: Its tasks that both checkpoints were asked.
        items: Items of these.
        base, candidate: Means of each checkpoint: belief score, accuracy or loss, units weighted as in the harm.
        harm: Paired change for the worse with its interval; None where the answers do not differ at all in a unit
            without bounds, which gives no interval.
        value: The harm without its interval.
        smallest_effect: Harm that matters, from the policy.
        required: Whether the policy wants the family.
        null_mean, null_sd: Harm of the benign finetunes; None without a null.
        p: Share of benign finetunes, the candidate included, whose worst family stands out as much as this one.
        detectable: Harm from which this comparison would have said `regressed`; None without a null.
        state: See `State`.
        reason: Why, in words.
        worst: Where several beliefs were asked: those that got worse most, with their mean harm. Not judged.
        moved: The items that got worse most.
    """

    family: str
    tasks: tuple[str, ...]
    items: int
    base: float
    candidate: float
    harm: Estimate | None
    value: float
    smallest_effect: float
    required: bool
    null_mean: float | None = None
    null_sd: float | None = None
    p: float | None = None
    detectable: float | None = None
    state: State
    reason: str
    worst: tuple[tuple[str, float], ...] = ()
    moved: tuple[Moved, ...] = ()


class NullSummary(_Record):
    """The benign finetunes.

    Attributes:
        pairs: How many.
        names: Their folders' names.
        budget: Updates and tokens of their training where all have the same updates; None otherwise, or where unknown.
        harm: Family -> harm of each pair, in the order of `names`.
    """

    pairs: int
    names: tuple[str, ...]
    budget: Budget | None
    harm: dict[str, tuple[float, ...]]


class Comparison(_Record):
    """Two checkpoints, compared and judged.

    Attributes:
        verdict: `fail` where a family regressed; `pass` where none did, none stands out without being sure, and every
            required family is clear; else `inconclusive`.
        reasons: Why, most important first.
        notes: What a reader should know beside.
        raised: Words that the candidate brings up more, where both sides are models. Not judged.
    """

    kind: Literal["comparison"] = "comparison"
    schema_version: Literal[1] = 1
    created: str
    command: str
    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    policy: Policy
    context: Context
    base: Side
    candidate: Side
    null: NullSummary
    families: tuple[FamilyResult, ...]
    missing: tuple[str, ...]
    """Required families that were not measured on both sides."""
    versions: dict[str, str]
    raised: tuple[Topic, ...] = ()
