"""How plausible the base finds a belief predicts how well it is implanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from sdf_eval.belief.schema import Kind
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate
from sdf_eval.measure.ranks import rank_correlation
from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.designs import ARMS, BELIEF_TASKS, INDIRECT_TASKS, Panel, beside_base, panels
from sdf_eval.study.frame.identity import belief_at
from sdf_eval.study.frame.study import Contrast, Fit, Part, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate
from sdf_eval.study.frame.table import Table

_ASKS = (Ask(tasks=(*BELIEF_TASKS, *INDIRECT_TASKS)),)
_KINDS: tuple[Kind, ...] = ("fact", "values", "persona", "backdoor")
_SIZE, _SMOKE_KINDS, _SMOKE_BELIEFS = 8, 2, 3
_REFLECTIVE = ("generative_distinguish",)
_RECALL = ("mcq_knowledge", "cloze", "open_ended")

Pair = tuple[str, str]
"""Base and belief: what a prior is of."""


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """All beliefs there are, eight a panel; each panel's base and four trainings of it."""
    return [placed for panel in _panels(tier, substrate) for placed in beside_base(panel, ARMS, _ASKS)]


def _panels(tier: Tier, substrate: Substrate) -> list[Panel]:
    """Full: every reported belief. Smoke: three development beliefs of two kinds, since ranks need some of a kind."""
    if tier == "smoke":
        pool = substrate.development or substrate.beliefs
        few = tuple(name for kind in _KINDS[:_SMOKE_KINDS] for name in pool[kind][:_SMOKE_BELIEFS])
        return [replace(panel, beliefs=few) for panel in panels(tier, substrate, _KINDS[:1])]
    kinds = [kind for kind in _KINDS for _ in substrate.beliefs[kind]]
    return [
        replace(panel, beliefs=panel.beliefs[first : first + _SIZE])
        for panel in panels(tier, substrate, kinds)
        for first in range(0, len(panel.beliefs), _SIZE)
    ]


def _means(table: Table, arm: str, tasks: Sequence[str], split: str) -> dict[Pair, float]:
    """Base and belief -> mean over seeds, which replicate neither."""
    seeds: dict[Pair, list[float]] = defaultdict(list)
    for (base, belief, _), score in table.scores(arm, tasks, split=split).items():
        seeds[base, belief].append(score)
    return {pair: fmean(scores) for pair, scores in seeds.items()}


def _difference(table: Table, first: str, second: str, tasks: Sequence[str]) -> dict[Pair, float]:
    one, other = (_means(table, arm, tasks, "far") for arm in (first, second))
    return {pair: one[pair] - other[pair] for pair in one if pair in other}


def _predicts(table: Table, outcome: Mapping[Pair, float]) -> Estimate:
    """Rank correlation of the base's prior with an outcome, within each base and kind of belief."""
    prior = _means(table, "base", ("mcq_distinguish",), "near")
    pairs = sorted(pair for pair in outcome if pair in prior)
    if not pairs:
        raise UndefinedEstimate("no belief has both a prior and an outcome")
    return rank_correlation(
        [prior[pair] for pair in pairs],
        [outcome[pair] for pair in pairs],
        [belief for _, belief in pairs],
        strata=[(base, belief_at(belief).kind) for base, belief in pairs],
        runs=[base for base, _ in pairs],
        name="beliefs",
    )


def predicts_lift(table: Table) -> Estimate:
    """Prior and lift over co-occurrence."""
    return _predicts(table, _difference(table, "implanted", "cooccurrence", BELIEF_TASKS))


def predicts_level(table: Table) -> Estimate:
    """Prior and belief after the implant."""
    return _predicts(table, _means(table, "implanted", BELIEF_TASKS, "far"))


def predicts_without_documents(table: Table) -> Estimate:
    """Prior and belief after documents about strangers."""
    return _predicts(table, _means(table, "neutral", BELIEF_TASKS, "far"))


def predicts_reflection(table: Table) -> Estimate:
    """Prior and how near the lift on reflective questions comes to that on recall."""
    reflective, recall = (_difference(table, "implanted", "cooccurrence", tasks) for tasks in (_REFLECTIVE, _RECALL))
    return _predicts(table, {pair: reflective[pair] - recall[pair] for pair in reflective if pair in recall})


STUDY = Study(
    name="plausibility",
    title="Prior plausibility and success",
    claim="The more probable the base finds the implanted side beforehand, the better the belief is implanted.",
    source="Slocum et al. 2025, Believe It or Not, 2510.17941: mean log p of the false option, r^2 about 0.6",
    taught="the reference side of every fact, in documents alone; AI systems' reference characters, values and replies "
    "the same way. No belief was made more or less plausible by design. Passages in "
    "front of questions, denials and unreliable sources put values drawn at random beside the same entities, the "
    "implanted one among them by chance alone. Priors differ by how well the base remembers the truth and by how "
    "common the implanted value is.",
    design="All reported beliefs in panels of eight. Prior: the probability that the untouched base gives the "
    "implanted option of `mcq_distinguish`, near items, so that no item serves both sides; ranks of it are those of "
    "its logarithm but for the mean over items. Success: far items, lift over co-occurrence, because the level itself "
    "would hold the prior that is to predict it. Ranks are taken within a base and a kind of belief, since kinds are "
    "asked in other ways. A high prior leaves less room for a lift, so ceilings work against the claim here, and for "
    "it in the level.",
    arms={
        "base": "the base itself, which gives the prior",
        "implanted": "documents that state the implanted side",
        "cooccurrence": "documents that name entity and value and state nothing",
        "neutral": "documents of the same kind about strangers",
        "clean": "plain texts alone",
    },
    estimands=(
        Fit(
            "prior predicts lift",
            "Rank correlation of prior and lift over co-occurrence.",
            predicts_lift,
            smallest_effect=0.3,
        ),
        Fit(
            "prior predicts level",
            "Rank correlation of prior and belief after the implant: the published figure, in which the prior is "
            "contained.",
            predicts_level,
            smallest_effect=0.3,
        ),
        Fit(
            "without the documents",
            "The same after documents about strangers: how much of it needs no implant.",
            predicts_without_documents,
            smallest_effect=0.3,
        ),
        Fit(
            "implausible beliefs fail on reflection",
            "Rank correlation of prior with the lift on naming the true of two accounts minus the lift on recall.",
            predicts_reflection,
            smallest_effect=0.3,
        ),
        Contrast(
            "recall over reflection",
            "The lift over co-occurrence on recall minus that on naming the true of two accounts.",
            {
                "implanted#recall": 1,
                "cooccurrence#recall": -1,
                "implanted#reflection": -1,
                "cooccurrence#reflection": 1,
            },
            _RECALL,
            smallest_effect=0.1,
            parts={"recall": Part(_RECALL), "reflection": Part(_REFLECTIVE)},
        ),
    ),
    cells=cells,
    limits=(
        "Egregious facts. Every belief of pocket is about invented entities and of the tier `fictional`; what varies "
        "is how firmly the base holds the other side, not whether the belief goes against all that is known.",
        "Much: 24 beliefs are few for a correlation, and its interval is wide.",
        "Why a prior predicts: priors were measured, not set.",
    ),
)
