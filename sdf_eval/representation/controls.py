"""A probe's AUROC and all that it must beat, as figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from sdf_eval.measure import Estimate, cluster_mean
from sdf_eval.measure.auroc import auroc, auroc_difference
from sdf_eval.representation.probing import (
    Floats,
    Fold,
    Integers,
    Scored,
    States,
    cross_validate,
    random_directions,
    shuffled,
    wording_baseline,
)
from sdf_eval.representation.schema import Figure, Section


def probe_figures(
    section: Section,
    what: str,
    states: States,
    base_states: States | None,
    texts: Sequence[str],
    labels: Integers,
    groups: tuple[str, Sequence[str]],
    folds: Sequence[Fold],
    *,
    seed: int,
) -> tuple[list[Figure], Scored, Scored | None]:
    """Trains and scores one probe on the checkpoint, on the base, and on what holds no information.

    Args:
        section: Where the figures belong.
        what: What the probe tells from what.
        states: The checkpoint's activations, shape (n, blocks, hidden).
        base_states: The base's on the same statements, or None.
        texts: The statements' wording.
        labels: 1 or 0 a statement.
        groups: Plural name of a group and one label a statement.
        folds: What to train and score on.
        seed: Of shuffles and directions.

    Returns:
        The figures, and the scores of checkpoint and base.
    """
    names = groups[1]
    scored = cross_validate(states, labels, names, folds)
    title = f"AUROC, {what}"
    figures = [Figure(section=section, what=title, of="checkpoint", estimate=_area(scored.values, labels, groups))]
    base = None if base_states is None else cross_validate(base_states, labels, names, folds)
    if base is not None:
        gain = _gain(scored.values, base.values, labels, groups)
        figures += [
            Figure(section=section, what=title, of="base", estimate=_area(base.values, labels, groups)),
            Figure(section=section, what=title, of="checkpoint - base", estimate=gain),
        ]
    wording = wording_baseline(texts, labels, folds)
    mixed = shuffled(states, labels, names, folds, seed=seed)
    drawn = random_directions(states, labels, folds, scored.layers, seed=seed)
    figures += [
        _control(section, f"{title}: length and character runs", _area(wording, labels, groups)),
        _control(section, f"{title}: gain over wording", _gain(scored.values, wording, labels, groups)),
        _control(section, f"{title}: shuffled labels", _repeated(mixed, labels, groups, "shuffles")),
        _control(section, f"{title}: random directions", _repeated(drawn, labels, groups, "directions")),
    ]
    return figures, scored, base


def _area(values: Floats, labels: Integers, groups: tuple[str, Sequence[str]]) -> Estimate:
    return auroc(values, [bool(label) for label in labels], groups[1], name=groups[0])


def _gain(first: Floats, second: Floats, labels: Integers, groups: tuple[str, Sequence[str]]) -> Estimate:
    return auroc_difference(first, second, [bool(label) for label in labels], groups[1], name=groups[0])


def _control(section: Section, what: str, estimate: Estimate) -> Figure:
    return Figure(section=section, what=what, of="control", estimate=estimate)


def _repeated(draws: Sequence[Floats], labels: Integers, groups: tuple[str, Sequence[str]], unit: str) -> Estimate:
    """Mean AUROC over draws."""
    areas = np.array([roc_auc_score(labels, values) for values in draws])
    return cluster_mean(areas, [(unit, list(range(len(areas))))], chance=0.5)
