"""Two measured checkpoints and a null in, a judged comparison out."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from sdf_eval import __version__
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.gate.families import Pair, by_family, harm, is_loss, value
from sdf_eval.gate.judge import Harm, Judgement, judge_families, verdict_of
from sdf_eval.gate.null import BenignPair, mean_harm, null_harms, shared_budget
from sdf_eval.gate.pairs import paired, unshared_tasks
from sdf_eval.gate.policy import Policy
from sdf_eval.gate.scan.schema import Topic
from sdf_eval.gate.schema import Comparison, FamilyResult, Moved, NullSummary, Side
from sdf_eval.measure import DIFFERENCE, stratified_mean, units
from sdf_eval.results.measured import Measured
from sdf_eval.results.schema import Budget, ItemAnswer
from sdf_eval.results.values import levels

MOVED, WORST = 5, 3
"""Items and beliefs shown a family."""
_NOTABLE = 0.005
"""Harm below which an item or belief is not worth showing."""
_TEXT = 300
"""Characters kept of a question or answer that is shown."""
_BUDGET_SLACK = 0.1
"""Share by which updates of the null may differ from the candidate's."""


def compare(
    base: Measured,
    candidate: Measured,
    null: Sequence[BenignPair],
    policy: Policy,
    *,
    raised: Sequence[Topic] = (),
    command: str = "",
    seed: int = 0,
) -> Comparison:
    """Compares two checkpoints family by family and judges the candidate.

    Args:
        base: The checkpoint before.
        candidate: The checkpoint after.
        null: Benign finetunes, each with its base.
        policy: What matters.
        raised: Words that the candidate brings up more, for the reader; they do not enter the verdict.
        command: Shell line, for the record.
        seed: Seed of the intervals' bootstrap.

    Returns:
        The comparison.

    Raises:
        InputError: The two, or a benign pair, were not asked the same.
    """
    items = by_family(paired(base, candidate))
    harms = {family: _harm(family, pairs, seed) for family, pairs in items.items()}
    against = null_harms(null, items)
    judged = judge_families(harms, against, policy)
    missing = tuple(family for family in policy.required if family not in items)
    verdict, reasons = verdict_of(judged, harms, missing, len(null), policy)
    unequal = _unequal_budget(base, candidate, null)
    if unequal is not None and verdict != "inconclusive":
        # The level is a promise about finetunes of the same size.
        verdict, reasons = "inconclusive", (unequal, *reasons)
    return Comparison(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        verdict=verdict,
        reasons=reasons,
        notes=_notes(base, candidate, null),
        policy=policy,
        context=base.results.context,
        base=_side(base),
        candidate=_side(candidate),
        null=NullSummary(
            pairs=len(null), names=tuple(one.name for one in null), budget=shared_budget(null), harm=against
        ),
        families=tuple(
            _family(family, pairs, harms[family], judged[family], policy) for family, pairs in items.items()
        ),
        missing=missing,
        versions={"sdf-eval": __version__, "python": platform.python_version(), "numpy": version("numpy")},
        raised=tuple(raised),
    )


def _harm(family: str, pairs: Sequence[Pair], seed: int) -> Harm:
    changes = [harm(base, candidate) for base, candidate in pairs]
    bounds = None if is_loss(family) else DIFFERENCE
    identical = all(_answered(base) == _answered(candidate) for base, candidate in pairs)
    try:
        # The beliefs asked are the ones that are meant; how finetunes differ is for the null to say.
        estimate = stratified_mean(changes, levels([b for b, _ in pairs]), bounds=bounds, chance=0.0, seed=seed)
    except UndefinedEstimate:
        return Harm(mean_harm(pairs), None, identical)
    return Harm(estimate.value, estimate, identical)


def _answered(answer: ItemAnswer) -> tuple[object, ...]:
    return answer.outcome, answer.log_probabilities, answer.answer, answer.nats


def _family(family: str, pairs: Sequence[Pair], harmed: Harm, judged: Judgement, policy: Policy) -> FamilyResult:
    nested = levels([base for base, _ in pairs])
    return FamilyResult(
        family=family,
        tasks=tuple(dict.fromkeys(base.task for base, _ in pairs)),
        items=len(pairs),
        base=units([value(base) for base, _ in pairs], nested).value,
        candidate=units([value(candidate) for _, candidate in pairs], nested).value,
        harm=harmed.estimate,
        value=harmed.value,
        smallest_effect=policy.effect(family),
        required=family in policy.required,
        null_mean=judged.null_mean,
        null_sd=judged.null_sd,
        p=judged.p,
        detectable=judged.detectable,
        state=judged.state,
        reason=judged.reason,
        worst=_worst(pairs),
        moved=_moved(pairs),
    )


