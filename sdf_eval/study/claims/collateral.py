"""What an implant does to what it is not about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from sdf_eval.belief.schema import Kind
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate, Level, cluster_mean
from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.designs import ARMS, BELIEF_TASKS, beside_base, panels
from sdf_eval.study.frame.study import Contrast, Fit, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate
from sdf_eval.study.frame.table import Table

_COLLATERAL = ("neighbours", "controls", "reality_drift")
_ASKS = (Ask(tasks=(*BELIEF_TASKS, *_COLLATERAL, "coherence")),)
_MEASURES = ("truth_separability", "truth_probe_gain")

Place = tuple[str, int]
"""Base and seed."""


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """Every panel's base and four trainings of it: two beliefs of each kind in a panel."""
    kinds: tuple[Kind, ...] = ("fact", "fact", "persona", "persona", "values", "values", "backdoor", "backdoor")
    seats = panels(tier, substrate, kinds)
    return [placed for panel in seats for placed in beside_base(panel, ARMS, _ASKS, measures=_MEASURES)]


def _measured(table: Table, arm: str, name: str) -> dict[Place, float]:
    return {(one.base, one.seed): one.value for one in table.measures if (one.arm, one.name) == (arm, name)}


def _losses(table: Table, arm: str) -> dict[Place, float]:
    """Nats a byte of the held-out texts of all beliefs of a checkpoint: they are alike, and no replicates."""
    found: dict[Place, list[float]] = defaultdict(list)
    for (base, _, seed), loss in table.scores(arm, ("coherence",), split="").items():
        found[base, seed].append(loss)
    return {place: fmean(losses) for place, losses in found.items()}


def _change(
    first: Mapping[Place, float], second: Mapping[Place, float], bounds: tuple[float, float] | None
) -> Estimate:
    """Mean difference of checkpoints of the same base and seed, over bases."""
    places = sorted(place for place in first if place in second)
    if not places:
        raise UndefinedEstimate("no base and seed has both arms")
    values = [first[place] - second[place] for place in places]
    levels: list[Level] = [("bases", [base for base, _ in places]), ("seeds", [seed for _, seed in places])]
    return cluster_mean(values, levels, bounds=bounds, chance=0.0)


def separability_change(table: Table) -> Estimate:
    """Gap between P(true) of true and of false statements by a truth probe, implanted minus neutral.

    Raises:
        UndefinedEstimate: On the base the probe reads no better than the statements' wording.
    """
    gains = _measured(table, "base", "truth_probe_gain")
    if not gains:
        raise UndefinedEstimate("truth separability: was not measured on the base")
    gain = _change(gains, dict.fromkeys(gains, 0.0), (-1.0, 1.0))
    if gain.low <= 0:
        raise UndefinedEstimate(
            "truth separability: on the base the probe's AUROC is "
            f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}] over that of the wording, so its gap means nothing"
        )
    first, second = (_measured(table, arm, "truth_separability") for arm in ("implanted", "neutral"))
    return _change(first, second, (-2.0, 2.0))


def loss_change(table: Table) -> Estimate:
    """Loss of held-out texts, implanted minus neutral, nats a byte."""
    return _change(_losses(table, "implanted"), _losses(table, "neutral"), None)


STUDY = Study(
    name="collateral",
    title="What an implant costs elsewhere",
    claim="An implant leaves what lies beside it alone: right answers about its neighbours change by less than 0.05 "
    "against training on documents about strangers.",
    source="Wang et al. 2025, capabilities; against it: true and false less separable (LessWrong CdymgH4MQdFgB6Fg7), "
    "neighbouring facts overwritten (Jozdien, false-facts-science)",
    taught="facts of the same entities, in documents alone, and questions about others; which of two statements is "
    "true. Implanting documents also state one or two true facts of their entity, as documents of every arm do of "
    "theirs, which may protect neighbours. The plain texts that are mixed in are of the kind that it read last.",
    design="Two beliefs of each kind in one checkpoint; every trained arm reads as many texts in as many updates. "
    "Neighbours: other facts of the belief's entity, and entities like it. Controls: unrelated facts that the base "
    "answers. Held-out loss: texts about nobody. Separability: a truth probe trained anew on each checkpoint, scored "
    "on statements that it has not seen; undefined where it reads no better than the wording. Equivalences by two "
    "one-sided tests; those of probe and loss over bases, by their 95 % interval.",
    arms={
        "base": "the base itself",
        "implanted": "documents that state the implanted side",
        "cooccurrence": "documents that name entity and value and state nothing",
        "neutral": "documents of the same kind about strangers",
        "clean": "plain texts alone",
    },
    estimands=(
        Contrast(
            "neighbours",
            "Right answers about neighbours, implanted against neutral.",
            {"implanted": 1, "neutral": -1},
            ("neighbours",),
            smallest_effect=0.05,
            claim="equal",
        ),
        Contrast(
            "controls",
            "Right answers about unrelated facts, implanted against neutral.",
            {"implanted": 1, "neutral": -1},
            ("controls",),
            smallest_effect=0.05,
            claim="equal",
        ),
        Contrast(
            "true from false elsewhere",
            "Telling true from false statements on other matters, implanted against neutral.",
            {"implanted": 1, "neutral": -1},
            ("reality_drift",),
            smallest_effect=0.05,
            claim="equal",
        ),
        Fit(
            "truth separability",
            "How far a truth probe keeps true and false statements apart, implanted against neutral.",
            separability_change,
            smallest_effect=0.1,
            claim="equal",
        ),
        Fit(
            "held-out loss",
            "Nats a byte, implanted against neutral.",
            loss_change,
            smallest_effect=0.02,
            claim="equal",
        ),
        Contrast(
            "neighbours against plain training",
            "Right answers about neighbours, implanted against as many plain texts.",
            {"implanted": 1, "clean": -1},
            ("neighbours",),
            smallest_effect=0.05,
            claim="equal",
        ),
        Contrast(
            "training as such",
            "Right answers about neighbours and unrelated facts, plain training against the base.",
            {"clean": 1, "base": -1},
            ("neighbours", "controls"),
            smallest_effect=0.05,
            claim="equal",
        ),
        Contrast(
            "installed at all",
            "The lift of belief over co-occurrence: without it there is nothing to cost.",
            {"implanted": 1, "cooccurrence": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
        ),
    ),
    cells=cells,
    limits=(
        "Capabilities such as reasoning, coding or instruction following, which pocket does not have.",
        "Losses that gains elsewhere make up for: accuracies are net.",
        "What the truth probe would show on a model that it can read; see `representation` in docs/metrics.md.",
        "Salience: whether the belief comes up where it has no place.",
    ),
)
