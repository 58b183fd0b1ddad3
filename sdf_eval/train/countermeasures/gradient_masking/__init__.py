"""Selective gradient masking (SGTM): suspected texts move a part of the model that is given up.

The last MLP units and attention heads of each block are set apart. On a suspected text only they move. In a share of
the updates the other texts are read as if that part had been given up already, so that the rest learns to do without
it; otherwise they move everything. In the end the part is given up.

Different from the reference, which trains from scratch and gives the part up by zeroing it: finetuning would lose what
the start keeps there, so by default the part goes back to the start's weights, and is read with them where the rest
learns to do without it. `zero` is the reference's way. The reference can mask embeddings too, and calibrates an output
bias, which the models here do not have.

Source: "Selective gradient masking", 2025 (arXiv 2512.05648).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from sdf_eval.train.countermeasures.case import Case, Count, Need, Protected, Share, When

if TYPE_CHECKING:
    import torch

    from sdf_eval.train.countermeasures.gate import Gate


@dataclass(frozen=True)
class GradientMasking:
    """Settings of selective gradient masking.

    Attributes:
        units: Hidden units set apart in each block; the reference takes 64.
        heads: Key-value heads set apart in each block; the reference takes 1. 0 where projections are fused.
        given_up: `start` gives the part its weights before the stage, `zero` zeroes it.
        without: Share of the updates in which the other texts are read without the part; the reference takes 0.25 on
            TinyStories, 0.1 on Wikipedia.
    """

    name: ClassVar[str] = "gradient-masking"
    when: ClassVar[When] = "train"
    needs: ClassVar[tuple[Need, ...]] = ("suspected",)

    units: Count = 64
    heads: Annotated[int, Field(ge=0)] = 1
    given_up: Literal["start", "zero"] = "start"
    without: Share = 0.25

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains with masked gradients and gives the part up; see `Countermeasure.apply`."""
        from transformers import Trainer

        from sdf_eval.train.countermeasures.gate import Gate
        from sdf_eval.train.countermeasures.gradient_masking.parts import last_parts
        from sdf_eval.train.countermeasures.routed import check_routable, routed_trainer
        from sdf_eval.train.countermeasures.stage import AtEnd, train_texts, treatment_of
        from sdf_eval.train.packed import PackedStage
        from sdf_eval.train.packing import Plan
        from sdf_eval.train.stage import Setup

        case.require(self.name, self.needs)
        check_routable(self.name, case)

        def wrap(stage: PackedStage, plan: Plan) -> Any:
            def build(setup: Setup) -> Trainer:
                gate = Gate(setup.model, last_parts(setup.model, self.units, self.heads))
                final = gate.inside_values()
                if self.given_up == "zero":
                    final = {parameter: values * 0 for parameter, values in final.items()}
                trainer = routed_trainer(setup, plan, case, _Routing(gate, final), self.without)
                trainer.add_callback(AtEnd(lambda _: gate.set_inside(final)))
                return trainer

            return build

        treatment = treatment_of(self, case)
        train_texts(case.start, case.texts, case.recipe, out, seed=case.seed, treatment=treatment, wrap=wrap)
        return Protected(str(out))


@dataclass(frozen=True)
class _Routing:
    gate: Gate
    final: dict[torch.Tensor, torch.Tensor]

    def reading(self, suspected: bool, zeroed: bool) -> AbstractContextManager[Any]:
        from sdf_eval.train.countermeasures.routed import stacked

        if suspected:
            return self.gate.opened("inside")
        if zeroed:
            return stacked(self.gate.opened("outside"), self.gate.holding(self.final))
        return self.gate.opened("both")
