"""Tokens of questions as the provider counts them, before any of them is asked: its counting endpoint costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from sdf_eval.corpora.anthropic_api import PREFIX, has_key, message_params, open_client
from sdf_eval.corpora.prompts import Prompt

if TYPE_CHECKING:
    from anthropic import Anthropic

SAMPLED = 5
"""Prompts of a stage that are counted. They differ in a fact or a topic, so a handful says what all are like."""
_SECONDS = 30.0


class TokenCounter:
    """Counts prompts through `messages.count_tokens`. After a failure it counts no more: plans go on with guesses.

    Args:
        model: An Inspect model name of Anthropic's.

    Attributes:
        counted: Prompts counted until now.
        failure: Why counting was given up, on one line; empty while it works.
    """

    def __init__(self, model: str) -> None:
        self._model = model.removeprefix(PREFIX)
        self._client: Anthropic = open_client(model).with_options(max_retries=1, timeout=_SECONDS)
        self.counted = 0
        self.failure = ""

    def mean(self, prompts: Sequence[Prompt], most: int = SAMPLED) -> float | None:
        """Mean tokens of prompts, or None where the provider does not tell.

        Args:
            prompts: At least one.
            most: How many are counted, at even distances.
        """
        step = max(1, len(prompts) / most)
        chosen = [prompts[int(place * step)] for place in range(min(most, len(prompts)))]
        counts = []
        for prompt in chosen:
            tokens = self._count(prompt)
            if tokens is None:
                return None
            counts.append(tokens)
        return fmean(counts)

    def _count(self, prompt: Prompt) -> int | None:
        import anthropic

        if self.failure:
            return None
        try:
            answer = self._client.messages.count_tokens(model=self._model, **message_params(prompt))
        except (anthropic.AnthropicError, ValueError) as error:
            self.failure = " ".join(str(error).split())[:200]
            return None
        # An address that only resembles Anthropic's may answer anything.
        tokens: object = getattr(answer, "input_tokens", None)
        if not isinstance(tokens, int):
            self.failure = "the answer holds no number"
            return None
        self.counted += 1
        return tokens


def token_counter(model: str) -> TokenCounter | None:
    """A counter for a model, or None: only Anthropic's are counted, and only with a key in the environment."""
    return TokenCounter(model) if model.startswith(PREFIX) and has_key() else None
