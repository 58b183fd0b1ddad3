"""A reward model: one number for a conversation that ends with a reply.

Imports torch: import this module inside the function that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Self

import torch
from peft import PeftConfig
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from sdf_eval.errors import InputError
from sdf_eval.model import load, resolve
from sdf_eval.model.loading import with_adapter, without_bars
from sdf_eval.model.reference import adapter_base, has_tokenizer, is_adapter
from sdf_eval.train.chat_rows import PreferenceRow
from sdf_eval.train.pairs import Conversation, encode_replies

_BATCH_SIZE = 64


@dataclass(frozen=True)
class RewardModel:
    """A sequence classification model of one label, in evaluation mode.

    Attributes:
        name: The reference that it was loaded from.
        model: The transformers model.
        tokenizer: Its tokenizer.
    """

    name: str
    model: Any
    tokenizer: Any

    @classmethod
    def load(cls, reference: str) -> Self:
        """Loads a reward model in float32 from safetensors, never running code of its repository.

        Args:
            reference: A folder that the reward stage wrote, full or an adapter, or a Hub id.

        Raises:
            InputError: There is no such checkpoint, or it is no reward model.
        """
        location = resolve(reference)
        model, tokenizer = _adapted(reference) if is_adapter(location) else _full(reference, location)
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token_id = tokenizer.eos_token_id
        # transformers reads the reward at the last token that is no padding.
        model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return cls(reference, model.to(device).eval(), tokenizer)

    def scores(self, conversations: Sequence[Conversation], batch_size: int = _BATCH_SIZE) -> list[float]:
        """Rewards of replies.

        Args:
            conversations: Messages and the reply to them.
            batch_size: Conversations in one pass.

        Returns:
            One reward each, in order; only differences between replies to one conversation mean something.

        Raises:
            InputError: The chat template refuses a conversation, or one is longer than the model's context.
        """
        tokens = [piece.tokens.tolist() for piece in encode_replies(conversations, self.tokenizer)]
        longest = self.model.config.get_text_config().max_position_embeddings
        if max(map(len, tokens), default=0) > longest:
            raise InputError(f"reward {self.name}: a conversation is longer than its {longest} positions; shorten it")
        order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
        scores = [0.0] * len(tokens)
        for start in range(0, len(order), batch_size):
            chunk = order[start : start + batch_size]
            for index, score in zip(chunk, self._score([tokens[index] for index in chunk]), strict=True):
                scores[index] = score
        return scores

    def accuracy(self, rows: Sequence[PreferenceRow]) -> float:
        """Share of pairs whose chosen reply gets the higher reward; a tie counts half. Chance is 0.5."""
        chosen = self.scores([(row.messages, row.chosen) for row in rows])
        rejected = self.scores([(row.messages, row.rejected) for row in rows])
        return fmean(1.0 if c > r else 0.5 if c == r else 0.0 for c, r in zip(chosen, rejected, strict=True))

    def _score(self, rows: list[list[int]]) -> list[float]:
        width = max(map(len, rows))
        pad, device = self.tokenizer.pad_token_id, self.model.device
        ids = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
        with torch.inference_mode():
            return list(map(float, self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, 0]))


def classifier_on(model: Any) -> Any:
    """Puts a fresh head of one label in the place of a language model's head.

    Args:
        model: A causal language model. The result shares its other weights.

    Returns:
        The sequence classification model of that architecture; torch's generator has drawn its head.

    Raises:
        InputError: transformers has no such model for the architecture.
    """
    config = AutoConfig.for_model(**model.config.to_dict())
    config.num_labels = 1
    try:
        with torch.device("meta"):
            classifier: Any = AutoModelForSequenceClassification.from_config(config, dtype=model.dtype)
        setattr(classifier, classifier.base_model_prefix, getattr(model, classifier.base_model_prefix))
    except (ValueError, AttributeError):
        raise InputError(
            f"model: {config.model_type}: has no sequence classification head; start from another architecture"
        ) from None
    for module in classifier.modules():
        if any(parameter.is_meta for parameter in module.parameters(recurse=False)):
            module.to_empty(device=model.device, recurse=False)
            classifier._init_weights(module)
    return classifier


def _full(reference: str, location: str) -> tuple[Any, Any]:
    try:
        config = AutoConfig.from_pretrained(location, trust_remote_code=False)
        _check_kind(reference, " ".join(config.architectures or ()), config.num_labels)
        with without_bars():
            model = AutoModelForSequenceClassification.from_pretrained(
                location, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
            )
        return model, AutoTokenizer.from_pretrained(location, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or ["unreadable"])[0][:200]
        raise InputError(f"reward {reference}: cannot be loaded ({reason}); train it again") from error


def _adapted(reference: str) -> tuple[Any, Any]:
    folder = Path(resolve(reference))
    if PeftConfig.from_pretrained(str(folder)).task_type != "SEQ_CLS":
        _check_kind(reference, "adapter of a language model", 0)
    lm = load(adapter_base(folder))
    tokenizer = (
        AutoTokenizer.from_pretrained(folder, trust_remote_code=False) if has_tokenizer(folder) else lm.tokenizer
    )
    return with_adapter(classifier_on(lm.model), folder, merge=True), tokenizer


def _check_kind(reference: str, kind: str, labels: int) -> None:
    if "ForSequenceClassification" not in kind or labels != 1:
        raise InputError(
            f"reward {reference}: is no reward model ({kind or 'unknown'}); train one with a recipe of stage reward"
        )
