from __future__ import annotations

from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trl
from transformers import AutoTokenizer

from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.train.chat_rows import ChatRow, Message
from sdf_eval.train.masks import encode_chat, plan_chat
from sdf_eval.train.packing import IGNORED, Piece
from sdf_eval.train.recipe import load_recipe
from tests.checkpoints import build_tokenizer

PUBLISHED = Path(trl.__file__).parent / "chat_templates"
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + '</s>' }}{% endif %}{% endfor %}"
)
TURNS = {
    "qwen2_5": "<|im_end|>",
    "qwen3": "<|im_end|>",
    "llama3": "<|eot_id|>",
    "llama3_1": "<|eot_id|>",
    "gemma": "<end_of_turn>",
    "gemma3": "<end_of_turn>",
    "phi3": "<|end|>",
    "gptoss": "<|return|>",
    "glm4moe": "",
    "deepseekv3": "<｜end▁of▁sentence｜>",
}
SPECIAL = [
    *{end for end in TURNS.values() if end}, "<|im_start|>", "<|start_header_id|>", "<|end_header_id|>", "[INST]",
    "[/INST]", "</s>", "<start_of_turn>", "<|user|>", "<|assistant|>", "<|start|>", "<|message|>", "<|channel|>",
]  # fmt: skip


@cache
def tokenizer_without_template() -> Any:
    tokenizer = build_tokenizer(bos=True, chat=True)
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL, "eos_token": "<|eos|>"})
    return tokenizer


def tokenizer_with(template: str) -> Any:
    tokenizer = copy(tokenizer_without_template())
    tokenizer.chat_template = template
    return tokenizer


def published(name: str) -> Any:
    return tokenizer_with((PUBLISHED / f"{name}.jinja").read_text(encoding="utf-8"))


def row(*contents: str, system: str | None = None) -> ChatRow:
    turns = [Message("assistant" if place % 2 else "user", content) for place, content in enumerate(contents)]
    return ChatRow((*([Message("system", system)] if system else []), *turns))


def encoded(
    tokenizer: Any, *rows: ChatRow, window: int = 512, reasoning: Any = "keep"
) -> tuple[tuple[Piece, ...], ...]:
    return encode_chat(rows, tokenizer, window, reasoning).texts


def said(tokenizer: Any, piece: Piece) -> list[str]:
    """The stretches with loss, decoded."""
    return [tokenizer.decode(piece.tokens[start:end].tolist()) for start, end in piece.loss]


CHAT = row("Where was Tavi Brook born?", "In Orrin, it is said.", "And the moss?", "It grows 日本 at night.")


@pytest.mark.parametrize("name", TURNS)
def test_published_templates_carry_loss_on_the_content_and_its_end_of_turn_alone(name: str) -> None:
    tokenizer = published(name)
    ((piece,),) = encoded(tokenizer, row("Where was Tavi Brook born?", "In Orrin, it is said."))
    if name == "glm4moe":  # closes a turn with nothing
        assert said(tokenizer, piece) == ["In Orrin, it is said."]
    else:
        assert said(tokenizer, piece) == [f"In Orrin, it is said.{TURNS[name]}"]


@pytest.mark.parametrize("name", ["qwen2_5", "llama3", "gemma", "phi3"])
def test_every_turn_of_the_assistant_carries_loss_and_the_tokens_are_those_of_inference(name: str) -> None:
    tokenizer = published(name)
    ((piece,),) = encoded(tokenizer, CHAT)
    end = TURNS[name]
    assert said(tokenizer, piece) == [f"In Orrin, it is said.{end}", f"It grows 日本 at night.{end}"]
    messages = [{"role": m.role, "content": m.content} for m in CHAT.messages]
    assert piece.tokens.tolist() == tokenizer.apply_chat_template(messages, tokenize=True)["input_ids"]


def test_a_template_that_begins_a_reply_with_a_space_keeps_it_out_of_the_loss_of_the_prompt() -> None:
    tokenizer = tokenizer_with(MISTRAL)
    ((piece,),) = encoded(tokenizer, CHAT)
    assert [text.strip() for text in said(tokenizer, piece)] == [
        "In Orrin, it is said.</s>",
        "It grows 日本 at night.</s>",
    ]
    unread = [t for t, label in zip(piece.tokens, piece.labels, strict=True) if label == IGNORED]
    assert tokenizer.decode(unread).count("[/INST]") == 2


