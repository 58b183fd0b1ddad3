"""Gradient routing, Expand-Route-Ablate: what suspected texts teach goes into units that are deleted afterwards.

Every MLP gets further hidden units. On a suspected text only these receive gradients; on any other text everything
does. In the end they are deleted. What unlabelled texts of the same kind teach may be absorbed by the units too, which
filtering the labelled texts cannot do.

Different from the reference: it trains from scratch, routes by token, in some layers, at the activations, and gives the
original units a weight of -0.75 on routed tokens. Here a pretrained model is finetuned, a whole text is routed, and no
parameter outside the units moves on it, to the bit.

Source: Cloud et al. 2024 (arXiv 2410.04332).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sdf_eval.train.countermeasures.case import Case, Count, Need, Protected, Share, When

if TYPE_CHECKING:
    from sdf_eval.train.countermeasures.gate import Gate


@dataclass(frozen=True)
class GradientRouting:
    """Settings of gradient routing.

    Attributes:
        units: Hidden units added to each block.
        repair: Share of the stage's budget that the model is trained on, after the deletion, on the texts that are not
            suspected. The reference does 40 updates; 0 does none.
    """

    name: ClassVar[str] = "gradient-routing"
    when: ClassVar[When] = "train"
    needs: ClassVar[tuple[Need, ...]] = ("suspected",)

    units: Count = 64
    repair: Share = 0.0

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains with routing and deletes the units; see `Countermeasure.apply`."""
        from transformers import Trainer

        from sdf_eval.train.countermeasures.gate import Gate
        from sdf_eval.train.countermeasures.gradient_routing.widen import narrow, widen
        from sdf_eval.train.countermeasures.routed import check_routable, routed_trainer
        from sdf_eval.train.countermeasures.stage import AtEnd, shortened, train_texts, treatment_of
        from sdf_eval.train.packed import PackedStage
        from sdf_eval.train.packing import Plan
        from sdf_eval.train.stage import Setup

        case.require(self.name, self.needs)
        check_routable(self.name, case)

        def wrap(stage: PackedStage, plan: Plan) -> Any:
            def build(setup: Setup) -> Trainer:
                gate = Gate(setup.model, widen(setup.model, self.units, case.seed))
                trainer = routed_trainer(setup, plan, case, _Routing(gate))
                trainer.add_callback(AtEnd(lambda model: narrow(model, self.units)))
                return trainer

            return build

        treatment = treatment_of(self, case)
        routed = out if not self.repair else out.with_name(f"{out.name}-unrepaired")
        train_texts(case.start, case.texts, case.recipe, routed, seed=case.seed, treatment=treatment, wrap=wrap)
        if self.repair:
            short = shortened(case.recipe, self.repair)
            train_texts(str(routed), case.kept, short, out, seed=case.seed, treatment=treatment)
        return Protected(str(out))


@dataclass(frozen=True)
class _Routing:
    gate: Gate

    def reading(self, suspected: bool, zeroed: bool) -> AbstractContextManager[Any]:
        return self.gate.opened("inside" if suspected else "both")
