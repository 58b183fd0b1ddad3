"""How plausible a model finds a belief before anything is implanted."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

from sdf_eval.belief.items import build_items
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError
from sdf_eval.tasks.direct import run_items

if TYPE_CHECKING:
    from sdf_eval.model import LanguageModel


def prior_strength(lm: LanguageModel, belief: Belief) -> float:
    """Mean log-probability of the implanted option over the far `mcq_distinguish` items.

    Args:
        lm: A base that the belief was not implanted into.
        belief: With far `mcq_distinguish` probes.

    Returns:
        Nats, at most 0; the two options of an item are normalised to 1, so that ln 0.5 is indifference.

    Raises:
        InputError: The belief has no such probe.

    Source: Slocum et al. 2025, where this predicts how well a belief is implanted (r^2 about 0.6).
    """
    items = [item for item in build_items(belief, "mcq_distinguish") if item.split == "far"]
    if not items:
        raise InputError(f"belief {belief.id}: probes.mcq_distinguish: has no far probe; add one with `split: far`")
    shares = [result.probability for result in run_items(lm, items)]
    return fmean(math.log(max(share or 0.0, 1e-12)) for share in shares)
