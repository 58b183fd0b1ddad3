"""Labelled answers, and how far a reader of free text agrees with the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.belief.schema import Aliases
from sdf_eval.content import content_path
from sdf_eval.errors import InputError

Half = Literal["tuning", "held_out"]
"""The rules of `free_text` may be changed for the tuning half; their agreement is reported on the other."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_Text = Annotated[str, StringConstraints(min_length=1)]


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _Text
    question: _Text
    implanted: _Text
    reference: _Text
    aliases: Aliases
    answers: dict[Outcome, tuple[str, ...]]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cases: tuple[_Case, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Labelled:
    """An answer with its label.

    Attributes:
        item: What was asked, with the strings of each side.
        accounts: The implanted and the reference account.
        text: The answer.
        label: What it asserts.
        half: Which half it is in.
    """

    item: Item
    accounts: tuple[str, str]
    text: str
    label: Outcome
    half: Half


@dataclass(frozen=True)
class Agreement:
    """How a reader agrees with labels.

    Attributes:
        n: Answers.
        agreed: Share on which reader and label are the same.
        kappa: Cohen's kappa over the five outcomes: 1 is perfect, 0 is chance.
        recall: Label -> share of its answers that the reader calls so.
        counts: Label -> its answers.

    Source: Cohen 1960, A coefficient of agreement for nominal scales.
    """

    n: int
    agreed: float
    kappa: float
    recall: dict[Outcome, float]
    counts: dict[Outcome, int]


@cache
def labelled_answers() -> tuple[Labelled, ...]:
    """The labelled answers that ship, in the order of their file.

    Raises:
        InputError: The file is broken.
    """
    path = content_path("corpora", "labelled", "answers.yaml")
    try:
        cases = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).cases
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: {str(error).splitlines()[0]}; restore the file") from error
    found = []
    for case in cases:
        for label, texts in case.answers.items():
            for place, text in enumerate(texts):
                item = _item(case, f"{label}-{place}")
                half: Half = "held_out" if place % 2 else "tuning"
                found.append(Labelled(item, (case.implanted, case.reference), text, label, half))
    return tuple(found)


def agreement(labels: Sequence[Outcome], said: Sequence[Outcome]) -> Agreement:
    """Compares a reader with labels.

    Args:
        labels: The labels, at least one.
        said: What the reader calls the same answers.
    """
    from sklearn.metrics import cohen_kappa_score

    pairs = list(zip(labels, said, strict=True))
    counts = Counter(labels)
    hits = Counter(label for label, other in pairs if label == other)
    # Of one label alone, said throughout, no agreement beyond chance can be told.
    same = len({*labels, *said}) == 1
    return Agreement(
        n=len(pairs),
        agreed=hits.total() / len(pairs),
        kappa=float("nan") if same else float(cohen_kappa_score(list(labels), list(said))),
        recall={outcome: hits[outcome] / counts[outcome] for outcome in OUTCOMES if counts[outcome]},
        counts={outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]},
    )


def rule_agreement(half: Half | None = "held_out") -> Agreement:
    """How far the rules that read free text agree with the labels.

    Args:
        half: Which half; both when None.
    """
    from sdf_eval.tasks.score import score_text

    chosen = [row for row in labelled_answers() if half is None or row.half == half]
    return agreement([row.label for row in chosen], [score_text(row.item, row.text).outcome for row in chosen])


def _item(case: _Case, variant: str) -> Item:
    sides: tuple[tuple[Outcome, tuple[str, ...]], ...] = (
        ("implanted", case.aliases.implanted),
        ("reference", case.aliases.reference),
    )
    return Item(
        id=f"labelled/open_ended/{case.id}/{variant}",
        belief="labelled",
        fact=case.id,
        task="open_ended",
        split="",
        context="none",
        readout="generation",
        user=case.question,
        aliases=tuple((side, alias) for side, aliases in sides for alias in aliases),
    )
