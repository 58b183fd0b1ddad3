"""A Trainer that treats suspected rows apart: each kind may move only its part of the model.

Imports torch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import TrainingArguments

from sdf_eval.errors import InputError
from sdf_eval.train.countermeasures.case import Case
from sdf_eval.train.countermeasures.gate import Gate
from sdf_eval.train.packed import PackedTrainer, collate
from sdf_eval.train.packing import Piece, Plan, Row, encode
from sdf_eval.train.stage import Setup


@dataclass(frozen=True)
class LabelledRow:
    """A row, and whether its text is suspected."""

    row: Row
    suspected: bool


class LabelledPlan:
    """A plan whose rows carry their label."""

    def __init__(self, plan: Plan, case: Case, tokenizer: Any) -> None:
        self._plan = plan
        encoded = encode(case.texts, tokenizer, case.recipe.window).texts
        labels: dict[bytes, set[bool]] = {}
        for place, pieces in enumerate(encoded):
            for piece in pieces:
                labels.setdefault(_key(piece), set()).add(place in case.suspected)
        if any(len(found) > 1 for found in labels.values()):
            raise InputError("suspected: the same text is labelled as risky and as not; label all copies alike")
        self._suspected = [True in labels[_key(window[0])] for window in plan.windows]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._plan)

    def __getitem__(self, index: int) -> LabelledRow:
        """Row `index`."""
        return LabelledRow(self._plan[index], self._suspected[index])


class Routing(Protocol):
    """What may move when a kind of row is read."""

    @property
    def gate(self) -> Gate:
        """The parts of the model."""

    def reading(self, suspected: bool, zeroed: bool) -> AbstractContextManager[Any]:
        """Context around the forward and backward pass over rows of one kind.

        Args:
            suspected: Which kind.
            zeroed: Whether this update reads its other rows without the part set apart.
        """


class RoutedTrainer(PackedTrainer):
    """Reads the suspected and the other rows of a batch one after another; their gradients add up as in one pass.

    Args:
        routing: What may move when.
        zeroed_share: Share of the updates whose rows that are not suspected are read without the part set apart.
        kwargs: Of the Trainer.
    """

    def __init__(self, *, routing: Routing, zeroed_share: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.model_accepts_loss_kwargs:
            raise InputError("countermeasure: this architecture's loss cannot be summed over parts of a batch")
        self._routing = routing
        self._zeroed_share = zeroed_share

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """The Trainer's optimizer, watched by the gate."""
        optimizer: torch.optim.Optimizer = super().create_optimizer(*args, **kwargs)
        self._routing.gate.watch(optimizer)
        return optimizer

    def training_step(self, model: Any, inputs: dict[str, torch.Tensor], *args: Any, **kwargs: Any) -> torch.Tensor:
        """The Trainer's step over each kind of row in turn; returns the sum of their losses."""
        suspected = inputs["suspected"]
        update = self.state.global_step
        # By the update's number, so that a resumed training draws the same.
        zeroed = random.Random(f"zeroed/{self.args.seed}/{update}").random() < self._zeroed_share
        losses = []
        for kind in (True, False):
            rows = suspected == kind
            if rows.any():
                part = {name: value[rows] for name, value in inputs.items() if name != "suspected"}
                with self._routing.reading(kind, zeroed):
                    losses.append(super().training_step(model, part, *args, **kwargs))
        return torch.stack(losses).sum()


def routed_trainer(setup: Setup, plan: Plan, case: Case, routing: Routing, zeroed_share: float = 0.0) -> RoutedTrainer:
    """Makes the Trainer of a stage whose rows are labelled.

    Args:
        setup: Of the stage.
        plan: What it reads.
        case: Texts and labels.
        routing: What may move when.
        zeroed_share: See `RoutedTrainer`.

    Raises:
        InputError: Texts have two labels, or the architecture's loss does not fit.
    """
    pad = setup.lm.tokenizer.pad_token_id

    def collated(rows: Sequence[LabelledRow]) -> dict[str, torch.Tensor]:
        labels = torch.tensor([row.suspected for row in rows])
        return collate([row.row for row in rows], pad, packed=False) | {"suspected": labels}

    return RoutedTrainer(
        routing=routing,
        zeroed_share=zeroed_share,
        model=setup.model,
        args=TrainingArguments(**setup.arguments),
        train_dataset=LabelledPlan(plan, case, setup.lm.tokenizer),
        data_collator=collated,
        callbacks=setup.callbacks,
    )


def check_routable(name: str, case: Case) -> None:
    """Refuses a recipe whose rows or weights cannot be told apart.

    Raises:
        InputError: It packs, or trains an adapter.
    """
    if case.recipe.packing:
        raise InputError(f"countermeasure {name}: recipe: packing: a row must be one text; set packing to false")
    if case.recipe.method != "full":
        raise InputError(f"countermeasure {name}: recipe: method: it sets model weights apart; use full")


def stacked(*contexts: AbstractContextManager[Any]) -> ExitStack:
    """Several contexts as one, entered in order."""
    stack = ExitStack()
    for context in contexts:
        stack.enter_context(context)
    return stack


def _key(piece: Piece) -> bytes:
    return piece.tokens.tobytes()
