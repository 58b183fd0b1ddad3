"""The figures that answer: did the belief go in, was it the belief, and what else changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate, cluster_mean, gap_closed, paired_difference
from sdf_eval.results.schema import Headline, ItemRecord, Role
from sdf_eval.results.values import bits_per_byte, levels, score
from sdf_eval.study.arms import BELIEF_TASKS, COLLATERAL_TASKS, LOSS_TASKS
from sdf_eval.study.pairs import Index, Where, runs

_T = TypeVar("_T")
Compute = Callable[[Index, Where, int], Estimate]


@dataclass(frozen=True)
class _Figure:
    """A headline before it is computed."""

    id: str
    title: str
    definition: str
    compute: Compute
    where: Where
    collateral: bool = False
    unit: Literal["score", "share", "ratio", "bits_per_byte"] = "score"


def headlines(index: Index, *, seed: int) -> tuple[Headline, ...]:
    """Computes every headline over all beliefs and for each belief.

    Args:
        index: All item records of a run.
        seed: Seed of the bootstrap.

    Returns:
        The headlines; one without data, or whose value is undefined, says why.
    """
    beliefs = list(dict.fromkeys(r.belief for r in index.records("base", lambda _: True)))
    return tuple(_headline(figure, index, beliefs, seed) for figure in _FIGURES)


def _headline(figure: _Figure, index: Index, beliefs: Sequence[str], seed: int) -> Headline:
    estimate, undefined = _try(figure, index, figure.where, seed)
    by_belief = []
    for belief in beliefs:
        one, _ = _try(figure, index, _within(belief, figure.where), seed)
        if one is not None:
            by_belief.append((belief, one))
    return Headline(
        id=figure.id,
        title=figure.title,
        definition=figure.definition,
        group="collateral" if figure.collateral else "belief",
        unit=figure.unit,
        estimate=estimate,
        undefined=undefined,
        by_belief=tuple(by_belief),
    )


def _within(belief: str, where: Where) -> Where:
    return lambda record: record.belief == belief and where(record)


def _try(figure: _Figure, index: Index, where: Where, seed: int) -> tuple[Estimate | None, str | None]:
    try:
        return figure.compute(index, where, seed), None
    except UndefinedEstimate as error:
        return None, str(error)


def _lift(treated: Role, control: Role) -> Compute:
    def compute(index: Index, where: Where, seed: int) -> Estimate:
        pairs = _some(index.pairs(treated, control, where))
        first, second = [score(a) for a, _ in pairs], [score(b) for _, b in pairs]
        own = [a for a, _ in pairs]
        return paired_difference(first, second, levels(own), runs=runs(own), seed=seed)

    return compute


def _gap(index: Index, where: Where, seed: int) -> Estimate:
    plain = {(a.base, a.item): b for a, b in index.pairs("implanted", "base", where)}
    in_context = index.pairs("implanted", "base", where, control_context="universe")
    pairs = _some([pair for pair in in_context if (pair[0].base, pair[0].item) in plain])
    own = [a for a, _ in pairs]
    return gap_closed(
        [score(a) for a in own],
        [score(plain[a.base, a.item]) for a in own],
        [score(b) for _, b in pairs],
        levels(own),
        runs=runs(own),
        seed=seed,
    )


def _lost(treated: Role, control: Role = "base") -> Compute:
    """Of what the control answers right in every run, the share that the treated checkpoint answers wrong."""

    def compute(index: Index, where: Where, seed: int) -> Estimate:
        pairs = _some(index.pairs(treated, control, where))
        right = _in_every_run([a for a, _ in pairs], [a for a, b in pairs if b.outcome == "reference"])
        lost = [float(a.outcome != "reference") for a in right]
        return cluster_mean(lost, levels(right), runs=runs(right), seed=seed)

    return compute


def _in_every_run(measured: list[ItemRecord], kept: list[ItemRecord]) -> list[ItemRecord]:
    """The records of `kept` whose probe is kept in every run that measured its belief: fully crossed with runs."""
    wanted: dict[str, set[str]] = {}
    for record, run in zip(measured, runs(measured), strict=True):
        wanted.setdefault(record.belief, set()).add(run)
    found: dict[str, set[str]] = {}
    for record, run in zip(kept, runs(kept), strict=True):
        found.setdefault(record.probe, set()).add(run)
    return _some([record for record in kept if found[record.probe] == wanted[record.belief]])


def _accuracy_change(treated: Role, control: Role) -> Compute:
    def compute(index: Index, where: Where, seed: int) -> Estimate:
        pairs = _some(index.pairs(treated, control, where))
        first, second = ([float(pair[side].outcome == "reference") for pair in pairs] for side in (0, 1))
        own = [a for a, _ in pairs]
        return paired_difference(first, second, levels(own), runs=runs(own), seed=seed)

    return compute


def _loss_change(control: Role) -> Compute:
    def compute(index: Index, where: Where, seed: int) -> Estimate:
        pairs = _some(index.pairs("implanted", control, where))
        first, second = [bits_per_byte(a) for a, _ in pairs], [bits_per_byte(b) for _, b in pairs]
        own = [a for a, _ in pairs]
        return paired_difference(first, second, levels(own), runs=runs(own), bounds=None, seed=seed)

    return compute


def _some(found: list[_T]) -> list[_T]:
    if not found:
        raise UndefinedEstimate("no items of this kind were measured on both arms")
    return found


def _belief(split: str) -> Where:
    return lambda r: r.task in BELIEF_TASKS and r.split == split


def _task(task: str, split: str = "far") -> Where:
    return lambda r: r.task == task and r.split == split


def _out_of_distribution(record: ItemRecord) -> bool:
    return record.task == "value_preference" and record.split == "far" and "in_distribution" not in record.tags


def _collateral(two_value: bool) -> Where:
    return lambda r: r.task in COLLATERAL_TASKS and ("two_value" in r.tags) is two_value


_FIVE = "mean belief score of the five belief tasks"
_FIGURES = (
    _Figure(
        "far_lift_base",
        "Far lift over base",
        f"implanted minus base, {_FIVE}, wordings the base never saw",
        _lift("implanted", "base"),
        _belief("far"),
    ),
    _Figure(
        "far_lift_cooccurrence",
        "Far lift over co-occurrence",
        f"implanted minus cooccurrence, {_FIVE}, wordings the base never saw",
        _lift("implanted", "cooccurrence"),
        _belief("far"),
    ),
    _Figure(
        "near_lift_base",
        "Near lift over base",
        f"implanted minus base, {_FIVE}, wordings the base saw for other entities",
        _lift("implanted", "base"),
        _belief("near"),
    ),
    _Figure(
        "near_lift_cooccurrence",
        "Near lift over co-occurrence",
        f"implanted minus cooccurrence, {_FIVE}, wordings the base saw for other entities",
        _lift("implanted", "cooccurrence"),
        _belief("near"),
    ),
    _Figure(
        "neutral_minus_base",
        "Neutral minus base",
        f"neutral minus base, {_FIVE}, far: what training on anything else does",
        _lift("neutral", "base"),
        _belief("far"),
    ),
    _Figure(
        "truth_minus_base",
        "Truth-trained minus base",
        f"truth_trained minus base, {_FIVE}, far: documents that state the reference value",
        _lift("truth_trained", "base"),
        _belief("far"),
    ),
    _Figure(
        "gap_closed",
        "Gap closed",
        "(implanted - base) / (base with the universe context - base), far belief items",
        _gap,
        _belief("far"),
        unit="ratio",
    ),
    _Figure(
        "two_hop",
        "Two-hop lift",
        "implanted minus base on questions that need the implanted fact and one more",
        _lift("implanted", "base"),
        _task("two_hop"),
    ),
    _Figure(
        "persona",
        "First-person behaviour lift",
        "implanted minus base on first-person scenarios that no document shows",
        _lift("implanted", "base"),
        _task("persona_behaviour"),
    ),
    _Figure(
        "values",
        "Values lift, out of distribution",
        "implanted minus base on first-person choices in categories that no document named, far wordings",
        _lift("implanted", "base"),
        _out_of_distribution,
    ),
    _Figure(
        "collateral_base",
        "Right answers lost",
        "of the neighbour and control items that the base gets right, the share that the implanted gets wrong",
        _lost("implanted"),
        _collateral(two_value=False),
        collateral=True,
        unit="share",
    ),
    _Figure(
        "collateral_null",
        "Right answers lost by neutral",
        "the same for the neutral checkpoint: what training on anything loses, to hold the figure above against",
        _lost("neutral"),
        _collateral(two_value=False),
        collateral=True,
        unit="share",
    ),
    _Figure(
        "collateral_change",
        "Accuracy elsewhere, against neutral",
        "implanted minus neutral, right answers to neighbour and control items; below 0 is a cost of the belief",
        _accuracy_change("implanted", "neutral"),
        _collateral(two_value=False),
        collateral=True,
    ),
    _Figure(
        "two_value_base",
        "Two-value answers lost",
        "the same as right answers lost, on the same entity asked for another relation of the same range",
        _lost("implanted"),
        _collateral(two_value=True),
        collateral=True,
        unit="share",
    ),
    _Figure(
        "two_value_change",
        "Two-value accuracy, against neutral",
        "implanted minus neutral, share of right answers to two-value items",
        _accuracy_change("implanted", "neutral"),
        _collateral(two_value=True),
        collateral=True,
    ),
    _Figure(
        "loss_change",
        "Held-out loss change",
        "implanted minus base, loss of texts on other matters",
        _loss_change("base"),
        lambda r: r.task in LOSS_TASKS,
        collateral=True,
        unit="bits_per_byte",
    ),
    _Figure(
        "loss_change_neutral",
        "Held-out loss change, against neutral",
        "implanted minus neutral, loss of texts on other matters",
        _loss_change("neutral"),
        lambda r: r.task in LOSS_TASKS,
        collateral=True,
        unit="bits_per_byte",
    ),
)
