"""Nested labels to a table of unit means: what every interval here is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Level = tuple[str, Sequence[object]]
"""Plural name of a level and one label a value, for instance ("beliefs", ["a", "a", "b"])."""

FEWEST = 3
"""Units that a level must have for an interval over them; with two, t has one degree of freedom and says nothing."""


@dataclass(frozen=True)
class Units:
    """Means of the units that an interval generalises over.

    Attributes:
        means: Shape (units, runs): mean of each unit in each run; one column where runs are nested in units.
        name: What a unit is, plural.
        n: Measurements behind the table.
        error_within: Standard error of `value` if units did not differ: from the spread inside them alone.
        labels: One label a unit, so that two tables can be checked to be about the same units.
    """

    means: Floats
    name: str
    n: int
    error_within: float = 0.0
    labels: tuple[object, ...] = ()

    @property
    def value(self) -> float:
        """The nested mean, in which every unit counts the same."""
        return float(self.means.mean())

    @property
    def per_unit(self) -> Floats:
        """Mean of each unit over runs, shape (units,)."""
        return np.asarray(self.means.mean(axis=1), dtype=np.float64)


def units(values: ArrayLike, levels: Sequence[Level], runs: Sequence[object] | None = None) -> Units:
    """Averages values up to the outermost level that has at least three units.

    One or two units cannot tell how much their kind varies, so the interval is then about the next level down, and the
    name says so; the last level is taken as it is. Levels above that one are left out of the mean too. From there on
    down, every unit counts the same within the unit above it, however many measurements it has.

    Args:
        values: Shape (n,).
        levels: Levels from the outermost in, the items last. Labels need only be unique within the unit above.
        runs: n labels of the training run that a measurement comes from. Runs that several units share are a crossed
            random effect; runs that belong to one unit each, or to one of several labels of the outermost level, are
            averaged inside the units.

    Returns:
        The table of unit means.

    Raises:
        ValueError: Nothing to average, lengths differ, a value is not finite, or some units lack some runs.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or data.size == 0 or not np.isfinite(data).all():
        raise ValueError("values must be a non-empty vector of finite numbers")
    if not levels or any(len(labels) != data.size for _, labels in levels) or len(runs or data) != data.size:
        raise ValueError("every level, and runs, must have one label a value")
    paths = _paths([labels for _, labels in levels])
    run = codes(runs) if runs is not None else np.zeros(data.size, dtype=np.int64)
    depth = next((i for i, path in enumerate(paths) if path.max() >= FEWEST - 1), len(paths) - 1)
    if paths[depth].max() == 0 and run.max() > 0:
        names = tuple(dict.fromkeys(runs or ()))
        return Units(_nested_means(data, [run])[:, None], "runs", data.size, labels=names)
    # Beliefs that were implanted into a checkpoint each share no run, whatever level the interval is about.
    nested = paths[0].max() > 0 and _one_owner(run, paths[0])
    table = _table(data, paths[depth:], np.zeros_like(run) if nested else run)
    _, first = np.unique(paths[depth], return_index=True)
    names = tuple(tuple(labels[i] for _, labels in levels[: depth + 1]) for i in first.tolist())
    return Units(table, levels[depth][0], data.size, _error_within(data, paths[depth:]), names)


def codes(labels: Sequence[object]) -> Codes:
    """Numbers labels in the order of their first appearance."""
    numbers = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    return np.fromiter(map(numbers.__getitem__, labels), dtype=np.int64, count=len(labels))


def _paths(levels: Sequence[Sequence[object]]) -> list[Codes]:
    """Codes that are unique over the whole path from the outermost level: fact 1 of two beliefs is two facts."""
    paths = [codes(levels[0])]
    for labels in levels[1:]:
        own = codes(labels)
        paths.append(_renumbered(paths[-1] * (int(own.max()) + 1) + own))
    return paths


def _renumbered(numbers: Codes) -> Codes:
    """The same classes, numbered in the order of their first appearance."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    places = np.empty(len(first), dtype=np.int64)
    places[np.argsort(first)] = np.arange(len(first))
    return places[inverse]


def _one_owner(inner: Codes, outer: Codes) -> bool:
    """Whether every inner code occurs with a single outer one."""
    return len(np.unique(np.stack([inner, outer]), axis=1).T) == len(np.unique(inner))


def _table(data: Floats, paths: list[Codes], run: Codes) -> Floats:
    runs = range(int(run.max()) + 1)
    measured = [np.unique(paths[0][run == r]) for r in runs]
    if len(measured) == 1 or _one_owner(run, paths[0]):
        return _nested_means(data, paths)[:, None]
    if any(not np.array_equal(measured[0], other) for other in measured):
        raise ValueError("every unit must be measured in every run")
    return np.stack([_nested_means(data[run == r], [path[run == r] for path in paths]) for r in runs], axis=1)


def _error_within(data: Floats, paths: list[Codes]) -> float:
    """Spread of the innermost units' means inside each outermost unit; 0 where one has a single innermost unit."""
    inner, first = np.unique(paths[-1], return_index=True)
    means, owner = _nested_means(data, [np.searchsorted(inner, paths[-1])]), paths[0][first]
    counts = np.bincount(owner)
    if counts.min() < 2:
        return 0.0
    centred = means - (np.bincount(owner, means) / counts)[owner]
    variance = np.bincount(owner, centred**2) / (counts - 1) / counts
    return float(np.sqrt(variance.mean() / len(counts)))


def _nested_means(data: Floats, paths: list[Codes]) -> Floats:
    """Averages innermost first; the result has one value an outermost unit, in order of its code."""
    while paths:
        _, first, inverse = np.unique(paths[-1], return_index=True, return_inverse=True)
        data = np.bincount(inverse, data) / np.bincount(inverse)
        paths = [path[first] for path in paths[:-1]]
    return data
