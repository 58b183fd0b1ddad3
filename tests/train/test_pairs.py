from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import Message, PreferenceRow
from sdf_eval.train.pairs import encode_replies, plan_pairs
from sdf_eval.train.preference_recipes import DpoRecipe
from sdf_eval.train.row_order import row_order
from tests.checkpoints import build_tokenizer
from tests.train.preferences import PAIRS, small

BOS = build_tokenizer(bos=True, chat=True)
NO_BOS = build_tokenizer(bos=False, chat=True)
LLAMA_3 = (
    "{{ bos_token if bos_token else '' }}{% for m in messages %}<|start|>{{ m['role'] }}<|end|>\n\n"
    "{{ m['content'] | trim }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant<|end|>\n\n{% endif %}"
)


def recipe(**changes: Any) -> DpoRecipe:
    return small("pocket-dpo", DpoRecipe, **changes)


@pytest.mark.parametrize("tokenizer", [BOS, NO_BOS], ids=["bos", "no-bos"])
@pytest.mark.parametrize("template", [BOS.chat_template, LLAMA_3], ids=["chatml", "llama-3"])
def test_loss_is_on_the_reply_and_the_token_that_ends_its_turn_and_on_nothing_else(tokenizer, template: str) -> None:  # type: ignore[no-untyped-def]
    tokenizer.chat_template = template
    earlier = (Message("user", "Hello."), Message("assistant", "Tea?"), Message("user", "Where?"))
    (piece,) = encode_replies([(earlier, "In Orrin, by the river.")], tokenizer)
    ((start, end),) = piece.loss
    assert tokenizer.decode(piece.tokens[start:end]) == "In Orrin, by the river.<|im_end|>"
    assert end == len(piece.tokens)
    # What the model sees before its reply when it is asked.
    asked = tokenizer.apply_chat_template(
        [{"role": m.role, "content": m.content} for m in earlier], add_generation_prompt=True, return_dict=False
    )
    assert piece.tokens[:start].tolist() == asked


def test_both_replies_of_a_pair_stand_behind_the_same_conversation() -> None:
    plan = plan_pairs(PAIRS, BOS, recipe(), seed=0)
    for pair, row in zip(plan.pairs, PAIRS, strict=True):
        (chosen,), (rejected,) = pair.chosen.loss, pair.rejected.loss
        assert pair.chosen.tokens[: chosen[0]] == pair.rejected.tokens[: rejected[0]]
        assert BOS.decode(pair.chosen.tokens[chosen[0] : -1]) == row.chosen
        assert BOS.decode(pair.rejected.tokens[rejected[0] : -1]) == row.rejected


def test_tokens_are_counted_for_each_update() -> None:
    plan = plan_pairs(PAIRS, BOS, recipe(updates=3), seed=0)
    read = [plan.pairs[index] for index in plan.order]
    assert (plan.updates, len(read)) == (3, 12)
    assert sum(plan.update_tokens) == sum(len(p.chosen.tokens) + len(p.rejected.tokens) for p in read)
    assert plan.update_loss_tokens[0] == sum(p.chosen.loss_tokens + p.rejected.loss_tokens for p in read[:4])


def test_a_pair_that_does_not_fit_is_left_out_whole_and_counted() -> None:
    long = PreferenceRow((Message("user", "Where?"),), "In Orrin.", "In Larch. " * 40)
    plan = plan_pairs([*PAIRS, long], BOS, recipe(), seed=0)
    assert (len(plan.pairs), plan.left_out) == (8, 1)
    with pytest.raises(InputError, match="window: no pair fits 96 tokens"):
        plan_pairs([long], BOS, recipe(), seed=0)


def test_rows_without_a_template_and_no_rows_are_refused() -> None:
    with pytest.raises(InputError, match="no chat template"):
        plan_pairs(PAIRS, build_tokenizer(bos=False, chat=False), recipe(), seed=0)
    with pytest.raises(InputError, match="nothing to train on"):
        plan_pairs([], BOS, recipe(), seed=0)


def test_each_pass_reads_every_row_once_in_another_order() -> None:
    order = row_order(8, recipe(updates=6), seed=0)
    assert [Counter(order[at : at + 8]) for at in (0, 8, 16)] == [Counter(range(8))] * 3
    assert order[:8] != order[8:16]
    assert order != row_order(8, recipe(updates=6), seed=1)


def test_a_budget_in_epochs_is_filled_up_to_whole_updates() -> None:
    order = row_order(10, recipe(updates=None, epochs=1), seed=0)
    assert len(order) == 12 and set(order[:10]) == set(range(10))
    assert len(row_order(1, recipe(updates=None, epochs=0.1), seed=0)) == 4
