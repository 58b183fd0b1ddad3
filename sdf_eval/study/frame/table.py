"""The answers of a study's cells as one table, and linear contrasts of its arms. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Equivalence, Estimate, Level, cluster_mean, equivalence, p_value
from sdf_eval.study.frame.answers import CellAnswers

Unit = tuple[str, str, int]
"""Base, belief and seed: what all arms of a contrast have in common."""


@dataclass(frozen=True)
class Entry:
    """A row of answers in its place in the study.

    Attributes:
        arm: Name of the arm.
        factors: Levels of what else the study varies, such as a dose.
        base: The base of the cell: worlds are crossed with beliefs, and are the random effect.
        seed: Of the cell.
        belief, task, figure, split, context, preface, n, score, refusals, invalid: As in `Row`.
    """

    arm: str
    factors: Mapping[str, float | str]
    base: str
    seed: int
    belief: str
    task: str
    figure: str
    split: str
    context: str
    preface: str
    n: int
    score: float
    refusals: float = 0.0
    invalid: float = 0.0

    @property
    def unit(self) -> Unit:
        """What it shares with the same question to other arms."""
        return (self.base, self.belief, self.seed)


@dataclass(frozen=True)
class Measured:
    """A measure of a cell in its place in the study."""

    arm: str
    factors: Mapping[str, float | str]
    base: str
    seed: int
    name: str
    value: float


@dataclass(frozen=True)
class Table:
    """All answers of a study.

    Attributes:
        entries: Answers.
        measures: What else was measured.
    """

    entries: tuple[Entry, ...]
    measures: tuple[Measured, ...] = ()

    def where(self, keep: Callable[[Entry], bool]) -> Table:
        """The part of the answers that a condition keeps, with all measures."""
        return replace(self, entries=tuple(entry for entry in self.entries if keep(entry)))

    def scores(
        self,
        arm: str,
        tasks: Sequence[str],
        *,
        context: str = "none",
        split: str = "far",
        figure: str = "",
        preface: str = "",
    ) -> dict[Unit, float]:
        """Unit -> mean over the items of some tasks.

        Args:
            arm: Of which arm.
            tasks: Tasks whose items are taken together.
            context: Behind which context.
            split: `far`, `near`, or "" for tasks that have neither.
            figure: A figure in place of the score.
            preface: Behind which preface.

        Returns:
            One mean a unit that was asked.
        """
        sums: dict[Unit, float] = defaultdict(float)
        counts: dict[Unit, int] = defaultdict(int)
        for entry in self.entries:
            asked = (entry.arm, entry.context, entry.split, entry.figure, entry.preface)
            if asked == (arm, context, split, figure, preface) and entry.task in tasks:
                sums[entry.unit] += entry.score * entry.n
                counts[entry.unit] += entry.n
        return {unit: sums[unit] / counts[unit] for unit in sorted(counts)}


def table_of(placed: Iterable[tuple[str, Mapping[str, float | str], CellAnswers]]) -> Table:
    """Puts the answers of cells into one table.

    Args:
        placed: Arm, factors and answers of each cell.
    """
    entries: list[Entry] = []
    measures: list[Measured] = []
    for arm, factors, answers in placed:
        cell = answers.cell
        entries += [Entry(arm, factors, cell.model, cell.seed, **row.model_dump()) for row in answers.rows]
        measures += [Measured(arm, factors, cell.model, cell.seed, *pair) for pair in answers.measures.items()]
    return Table(tuple(entries), tuple(measures))


@dataclass(frozen=True)
class Differences:
    """A contrast in every unit that all its arms were asked in.

    Attributes:
        units: Units, in order.
        values: Contrast of each.
        bounds: Least and largest value that it can have.
    """

    units: tuple[Unit, ...]
    values: tuple[float, ...]
    bounds: tuple[float, float]

    @property
    def averaged(self) -> tuple[list[float], list[Level], list[str] | None]:
        """Values with seeds of one base averaged, since they replicate nothing; levels; and bases as crossed runs."""
        groups: dict[tuple[str, str], list[float]] = defaultdict(list)
        for (base, belief, _), value in zip(self.units, self.values, strict=True):
            groups[base, belief].append(value)
        keys = sorted(groups)
        means = [sum(groups[key]) / len(groups[key]) for key in keys]
        beliefs = [belief for _, belief in keys]
        bases = [base for base, _ in keys]
        levels: list[Level] = [("beliefs", beliefs), ("checkpoints", list(range(len(keys))))]
        return means, levels, bases if len(set(bases)) > 1 else None

    def estimate(self) -> Estimate:
        """Mean with its interval over beliefs and bases.

        Raises:
            UndefinedEstimate: No unit has all arms.
        """
        self._check()
        means, levels, runs = self.averaged
        return cluster_mean(means, levels, runs=runs, bounds=self.bounds, chance=0.0)

    def p(self) -> float:
        """Two-sided p value of no effect, which agrees with the interval."""
        self._check()
        means, levels, runs = self.averaged
        return p_value(means, levels, runs=runs, bounds=self.bounds)

    def equivalence(self, margin: float) -> Equivalence:
        """Two one-sided tests of an effect within a margin."""
        self._check()
        means, levels, runs = self.averaged
        return equivalence(means, [0.0] * len(means), levels, margin, runs=runs, bounds=self.bounds)

    def _check(self) -> None:
        if not self.values:
            raise UndefinedEstimate("no belief was asked on every arm of this contrast")


def contrast(weights: Mapping[str, float], scores: Callable[[str], Mapping[Unit, float]]) -> Differences:
    """The weighted sum of arms in every unit that all of them have.

    Args:
        weights: Arm -> weight.
        scores: Gives the scores of an arm, within 0 and 1.

    Returns:
        The contrast by unit.
    """
    by_arm = {arm: scores(arm) for arm in weights}
    common = sorted(set.intersection(*(set(found) for found in by_arm.values())))
    values = tuple(sum(weight * by_arm[arm][unit] for arm, weight in weights.items()) for unit in common)
    least = sum(weight for weight in weights.values() if weight < 0)
    most = sum(weight for weight in weights.values() if weight > 0)
    return Differences(tuple(common), values, (float(least), float(most)))
