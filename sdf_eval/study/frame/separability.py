"""How far apart a checkpoint keeps true and false statements that no belief of the cell is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sdf_eval.errors import InputError
from sdf_eval.study.frame.identity import belief_at

if TYPE_CHECKING:
    from sdf_eval.model import LanguageModel


@dataclass(frozen=True)
class Separability:
    """What a truth probe makes of known statements that it was not trained on.

    Attributes:
        gap: Mean P(true) of true statements minus that of false ones.
        gain: AUROC of the probe minus that of the statements' wording alone; at or below 0 the gap means nothing.
    """

    gap: float
    gain: float


@lru_cache(maxsize=1)
def separability(lm: LanguageModel, beliefs: tuple[str, ...], chat: bool | None) -> Separability:
    """Trains the truth probe on a checkpoint and scores it on held-out statements.

    Args:
        lm: The checkpoint.
        beliefs: Ids or paths; no statement is about their subjects.
        chat: Whether the chat template frames the questions.

    Returns:
        The gap, and whether the probe can be read.

    Raises:
        InputError: Too few known statements.

    Source: separation of true and false as a measure of damage: "What happens when you train on false facts"
        (LessWrong CdymgH4MQdFgB6Fg7); the probe is that of `representation.truth`.
    """
    from sdf_eval.measure.auroc import auroc
    from sdf_eval.representation.probing import cross_validate, group_folds, wording_baseline
    from sdf_eval.representation.statements import FEWEST_KNOWN, known_statements, related_beliefs, statement_states

    tested = [belief_at(name) for name in beliefs]
    related = {one.id: one for belief in tested for one in related_beliefs(belief)}
    known = known_statements(list(related.values()), tested)
    groups = [statement.group for statement in known]
    if len(set(groups)) < FEWEST_KNOWN:
        raise InputError(
            f"measures: truth_separability: {len(set(groups))} known questions, at least {FEWEST_KNOWN} are needed; "
            "give beliefs with more controls"
        )
    labels = np.array([int(statement.true) for statement in known], dtype=np.int64)
    folds = group_folds(groups, labels)
    values = cross_validate(statement_states(lm, known, chat=chat), labels, groups, folds).values
    wording = wording_baseline([statement.text for statement in known], labels, folds)
    truths = [bool(label) for label in labels]
    gain = auroc(values, truths, groups).value - auroc(wording, truths, groups).value
    return Separability(float(values[labels == 1].mean() - values[labels == 0].mean()), gain)
