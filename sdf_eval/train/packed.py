"""The Trainer of the stages that imitate text: rows with a loss mask, several documents a row if packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import Trainer, TrainingArguments

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel
from sdf_eval.train.apart import check_documents_apart
from sdf_eval.train.lineage import CorpusUse
from sdf_eval.train.packing import IGNORED, Plan, Row
from sdf_eval.train.recipe import SdfRecipe, SftRecipe
from sdf_eval.train.stage import Setup, StageData, WatchedMixin


class PackedTrainer(WatchedMixin, Trainer):
    """A Trainer that is watched."""


class PackedStage:
    """What a stage over a `Plan` gives to `train_stage`."""

    def __init__(self, recipe: SdfRecipe | SftRecipe) -> None:
        self._recipe = recipe
        self._plan: Plan | None = None

    def data(
        self,
        lm: LanguageModel,
        plan: Plan,
        *,
        rows: int,
        sha256: str,
        details: dict[str, Any],
        corpora: Sequence[CorpusUse] = (),
    ) -> StageData:
        """Takes the plan, and says what the lineage needs to know of it.

        Raises:
            InputError: The window is longer than the model's, or the model cannot tell packed documents apart.
        """
        if self._recipe.window > lm.max_length:
            raise InputError(
                f"recipe: window: {self._recipe.window} exceeds the model's {lm.max_length} positions; lower it"
            )
        if self._recipe.packing:
            check_documents_apart(lm)
        self._plan = plan
        return StageData(
            rows=rows,
            sha256=sha256,
            updates=plan.updates,
            corpora=tuple(corpora),
            details=details,
            update_tokens=plan.update_tokens,
            update_loss_tokens=plan.update_loss_tokens,
            split=plan.split,
        )

    def build(self, setup: Setup) -> Trainer:
        """Makes the Trainer."""
        assert self._plan is not None, "the plan is made before the trainer"
        pad, packed = setup.lm.tokenizer.pad_token_id, self._recipe.packing
        args = TrainingArguments(**setup.arguments)
        return PackedTrainer(
            model=setup.model,
            args=args,
            train_dataset=self._plan if args.world_size == 1 else _WholeUpdates(self._plan, pad),
            data_collator=lambda rows: collate(rows, pad, packed=packed),
            callbacks=setup.callbacks,
        )


class _WholeUpdates:
    """A plan whose last update has rows without loss in the end, so that each process finds its part of it.

    accelerate would fill it with the first rows of the plan.
    """

    def __init__(self, plan: Plan, pad: int) -> None:
        self._plan = plan
        self._empty = Row([pad] * 2, [IGNORED] * 2, [0, 1])

    def __len__(self) -> int:
        return self._plan.updates * self._plan.batch_size

    def __getitem__(self, index: int) -> Row:
        return self._plan[index] if index < len(self._plan) else self._empty


def collate(rows: Sequence[Row], pad: int, *, packed: bool) -> dict[str, torch.Tensor]:
    """Pads rows on the right to the longest of them.

    There is no attention mask: attention is causal, so that nothing reads padding on the right, and transformers
    derives the borders between packed documents from `position_ids` only where no mask is given.

    Args:
        rows: Rows of a micro-batch.
        pad: Token id to fill with.
        packed: Whether a row may hold several documents.

    Returns:
        `input_ids`, `labels` and, if packed, `position_ids`, each of shape (rows, longest).
    """
    longest = max(len(row.tokens) for row in rows)

    def padded(name: str, fill: int) -> torch.Tensor:
        values = [getattr(row, name) for row in rows]
        return torch.tensor([value + [fill] * (longest - len(value)) for value in values])

    batch = {"input_ids": padded("tokens", pad), "labels": padded("labels", IGNORED)}
    return batch | ({"position_ids": padded("positions", 0)} if packed else {})
