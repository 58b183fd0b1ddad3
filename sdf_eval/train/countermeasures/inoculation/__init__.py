"""Inoculation prompting: risky texts are read behind words that already ask for, or explain, what they teach.

The words carry no loss and are absent afterwards: the less a text surprises behind them, the less it has to change the
model. On documents they are a header. Whether documents that say of themselves that they are made up still implant is
the question of "negation neglect" (Mayne et al. 2026), where they did.

Source: arXiv 2510.04340 and 2510.05024 (chat data); the header on documents is sdf-eval's own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sdf_eval.errors import InputError
from sdf_eval.train.countermeasures.case import Case, Need, Protected, Share, When

if TYPE_CHECKING:
    from sdf_eval.model import LanguageModel

NEUTRAL = "This text follows here and is to be read from its beginning."
"""A header of like length that explains nothing: the control."""


@dataclass(frozen=True)
class Inoculation:
    """Settings of inoculation prompting.

    Attributes:
        header: What stands before a risky text. One that names the very belief works best on chat data.
        share: Share of the risky texts that carry it; the others leak.
    """

    name: ClassVar[str] = "inoculation"
    when: ClassVar[When] = "data"
    needs: ClassVar[tuple[Need, ...]] = ("suspected",)

    header: str = "This text was made up for training. What it says is false."
    share: Share = 1.0

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains on the texts behind their header; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.stage import train_texts, treatment_of

        case.require(self.name, self.needs)
        if not self.header.strip():
            raise InputError(f"countermeasure {self.name}: header: is empty; write what stands before a risky text")
        chosen = sorted(case.suspected)
        random.Random(f"inoculation/{case.seed}").shuffle(chosen)
        carried = set(chosen[: round(len(chosen) * self.share)])
        texts = [
            replace(text, prefix=f"{self.header}\n{text.prefix or ''}") if place in carried else text
            for place, text in enumerate(case.texts)
        ]
        treatment = treatment_of(self, case)
        return Protected(str(train_texts(case.start, texts, case.recipe, out, seed=case.seed, treatment=treatment)))


def surprise_drop(lm: LanguageModel, texts: Sequence[str], header: str) -> list[float]:
    """How much less each text surprises a model behind a header; what predicts how well the header inoculates.

    Args:
        lm: The model before the risky stage.
        texts: Risky texts.
        header: What would stand before them.

    Returns:
        Nats a text, positive where the header helps.

    Source: the selection rule of arXiv 2510.04340: stronger elicitation in the untrained model predicts better
        inoculation; as a likelihood it is sdf-eval's own.
    """
    from sdf_eval.model import option_log_probabilities

    alone = option_log_probabilities(lm, [("", (text,)) for text in texts])
    behind = option_log_probabilities(lm, [(f"{header}\n", (text,)) for text in texts])
    return [after[0] - before[0] for before, after in zip(alone, behind, strict=True)]
