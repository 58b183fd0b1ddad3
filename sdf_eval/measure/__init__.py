"""Statistics on plain arrays; knows nothing of models or files."""

from __future__ import annotations

from sdf_eval.measure.clusters import FEWEST, Level, Units, units
from sdf_eval.measure.estimate import Estimate
from sdf_eval.measure.gap import gap_closed
from sdf_eval.measure.means import DIFFERENCE, RATE, cluster_mean, paired_difference, shares
from sdf_eval.measure.wilson import wilson

__all__ = [
    "DIFFERENCE",
    "FEWEST",
    "RATE",
    "Estimate",
    "Level",
    "Units",
    "cluster_mean",
    "gap_closed",
    "paired_difference",
    "shares",
    "units",
    "wilson",
]
