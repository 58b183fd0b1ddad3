"""The part of the schema that is about training after the implant, and about what that leaves."""

from __future__ import annotations

from typing import Literal

from sdf_eval.measure import Bound, Estimate
from sdf_eval.results.record import Record

StageKind = Literal["sdf", "sft", "dpo", "rl"]


class AfterStage(Record):
    """A stage of post-training that a run puts its checkpoints through.

    Attributes:
        name: How arms call it: its stage, with `-2` and so on where that comes again.
        stage: `sdf` (plain texts: continued pretraining), `sft`, `dpo` or `rl`.
        recipe: Path or name of the recipe.
        data: A file of rows, or a set such as `pocket/benign`.
        rows: Rows that a set was asked for.
        rewards: Weight of each reward, for `rl`.
    """

    name: str
    stage: StageKind
    recipe: str
    data: str
    rows: int
    rewards: dict[str, float] = {}


class StageSummary(Record):
    """A checkpoint after a stage of post-training, read from its lineage file.

    Attributes:
        stage: Name of the stage in the settings.
        role: `implanted`, or `base` for the matched clean control.
        run: Training run whose arm it is; a control that several runs share has one entry each.
        checkpoint: Its folder, relative to the run's.
        sha256, parent_sha256: Hash of its weights, and of those that the stage started from.
        data_sha256: Hash of the rows.
        updates, tokens: Of this stage alone.
        final_loss: Mean training loss over the last updates, in the stage's own unit.
        seconds: What it took to train.
        divergence: From the checkpoint before all stages (the implant, or the base of the control), on the held-out
            texts of the beliefs: KL(after || before), nats a token. None where no belief has such texts.
    """

    stage: str
    role: Literal["base", "implanted"]
    run: str
    checkpoint: str
    sha256: str
    parent_sha256: str
    data_sha256: str
    updates: int
    tokens: int
    final_loss: float
    seconds: float
    divergence: float | None = None


class PersistencePoint(Record):
    """A belief at one point of post-training, against the clean checkpoint that went through the same stages.

    Attributes:
        stage: Name of the stage; "" right after the implant.
        updates, tokens: Clean training since the implant; means over the runs.
        divergence: From the implant, nats a token; see `StageSummary`. The implant itself has 0.
        score, control: Mean score of the implanted checkpoint and of its matched clean control.
        lift: Their difference over the same items.
        log_odds_lift: The same in log-odds, nats.
        retention: Log-odds lift as a share of that right after the implant; None where undefined,
            and for the implant itself, where it is 1 by definition.
        raw_retention: The same of the raw lift.
        undefined: Why a retention is undefined.
    """

    stage: str
    updates: float
    tokens: float
    divergence: float | None = None
    score: Estimate
    control: Estimate
    lift: Estimate
    log_odds_lift: Estimate
    retention: Estimate | None
    raw_retention: Estimate | None
    undefined: str | None = None


class PersistenceCurve(Record):
    """What post-training leaves of one measure.

    Attributes:
        measure: `belief`, `two_hop`, `persona_behaviour` or `value_preference`: far items of it.
        tasks: Tasks that it is the mean of.
        points: The implant first, then the stages in order.
        half_life: Tokens of clean training after which half of what can be lost is lost; None where undefined.
        floor: Share that is never lost.
        half_life_undefined: Why there is no half-life.
    """

    measure: str
    tasks: tuple[str, ...]
    points: tuple[PersistencePoint, ...]
    half_life: Estimate | Bound | None = None
    floor: Estimate | None = None
    half_life_undefined: str | None = None
