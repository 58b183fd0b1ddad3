"""How much of what a context does the weights do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import Level, units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.means import paired_difference
from sdf_eval.measure.ratio import fieller


def gap_closed(
    implanted: ArrayLike,
    base: ArrayLike,
    in_context: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    seed: int = 0,
) -> Estimate:
    """(implanted - base) / (in-context - base): 0 is no belief, 1 is as much as the universe context gives the base.

    Fieller's interval on unit means, with t. It is bounded exactly where the denominator's own t interval excludes 0.
    Where the implanted scores pile up at the end of the scale, their units show no spread: the interval is then widened
    to hold that of the lift over the mean reach too.

    Args:
        implanted: Shape (n,), belief scores of the implanted checkpoint without context.
        base: Shape (n,), the same items on the base without context.
        in_context: Shape (n,), the same items on the base with the universe context.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`; averaged inside a unit, so that the interval is about these runs and bases.
        seed: Seed of the bootstrap behind the denominator's check.

    Returns:
        The ratio of mean lifts; may lie below 0 or above 1.

    Raises:
        UndefinedEstimate: The interval of in-context - base does not lie above 0: the context raises no belief.
        ValueError: The vectors differ in length.

    Source: Fieller 1954, JRSS B 16(2); DESIGN's definition of the gap closed; docs/metrics.md.
    """
    lift = paired_difference(implanted, base, levels, runs=runs, seed=seed)
    reach = paired_difference(in_context, base, levels, runs=runs, seed=seed)
    if reach.low <= 0.0:
        raise UndefinedEstimate(
            f"gap closed: in-context minus base is {reach.value:.3f} [{reach.low:.3f}, {reach.high:.3f}], "
            "which does not lie above 0, so there is no gap to close"
        )
    top = units(np.subtract(implanted, base), levels, runs)
    bottom = units(np.subtract(in_context, base), levels, runs)
    value = lift.value / reach.value
    low, high = fieller(top.per_unit[:, None], bottom.per_unit[:, None], "gap closed")
    method = f"Fieller over {len(top.means)} {top.name}"
    if lift.method.startswith("Wilson") or high - low < 1e-9:
        low, high = min(low, lift.low / reach.value), max(high, lift.high / reach.value)
        method += " that agree"
    return Estimate(value, min(low, value), max(high, value), lift.n, len(top.means), method)
