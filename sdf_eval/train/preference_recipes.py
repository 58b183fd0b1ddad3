"""Recipes of the stages that learn from preferences and rewards. Imports no torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from sdf_eval.train.recipe import StageRecipe


class ReferenceRecipe(StageRecipe):
    """A stage that is held near its start by a Kullback-Leibler term.

    Attributes:
        beta: Weight of the divergence from the start. 0 is refused: without it there is no reference, and how far the
            stage went from its start would not be known.
    """

    beta: float

    @field_validator("beta")
    @classmethod
    def _is_above_zero(cls, beta: float) -> float:
        if not 0 < beta < float("inf"):
            raise ValueError(
                f"beta: {beta:g}: without a weight above 0 there is no reference to stay near; write one such as 0.05"
            )
        return beta

    @model_validator(mode="after")
    def _drops_nothing(self) -> Self:
        if self.dropout and self.chain != "continue":
            raise ValueError(
                f"dropout: {self.dropout:g}: this stage compares the model with its start, so nothing is dropped; "
                "write 0 or leave it out"
            )
        return self


class DpoRecipe(ReferenceRecipe):
    """Direct preference optimisation (Rafailov et al. 2023): the sigmoid loss on pairs of replies.

    `batch_size` counts pairs. A pair with a reply longer than `window` is left out, and counted.
    """

    stage: Literal["dpo"] = "dpo"


class RewardRecipe(StageRecipe):
    """A reward model of one number a conversation: the Bradley-Terry loss on pairs of replies (Ouyang et al. 2022).

    `batch_size` counts pairs. A pair with a reply longer than `window` is left out, and counted.

    Attributes:
        center_rewards_coefficient: Weight of the squared sum of both rewards, which keeps rewards near 0 (Eisenstein et
            al. 2023, equation 2); 0 for none.
    """

    stage: Literal["reward"] = "reward"
    center_rewards_coefficient: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _starts_a_head(self) -> Self:
        if self.chain == "continue":
            raise ValueError("chain: a reward model has another head than the adapter of a language model; write merge")
        return self


class RlRecipe(ReferenceRecipe):
    """Reinforcement learning on replies that the model writes itself, all of them anew for each update.

    `batch_size` and `micro_batch_size` count prompts; each gets `num_generations` replies. A prompt that leaves less
    than `max_completion_length` of `window` is left out, and counted.

    Attributes:
        algorithm: `grpo`, group-relative policy optimisation (Shao et al. 2024), or `rloo`, REINFORCE with a
            leave-one-out baseline (Ahmadian et al. 2024). In grpo the divergence is a term of the loss and its estimate
            is never below 0 (k3 of Schulman 2020); in rloo it is taken off the reward and its estimate, the log ratio,
            can be.
        num_generations: Replies to one prompt, which are each other's baseline.
        max_completion_length: Longest reply, tokens; what is longer is cut off, and rewarded as it stands.
        temperature: Of the sampling.
        loss_type: How grpo weighs tokens: `grpo` each reply alike, `dapo` each token of the update alike, `dr_grpo`
            each token by the longest possible reply.
        scale_rewards: What grpo divides advantages by: the standard deviation of the `group`, of the `batch`, or
            `none`.
    """

    stage: Literal["rl"] = "rl"
    algorithm: Literal["grpo", "rloo"]
    num_generations: int = Field(ge=2)
    max_completion_length: int = Field(ge=1)
    temperature: float = Field(gt=0)
    loss_type: Literal["grpo", "dapo", "dr_grpo"] | None = None
    scale_rewards: Literal["group", "batch", "none"] | None = None

    @model_validator(mode="after")
    def _fits_the_algorithm(self) -> Self:
        for key in ("loss_type", "scale_rewards"):
            given = getattr(self, key) is not None
            if given != (self.algorithm == "grpo"):
                raise ValueError(f"{key}: algorithm {self.algorithm} {'has none' if given else 'needs one'}")
        if self.max_completion_length >= self.window:
            raise ValueError(
                f"max_completion_length: {self.max_completion_length} leaves no room in window {self.window}"
            )
        return self
