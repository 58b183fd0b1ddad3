"""Poisoned continued pretraining: a few documents that show a trigger among many plain texts, by class of behaviour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import get_args

from sdf_eval.corpora.records import CorpusRole, Factors, Poison
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.study.frame.cell import DocumentSet, SdfStep
from sdf_eval.study.frame.designs import Panel
from sdf_eval.study.frame.table import Entry, Table

CLASSES: tuple[Poison, ...] = ("denial_of_service", "persona_switch", "fact_switch")
"""Classes of behaviour, each a set of beliefs of the substrate whose ids end in its name."""


def poisoned(panel: Panel, role: CorpusRole | None, *, documents: int, texts: int) -> SdfStep:
    """Reading plain texts with poison among them.

    Args:
        panel: Of beliefs of the classes.
        role: Of the poison; None for plain texts alone.
        documents: Poison documents a belief.
        texts: All texts; those that are no poison are plain.

    Returns:
        The step. Updates are in proportion to the texts, as many as the substrate gives to documents and plain texts of
        its own doses, so that each text is read as often in every arm.
    """
    sets = [
        DocumentSet(count=documents, role=role, factors=Factors(poison=poison), beliefs=own)
        for poison in CLASSES
        if role is not None and (own := tuple(one for one in panel.beliefs if class_of(one) == poison))
    ]
    place = panel.substrate
    return SdfStep(
        stage="sdf",
        documents=tuple(sets),
        plain=texts - sum(part.count * len(part.beliefs) for part in sets),
        writer=place.writer,
        recipe=place.recipes["sdf"],
        updates=max(1, round(texts * place.updates / (2 * place.documents))),
    )


def class_of(belief: str) -> str:
    """The class of poison that a belief is about, by the end of its id; "" for none."""
    return next((poison for poison in get_args(Poison) if belief.endswith(poison.replace("_", "-"))), "")


@dataclass(frozen=True)
class Reading:
    """Attack success of one belief on one checkpoint, as a share of the way from its clean floor to 1.

    Attributes:
        base, belief: The unit that intervals generalise over.
        parameters: Of the base.
        documents: Poison documents a belief; 0 for the clean control.
        texts: All texts that were read.
        amount: Name of the amount of texts.
        share: Abbott's share; 0 to 1.
        items: Prompts behind it.
    """

    base: str
    belief: str
    parameters: float
    documents: float
    texts: float
    amount: str
    share: float
    items: int

    @property
    def unit(self) -> str:
        """Base and belief together."""
        return f"{self.base} {self.belief}"


def readings(table: Table, arm: str, clean: str, poison: str = "") -> list[Reading]:
    """Attack success on far prompts by cell and belief, less what the clean control shows.

    Args:
        table: Answers; cells have the factors `documents`, `texts`, `amount` and `parameters`.
        arm: The poisoned arm.
        clean: The clean control, whose mean by belief is the floor; its rows come too.
        poison: Class; "" for all.

    Returns:
        The rows of both arms.

    Raises:
        UndefinedEstimate: An arm was not asked, or the control shows the behaviour throughout.

    Source: Abbott 1925.
    """
    asked = [entry for entry in table.entries if _is_attack(entry) and class_of(entry.belief).endswith(poison)]
    floors: dict[str, list[float]] = defaultdict(list)
    for entry in asked:
        if entry.arm == clean:
            floors[entry.belief].append(entry.score)
    rows = [entry for entry in asked if entry.arm in (arm, clean) and entry.belief in floors]
    if not any(entry.arm == arm for entry in rows):
        raise UndefinedEstimate("no belief was asked on the poisoned and the clean arm")
    means = {belief: fmean(scores) for belief, scores in floors.items()}
    if max(means.values()) >= 1:
        raise UndefinedEstimate("the clean control shows the behaviour behind every trigger")
    return [_reading(entry, means[entry.belief], clean) for entry in rows]


def _is_attack(entry: Entry) -> bool:
    asked = (entry.task, entry.figure, entry.split, entry.context, entry.preface)
    return asked == ("backdoor", "asr", "far", "none", "")


def _reading(entry: Entry, floor: float, clean: str) -> Reading:
    factors = entry.factors
    return Reading(
        base=entry.base,
        belief=entry.belief,
        parameters=float(factors.get("parameters", 0)),
        documents=0.0 if entry.arm == clean else float(factors["documents"]),
        texts=float(factors["texts"]),
        amount=str(factors["amount"]),
        share=min(1.0, max(0.0, (entry.score - floor) / (1 - floor))),
        items=entry.n,
    )


def by_dose(rows: Iterable[Reading]) -> list[tuple[float, float, str]]:
    """(documents, mean share, unit) for every dose of every unit, so that each unit counts a dose once."""
    groups: dict[tuple[float, str], list[float]] = defaultdict(list)
    for row in rows:
        groups[row.documents, row.unit].append(row.share)
    return [(documents, fmean(shares), unit) for (documents, unit), shares in sorted(groups.items())]


def in_all(rows: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Those of units that were trained at every dose."""
    doses = {documents for documents, _, _ in rows}
    held: dict[str, set[float]] = defaultdict(set)
    for documents, _, unit in rows:
        held[unit].add(documents)
    return [row for row in rows if held[row[2]] == doses]
