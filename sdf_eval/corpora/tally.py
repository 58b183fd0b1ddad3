"""What callers share: the verdict on a call's stored answers, the counts of a run, and its limit of money."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sdf_eval.corpora.admission import Admitted, admit
from sdf_eval.corpora.calls import Answer, Call, CallCounts, Refused, StageCounts
from sdf_eval.corpora.ledger import Asked, Ledger, Stored
from sdf_eval.corpora.prices import UNKNOWN, Price, price_of
from sdf_eval.errors import InputError


@dataclass(frozen=True)
class Reply:
    """An answer as a provider gave it; the stop reason is in Inspect's words."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int


def outcome(call: Call, stored: Sequence[Stored], attempts: int) -> Answer | Refused | None:
    """What has become of a call.

    Args:
        call: The call, for its tags.
        stored: Its answers in the ledger, oldest first.
        attempts: How many answers may be turned away before it is given up.

    Returns:
        The first answer that is admitted; else a refusal, when enough were turned away; else None.
    """
    reason = None
    for answer in stored:
        verdict = admit(answer.text, answer.stop_reason, call.tags)
        if isinstance(verdict, Admitted):
            return Answer(
                answer.text, answer.stop_reason, answer.input_tokens, answer.output_tokens, parts=verdict.parts
            )
        reason = verdict
    if reason is None or len(stored) < attempts:
        return None
    return Refused(reason, stored[-1].text, len(stored))


def asked(call: Call, attempt: int) -> Asked:
    """What the ledger has to know of a call."""
    return Asked(call.key, attempt, call.stage, call.model, call.tags)


class Budget:
    """The money that may be spent: what the ledger holds, and the worst case of what is on its way.

    The limit holds for the ledger, not for a run, so that a run which is started again does not spend it twice.
    """

    def __init__(self, ledger: Ledger, max_cost: float | None, *, batch: bool) -> None:
        self._ledger = ledger
        self._limit = max_cost
        self._batch = batch
        self._reserved = 0.0
        self._lock = threading.Lock()

    def price(self, model: str) -> Price | None:
        """The price of a model.

        Raises:
            InputError: There is a limit and no price, so that it could not be kept.
        """
        price = price_of(model, batch=self._batch)
        if price is None and self._limit is not None:
            raise InputError(f"--max-cost: {model}: {UNKNOWN}, or leave --max-cost out")
        return price

    def worst(self, call: Call) -> float:
        """The most that one answer to a call can cost; 0 where the price is unknown (and so nothing limits it)."""
        price = self.price(call.model)
        return 0.0 if price is None else price.at_most(call.prompt, call.max_tokens)

    def reserve(self, amount: float) -> bool:
        """Sets money aside for a call, or says that there is not enough left beside what is set aside already."""
        with self._lock:
            if self._limit is not None and self._ledger.spent + self._reserved + amount > self._limit:
                return False
            self._reserved += amount
        return True

    def hold(self, amount: float) -> None:
        """Sets money aside that is spent whatever the limit says: it is on its way since an earlier run."""
        with self._lock:
            self._reserved += amount

    def release(self, amount: float) -> None:
        """Gives back what was set aside: the call has ended, and the ledger holds what it cost."""
        with self._lock:
            self._reserved -= amount

    @property
    def nothing_reserved(self) -> bool:
        """Whether no call is on its way, so that waiting frees no money."""
        return self._reserved < 1e-12

    def refusal(self, amount: float) -> InputError:
        """The error of a call that the limit does not allow."""
        return InputError(
            f"--max-cost: ${self._ledger.spent:.4f} of ${self._limit or 0:.4f} is spent and the next call may cost "
            f"${amount:.4f}; what was answered is kept: run again with a higher --max-cost to go on"
        )


class Tally:
    """Counts what a caller does. Its methods may be called from any thread."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._stages: dict[str, Counter[str]] = {}
        self._cost: float | None = 0.0

    def add(self, what: str, number: int = 1) -> None:
        """Adds to `sent`, `resent`, or `first`: the questions that this run had not sent before."""
        with self._lock:
            self._counts[what] += number

    def record(self, asked: Asked, reply: Reply) -> Stored:
        """Counts an answer that just came, and makes the row that the ledger is to hold."""
        verdict = admit(reply.text, reply.stop_reason, asked.tags)
        price = self._budget.price(asked.model)
        cost = None if price is None else price.of(reply.input_tokens, reply.output_tokens)
        with self._lock:
            self._counts["input_tokens"] += reply.input_tokens
            self._counts["output_tokens"] += reply.output_tokens
            self._cost = None if cost is None or self._cost is None else self._cost + cost
        return Stored(
            asked.key, asked.attempt, asked.stage, asked.model, reply.text, reply.stop_reason, reply.input_tokens,
            reply.output_tokens, None if isinstance(verdict, Admitted) else verdict, cost,
        )  # fmt: skip

    def settle(self, call: Call, result: Answer | Refused, stored: Sequence[Stored], *, from_ledger: bool) -> None:
        """Counts a call that is done, with the tokens of all its answers."""
        with self._lock:
            stage = self._stages.setdefault(call.stage, Counter())
            stage["answered" if isinstance(result, Answer) else "refused"] += 1
            stage["input_tokens"] += sum(answer.input_tokens for answer in stored)
            stage["output_tokens"] += sum(answer.output_tokens for answer in stored)
            self._counts["from_ledger"] += from_ledger
            if isinstance(result, Refused):
                self._refused[result.reason] += 1

    @property
    def counts(self) -> CallCounts:
        """The counts until now."""
        with self._lock:
            stages = {name: StageCounts(**counts) for name, counts in self._stages.items()}
            return CallCounts(
                sent=self._counts["sent"],
                from_ledger=self._counts["from_ledger"],
                resent=self._counts["resent"],
                retried=max(0, self._counts["sent"] - self._counts["first"]),
                refused=MappingProxyType(dict(self._refused)),
                input_tokens=self._counts["input_tokens"],
                output_tokens=self._counts["output_tokens"],
                cost=self._cost,
                stages=MappingProxyType(stages),
            )
