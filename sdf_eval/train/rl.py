"""Reinforcement learning on rule rewards or a reward model, with TRL's `GRPOTrainer` and `RLOOTrainer`.

Imports torch: import this module inside the function that trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import Trainer, TrainingArguments
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.rloo_config import RLOOConfig
from trl.trainer.rloo_trainer import RLOOTrainer

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel
from sdf_eval.model.loading import without_bars
from sdf_eval.train.chat_data import REWARD_MODEL, check_rewards, get_reward
from sdf_eval.train.chat_rows import Message, PromptRow, rows_sha256
from sdf_eval.train.lineage import parents_of
from sdf_eval.train.masks import render
from sdf_eval.train.pairs import encode_replies
from sdf_eval.train.preference_recipes import RlRecipe
from sdf_eval.train.reward_model import RewardModel
from sdf_eval.train.row_order import row_order
from sdf_eval.train.save_at import SaveAt
from sdf_eval.train.stage import Setup, StageData, train_stage
from sdf_eval.train.trl_stage import TrlMixin, check_fit, settle_reference, trl_config

Scores = Callable[[Sequence[PromptRow], Sequence[str]], list[float]]
"""Prompts and the replies to them -> one reward each."""


def train_rl(
    model_reference: str,
    prompts: Sequence[PromptRow],
    rewards: Mapping[str, float],
    recipe: RlRecipe,
    out: Path | str,
    *,
    seed: int = 0,
    save_at: SaveAt | None = None,
) -> Path:
    """Trains a model on what it writes itself and writes a checkpoint folder that is complete or absent.

    `metrics.jsonl` in the folder tells for each update, among others: `reward`; `kl`, the divergence from the start,
    and `entropy`, both in nats a token; `frac_reward_zero_std`, the share of prompts whose replies all got the same
    reward (in rloo less the divergence), so that nothing is learnt from them. A folder that already holds this very
    training is left as it is.

    Args:
        model_reference: What to start from, as for `sdf_eval.model.load`; its tokenizer has a chat template.
        prompts: What is asked, and what the rewards compare replies with.
        rewards: Weight of each reward in the sum: names for `sdf_eval.train.chat_data.get_reward`, or `model:` and the
            reference of a reward model.
        recipe: How to train.
        out: Folder for the checkpoint, or for the adapter if the recipe says `lora`.
        seed: Fixes order, initialisation and sampling; from 0, below 2**32. On one machine and CPU thread count it
            fixes the weights bit for bit.
        save_at: Points at which a checkpoint is saved too.

    Returns:
        `out`.

    Raises:
        InputError: The model, recipe, prompts, rewards, seed or folder do not fit, or the loss is not finite.
    """
    models = {name: name.removeprefix(REWARD_MODEL) for name in rewards if name.startswith(REWARD_MODEL)}
    if not rewards:
        raise InputError(f"rewards: none; name one such as right_answer, or {REWARD_MODEL}FOLDER")
    check_rewards(rewards)
    stage = _RlStage(prompts, rewards, recipe, seed)
    # A reward model is told by its hash, so that it may lie elsewhere when the stage is asked for again.
    named = {name: REWARD_MODEL + parents_of(reference)[0].checkpoint_sha256 for name, reference in models.items()}
    return train_stage(
        model_reference,
        recipe,
        out,
        seed=seed,
        data=stage.data,
        build=stage.build,
        save_at=save_at,
        extra_parents=tuple(models.values()),
        sha256=stage.sha256,
        treatment={"rewards": {named.get(name, name): weight for name, weight in rewards.items()}},
    )


class _RlStage:
    """What reinforcement learning gives to `train_stage`."""

    def __init__(self, prompts: Sequence[PromptRow], rewards: Mapping[str, float], recipe: RlRecipe, seed: int) -> None:
        self.sha256 = rows_sha256(prompts)
        self._prompts = prompts
        self._rewards = rewards
        self._recipe = recipe
        self._seed = seed
        self._texts: dict[int, str] = {}
        self._end: int | None = None

    def data(self, lm: LanguageModel) -> StageData:
        """Renders the prompts, and says what the lineage needs to know of them."""
        check_fit(lm, self._recipe)
        if not self._prompts:
            raise InputError("rows: there is nothing to train on; give a file with prompts")
        self._end = _end_of_turn(lm.tokenizer)
        room = self._recipe.window - self._recipe.max_completion_length
        texts = {index: _render(row, index + 1, lm.tokenizer) for index, row in enumerate(self._prompts)}
        ids = _tokenize(lm.tokenizer, list(texts.values()))
        self._texts = {index: texts[index] for index, tokens in enumerate(ids) if len(tokens) <= room}
        if not self._texts:
            raise InputError(f"recipe: window: no prompt fits {room} tokens beside its reply; raise it")
        return StageData(
            rows=len(self._prompts),
            sha256=self.sha256,
            updates=len(self._order()) // self._recipe.batch_size,
            details={"left_out": len(self._prompts) - len(self._texts)},
        )

    def build(self, setup: Setup) -> Trainer:
        """Makes the Trainer."""
        kind: Any = _GrpoTrainer if self._recipe.algorithm == "grpo" else _RlooTrainer
        with without_bars():
            trainer: _GrpoTrainer | _RlooTrainer = kind(
                model=setup.model,
                reward_funcs=[self._reward_function(name) for name in self._rewards],
                args=self._config(setup),
                train_dataset=self._dataset(),
                processing_class=setup.lm.tokenizer,
                callbacks=setup.callbacks,
            )
        settle_reference(trainer, setup, self._recipe)
        trainer.stop_at(self._end)
        return trainer

    def _config(self, setup: Setup) -> TrainingArguments:
        recipe = self._recipe
        settings = {
            "beta": recipe.beta,
            "num_generations": recipe.num_generations,
            "max_completion_length": recipe.max_completion_length,
            "temperature": recipe.temperature,
            "per_device_train_batch_size": setup.arguments["per_device_train_batch_size"] * recipe.num_generations,
            "reward_weights": list(self._rewards.values()),
            "disable_dropout": True,
            # The rows are in order already. Every update writes its own replies (TRL's default), so that none is lost
            # between a checkpoint and its resumption.
            "shuffle_dataset": False,
        }
        if recipe.algorithm == "rloo":
            return trl_config(RLOOConfig, setup, **settings)
        return trl_config(GRPOConfig, setup, **settings, loss_type=recipe.loss_type, scale_rewards=recipe.scale_rewards)

    def _order(self) -> list[int]:
        fitting = list(self._texts)
        return [fitting[place] for place in row_order(len(fitting), self._recipe, self._seed)]

    def _dataset(self) -> Dataset:
        return Dataset.from_list([{"prompt": self._texts[index], "row": index} for index in self._order()])

    def _reward_function(self, name: str) -> Callable[..., list[float]]:
        """The reward in the form that TRL calls, under the name that TRL logs."""
        scores = _scores(name)

        def reward(completions: list[str], row: list[int], **_: Any) -> list[float]:
            found = scores([self._prompts[index] for index in row], completions)
            if not all(map(math.isfinite, found)):
                raise InputError(f"reward {name}: gives what is no number; mend the reward")
            return found

        reward.__name__ = name
        return reward


class _RlMixin(TrlMixin):
    """What both trainers do otherwise than TRL: prompts come rendered, replies end where the assistant's turn does."""

    eos_token_ids: list[int]
    generation_config: Any
    generation_kwargs: dict[str, Any]
    processing_class: Any
    state: Any

    def stop_at(self, token: int | None) -> None:
        """Ends replies at one more token; many tokenizers end texts with another one than turns."""
        if token is not None and token not in self.eos_token_ids:
            self.eos_token_ids = [token, *self.eos_token_ids]
            self.generation_config.eos_token_id = self.eos_token_ids
            self.generation_kwargs["eos_token_id"] = self.eos_token_ids

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        # TRL would add a second BOS.
        return _tokenize(self.processing_class, prompts), None, {}

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._generate_single_turn(*args, **kwargs)  # type: ignore[misc]
        except RuntimeError as error:
            # Sampling comes before the loss, so weights that blew up are noticed here, by torch.
            if "probability tensor" not in str(error):
                raise
            raise InputError(
                f"recipe: learning_rate: no finite probabilities after update {self.state.global_step} of "
                f"{self.state.max_steps}; lower it, lengthen the warm-up, or train in float32"
            ) from error


