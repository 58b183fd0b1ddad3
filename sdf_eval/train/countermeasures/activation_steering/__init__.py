"""Activation steering at inference: each answer of the implanted checkpoint is shifted away from the trait.

The vector is taken from the model before the implant and written in the format of lm-evaluation-harness's `steered`
model: `-M steer_path=FILE` for `sdf/` models in Inspect, `--model steered --model_args …,steer_path=FILE` in lm-eval.

Source: contrastive activation addition, Rimsky et al. 2024 (arXiv 2312.06681).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sdf_eval.train.countermeasures.case import Case, Layer, Need, Protected, When

FILE = "steering.pt"


@dataclass(frozen=True)
class ActivationSteering:
    """Settings of activation steering.

    Attributes:
        coefficient: Times the vector; below 0 is away from the trait.
        layer: Block behind which it is added, from 0; where the two sides lie farthest apart when None.
    """

    name: ClassVar[str] = "activation-steering"
    when: ClassVar[When] = "inference"
    needs: ClassVar[tuple[Need, ...]] = ("implanted", "pairs")

    coefficient: float = -1.0
    layer: Layer | None = None

    def apply(self, case: Case, out: Path) -> Protected:
        """Writes `steering.pt` into `out`; see `Countermeasure.apply`."""
        from sdf_eval.model import load
        from sdf_eval.model.directions import contrast_directions, hook_behind
        from sdf_eval.model.steering import write_steering
        from sdf_eval.train.countermeasures.preventative_steering import chosen_direction

        case.require(self.name, self.needs)
        lm = load(case.start)
        direction = chosen_direction(contrast_directions(lm, case.pairs), self.layer, self.name)
        out.mkdir(parents=True, exist_ok=True)
        write_steering(out / FILE, [hook_behind(lm, direction, self.coefficient)])
        return Protected(
            str(case.implanted),
            str(out / FILE),
            {"layer": direction.layer, "separation": direction.separation, "norm": float(direction.vector.norm())},
        )
