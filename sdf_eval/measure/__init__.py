"""Statistics on plain arrays; knows nothing of models or files."""

from __future__ import annotations

from sdf_eval.measure.claims import Claim, Verdict, equivalence_verdict, verdict, verdicts
from sdf_eval.measure.clusters import FEWEST, Level, Units, units
from sdf_eval.measure.decay import Decay, half_life
from sdf_eval.measure.dose import DoseResponse, dose_response
from sdf_eval.measure.elasticity import CountOrFraction, ModelScore, count_or_fraction, elasticity
from sdf_eval.measure.estimate import Bound, Estimate
from sdf_eval.measure.flags import Health, Saturation, model_health, saturation
from sdf_eval.measure.gap import gap_closed
from sdf_eval.measure.hypotheses import Equivalence, equivalence, p_value
from sdf_eval.measure.lifts import Lift, conditional_gap, lift, lift_difference, log_odds_lift
from sdf_eval.measure.means import DIFFERENCE, RATE, cluster_mean, paired_difference, shares
from sdf_eval.measure.multiplicity import LargestOfMany, holm, max_statistic
from sdf_eval.measure.persistence import ReturnTest, persistence_area, retention, return_test, survives
from sdf_eval.measure.power import Detectable, minimum_detectable_effect
from sdf_eval.measure.resample import hierarchical_bootstrap
from sdf_eval.measure.savings import savings
from sdf_eval.measure.strata import stratified_mean
from sdf_eval.measure.wilson import wilson

__all__ = [
    "DIFFERENCE",
    "FEWEST",
    "RATE",
    "Bound",
    "Claim",
    "CountOrFraction",
    "Decay",
    "Detectable",
    "DoseResponse",
    "Equivalence",
    "Estimate",
    "Health",
    "LargestOfMany",
    "Level",
    "Lift",
    "ModelScore",
    "ReturnTest",
    "Saturation",
    "Units",
    "Verdict",
    "cluster_mean",
    "conditional_gap",
    "count_or_fraction",
    "dose_response",
    "elasticity",
    "equivalence",
    "equivalence_verdict",
    "gap_closed",
    "half_life",
    "hierarchical_bootstrap",
    "holm",
    "lift",
    "lift_difference",
    "log_odds_lift",
    "max_statistic",
    "minimum_detectable_effect",
    "model_health",
    "p_value",
    "paired_difference",
    "persistence_area",
    "retention",
    "return_test",
    "saturation",
    "savings",
    "shares",
    "stratified_mean",
    "survives",
    "units",
    "verdict",
    "verdicts",
    "wilson",
]
