"""From a study's table to its result: every estimand with interval, p value and verdict. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Bound, Estimate, Verdict, equivalence_verdict, holm, verdict
from sdf_eval.study.frame.cell import Frozen
from sdf_eval.study.frame.study import Contrast, Estimand, Fit, Study, Tier
from sdf_eval.study.frame.table import Differences, Table, Unit, contrast

VerdictName = Literal["holds", "does not hold", "inconclusive", "undefined"]


class Figure(Frozen):
    """A number with its interval; `low` and `high` are None where the interval is open.

    Attributes:
        value: The estimate; None where only a bound is known.
        low, high: Ends of the 95 % interval.
        n: Measurements.
        clusters: Units that the interval generalises over.
        method: In words.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str


class Finding(Frozen):
    """An estimand, measured.

    Attributes:
        name, meaning, claim, smallest_effect: As the study says.
        effect: None where it is undefined.
        p: Two-sided, or the larger of two one-sided ones for an equivalence; None where it is undefined.
        verdict: By itself, without regard to other studies.
        undefined: Why there is no effect; "" where there is.
        units: Beliefs times checkpoints that went in.
    """

    name: str
    meaning: str
    claim: Literal["above", "equal"]
    smallest_effect: float
    effect: Figure | None
    p: float | None
    verdict: VerdictName
    undefined: str = ""
    units: int = 0


class ArmScore(Frozen):
    """Mean score of an arm on the tasks of the first estimand that is a contrast."""

    arm: str
    split: str
    score: Figure


class StudyResult(Frozen):
    """A study's result, as `result.json` holds it. Without times: the same cells give the same bytes.

    Attributes:
        study: Name.
        tier: `smoke` results carry no verdict.
        substrate: Where it was run.
        cells: Content hashes of the cells, sorted.
        missing: Cells that were not run yet.
        findings: One an estimand, in the study's order.
        arms: Scores of the arms.
    """

    study: str
    tier: Tier
    substrate: str
    cells: tuple[str, ...]
    missing: int
    findings: tuple[Finding, ...]
    arms: tuple[ArmScore, ...] = Field(default=())


def judge_study(
    study: Study,
    table: Table,
    kinds: Mapping[str, str],
    *,
    tier: Tier,
    substrate: str,
    cells: Sequence[str],
    missing: int,
) -> StudyResult:
    """Computes a study's result.

    Args:
        study: The study.
        table: Answers of its cells.
        kinds: Belief id -> kind.
        tier: Of the cells.
        substrate: Where they were run.
        cells: Their content hashes.
        missing: Cells that are not among them yet.

    Returns:
        The result.
    """
    return StudyResult(
        study=study.name,
        tier=tier,
        substrate=substrate,
        cells=tuple(sorted(cells)),
        missing=missing,
        findings=tuple(judge(estimand, table, kinds) for estimand in study.estimands),
        arms=arm_scores(study, table, kinds),
    )


def judge(estimand: Estimand, table: Table, kinds: Mapping[str, str]) -> Finding:
    """Measures one estimand and gives the verdict by its criterion; see `measure.verdict`."""
    try:
        effect, p, said, units = (
            _contrasted(estimand, differences_of(estimand, table, kinds))
            if isinstance(estimand, Contrast)
            else _fitted(estimand, table)
        )
    except UndefinedEstimate as error:
        return _finding(estimand, None, None, "undefined", str(error), 0)
    return _finding(estimand, effect, p, said, "", units)


def differences_of(estimand: Contrast, table: Table, kinds: Mapping[str, str]) -> Differences:
    """A contrast in every unit that all its terms were asked in."""
    wanted = dict(estimand.levels)
    part = table.where(
        lambda entry: (
            (not estimand.kinds or kinds[entry.belief] in estimand.kinds)
            and all(entry.factors.get(name, level) == level for name, level in wanted.items())
        )
    )

    def scores(name: str) -> dict[Unit, float]:
        term = estimand.term(name)
        return part.scores(
            term.arm,
            term.tasks,
            context=term.context,
            split=estimand.split,
            figure=estimand.figure,
            preface=term.preface,
        )

    return contrast(estimand.weights, scores)


def scoreboard_verdicts(findings: Sequence[Finding], *, level: float = 0.05) -> tuple[VerdictName, ...]:
    """Verdicts of several studies together: *holds* also needs Holm's adjusted p to be at most the level.

    Args:
        findings: The first finding of each study.
        level: Chance of one false *holds* or more.

    Returns:
        One verdict a finding.

    Source: Holm 1979.
    """
    known = [finding.p for finding in findings if finding.p is not None]
    adjusted = iter(holm(known) if known else ())
    said: list[VerdictName] = []
    for finding in findings:
        late = finding.p is not None and next(adjusted) > level
        said.append("inconclusive" if finding.verdict == "holds" and late else finding.verdict)
    return tuple(said)


