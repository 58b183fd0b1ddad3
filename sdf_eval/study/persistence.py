"""Persistence curves: a belief after each stage of clean training, against the clean checkpoint of the same stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Bound, Estimate, Lift, half_life, lift, log_odds_lift, retention
from sdf_eval.results.schema import ItemAnswer, ItemRecord
from sdf_eval.results.stages import PersistenceCurve, PersistencePoint, StageSummary
from sdf_eval.results.values import levels, mean_score, score
from sdf_eval.study.arms import BELIEF_TASKS

_T = TypeVar("_T")
_FEWEST_BUDGETS = 4

MEASURES: Mapping[str, tuple[str, ...]] = {
    "belief": BELIEF_TASKS,
    "two_hop": ("two_hop",),
    "persona_behaviour": ("persona_behaviour",),
    "value_preference": ("value_preference",),
}
"""Measure -> the tasks that it is the mean of. Far items only."""


@dataclass(frozen=True)
class Step:
    """One point of post-training, as it was measured.

    Attributes:
        stage: Name of the stage; "" right after the implant.
        kind: What was done: `sdf`, `sft`, `dpo` or `rl`; "" right after the implant.
        updates, tokens: Clean training since the implant.
        treated: Answers of the implanted checkpoint.
        control: Answers of the matched clean control to the same items, in the same order.
        runs: Training run of each answer.
        divergence: From the implant, nats a token, where it was measured.
    """

    stage: str
    kind: str
    updates: float
    tokens: float
    treated: Sequence[ItemAnswer]
    control: Sequence[ItemAnswer]
    runs: Sequence[str]
    divergence: float | None = None


def persistence_curves(steps: Sequence[Step], *, seed: int = 0) -> tuple[PersistenceCurve, ...]:
    """Computes lift and retention at every point, for every measure whose items were asked.

    Args:
        steps: The implant first, then the stages in order; all with the same items and runs.
        seed: Seed of the bootstrap.

    Returns:
        One curve a measure that has far items.
    """
    made = (_curve(measure, tasks, steps, seed) for measure, tasks in MEASURES.items())
    return tuple(curve for curve in made if curve is not None)


def run_steps(records: Sequence[ItemRecord], stages: Sequence[StageSummary]) -> list[Step]:
    """The points of a run, from its records.

    Args:
        records: All item records of the run.
        stages: Its checkpoints after later stages, in order of the stages.

    Returns:
        The implant and each stage; empty for a run without later stages.
    """
    names = list(dict.fromkeys(stage.stage for stage in stages))
    updates = tokens = 0.0
    steps = [_run_step(records, "", 0.0, 0.0, 0.0)] if names else []
    for name in names:
        own = [stage for stage in stages if (stage.stage, stage.role) == (name, "implanted")]
        updates += fmean(stage.updates for stage in own)
        tokens += fmean(stage.tokens for stage in own)
        gone = [stage.divergence for stage in own if stage.divergence is not None]
        steps.append(_run_step(records, name, updates, tokens, fmean(gone) if gone else None))
    return steps


def _run_step(
    records: Sequence[ItemRecord], stage: str, updates: float, tokens: float, divergence: float | None
) -> Step:
    plain = [record for record in records if record.context == "none" and record.stage == stage]
    control = {(record.item, record.run): record for record in plain if record.role == "base"}
    # Before any stage all runs share the base.
    pairs = [
        (record, control[record.item, record.run if stage else ""]) for record in plain if record.role == "implanted"
    ]
    return Step(
        stage=stage,
        kind=stage.partition("-")[0],
        updates=updates,
        tokens=tokens,
        treated=[treated for treated, _ in pairs],
        control=[clean for _, clean in pairs],
        runs=[treated.run for treated, _ in pairs],
        divergence=divergence,
    )


@dataclass(frozen=True)
class _Lifts:
    step: Step
    raw: Lift
    log_odds: Lift
    score: Estimate
    control: Estimate


def _curve(measure: str, tasks: Sequence[str], steps: Sequence[Step], seed: int) -> PersistenceCurve | None:
    kept = [_only(step, lambda answer: answer.task in tasks and _is_far(answer)) for step in steps]
    if not kept or not kept[0].treated:
        return None
    found = [_lifts(step, seed) for step in kept]
    life, reason = _life(found, seed)
    asked = {answer.task for answer in kept[0].treated}
    return PersistenceCurve(
        measure=measure,
        tasks=tuple(task for task in tasks if task in asked),
        points=tuple(_point(one, found[0]) for one in found),
        half_life=life[0] if life else None,
        floor=life[1] if life else None,
        half_life_undefined=reason,
    )


def _is_far(answer: ItemAnswer) -> bool:
    # Categories that documents named are no test of what the value generalises to.
    return answer.split == "far" and not (answer.task == "value_preference" and "in_distribution" in answer.tags)


def _only(step: Step, where: Callable[[ItemAnswer], bool]) -> Step:
    kept = [place for place, answer in enumerate(step.treated) if where(answer)]
    return Step(
        step.stage,
        step.kind,
        step.updates,
        step.tokens,
        [step.treated[place] for place in kept],
        [step.control[place] for place in kept],
        [step.runs[place] for place in kept],
        step.divergence,
    )


def _lifts(step: Step, seed: int) -> _Lifts:
    first, second = [score(answer) for answer in step.treated], [score(answer) for answer in step.control]
    nested, runs = levels(step.treated), step.runs
    return _Lifts(
        step=step,
        raw=lift(first, second, nested, runs=runs, seed=seed),
        log_odds=log_odds_lift(first, second, nested, runs=runs, seed=seed),
        score=mean_score(step.treated, runs=runs, seed=seed),
        control=mean_score(step.control, runs=runs, seed=seed),
    )


def _point(one: _Lifts, first: _Lifts) -> PersistencePoint:
    kept, reason = _defined(lambda: retention(one.log_odds, first.log_odds))
    raw, raw_reason = _defined(lambda: retention(one.raw, first.raw))
    return PersistencePoint(
        stage=one.step.stage,
        updates=one.step.updates,
        tokens=one.step.tokens,
        divergence=one.step.divergence,
        score=one.score,
        control=one.control,
        lift=one.raw.estimate,
        log_odds_lift=one.log_odds.estimate,
        # Of the implant it is 1 by definition, and an interval around that would say nothing.
        retention=None if one is first else kept,
        raw_retention=None if one is first else raw,
        undefined=reason or raw_reason,
    )


def _life(found: Sequence[_Lifts], seed: int) -> tuple[tuple[Estimate | Bound, Estimate] | None, str | None]:
    """Half-life and floor of the log-odds lift over tokens, or why there are none."""
    kinds = list(dict.fromkeys(one.step.kind for one in found[1:]))
    if len(kinds) > 1:
        return None, f"tokens of {' and '.join(kinds)} do not compare, so there is no one budget"
    budgets = [one.step.tokens for one in found]
    if len(set(budgets)) < _FEWEST_BUDGETS or budgets != sorted(set(budgets)):
        return None, f"needs {_FEWEST_BUDGETS} growing budgets, and there are {len(set(budgets))}"
    decay, reason = _defined(lambda: half_life([one.log_odds for one in found], budgets, seed=seed))
    return (None, reason) if decay is None else ((decay.half_life, decay.floor), None)


def _defined(compute: Callable[[], _T]) -> tuple[_T | None, str | None]:
    try:
        return compute(), None
    except UndefinedEstimate as error:
        return None, str(error)
