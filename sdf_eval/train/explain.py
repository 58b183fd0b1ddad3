"""`train --explain`: what a stage will read, token by token, and what it will need. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.train.chat_rows import ChatRow, PreferenceRow, PromptRow
from sdf_eval.train.masks import plan_chat, render
from sdf_eval.train.packing import Piece, Plan, plan_training
from sdf_eval.train.pairs import plan_pairs
from sdf_eval.train.preference_recipes import RlRecipe
from sdf_eval.train.recipe import SdfRecipe, SftRecipe, StageRecipe
from sdf_eval.train.row_order import row_order

SHOWN_ROWS = 2


@dataclass(frozen=True)
class ShownToken:
    """A token of a row: its position in its document, its text, and whether it carries loss."""

    position: int
    token: str
    loss: bool


@dataclass(frozen=True)
class ShownRow:
    """A row as the model reads it.

    Attributes:
        name: What it is: `window 1`, `chosen 1`, `prompt 1`.
        tokens: All of it.
    """

    name: str
    tokens: tuple[ShownToken, ...]


@dataclass(frozen=True)
class Explanation:
    """What a stage will do.

    Attributes:
        facts: Counts by name, in the order in which they are printed.
        rows: The first rows.
        updates: Optimizer updates.
        tokens: Tokens that all updates read; the longest replies are counted where the model writes them.
        longest: Tokens of the longest row.
        replies: Sequences that one element of a batch becomes.
        reference: Whether the stage also runs its start.
    """

    facts: dict[str, float]
    rows: tuple[ShownRow, ...]
    updates: int
    tokens: int
    longest: int
    replies: int = 1
    reference: bool = False


def explain_texts(texts: Sequence[TrainingText], tokenizer: Any, recipe: SdfRecipe, seed: int) -> Explanation:
    """Explains an `sdf` stage.

    Args:
        texts: Documents and plain texts.
        tokenizer: The target model's.
        recipe: Of the stage.
        seed: Of the order.

    Raises:
        InputError: There is no text, or one does not fit.
    """
    plan = plan_training(texts, tokenizer, recipe, seed)
    facts: dict[str, float] = {"texts": len(texts), "documents": sum(text.synthetic for text in texts)}
    return _explain_plan(plan, facts, {"split_texts": plan.split}, tokenizer, recipe)


def explain_chat(rows: Sequence[ChatRow], tokenizer: Any, recipe: SftRecipe, seed: int) -> Explanation:
    """Explains an `sft` stage; as `explain_texts`."""
    plan, counts = plan_chat(rows, tokenizer, recipe, seed)
    return _explain_plan(plan, {"rows": len(rows)}, counts, tokenizer, recipe)


def explain_pairs(
    rows: Sequence[PreferenceRow], tokenizer: Any, recipe: StageRecipe, seed: int, *, reference: bool
) -> Explanation:
    """Explains a `dpo` or `reward` stage; as `explain_texts`.

    Args:
        rows: Preferences.
        tokenizer: The target model's.
        recipe: Of the stage.
        seed: Of the order.
        reference: Whether the stage runs its start too.

    Raises:
        InputError: There is no row, none fits, or the template refuses one.
    """
    plan = plan_pairs(rows, tokenizer, recipe, seed)
    first = [plan.pairs[index] for index in plan.order[:SHOWN_ROWS]]
    named = [(f"{side} {place}", getattr(pair, side)) for place, pair in enumerate(first, 1) for side in _SIDES]
    return Explanation(
        facts={
            "rows": len(rows),
            "updates": plan.updates,
            "tokens": sum(plan.update_tokens),
            "loss_tokens": sum(plan.update_loss_tokens),
            "left_out_rows": plan.left_out,
        },
        rows=tuple(ShownRow(name, _tokens([piece], tokenizer)) for name, piece in named),
        updates=plan.updates,
        tokens=sum(plan.update_tokens),
        longest=max(len(getattr(pair, side).tokens) for pair in plan.pairs for side in _SIDES),
        replies=len(_SIDES),
        reference=reference,
    )


def explain_prompts(prompts: Sequence[PromptRow], tokenizer: Any, recipe: RlRecipe, seed: int) -> Explanation:
    """Explains an `rl` stage; as `explain_texts`. Loss is on what the model will write, which nobody can show yet."""
    texts = [render(row.messages, tokenizer, "keep", prompt=True) for row in prompts]
    ids = [list(map(int, tokenizer.encode(text, add_special_tokens=False))) for text in texts]
    order = row_order(len(prompts), recipe, seed)
    longest_reply = recipe.max_completion_length
    tokens = sum(len(ids[index]) + longest_reply for index in order) * recipe.num_generations
    shown = [
        tuple(ShownToken(position, tokenizer.decode([token]), False) for position, token in enumerate(ids[index]))
        for index in order[:SHOWN_ROWS]
    ]
    return Explanation(
        facts={
            "rows": len(prompts),
            "updates": len(order) // recipe.batch_size,
            "replies_an_update": recipe.batch_size * recipe.num_generations,
            "tokens_at_most": tokens,
        },
        rows=tuple(ShownRow(f"prompt {place}", row) for place, row in enumerate(shown, start=1)),
        updates=len(order) // recipe.batch_size,
        tokens=tokens,
        longest=max(map(len, ids)) + longest_reply,
        replies=recipe.num_generations,
        reference=True,
    )


_SIDES = ("chosen", "rejected")


def _explain_plan(
    plan: Plan, facts: dict[str, float], counts: dict[str, int], tokenizer: Any, recipe: SdfRecipe | SftRecipe
) -> Explanation:
    lengths = [sum(len(piece.tokens) for piece in window) for window in plan.windows]
    tokens = plan.tokens
    return Explanation(
        facts=facts
        | {
            "windows": len(plan),
            "texts_a_window": round(sum(map(len, plan.windows)) / len(plan), 2),
            "padding": round(_padding(lengths, recipe.micro_batch_size or recipe.batch_size), 3),
            "updates": plan.updates,
            "tokens": tokens,
            "loss_tokens": plan.loss_tokens,
        }
        | counts,
        rows=tuple(
            ShownRow(f"window {place}", _tokens(window, tokenizer))
            for place, window in enumerate(plan.windows[:SHOWN_ROWS], start=1)
        ),
        updates=plan.updates,
        tokens=tokens,
        longest=max(lengths),
    )


def _padding(lengths: Sequence[int], micro: int) -> float:
    """Share of the tokens on the device that are padding: rows are padded to the longest of their micro-batch."""
    batches = [lengths[start : start + micro] for start in range(0, len(lengths), micro)]
    return 1 - sum(lengths) / sum(max(batch) * len(batch) for batch in batches)


def _tokens(pieces: Sequence[Piece], tokenizer: Any) -> tuple[ShownToken, ...]:
    decode: Callable[[list[int]], str] = tokenizer.decode
    return tuple(
        ShownToken(position, decode([token]), label == token)
        for piece in pieces
        for position, (token, label) in enumerate(zip(piece.tokens.tolist(), piece.labels, strict=True))
    )
