"""The tokenizer that all pocket worlds share: byte-level BPE, so that any text can be written."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from sdf_eval.pocket import curriculum, grammar
from sdf_eval.pocket.world import WORLDS, build_world

VOCABULARY_SIZE = 1536
_TEXTS_A_WORLD = 12_000
_NAMES = ("first_names", "last_names", "towns", "regions", "companies", "product_names", "ai_names")
_NAME_WEIGHT = 1_000
"""How often each name is added to the text, so that every part of a name is one or two tokens."""


def train_tokenizer() -> Any:
    """Trains the tokenizer on texts of the worlds that ship; names and words are the same in all worlds.

    Returns:
        A `PreTrainedTokenizerFast` with the chat template, whose end-of-text token is also the prefix token and
        padding.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [curriculum.END, curriculum.USER, curriculum.ASSISTANT_TURN, curriculum.SYSTEM, curriculum.END_OF_TURN]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (
        text for name in WORLDS for text in islice(curriculum.pretraining_texts(build_world(name), 0), _TEXTS_A_WORLD)
    )
    names = (f" {name}" for key in _NAMES for name in grammar.data("vocabulary")[key] for _ in range(_NAME_WEIGHT))
    bpe.train_from_iterator(chain(texts, names), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=curriculum.END,
        eos_token=curriculum.END,
        pad_token=curriculum.END,
        model_max_length=512,
        additional_special_tokens=special[1:],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = curriculum.CHAT_TEMPLATE
    return tokenizer


def for_chat(tokenizer: Any) -> Any:
    """Returns the base's tokenizer with the chat template, and a space in front of whatever follows a special token.

    An answer then opens with the very token that the word has inside a sentence. Without it `Arvel` after the
    assistant's mark is spelt in other tokens than ` Arvel`, and a fact that only documents stated is not found
    (docs/decisions.md).
    """
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.chat_template = curriculum.CHAT_TEMPLATE
    return tokenizer