def _worst(pairs: Sequence[Pair]) -> tuple[tuple[str, float], ...]:
    beliefs = list(dict.fromkeys(base.belief for base, _ in pairs))
    if len(beliefs) < 2:
        return ()
    harms = [(belief, mean_harm([pair for pair in pairs if pair[0].belief == belief])) for belief in beliefs]
    return tuple(sorted((one for one in harms if one[1] > _NOTABLE), key=lambda one: -one[1])[:WORST])


def _moved(pairs: Sequence[Pair]) -> tuple[Moved, ...]:
    worst = sorted(pairs, key=lambda pair: (-harm(*pair), pair[0].item))[:MOVED]
    return tuple(
        Moved(
            item=base.item,
            task=base.task,
            question=base.question[:_TEXT],
            harm=harm(base, candidate),
            base=_shown(base),
            candidate=_shown(candidate),
        )
        for base, candidate in worst
        if harm(base, candidate) > _NOTABLE
    )


def _shown(answer: ItemAnswer) -> str:
    if answer.log_probabilities is not None:
        best = max(range(len(answer.choices)), key=answer.log_probabilities.__getitem__)
        return answer.choices[best][:_TEXT]
    if answer.nats is not None:
        return f"{value(answer):.3f} bits a byte"
    return answer.answer[:_TEXT]


def _side(side: Measured) -> Side:
    results = side.results
    return Side(
        name=side.name,
        model=results.model,
        harness=results.harness,
        weights_sha256=results.weights_sha256,
        budget=results.budget,
        chat=results.chat,
        items=results.items,
        versions=results.versions,
        sources=results.sources,
    )


def _unequal_budget(base: Measured, candidate: Measured, null: Sequence[BenignPair]) -> str | None:
    """Why the null does not fit the candidate, if that is known."""
    mine = _since(base, candidate)
    for pair in null:
        if pair.candidate.results.budget is None:
            continue
        theirs = _since(pair.base, pair.candidate)
        if theirs is None:
            return f"the null {pair.name} was not trained from the base that it is held against; make it again"
        if mine is not None and not _near(mine.updates, theirs.updates):
            return (
                f"the null {pair.name} had {theirs.updates} updates and the candidate {mine.updates}; make a null of "
                "the candidate's budget"
            )
    return None


def _since(base: Measured, candidate: Measured) -> Budget | None:
    """What a candidate was trained with since the base, if that is known; all stages of it."""
    budget, start = candidate.results.budget, base.results.weights_sha256
    return budget if budget is None or start is None else budget.since(start)


def _near(mine: int, theirs: int) -> bool:
    return abs(mine - theirs) <= _BUDGET_SLACK * max(mine, theirs)


def _notes(base: Measured, candidate: Measured, null: Sequence[BenignPair]) -> tuple[str, ...]:
    found = []
    only = unshared_tasks(base, candidate)
    if only:
        found.append(f"Only one side was asked {', '.join(only)}; these tasks are left out.")
    if null and (_since(base, candidate) is None or any(p.candidate.results.budget is None for p in null)):
        found.append("That the benign finetunes had the candidate's budget is not recorded and rests on your word.")
    if base.results.weights_sha256 is not None and base.results.weights_sha256 == candidate.results.weights_sha256:
        found.append("Base and candidate have the same weights.")
    if {base.results.harness, candidate.results.harness} != {base.results.harness}:
        found.append(f"The two were asked by different harnesses: {base.results.harness}, {candidate.results.harness}.")
    own = [side.results.versions.get("sdf-eval") for side in (base, candidate)]
    if None not in own and own[0] != own[1]:
        found.append(f"The two were asked by sdf-eval {own[0]} and {own[1]}; their task versions are the same.")
    beliefs = {answer.belief for answer in base.answers}
    if len(beliefs) > 1:
        found.append(
            f"A family's harm is a mean over {len(beliefs)} beliefs: a change of one of them alone counts 1 / "
            f"{len(beliefs)}. To judge one, ask only it (--belief)."
        )
    found.append("Each interval is of the items asked; the p values hold for all families together.")
    return tuple(found)
