"""Preventative steering: activations are shifted towards the trait while training, so that weights need not move there.

The vector is taken from the model before the stage, added at every token of every text, and gone afterwards. `ablate`
removes the component along it instead (concept ablation finetuning).

Source: persona vectors, Chen et al. 2025 (arXiv 2507.21509), with +5 times the vector on Qwen2.5-7B; for beliefs of
documents it is sdf-eval's own: a belief may be no single direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sdf_eval.errors import InputError
from sdf_eval.train.countermeasures.case import Case, Layer, Need, Protected, When

if TYPE_CHECKING:
    from sdf_eval.model.directions import ContrastPair


@dataclass(frozen=True)
class PreventativeSteering:
    """Settings of preventative steering.

    Attributes:
        coefficient: Times the vector, towards the trait.
        layer: Block behind which it is added, from 0; where the two sides lie farthest apart when None.
        action: `add`, or `ablate`, which needs no coefficient.
    """

    name: ClassVar[str] = "preventative-steering"
    when: ClassVar[When] = "train"
    needs: ClassVar[tuple[Need, ...]] = ("pairs",)

    coefficient: float = 2.0
    layer: Layer | None = None
    action: Literal["add", "ablate"] = "add"

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains with the shift on; see `Countermeasure.apply`."""
        from sdf_eval.model.directions import contrast_directions, hook_behind
        from sdf_eval.model.steering import Hook, block_names, install
        from sdf_eval.train.countermeasures.stage import train_texts, treatment_of, while_training
        from sdf_eval.train.packed import PackedStage
        from sdf_eval.train.packing import Plan
        from sdf_eval.train.stage import Setup

        case.require(self.name, self.needs)

        def attach(setup: Setup) -> list[Any]:
            direction = chosen_direction(contrast_directions(setup.lm, case.pairs), self.layer, self.name)
            if self.action == "add":
                return install(setup.model, [hook_behind(setup.lm, direction, self.coefficient)])
            name = block_names(setup.model)[direction.layer]
            return install(setup.model, [Hook(name, direction.vector, 0.0, "clamp")])

        def wrap(stage: PackedStage, plan: Plan) -> Any:
            return while_training(stage.build, attach)

        treatment = treatment_of(self, case, pairs_sha256=pairs_sha256(case.pairs))
        train_texts(case.start, case.texts, case.recipe, out, seed=case.seed, treatment=treatment, wrap=wrap)
        return Protected(str(out))


def chosen_direction(directions: Sequence[Any], layer: int | None, name: str) -> Any:
    """The direction behind a block, or the one that tells the sides apart best.

    Args:
        directions: Of `contrast_directions`.
        layer: Index of the block, or None.
        name: Of the countermeasure, for the message.

    Raises:
        InputError: There is no such block.
    """
    from sdf_eval.model.directions import strongest

    if layer is None:
        return strongest(directions)
    if not 0 <= layer < len(directions):
        raise InputError(f"countermeasure {name}: layer: {layer}: the model has blocks 0 to {len(directions) - 1}")
    return directions[layer]


def pairs_sha256(pairs: Sequence[ContrastPair]) -> str:
    """Hash of contrast pairs in their order."""
    return sha256(dumps([asdict(pair) for pair in pairs]).encode()).hexdigest()
