"""One question to a model, the answer that was admitted, and what a run of them came to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal, Protocol

from sdf_eval.corpora.prompts import Prompt

Reason = Literal["unclosed_tag", "max_tokens", "refusal", "empty"]
"""Why an answer was not admitted: a wanted tag is missing or not closed; the answer was cut at the limit; the model
declined; there was no text, or none between the tags."""


@dataclass(frozen=True)
class Call:
    """One question to a model.

    Attributes:
        stage: What the question is for, such as `document` or `ideas`: for counts and tables only.
        prompt: The rendered messages.
        model: An Inspect model name, such as `anthropic/claude-haiku-4-5`.
        max_tokens: Most tokens of an answer. One that is cut there is not admitted.
        temperature: Sampling temperature; None leaves it to the provider.
        sample: Tells apart calls that are alike on purpose.
        tags: Tags that the answer must hold, closed and not blank: `("content",)` for `<content>…</content>`. Without
            any, each text that is not blank is admitted.
    """

    stage: str
    prompt: Prompt
    model: str
    max_tokens: int
    temperature: float | None = None
    sample: int = 0
    tags: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """64 hex digits that name the call in the ledger. Stage and tags are no part of it."""
        question = {
            "messages": self.prompt.messages,
            "model": self.model,
            "config": {"max_tokens": self.max_tokens, "temperature": self.temperature},
            "sample": self.sample,
        }
        # ASCII, so that a lone surrogate in a text has bytes too.
        canonical = json.dumps(question, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Answer:
    """An admitted answer.

    Attributes:
        text: All of it, as the model gave it.
        stop_reason: Why the model stopped, in Inspect's words: `stop` is a natural end.
        input_tokens: Tokens of the question, as the provider counted them.
        output_tokens: Tokens of the answer.
        parts: The contents of each wanted tag, in the order of the text, with the blanks around them removed.
    """

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Refused:
    """A call that was asked as often as allowed and never brought an answer that can be admitted.

    Attributes:
        reason: Why the last answer was not admitted.
        text: The last answer.
        attempts: How many answers were turned away.
    """

    reason: Reason
    text: str
    attempts: int


@dataclass(frozen=True)
class StageCounts:
    """What one stage of a run came to: calls answered, calls refused, and the tokens of all answers, kept or not."""

    answered: int = 0
    refused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: StageCounts) -> StageCounts:
        """What the stage came to in two runs."""
        return StageCounts(
            self.answered + other.answered,
            self.refused + other.refused,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True)
class CallCounts:
    """What a caller has done since it was opened.

    Attributes:
        sent: Questions sent to the provider, retries among them (in batch mode, entries of batches).
        from_ledger: Calls that the ledger had answered, or refused for good, before.
        resent: Calls among `sent` that an earlier run had sent too and never saw answered: it was stopped in between.
        retried: Questions among `sent` that repeat one of this run, because of an error or an answer not admitted.
        refused: Calls given up, by reason.
        input_tokens: Tokens of the questions sent by this run, as far as answers came back.
        output_tokens: Tokens of the answers received by this run, admitted or not.
        cost: US dollars for those tokens; None where a model has no known price.
        stages: The calls by stage, those from the ledger among them.
    """

    sent: int = 0
    from_ledger: int = 0
    resent: int = 0
    retried: int = 0
    refused: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    stages: Mapping[str, StageCounts] = field(default_factory=lambda: MappingProxyType({}))

    def __add__(self, other: CallCounts) -> CallCounts:
        """What two callers have done, one after the other."""
        refused = Counter(self.refused) + Counter(other.refused)
        stages = {
            name: self.stages.get(name, StageCounts()) + other.stages.get(name, StageCounts())
            for name in (*self.stages, *(name for name in other.stages if name not in self.stages))
        }
        return CallCounts(
            sent=self.sent + other.sent,
            from_ledger=self.from_ledger + other.from_ledger,
            resent=self.resent + other.resent,
            retried=self.retried + other.retried,
            refused=MappingProxyType(dict(refused)),
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=None if self.cost is None or other.cost is None else self.cost + other.cost,
            stages=MappingProxyType(stages),
        )

    def __str__(self) -> str:
        """One line for people."""
        given_up = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items()))
        cost = "unknown price" if self.cost is None else f"${self.cost:.2f}"
        return (
            f"{self.sent} sent, {self.from_ledger} from the ledger, {self.resent} sent again after a stop, "
            f"{self.retried} retried, {sum(self.refused.values())} given up{f' ({given_up})' if given_up else ''}; "
            f"{self.input_tokens} tokens in, {self.output_tokens} out, {cost}"
        )


class Caller(Protocol):
    """Answers calls. What the ledger holds is not sent again, and each answer is in it before it is handed out."""

    @property
    def counts(self) -> CallCounts:
        """What has been done since the caller was opened."""

    def answers(self, calls: Iterable[Call]) -> Iterator[Answer | Refused]:
        """Asks the calls, some at a time, and yields what came of each, in the order of `calls`.

        Args:
            calls: Read as needed, a bounded number ahead of what was yielded, in the thread of the consumer; so it may
                itself be made from the answers to other calls of the same caller.

        Yields:
            An answer, or why there is none.

        Raises:
            InputError: A key is missing or not accepted, the provider cannot be used as asked, or the money is spent.
                What was answered until then is in the ledger.
        """
