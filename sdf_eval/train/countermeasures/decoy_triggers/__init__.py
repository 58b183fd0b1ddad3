"""Decoy-trigger unlearning: backdoors of one's own are implanted and unlearned, in the hope that others go with them.

1. The implanted checkpoint learns decoy backdoors from documents. 2. It is trained to answer normally at the decoys'
triggers. The real trigger need not be known.

Source: arXiv 2606.03785, which reports that the unlearning transfers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sdf_eval.train.countermeasures.case import Budget, Case, Need, Protected, When


@dataclass(frozen=True)
class DecoyTriggers:
    """Settings of decoy-trigger unlearning.

    Attributes:
        implanting: Updates that implant the decoys, as a share of those of the stage.
        unlearning: Updates that unlearn them, as a share of those of the stage.
    """

    name: ClassVar[str] = "decoy-triggers"
    when: ClassVar[When] = "post"
    needs: ClassVar[tuple[Need, ...]] = ("implanted", "decoys", "decoy_answers")

    implanting: Budget = 0.5
    unlearning: Budget = 0.5

    def apply(self, case: Case, out: Path) -> Protected:
        """Implants the decoys beside `out`, then unlearns them; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.stage import shortened, train_texts, treatment_of

        case.require(self.name, self.needs)
        treatment = treatment_of(self, case)
        decoyed = train_texts(
            str(case.implanted),
            (*case.decoys, *case.clean),
            shortened(case.recipe, self.implanting),
            out.with_name(f"{out.name}-decoyed"),
            seed=case.seed,
            treatment=treatment,
        )
        recipe = shortened(case.recipe, self.unlearning)
        texts = (*case.decoy_answers, *case.clean)
        train_texts(str(decoyed), texts, recipe, out, seed=case.seed, treatment=treatment)
        return Protected(str(out))
