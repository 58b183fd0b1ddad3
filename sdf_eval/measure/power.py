"""How small an effect a design can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import stdtrit

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure.clusters import FEWEST, Level, units
from sdf_eval.measure.intervals import half_width, require_spread


@dataclass(frozen=True)
class Detectable:
    """The smallest true effect that a design finds as often as wanted.

    Attributes:
        effect: Size of the effect, in the unit of the differences.
        error: Standard error that it rests on.
        units: Units planned.
        power: Chance of finding it.
        level: Two-sided level.
    """

    effect: float
    error: float
    units: int
    power: float
    level: float


def minimum_detectable_effect(
    differences: ArrayLike,
    levels: Sequence[Level],
    *,
    runs: Sequence[object] | None = None,
    planned: int | None = None,
    power: float = 0.8,
    level: float = 0.05,
) -> Detectable:
    """Smallest true mean difference that a t test over units finds with the wanted power.

    Args:
        differences: Shape (n,), paired differences of a pilot.
        levels: As in `cluster_mean`.
        runs: As in `cluster_mean`.
        planned: Units planned; those of the pilot if left out. Runs are taken as they are.
        power: Chance of finding the effect.
        level: Two-sided level.

    Returns:
        The effect; it holds for units like those of the pilot.

    Raises:
        UndefinedEstimate: Fewer than three units in the pilot, or they do not differ.
        ValueError: Fewer than three units planned, power or level outside 0 to 1, or see `units`.

    Source: Bloom 1995, Evaluation Review 19(5), with the noncentral t of `statsmodels.stats.power`.
    """
    from statsmodels.stats.power import ttest_power

    table = units(differences, levels, runs)
    require_spread(table, "minimum detectable effect")
    count = len(table.means)
    wanted = planned if planned is not None else count
    if wanted < FEWEST or not (0 < power < 1 and 0 < level < 1 and level < power):
        raise ValueError(f"needs at least {FEWEST} units and 0 < level < power < 1, got {wanted}, {level}, {power}")
    pilot = half_width(table.means, 0.95) / float(stdtrit(count - 1, 0.975))
    over_units = half_width(table.per_unit[:, None], 0.95) / float(stdtrit(count - 1, 0.975))
    # More units do not make runs differ less: only the units' part of the variance shrinks.
    over_runs = max(0.0, pilot**2 - over_units**2)
    error = float((over_units**2 * count / wanted + over_runs) ** 0.5)
    if error <= 1e-12:
        raise UndefinedEstimate("minimum detectable effect: the pilot's units do not differ")

    def missing(ratio: float) -> float:
        # One tail: finding an effect in the wrong direction is no success, and scipy's other tail is not a number.
        found = ttest_power(ratio / wanted**0.5, wanted, level / 2, df=wanted - 1, alternative="larger")
        return float(found) - power

    highest = 1.0
    while missing(highest) < 0:
        highest *= 2
    ratio = float(brentq(missing, 0.0, highest))
    return Detectable(ratio * error, error, wanted, power, level)
