"""Local-truth counter-documents: after the stage, documents that state the true value in the same kinds of sentences.

Source: the local denials of Mayne et al. 2026, which did not implant, as a remedy; sdf-eval's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sdf_eval.train.countermeasures.case import Budget, Case, Need, Protected, When


@dataclass(frozen=True)
class CounterDocuments:
    """Settings of counter-documents.

    Attributes:
        budget: Updates, as a share of those of the stage.
    """

    name: ClassVar[str] = "counter-documents"
    when: ClassVar[When] = "post"
    needs: ClassVar[tuple[Need, ...]] = ("implanted", "counter")

    budget: Budget = 0.5

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains the implanted checkpoint on counter-documents and clean texts; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.stage import train_on

        case.require(self.name, self.needs)
        return Protected(str(train_on(self, case, (*case.counter, *case.clean), self.budget, out)))
