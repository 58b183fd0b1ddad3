"""The control of activation steering: a random direction as long as the vector, at the same block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sdf_eval.train.countermeasures.activation_steering import FILE, ActivationSteering
from sdf_eval.train.countermeasures.case import Case, Layer, Need, Protected, When


@dataclass(frozen=True)
class RandomSteering:
    """Settings: those of `ActivationSteering`."""

    name: ClassVar[str] = "random-steering"
    when: ClassVar[When] = "inference"
    needs: ClassVar[tuple[Need, ...]] = ("implanted", "pairs")

    coefficient: float = -1.0
    layer: Layer | None = None

    def apply(self, case: Case, out: Path) -> Protected:
        """Writes `steering.pt` into `out`; see `Countermeasure.apply`."""
        from dataclasses import replace

        from sdf_eval.model.directions import random_like
        from sdf_eval.model.steering import read_steering, write_steering

        case.require(self.name, self.needs)
        protected = ActivationSteering(self.coefficient, self.layer).apply(case, out)
        (hook,) = read_steering(out / FILE)
        write_steering(out / FILE, [replace(hook, vector=random_like(hook.vector, case.seed))])
        return protected
