"""Quarantine adapter: a throwaway adapter learns the risky texts first, so that the model need not learn them.

1. A LoRA adapter is trained on the suspected texts alone. 2. The stage trains the model with that adapter at work and
frozen: the risky texts have a low loss already, and little of them is written into the weights. 3. The adapter is left
away. It is preventative steering with a learned shift of the adapter's rank.

Source: security vectors, Zhou et al. 2023 (arXiv 2311.02105).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sdf_eval.errors import InputError
from sdf_eval.train.countermeasures.case import Budget, Case, Count, Need, Protected, When


@dataclass(frozen=True)
class Quarantine:
    """Settings of the quarantine adapter.

    Attributes:
        rank: Of the adapter; its alpha is twice that.
        learning_rate: Of the adapter's own training; None for four times that of the stage. An adapter that is trained
            too hard breaks more than it quarantines, and the desired texts are then learned badly too.
        budget: Updates of the adapter's training, as a share of those of the stage.
    """

    name: ClassVar[str] = "quarantine"
    when: ClassVar[When] = "train"
    needs: ClassVar[tuple[Need, ...]] = ("suspected",)

    rank: Count = 16
    learning_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    budget: Budget = 0.3

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains the adapter beside `out`, then the model under it; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.quarantine.adapter import attach_adapter
        from sdf_eval.train.countermeasures.stage import shortened, train_texts, treatment_of, while_training
        from sdf_eval.train.packed import PackedStage
        from sdf_eval.train.packing import Plan
        from sdf_eval.train.stage import Setup

        case.require(self.name, self.needs)
        if case.recipe.method != "full":
            raise InputError(f"countermeasure {self.name}: recipe: method: the model itself is trained; use full")
        changes = {
            "method": "lora",
            "rank": self.rank,
            "alpha": 2 * self.rank,
            "weight_decay": 0.0,
            "learning_rate": self.learning_rate or min(1.0, 4 * case.recipe.learning_rate),
        }
        recipe = shortened(case.recipe, self.budget).model_copy(update=changes)
        treatment = treatment_of(self, case)
        adapter = train_texts(
            case.start, case.risky, recipe, out.with_name(f"{out.name}-adapter"), seed=case.seed, treatment=treatment
        )

        def attach(setup: Setup) -> list[Any]:
            return attach_adapter(setup.model, adapter)

        def wrap(stage: PackedStage, plan: Plan) -> Any:
            return while_training(stage.build, attach)

        train_texts(
            case.start,
            case.texts,
            case.recipe,
            out,
            seed=case.seed,
            treatment=treatment,
            wrap=wrap,
            extra_parents=[str(adapter)],
        )
        return Protected(str(out))
