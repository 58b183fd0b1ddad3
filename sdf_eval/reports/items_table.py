"""Items to read: each option of a question with its probability on every arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sdf_eval.belief.item import Context
from sdf_eval.reports.text import arm_label, clean, number, one_line, task_title
from sdf_eval.results.schema import ItemRecord, Role

SHOWN = 160
"""Items in the page; all of them are in items.jsonl."""


@dataclass(frozen=True)
class Cell:
    """What one arm did with one line: the text, and a share of 0 to 1 that tints it."""

    text: str
    tint: float | None = None


@dataclass(frozen=True)
class Line:
    """An option, or the free answer, across the arms."""

    text: str
    outcome: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ShownItem:
    """One question and its lines."""

    belief: str
    task: str
    task_title: str
    split: str
    question: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ItemsTable:
    """The items that a page shows, of all that there are."""

    arms: tuple[str, ...]
    items: tuple[ShownItem, ...]
    total: int


def items_table(records: Sequence[ItemRecord], shown: int = SHOWN) -> ItemsTable:
    """Groups records by item, first training run only, and takes an even sample.

    Args:
        records: All item records of a run.
        shown: Items to keep.

    Returns:
        The table; its columns are the arms in the order in which they were measured.
    """
    arms = list(dict.fromkeys((record.role, record.context) for record in records))
    by_item: dict[str, dict[tuple[Role, Context], ItemRecord]] = {}
    for record in records:
        by_item.setdefault(record.item, {}).setdefault((record.role, record.context), record)
    items = list(by_item.values())
    step = max(1.0, len(items) / shown)
    kept = [items[int(i * step)] for i in range(min(shown, len(items)))]
    made = tuple(_item(answers, arms) for answers in kept)
    return ItemsTable(tuple(arm_label(role, context) for role, context in arms), made, len(items))


def _item(answers: dict[tuple[Role, Context], ItemRecord], arms: Sequence[tuple[Role, Context]]) -> ShownItem:
    first = next(iter(answers.values()))
    return ShownItem(
        belief=first.belief,
        task=first.task,
        task_title=task_title(first.task),
        split=first.split,
        question=clean(first.question, 800),
        lines=_lines(first, [answers.get(arm) for arm in arms]),
    )


def _lines(first: ItemRecord, answers: Sequence[ItemRecord | None]) -> tuple[Line, ...]:
    if not first.choices:
        return (Line("free answer" if first.nats is None else "loss", "", tuple(_free(a) for a in answers)),)
    shares = [_normalised(answer) for answer in answers]
    return tuple(
        Line(one_line(choice, 160), outcome, tuple(_share(share, number_) for share in shares))
        for number_, (choice, outcome) in enumerate(zip(first.choices, first.outcomes, strict=True))
    )


def _normalised(record: ItemRecord | None) -> list[float] | None:
    if record is None or not record.log_probabilities:
        return None
    top = max(record.log_probabilities)
    weights = [math.exp(value - top) for value in record.log_probabilities]
    return [weight / sum(weights) for weight in weights]


def _share(shares: list[float] | None, option: int) -> Cell:
    return Cell("") if shares is None else Cell(number(shares[option]), round(shares[option], 2))


def _free(record: ItemRecord | None) -> Cell:
    if record is None:
        return Cell("")
    if record.nats is not None:
        return Cell(f"{number(record.nats / math.log(2) / max(1, record.bytes or 1))} bits a byte")
    return Cell(
        f"{one_line(record.answer, 80) or 'no text'} ({record.outcome})", 1.0 if record.outcome == "implanted" else 0.0
    )