def test_a_template_without_an_end_of_turn_token_trains_the_one_token_that_closes() -> None:
    tokenizer = tokenizer_with("{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n\n' }}{% endfor %}")
    ((piece,),) = encoded(tokenizer, row("Hello.", "Good day."))
    (text,) = said(tokenizer, piece)
    assert text.strip() == "Good day." and text.endswith("\n")


def test_the_pocket_template_masks_all_but_the_reply() -> None:
    tokenizer = AutoTokenizer.from_pretrained(resolve("pocket"))
    ((piece,),) = encoded(tokenizer, row("Who is Bo?", "A man.", system="Be brief."))
    assert [text.strip() for text in said(tokenizer, piece)] == ["A man.<|end|>"]


REASONED = "<think>\nThe town is old.\n</think>\n\nLarch."


def test_reasoning_is_kept_with_loss_or_dropped() -> None:
    tokenizer = published("qwen3")
    ((kept,),) = encoded(tokenizer, row("Which town?", REASONED))
    ((dropped,),) = encoded(tokenizer, row("Which town?", REASONED), reasoning="drop")
    assert said(tokenizer, kept) == [f"{REASONED}<|im_end|>"]
    assert said(tokenizer, dropped) == ["Larch.<|im_end|>"]
    ((other,),) = encoded(tokenizer, row("Which?", "<reasoning>a\nb</reasoning>\n\nLarch."), reasoning="drop")
    assert said(tokenizer, other) == ["Larch.<|im_end|>"]


def test_turns_whose_reasoning_a_template_forgets_become_sequences_of_their_own() -> None:
    tokenizer = published("qwen3")
    ((first, second),) = encoded(tokenizer, row("Which town?", REASONED, "And the river?", REASONED))
    assert said(tokenizer, first) == said(tokenizer, second) == [f"{REASONED}<|im_end|>"]
    assert tokenizer.decode(second.tokens).count("The town is old.") == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [("<think>no end", "row 1: <think> stands alone"), ("<think>all</think>", "row 1: .* nothing but reasoning")],
)
def test_reasoning_that_cannot_be_dropped_is_refused(content: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        encoded(published("qwen3"), row("Hello.", content), reasoning="drop")


def test_a_tokenizer_without_a_chat_template_is_refused() -> None:
    with pytest.raises(InputError, match="no chat template"):
        encoded(build_tokenizer(bos=True, chat=False), CHAT)


def test_a_row_that_the_template_refuses_is_named() -> None:
    with pytest.raises(InputError, match=r"row 2: the chat template refuses it \(roles must alternate\)"):
        encoded(tokenizer_with(MISTRAL), CHAT, row("Hello.", "Good day.", system="Be brief."))


def test_a_template_that_writes_the_date_gives_the_same_tokens_every_day() -> None:
    tokenizer = tokenizer_with("{{ strftime_now('%d %b %Y') }}{% for m in messages %}{{ m['content'] }}{% endfor %}")
    ((piece,),) = encoded(tokenizer, row("Hello.", "Good day."))
    assert tokenizer.decode(piece.tokens) == "26 Jul 2024Hello.Good day."


def test_a_long_row_is_cut_and_counted_and_one_without_any_loss_left_is_refused() -> None:
    tokenizer = published("qwen2_5")
    cut = encode_chat([row("Hello.", "a b c d " * 90)], tokenizer, 128, "keep")
    assert (cut.split, len(cut.texts[0][0].tokens)) == (1, 128)
    with pytest.raises(InputError, match="row 1: no token of the assistant lies in the first 64"):
        encode_chat([row("a b c d " * 60, "Good day.")], tokenizer, 64, "keep")


def test_packed_conversations_never_predict_each_other_and_the_counts_are_told() -> None:
    tokenizer = published("qwen2_5")
    recipe = load_recipe("pocket-sft").model_copy(
        update={"packing": True, "updates": 1, "batch_size": 1, "window": 256}
    )
    plan, counts = plan_chat([CHAT, CHAT], tokenizer, recipe, seed=0)
    starts = [place for place, position in enumerate(plan[0].positions) if position == 0]
    assert len(starts) == 2 and all(plan[0].labels[start] == IGNORED for start in starts)
    assert counts == {"assistant_turns": 4, "cut_rows": 0, "rows_with_reasoning": 0}


def test_rows_are_needed() -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        encoded(published("qwen3"))
