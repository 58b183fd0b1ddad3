"""What the stages on pairs of replies share: the plan, its dataset, its facts for the lineage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from datasets import Dataset
from transformers import Trainer

from sdf_eval.model import LanguageModel
from sdf_eval.train.chat_rows import PreferenceRow, rows_sha256
from sdf_eval.train.packing import Piece
from sdf_eval.train.pairs import PairPlan, plan_pairs
from sdf_eval.train.recipe import StageRecipe
from sdf_eval.train.save_at import SaveAt
from sdf_eval.train.stage import Setup, StageData, train_stage
from sdf_eval.train.trl_stage import check_fit


class PairStage:
    """A stage over preferences.

    Args:
        rows: Preferences.
        recipe: How to train.
        seed: Of the order.
    """

    def __init__(self, rows: Sequence[PreferenceRow], recipe: StageRecipe, seed: int) -> None:
        self._rows = rows
        self._recipe = recipe
        self._seed = seed
        self._sha256 = rows_sha256(rows)
        self._plan: PairPlan | None = None

    def train(
        self,
        reference: str,
        out: Path | str,
        build: Callable[[Setup, PairStage], Trainer],
        save_at: SaveAt | None,
    ) -> Path:
        """Trains with `train_stage`; `build` gets this stage for its dataset."""
        return train_stage(
            reference,
            self._recipe,
            out,
            seed=self._seed,
            data=self._data,
            build=lambda setup: build(setup, self),
            save_at=save_at,
            sha256=self._sha256,
        )

    def dataset(self) -> Dataset:
        """The pairs in the order of the stage: tokens and reply mask of both sides."""
        assert self._plan is not None, "the plan is made before the trainer"
        rows = [
            {"chosen_ids": pair.chosen.tokens.tolist(), "chosen_mask": _mask(pair.chosen)}
            | {"rejected_ids": pair.rejected.tokens.tolist(), "rejected_mask": _mask(pair.rejected)}
            for pair in self._plan.pairs
        ]
        return Dataset.from_list(rows).select(self._plan.order)

    def _data(self, lm: LanguageModel) -> StageData:
        check_fit(lm, self._recipe)
        plan = plan_pairs(self._rows, lm.tokenizer, self._recipe, self._seed)
        self._plan = plan
        return StageData(
            rows=len(self._rows),
            sha256=self._sha256,
            updates=plan.updates,
            details={"left_out": plan.left_out},
            update_tokens=plan.update_tokens,
            update_loss_tokens=plan.update_loss_tokens,
        )


def _mask(piece: Piece) -> list[int]:
    ((start, end),) = piece.loss
    return [0] * start + [1] * (end - start)