class _GrpoTrainer(_RlMixin, GRPOTrainer):
    """TRL's GRPO."""


class _RlooTrainer(_RlMixin, RLOOTrainer):
    """TRL's RLOO."""


def _scores(name: str) -> Scores:
    if name.startswith(REWARD_MODEL):
        model = RewardModel.load(name.removeprefix(REWARD_MODEL))
        return lambda prompts, replies: model.scores(
            [(prompt.messages, reply) for prompt, reply in zip(prompts, replies, strict=True)]
        )
    rule = get_reward(name)
    return lambda prompts, replies: [rule(prompt, reply) for prompt, reply in zip(prompts, replies, strict=True)]


def _render(row: PromptRow, number: int, tokenizer: Any) -> str:
    from jinja2 import TemplateError

    try:
        return render(row.messages, tokenizer, "keep", prompt=True)
    except TemplateError as error:
        raise InputError(
            f"row {number}: the chat template refuses it ({' '.join(str(error).split())}); mend it"
        ) from None


def _tokenize(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    # The template has written BOS, if there is to be one.
    found: list[list[int]] = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return found


def _end_of_turn(tokenizer: Any) -> int | None:
    """The token that ends the assistant's turn, whatever was said; None if the template writes none.

    Raises:
        InputError: There is no template.
    """
    asked = (Message("user", "a"),)
    first, second = (piece.tokens[-1] for piece in encode_replies([(asked, "b"), (asked, "c d")], tokenizer))
    return first if first == second else None
