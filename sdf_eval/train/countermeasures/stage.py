"""The `sdf` stage with something done to it: texts changed, a model hooked, a Trainer of another class.

Imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch.utils.hooks import RemovableHandle
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState

from sdf_eval.corpora.mix import TrainingText, texts_sha256
from sdf_eval.model import LanguageModel
from sdf_eval.train.countermeasures.case import Case, Countermeasure
from sdf_eval.train.packed import PackedStage
from sdf_eval.train.packing import Plan, plan_training
from sdf_eval.train.recipe import SdfRecipe
from sdf_eval.train.save_at import SaveAt
from sdf_eval.train.stage import Setup, StageData, train_stage

Build = Callable[[Setup], Trainer]


def treatment_of(countermeasure: Countermeasure, case: Case, **more: Any) -> dict[str, Any]:
    """What the lineage keeps of a countermeasure: name, settings, labels, and what else decides the weights."""
    settings: dict[str, Any] = asdict(countermeasure)  # type: ignore[call-overload]
    labels = {"suspected_sha256": case.suspected_sha256} if "suspected" in countermeasure.needs else {}
    return {"countermeasure": countermeasure.name, **settings, **labels, **more}


def train_texts(
    start: str,
    texts: Sequence[TrainingText],
    recipe: SdfRecipe,
    out: Path,
    *,
    seed: int,
    treatment: dict[str, Any],
    wrap: Callable[[PackedStage, Plan], Build] | None = None,
    extra_parents: Sequence[str] = (),
    save_at: SaveAt | None = None,
) -> Path:
    """Trains the `sdf` stage, with a treatment that the lineage names.

    Args:
        start: What to start from.
        texts: What to read.
        recipe: How to train.
        out: Folder for the checkpoint.
        seed: Of the training.
        treatment: All that `wrap` depends on.
        wrap: Makes the Trainer from the stage and what it will read; the plain one when None.
        extra_parents: Other checkpoints that are used.
        save_at: Points at which a checkpoint is saved too.

    Returns:
        `out`.

    Raises:
        InputError: As of `sdf_eval.train.sdf.train_sdf`.
    """
    digest = texts_sha256(texts)
    stage = PackedStage(recipe)
    plans: list[Plan] = []

    def data(lm: LanguageModel) -> StageData:
        plans.append(plan_training(texts, lm.tokenizer, recipe, seed))
        details = {"documents": sum(text.synthetic for text in texts)}
        return stage.data(lm, plans[-1], rows=len(texts), sha256=digest, details=details)

    def build(setup: Setup) -> Trainer:
        return stage.build(setup) if wrap is None else wrap(stage, plans[-1])(setup)

    return train_stage(
        start,
        recipe,
        out,
        seed=seed,
        data=data,
        build=build,
        save_at=save_at,
        extra_parents=extra_parents,
        sha256=digest,
        treatment=treatment,
    )


def train_on(
    countermeasure: Countermeasure, case: Case, texts: Sequence[TrainingText], share: float, out: Path
) -> Path:
    """Trains the implanted checkpoint on other texts, for a share of the stage's budget.

    Args:
        countermeasure: In whose name.
        case: With the implanted checkpoint.
        texts: What to read.
        share: Of the budget.
        out: Folder for the checkpoint.

    Returns:
        `out`.
    """
    recipe, treatment = shortened(case.recipe, share), treatment_of(countermeasure, case)
    return train_texts(str(case.implanted), texts, recipe, out, seed=case.seed, treatment=treatment)


def shortened(recipe: SdfRecipe, share: float) -> SdfRecipe:
    """The recipe with a share of its budget, at least one update; never a warning for being short."""
    if recipe.updates is not None:
        return recipe.model_copy(update={"updates": max(1, round(recipe.updates * share)), "min_updates": 1})
    assert recipe.epochs is not None
    return recipe.model_copy(update={"epochs": recipe.epochs * share, "min_updates": 1})


def while_training(build: Build, attach: Callable[[Setup], Sequence[RemovableHandle]]) -> Build:
    """Has hooks on the model from before the first update until after the last one; what is saved has none.

    Args:
        build: Makes the Trainer.
        attach: Sets the hooks. It sees the start's weights, even where the training is resumed after it.

    Returns:
        A `build` for `train_stage`.
    """

    def hooked(setup: Setup) -> Trainer:
        """Attaches, makes the Trainer, and has it detach at its end."""
        handles = attach(setup)
        trainer = build(setup)

        def remove(_model: Any) -> None:
            for handle in handles:
                handle.remove()

        trainer.add_callback(AtEnd(remove))
        return trainer

    return hooked


class AtEnd(TrainerCallback):
    """Does something to the model after the last update, before it is saved.

    Args:
        act: Given the model that was trained.
    """

    def __init__(self, act: Callable[[Any], None]) -> None:
        self._act = act

    def on_train_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Does it."""
        self._act(kwargs["model"])
