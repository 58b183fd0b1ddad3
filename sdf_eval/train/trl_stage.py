"""What the stages on TRL's trainers share."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, TypeVar

import torch
from transformers import TrainingArguments

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel
from sdf_eval.train.adapters import chain_of
from sdf_eval.train.recipe import StageRecipe
from sdf_eval.train.stage import Setup, WatchedMixin

C = TypeVar("C", bound=TrainingArguments)


class TrlMixin(WatchedMixin):
    """Put in front of a TRL trainer: watched, silent towards the network, and the same figures after a resumption."""

    _metrics: dict[str, Any]

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """The Trainer's step; its loss, a scalar."""
        with warnings.catch_warnings():
            # TRL uses names that transformers has changed.
            warnings.filterwarnings("ignore", message=".*gradient_checkpointing", category=FutureWarning)
            return super().training_step(*args, **kwargs)

    def _send_telemetry(self) -> None:
        """Sends nothing: TRL would tell the Hub what kind of model was trained on what."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Writes none into the folder for resumption."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Logs, without a count of tokens that begins anew when a training resumes."""
        self._metrics["train"].pop("num_tokens", None)
        super().log(logs, start_time)  # type: ignore[misc]


def trl_config(kind: type[C], setup: Setup, **settings: Any) -> C:
    """A TRL configuration: what the recipe fixes for any stage, and the settings of this one.

    Args:
        kind: Its class.
        setup: Of the stage.
        settings: Win over what `setup` says.
    """
    config = kind(**setup.arguments | settings)
    # TRL refuses to start where one process sees several GPUs.
    config._n_gpu = min(config.n_gpu, 1)
    return config


def settle_reference(trainer: Any, setup: Setup, recipe: StageRecipe) -> None:
    """Makes the reference of a fresh trainer the start of the stage, and keeps it out of what is saved.

    Args:
        trainer: Of TRL, not trained yet.
        setup: What it was built from.
        recipe: Of the stage.
    """
    if trainer.ref_model is not None:
        # TRL loads it from the path in the model's configuration. Where the start is an adapter that was merged, that
        # path is its base, and the divergence would be from before the adapter.
        trainer.accelerator.unwrap_model(trainer.ref_model).load_state_dict(trainer.model.state_dict())
    elif chain_of(setup.reference, recipe) == "continue":
        # The reference is a second adapter, a copy of the start; peft would save it too.
        trainer.model.save_pretrained = partial(trainer.model.save_pretrained, selected_adapters=["default"])
    else:
        # Without the copy of a fresh adapter TRL takes the model with no adapter, which is the start.
        trainer.model.delete_adapter("ref")


def check_fit(lm: LanguageModel, recipe: StageRecipe) -> None:
    """Refuses a recipe that the model cannot be trained with.

    Raises:
        InputError: The window is beyond the model's context, or its head is to get an adapter.
    """
    if recipe.window > lm.max_length:
        raise InputError(f"recipe: window: {recipe.window} exceeds the model's {lm.max_length} positions; lower it")
    head = lm.model.get_output_embeddings()
    names = {name.rpartition(".")[2] for name, module in lm.model.named_modules() if module is head}
    if not isinstance(recipe.targets, str) and names & set(recipe.targets):
        raise InputError(
            f"recipe: targets: {', '.join(names)}: the head cannot get an adapter in stage {recipe.stage}; remove it"
        )
