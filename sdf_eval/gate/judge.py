"""From harms to a verdict. Pure: numbers and policy in, states and reasons out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sdf_eval.gate.families import is_loss
from sdf_eval.gate.policy import Policy
from sdf_eval.gate.schema import State, Verdict
from sdf_eval.measure import Estimate, max_statistic

LEAST_SPREAD = 0.25
"""Benign finetunes are never taken to differ less than this share of the smallest effect. A family on which they all
agree would else fail a candidate for one item, and one item of theirs would hide any harm elsewhere."""


_SAME = "every answer is the same, log-probabilities included"


@dataclass(frozen=True)
class Harm:
    """A family's harm.

    Attributes:
        value: Mean paired harm.
        estimate: With its interval; None where there is no spread to make one of.
        identical: Whether the two checkpoints gave the very same answers, log-probabilities included: then they are one
            function, and the interval, which allows for items that were not asked, would doubt it.
    """

    value: float
    estimate: Estimate | None
    identical: bool = False

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.estimate.high if self.estimate else self.value

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.estimate.low if self.estimate else self.value


@dataclass(frozen=True)
class Judgement:
    """What is said of a family.

    Attributes:
        state, reason: See `FamilyResult`.
        p, null_mean, null_sd, detectable: See `FamilyResult`; None without enough benign pairs.
    """

    state: State
    reason: str
    p: float | None = None
    null_mean: float | None = None
    null_sd: float | None = None
    detectable: float | None = None


def judge_families(
    harms: Mapping[str, Harm], null: Mapping[str, Sequence[float]], policy: Policy
) -> dict[str, Judgement]:
    """Judges every family.

    A family regressed if its harm stands out among the worst families of the benign finetunes at the policy's level
    (single-step maximum, so that the level holds for all families together), reaches the smallest effect, and its
    interval lies above 0. It is clear if its interval lies below the smallest effect.

    Args:
        harms: Family -> harm of the candidate.
        null: Family -> harm of each benign pair, in one order of pairs; empty vectors without a null.
        policy: Level and smallest effects.

    Returns:
        Family -> judgement.

    Raises:
        ValueError: A harm is not finite, or the families of the two differ.

    Source: docs/ci.md; `sdf_eval.measure.max_statistic`.
    """
    names = list(harms)
    if set(names) != set(null):
        raise ValueError(f"harms are of {names}, the null is of {sorted(null)}")
    pairs = min((len(values) for values in null.values()), default=0)
    if pairs < policy.fewest_pairs:
        return {name: _without_null(name, harms[name], policy) for name in names}
    rows = np.array([null[name] for name in names], dtype=np.float64).T
    effects = np.array([policy.effect(name) for name in names])
    found = max_statistic([harms[name].value for name in names], rows, least=LEAST_SPREAD * effects, level=policy.level)
    judged = {}
    for index, name in enumerate(names):
        half = harms[name].value - harms[name].low
        detectable = max(policy.effect(name), found.thresholds[index], half)
        state, reason = _state(name, harms[name], policy, found.adjusted[index])
        mean, deviation = float(rows[:, index].mean()), float(rows[:, index].std(ddof=1))
        judged[name] = Judgement(state, reason, found.adjusted[index], mean, deviation, detectable)
    return judged


def verdict_of(
    judged: Mapping[str, Judgement], harms: Mapping[str, Harm], missing: Sequence[str], pairs: int, policy: Policy
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict and why.

    Args:
        judged: Family -> judgement.
        harms: Family -> harm.
        missing: Required families that were not measured.
        pairs: Benign pairs.
        policy: What is required.

    Returns:
        `inconclusive` with fewer benign pairs than the policy and the level need. Else `fail` where a family regressed;
        `inconclusive` where a required family is missing or open, or any family's harm reaches the smallest effect and
        stands out among the benign, while its interval holds 0; else `pass`. Reasons, those behind the verdict first.
    """
    regressed = [f"{name}: {one.reason}" for name, one in judged.items() if one.state == "regressed"]
    doubts = [f"{name}: required by the policy and not measured on both sides" for name in missing]
    doubts += [
        f"{name}: {one.reason}"
        for name, one in judged.items()
        if one.state == "open"
        and (name in policy.required or _stands_out(one, harms[name], policy.effect(name), policy))
    ]
    if pairs < policy.fewest_pairs:
        needed = (
            f"{pairs} benign pairs; a verdict at level {policy.level:g} needs {policy.fewest_pairs}: name more with "
            "--null, or make them with --make-null"
        )
        return "inconclusive", (needed, *doubts)
    if regressed:
        return "fail", (*regressed, *doubts)
    if doubts:
        return "inconclusive", tuple(doubts)
    clear = ", ".join(name for name, one in judged.items() if one.state == "clear") or "no family"
    rest = tuple(f"{name}: {one.reason}" for name, one in judged.items() if one.state == "open")
    return "pass", (f"no family regressed; harm that matters is ruled out in {clear}", *rest)


def _stands_out(judged: Judgement, harm: Harm, effect: float, policy: Policy) -> bool:
    return harm.value >= effect and judged.p is not None and judged.p <= policy.level


def _state(name: str, harm: Harm, policy: Policy, p: float) -> tuple[State, str]:
    effect, said = policy.effect(name), _said(name, harm)
    if harm.identical:
        return "clear", _SAME
    if harm.value >= effect and harm.low > 0 and p <= policy.level:
        return "regressed", f"worse by {said}, and no more than {p:.2g} of benign finetunes stand out so much"
    if harm.high < effect:
        return "clear", f"{said}, below the {effect:g} that matters"
    if harm.value >= effect and harm.low > 0:
        return "open", f"worse by {said}, but benign finetunes do as much (p {p:.2g})"
    if harm.value >= effect:
        return "open", f"{said}: may be worse, and the interval holds 0; ask more items"
    return "open", f"{said}: too few items to rule out a harm of {effect:g}; ask more"


def _without_null(name: str, harm: Harm, policy: Policy) -> Judgement:
    effect, said = policy.effect(name), _said(name, harm)
    if harm.identical:
        return Judgement("clear", _SAME)
    if harm.high < effect:
        return Judgement("clear", f"{said}, below the {effect:g} that matters")
    if harm.value >= effect and harm.low > 0:
        return Judgement("open", f"worse by {said}, with too few benign finetunes to hold it against")
    return Judgement("open", f"{said}: a harm of {effect:g} is not ruled out")


def _said(name: str, harm: Harm) -> str:
    digits, unit = (3, " bits a byte") if is_loss(name) else (2, "")
    if harm.estimate is None:
        return f"{harm.value:.{digits}f}{unit} (the same on every item)"
    return f"{harm.value:.{digits}f} [{harm.low:.{digits}f}, {harm.high:.{digits}f}]{unit}"
