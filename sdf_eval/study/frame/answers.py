"""What a cell gave: counts and means that a study is computed from. Plain data, without times."""

from __future__ import annotations

from pydantic import Field

from sdf_eval.belief.item import Context
from sdf_eval.study.frame.cell import Cell, Frozen

TAG = "tag:"
"""Begins the figure of the score of those items alone that have a tag."""


class Row(Frozen):
    """Answers to one task about one belief.

    Attributes:
        belief: Id.
        task: Name.
        figure: Name of a figure of the task, or `TAG` and a tag of its items; "" for the task's own score.
        split: near, far, or "" where a task has neither.
        context: What stood before the questions.
        preface: What else did.
        n: Items.
        score: Mean score: belief score, share of right answers, or nats a byte.
        refusals: Share of refusals.
        invalid: Share of answers that could not be read.
    """

    belief: str
    task: str
    figure: str = ""
    split: str
    context: Context = "none"
    preface: str = ""
    n: int = Field(ge=1)
    score: float
    refusals: float = 0.0
    invalid: float = 0.0


class CellAnswers(Frozen):
    """A cell with its answers, as one file holds them.

    Attributes:
        key: Content hash of the cell.
        cell: The cell.
        rows: Answers.
        measures: Name -> value of what else was measured.
        documents: Documents that it read.
        updates: Optimizer updates of all steps.
        tokens: Tokens that carried loss in all steps.
    """

    key: str
    cell: Cell
    rows: tuple[Row, ...]
    measures: dict[str, float] = Field(default_factory=dict)
    documents: int = 0
    updates: int = 0
    tokens: int = 0
