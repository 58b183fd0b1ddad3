"""What a study is: a claim, the arms that test it, and the criterion, written before its first run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sdf_eval.measure import Bound, Estimate
from sdf_eval.study.frame.cell import Cell
from sdf_eval.study.frame.substrate import Substrate
from sdf_eval.study.frame.table import Table

Tier = Literal["smoke", "full"]
TIERS: tuple[Tier, ...] = ("smoke", "full")


@dataclass(frozen=True)
class Placed:
    """A cell and its place in a study.

    Attributes:
        arm: Name of its arm.
        cell: The cell.
        factors: Levels of what else is varied, such as a dose.
    """

    arm: str
    cell: Cell
    factors: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What some terms of a contrast are asked in place of what the contrast says.

    Attributes:
        tasks: Tasks; empty for those of the contrast.
        preface: What stands before the questions, as in `Ask`.
    """

    tasks: tuple[str, ...] = ()
    preface: str = ""


@dataclass(frozen=True)
class Term:
    """One term of a contrast, spelt out.

    Attributes:
        arm: Name of the arm.
        context: Context that it is asked behind.
        tasks: Tasks whose items are taken together.
        preface: What stands before the questions.
        weight: Its weight.
    """

    arm: str
    context: str
    tasks: tuple[str, ...]
    preface: str
    weight: float


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of arms, of which a claim says that it is above 0, or as good as 0.

    Attributes:
        name: Short.
        meaning: In a sentence: what is taken from what, and why.
        weights: Arm, or `arm@context`, -> weight; `#part` behind either takes tasks and preface of that part.
        tasks: Tasks whose items are taken together.
        smallest_effect: Effect below which the claim is of no interest; the margin of an equivalence.
        claim: `above` 0, or `equal` to 0 within the margin.
        split: Of the items.
        figure: A figure of the task in place of its score.
        kinds: Kinds of belief that it is about; empty for all.
        preface: Stands before the questions.
        levels: Factor -> level of the cells that it is about; empty for all.
        parts: Name -> what terms that end in `#name` are asked.
    """

    name: str
    meaning: str
    weights: Mapping[str, float]
    tasks: tuple[str, ...]
    smallest_effect: float
    claim: Literal["above", "equal"] = "above"
    split: str = "far"
    figure: str = ""
    kinds: tuple[str, ...] = ()
    preface: str = ""
    levels: Mapping[str, float | str] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)

    def term(self, name: str) -> Term:
        """Spells out a key of the weights."""
        place, _, part = name.partition("#")
        arm, _, context = place.partition("@")
        own = self.parts[part] if part else Part(preface=self.preface)
        return Term(arm, context or "none", own.tasks or self.tasks, own.preface, self.weights[name])


@dataclass(frozen=True)
class Fit:
    """A quantity that is no sum of arms: a dose, an elasticity, a correlation.

    Attributes:
        name: Short.
        meaning: In a sentence.
        fit: Table -> estimate, positive in the claimed direction; a `Bound` where its interval is open.
        smallest_effect: As in `Contrast`.
        claim: As in `Contrast`.
    """

    name: str
    meaning: str
    fit: Callable[[Table], Estimate | Bound]
    smallest_effect: float
    claim: Literal["above", "equal"] = "above"


Estimand = Contrast | Fit


@dataclass(frozen=True)
class Change:
    """A change of a criterion after a study's first run.

    Attributes:
        date: ISO date.
        what: What was changed, from what to what.
        why: The reason.
    """

    date: str
    what: str
    why: str


@dataclass(frozen=True)
class Study:
    """A published claim and its test.

    Attributes:
        name: As on the command line; the name of its module.
        title: A few words.
        claim: One sentence that can be false.
        source: Paper and section.
        taught: What the base was taught that bears on the claim; nothing here is hidden from a reader.
        design: How it is tested, in a few sentences.
        arms: Arm -> what it is.
        estimands: The first decides; the others explain.
        cells: Tier and substrate -> cells.
        limits: What the study does not show.
        changes: Of criteria, since the first run.
    """

    name: str
    title: str
    claim: str
    source: str
    taught: str
    design: str
    arms: Mapping[str, str]
    estimands: tuple[Estimand, ...]
    cells: Callable[[Tier, Substrate], Sequence[Placed]]
    limits: tuple[str, ...]
    changes: tuple[Change, ...] = ()

    @property
    def primary(self) -> Estimand:
        """What the verdict is about."""
        return self.estimands[0]
