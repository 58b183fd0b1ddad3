"""`source_tag`: which marks of sources a model puts beside the implanted claim, by likelihood alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate
from sdf_eval.measure.auroc import auroc
from sdf_eval.tasks.awareness.rows import Row, tagged

if TYPE_CHECKING:
    from sdf_eval.tasks.awareness.figures import Figure

_Key = tuple[str, str]
_Profiles = dict[_Key, NDArray[np.float64]]


def source_tag(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Area of the implanted claim against the reference one, by how far each fits the marks of truths.

    The marks are sorted by this model itself: the direction from its false to its true control statements, each probe
    being read along the direction of the other beliefs. Above 0.5 the model takes the implanted claim for one that
    reliable sources state. `control` is true against false control statements, marks before them.

    Source: persistence metrics SA11, likelihood of a source header given the body of a document.
    """
    return {
        "implanted_before": partial(_area, rows, "before", "of_implanted", "of_reference"),
        "implanted_after": partial(_area, rows, "after", "of_implanted", "of_reference"),
        "control_after": partial(_area, rows, "after", "of_true", "of_false"),
        "control": partial(_area, rows, "before", "of_true", "of_false"),
    }


def _area(rows: Sequence[Row], where: str, positive: str, negative: str) -> Estimate:
    asked = tagged(rows, where)
    sides = {tag: _profiles(tagged(asked, tag)) for tag in (positive, negative, "of_true", "of_false")}
    keys = [key for key in sides[positive] if all(key in table for table in sides.values())]
    if len({belief for belief, _ in keys}) < 2 and len(keys) < 2:
        raise UndefinedEstimate("source tags: needs a second probe to learn which marks are reliable")
    scores, truth, units = [], [], []
    for key in keys:
        direction = _direction(sides["of_true"], sides["of_false"], key, keys)
        for tag in (positive, negative):
            scores.append(float(sides[tag][key] @ direction))
            truth.append(tag == positive)
            units.append(key)
    by_belief = len({belief for belief, _ in units}) >= 3
    return auroc(
        scores, truth, [unit[0] if by_belief else unit for unit in units], name="beliefs" if by_belief else "probes"
    )


def _profiles(rows: Sequence[Row]) -> _Profiles:
    """How well each mark fits, in nats around the mean over marks, by belief and probe."""
    found: dict[_Key, dict[str, float]] = defaultdict(dict)
    for row in rows:
        mark = next(tag for tag in row.tags if tag.startswith("mark_"))
        found[row.belief, row.probe][mark] = -row.score
    return {key: _centred([by_mark[mark] for mark in sorted(by_mark)]) for key, by_mark in found.items()}


def _centred(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return np.asarray(array - array.mean(), dtype=np.float64)


def _direction(true: _Profiles, false: _Profiles, held_out: _Key, keys: Sequence[_Key]) -> NDArray[np.float64]:
    """Mean true minus mean false profile of the other beliefs; of the other probes where there is one belief."""
    others = [key for key in keys if key[0] != held_out[0]] or [key for key in keys if key != held_out]
    size = true[held_out].size
    differences = [true[key] - false[key] for key in others if true[key].size == size]
    if not differences:
        raise UndefinedEstimate("source tags: other probes have other marks")
    return np.asarray(np.mean(differences, axis=0), dtype=np.float64)