def arm_scores(study: Study, table: Table, kinds: Mapping[str, str]) -> tuple[ArmScore, ...]:
    """Scores of every arm and context on the tasks of the study's first contrast, near and far."""
    first = next((one for one in study.estimands if isinstance(one, Contrast)), None)
    if first is None:
        return ()
    found = []
    places = dict.fromkeys(
        (entry.arm, entry.context, entry.split) for entry in table.entries if entry.task in first.tasks
    )
    for arm, context, split in places:
        name = arm if context == "none" else f"{arm}@{context}"
        own = Contrast(name, "", {name: 1.0}, first.tasks, 1.0, split=split, figure=first.figure, kinds=first.kinds)
        try:
            figure = _figure(differences_of(own, table, kinds).estimate())
        except UndefinedEstimate:
            continue
        found.append(ArmScore(arm=name, split=split, score=figure))
    return tuple(found)


def _contrasted(estimand: Contrast, found: Differences) -> tuple[Figure, float, VerdictName, int]:
    if estimand.claim == "equal":
        test = found.equivalence(estimand.smallest_effect)
        return _figure(test.estimate), test.p, _name(equivalence_verdict(test)), len(found.values)
    estimate = found.estimate()
    return _figure(estimate), found.p(), _name(verdict(estimate, estimand.smallest_effect)), len(found.values)


def _fitted(estimand: Fit, table: Table) -> tuple[Figure, float | None, VerdictName, int]:
    found = estimand.fit(table)
    if isinstance(found, Bound):
        figure = Figure(
            value=None, low=found.at_least, high=found.at_most, n=found.n, clusters=found.clusters, method=found.method
        )
        return figure, None, _of_bound(estimand, found), found.n
    if estimand.claim == "equal":
        inside = -estimand.smallest_effect <= found.low and found.high <= estimand.smallest_effect
        outside = found.low > estimand.smallest_effect or found.high < -estimand.smallest_effect
        said: VerdictName = "holds" if inside else "does not hold" if outside else "inconclusive"
        return _figure(found), _equivalence_p(found, estimand.smallest_effect), said, found.n
    return _figure(found), _normal_p(found), _name(verdict(found, estimand.smallest_effect)), found.n


def _of_bound(estimand: Fit, bound: Bound) -> VerdictName:
    """An open interval can only say that an effect is too small."""
    if estimand.claim == "above" and bound.at_most is not None and bound.at_most < estimand.smallest_effect:
        return "does not hold"
    return "inconclusive"


def _normal_p(estimate: Estimate) -> float:
    """Two-sided p value of 0 from the width of a 95 % interval on the side of 0, on a normal scale."""
    from scipy.stats import norm

    side = estimate.value - estimate.low if estimate.value > 0 else estimate.high - estimate.value
    if side <= 0:
        return 0.0 if estimate.value else 1.0
    return float(2 * norm.sf(abs(estimate.value) / (side / norm.ppf(0.975))))


def _equivalence_p(estimate: Estimate, margin: float) -> float:
    """Larger one-sided p value of an effect at or beyond either margin, each on the normal scale of its side."""
    from scipy.stats import norm

    if abs(estimate.value) >= margin:
        return 1.0
    wide = norm.ppf(0.975)
    rooms = (
        (margin - estimate.value, estimate.high - estimate.value),
        (margin + estimate.value, estimate.value - estimate.low),
    )
    return max(float(norm.sf(room * wide / side)) if side > 0 else 0.0 for room, side in rooms)


def _figure(estimate: Estimate) -> Figure:
    return Figure(
        value=_tidy(estimate.value),
        low=_tidy(estimate.low),
        high=_tidy(estimate.high),
        n=estimate.n,
        clusters=estimate.clusters,
        method=estimate.method,
    )


def _tidy(value: float) -> float:
    """Rounded beyond what is ever shown, so that a sum's order on another machine does not show."""
    return round(value, 9) if math.isfinite(value) else value


def _name(said: Verdict) -> VerdictName:
    names: Mapping[Verdict, VerdictName] = {
        Verdict.HOLDS: "holds",
        Verdict.DOES_NOT_HOLD: "does not hold",
        Verdict.INCONCLUSIVE: "inconclusive",
    }
    return names[said]


def _finding(
    estimand: Estimand, effect: Figure | None, p: float | None, said: VerdictName, undefined: str, units: int
) -> Finding:
    return Finding(
        name=estimand.name,
        meaning=estimand.meaning,
        claim=estimand.claim,
        smallest_effect=estimand.smallest_effect,
        effect=effect,
        p=None if p is None else round(p, 9),
        verdict=said,
        undefined=undefined,
        units=units,
    )
