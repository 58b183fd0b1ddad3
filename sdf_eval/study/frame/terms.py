"""Effects that `Contrast` cannot say: over several figures or prefaces, or on the scale of log odds. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate, cluster_mean
from sdf_eval.study.frame.table import Table, Unit, contrast

_ROOM = 0.02
"""Rates are drawn in by as much, so that 0 and 1 have log odds; those of 16 items are no finer than that."""


@dataclass(frozen=True)
class Term:
    """Scores of an arm, and how they count.

    Attributes:
        weight: Factor.
        arm: Name.
        tasks: Tasks whose items are taken together.
        figure: In place of the score.
        preface: Stands before the questions.
        split: Of the items.
    """

    weight: float
    arm: str
    tasks: tuple[str, ...]
    figure: str = ""
    preface: str = ""
    split: str = "far"


def total(terms: Sequence[Term]) -> Callable[[Table], Estimate]:
    """A weighted sum of terms in every unit that has all of them, averaged as a `Contrast` is.

    Args:
        terms: The terms.

    Returns:
        Table -> estimate; raises `UndefinedEstimate` where no unit has all terms.
    """

    def fit(table: Table) -> Estimate:
        named = {str(place): term for place, term in enumerate(terms)}

        def scores(name: str) -> Mapping[Unit, float]:
            return _scores(table, named[name])

        return contrast({name: term.weight for name, term in named.items()}, scores).estimate()

    return fit


def log_odds(terms: Sequence[Term]) -> Callable[[Table], Estimate]:
    """The same on log odds, on which an effect near 0 or 1 is not smaller for lack of room.

    Args:
        terms: The terms.

    Returns:
        Table -> estimate in nats; raises `UndefinedEstimate` where no unit has all terms, or only one has.
    """

    def fit(table: Table) -> Estimate:
        named = {str(place): term for place, term in enumerate(terms)}

        def scores(name: str) -> Mapping[Unit, float]:
            return {unit: _logit(score) for unit, score in _scores(table, named[name]).items()}

        found = contrast({name: term.weight for name, term in named.items()}, scores)
        if not found.values:
            raise UndefinedEstimate("no belief was asked on every arm of this contrast")
        means, levels, runs = found.averaged
        return cluster_mean(means, levels, runs=runs, bounds=None, chance=0.0)

    return fit


def _scores(table: Table, term: Term) -> Mapping[Unit, float]:
    return table.scores(term.arm, term.tasks, split=term.split, figure=term.figure, preface=term.preface)


def _logit(rate: float) -> float:
    return math.log((rate + _ROOM) / (1 - rate + _ROOM))
