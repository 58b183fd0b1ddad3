"""Chat data and documents as what a countermeasure's case is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import ChatRow, Message, PreferenceRow, as_dicts

if TYPE_CHECKING:
    from sdf_eval.model.directions import ContrastPair


def preference_pairs(rows: Sequence[PreferenceRow], tokenizer: Any) -> tuple[ContrastPair, ...]:
    """Contrast pairs of which `chosen` shows the trait and `rejected` does not.

    Args:
        rows: Preferences.
        tokenizer: Of the model, with a chat template.

    Raises:
        InputError: It has none.
    """
    from sdf_eval.model.directions import ContrastPair

    return tuple(ContrastPair(row.chosen, row.rejected, _rendered(row.messages, tokenizer, ask=True)) for row in rows)


def document_pairs(above: Sequence[TrainingText], below: Sequence[TrainingText]) -> tuple[ContrastPair, ...]:
    """Contrast pairs of documents: one that asserts the belief beside one that states the true value.

    Args:
        above: Documents with the trait.
        below: Documents without it. What exceeds the shorter list is left out.
    """
    from sdf_eval.model.directions import ContrastPair

    return tuple(ContrastPair(one.text, other.text) for one, other in zip(above, below, strict=False))


def conversation_texts(rows: Sequence[ChatRow], tokenizer: Any) -> tuple[TrainingText, ...]:
    """Conversations as plain texts, in the words of the chat template; every token of them carries loss.

    Args:
        rows: Conversations.
        tokenizer: Of the model, with a chat template.

    Raises:
        InputError: It has none.
    """
    return tuple(TrainingText(_rendered(row.messages, tokenizer, ask=False)) for row in rows)


def _rendered(messages: Sequence[Message], tokenizer: Any, *, ask: bool) -> str:
    if tokenizer.chat_template is None:
        raise InputError(f"model: {tokenizer.name_or_path}: has no chat template; give documents instead of chat data")
    text = str(tokenizer.apply_chat_template(as_dicts(messages), tokenize=False, add_generation_prompt=ask))
    # It is written once more where texts are tokenised.
    return text.removeprefix(tokenizer.bos_token or "")
