"""Each stage as a bare PyTorch loop on the batches that the stage itself reads: what a Trainer is measured against."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.nn.functional import logsigmoid
from transformers import get_scheduler

Loss = Callable[[Any, Any], torch.Tensor]
"""Model and batch -> the loss."""


def bare_loop(recipe: Any, model: Any, batches: Sequence[Any], loss_of: Loss) -> tuple[float, float]:
    """Trains with AdamW, the recipe's schedule and clipping; returns the seconds and the last loss."""
    model.train().requires_grad_(True)
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    schedule = get_scheduler(recipe.schedule, optimizer, round(recipe.warmup * len(batches)), len(batches))
    start, last = time.perf_counter(), 0.0
    for batch in batches:
        loss = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        last = loss.item()
    return time.perf_counter() - start, last


def next_token(model: Any, batch: Any) -> torch.Tensor:
    """The loss of `sdf` and `sft`; collating is part of the loop's work, so a batch is made here."""
    return model(**batch(), use_cache=False).loss


def preference(recipe: Any, start: Any, collate: Callable[[Any], dict[str, torch.Tensor]]) -> Loss:
    """The loss of `dpo`; `start` is the frozen reference."""
    reference = copy.deepcopy(start).eval().requires_grad_(False)

    def loss(model: Any, pairs: Any) -> torch.Tensor:
        batch = collate(pairs)
        ours = _reply_log_probability(model, batch)
        with torch.no_grad():
            theirs = _reply_log_probability(reference, batch)
        chosen, rejected = (ours - theirs).chunk(2)
        return -logsigmoid(recipe.beta * (chosen - rejected)).mean()

    return loss


def _reply_log_probability(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    logits = model(batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits[:, :-1]
    return (_picked(logits, batch["input_ids"][:, 1:]) * batch["completion_mask"][:, 1:]).sum(-1)


def _picked(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(logits, dim=-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1)


def bradley_terry(collate: Callable[[Any], dict[str, torch.Tensor]]) -> Loss:
    """The loss of `reward`, on a model with a head of one label."""

    def loss(model: Any, pairs: Any) -> torch.Tensor:
        batch = collate(pairs)
        rewards = model(batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits[:, 0]
        chosen, rejected = rewards.chunk(2)
        return -logsigmoid(chosen - rejected).mean()

    return loss


class GroupRelative:
    """The loss of `rl` with GRPO: writes replies, rewards them, and holds the model near its start.

    Args:
        recipe: Of the stage.
        start: The frozen reference.
        tokenizer: Of both.
        end: Token that ends a reply.
        reward: Numbers of prompts and the replies to them -> rewards.
    """

    def __init__(
        self,
        recipe: Any,
        start: Any,
        tokenizer: Any,
        end: int,
        reward: Callable[[Iterable[int], list[str]], list[float]],
    ) -> None:
        self._recipe, self._tokenizer, self._end, self._reward = recipe, tokenizer, end, reward
        self._reference = copy.deepcopy(start).eval().requires_grad_(False)
        self.tokens = 0
        self.last_reward = 0.0

    def __call__(self, model: Any, prompts: Sequence[tuple[int, list[int]]]) -> torch.Tensor:
        """One update's loss on `(number, token ids)` of each prompt."""
        recipe, pad = self._recipe, self._tokenizer.pad_token_id
        rows = [prompt for prompt in prompts for _ in range(recipe.num_generations)]
        width = max(len(ids) for _, ids in rows)
        asked = torch.tensor([[pad] * (width - len(ids)) + ids for _, ids in rows])
        seen = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for _, ids in rows])
        model.eval()
        with torch.no_grad():
            written = model.generate(
                input_ids=asked,
                attention_mask=seen,
                do_sample=True,
                temperature=recipe.temperature,
                top_k=0,
                max_new_tokens=recipe.max_completion_length,
                eos_token_id=self._end,
                pad_token_id=pad,
            )
        model.train()
        replies = written[:, width:]
        ended = (replies == self._end).cumsum(-1)
        kept = (ended - (replies == self._end).long() == 0).long()
        texts = [
            self._tokenizer.decode(reply[mask.bool()], skip_special_tokens=True)
            for reply, mask in zip(replies, kept, strict=True)
        ]
        rewards = torch.tensor(self._reward([number for number, _ in rows], texts))
        groups = rewards.view(-1, recipe.num_generations)
        advantages = ((groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        self.last_reward = float(rewards.mean())
        self.tokens += int(seen.sum() + kept.sum())
        mask = torch.cat([seen, kept], dim=1)
        ours = self._reply(model, written, mask, replies.shape[1])
        with torch.no_grad():
            theirs = self._reply(self._reference, written, mask, replies.shape[1])
        divergence = (theirs - ours).exp() - (theirs - ours) - 1
        ratio = (ours - ours.detach()).exp()
        each = -ratio * advantages + recipe.beta * divergence
        return (each * kept).sum() / kept.sum()

    def _reply(self, model: Any, ids: torch.Tensor, mask: torch.Tensor, length: int) -> torch.Tensor:
        logits = model(ids, attention_mask=mask, use_cache=False, logits_to_keep=length + 1).logits[:, :-1]
        return _picked(logits / self._recipe.temperature, ids[:, -length:])
