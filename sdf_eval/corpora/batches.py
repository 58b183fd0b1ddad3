"""Batch mode: a thin client of the Message Batches API, at half the price.

Calls are gathered into batches whose custom ids are ledger keys. Three things are committed, in this order: that a
batch with these entries is about to be sent; the id that the provider gave it; its results, each under its key.

A run that is stopped after the second finds the batch by its id. Between the first and the second, the provider may
have taken the batch or not, and its list of batches does not show custom ids. So the next run looks through that list
for batches that it does not know, that are as large as the lost one and not older, waits for them to end, and reads one
result of each: custom ids are hashes of the calls, so one that matches is proof. Only when none matches are the calls
sent, and then the provider never had them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from sdf_eval.corpora.anthropic_api import PREFIX, message_params, open_client
from sdf_eval.corpora.calls import Answer, Call, CallCounts, Refused
from sdf_eval.corpora.ledger import Batch, Ledger
from sdf_eval.corpora.provider import one_line
from sdf_eval.corpora.tally import Budget, Reply, Tally, asked, outcome
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types import Message
    from anthropic.types.messages import MessageBatch
    from anthropic.types.messages.batch_create_params import Request

T = TypeVar("T")

BATCH_SIZE = 10_000
"""Most entries of a batch. The API takes 100,000; smaller ones come back sooner."""

BATCH_BYTES = 200_000_000
"""Most bytes of the prompts of a batch; the API takes 256 MB."""

BATCHES_AHEAD = 4
"""How many batches' worth of calls are asked for ahead of the one that is yielded next."""

FAILURES = 8
"""Times that an entry may expire or fail by the provider's fault before the run stops."""

ERRORS = 20
"""Errors in a row that may pass (429, 5xx, no connection), each after the retries of the SDK, before the run stops."""

_STOP_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "max_tokens", "refusal": "content_filter"}
# Seconds between two looks at the open batches: doubled from the first to the second.
_POLL = (0.25, 60.0)
# Seconds after which the provider no longer takes in a request that was cut off, and by which its clock may be behind.
_GRACE, _CLOCK = 10.0, 600.0
_COMMIT = 200


class _Failed(Enum):
    """A request that failed in a way that may pass."""

    REFUSED = "the provider said that it takes no more now"
    ANSWERED = "the provider answered with an error or nothing readable; it may have done what was asked"
    SILENT = "there was no answer; the provider may have done what was asked, or be about to"


class BatchCaller:
    """Asks calls in batches; see `Caller`. In memory are at most `BATCHES_AHEAD` batches' worth of calls.

    Args:
        model: Must be one of Anthropic's.
        ledger: Where answers and batches are kept.
        budget: What may be spent.
        attempts: How many answers to a call may be turned away before it is given up.
        batch_size: Most entries of a batch; None for `BATCH_SIZE`.

    Raises:
        InputError: The model is not Anthropic's, or the key is missing.
    """

    def __init__(
        self, model: str, ledger: Ledger, budget: Budget, attempts: int, *, batch_size: int | None = None
    ) -> None:
        self._client = _client(model)
        self._ledger = ledger
        self._budget = budget
        self._tally = Tally(budget)
        self._attempts = attempts
        self._size = batch_size or BATCH_SIZE
        self._answered: set[int] = set()
        self._errors = 0
        self._wait = _POLL[0]
        open_batches = ledger.open_batches()
        # Batches with a higher number are of this run.
        self._before = ledger.last_batch()
        for batch in open_batches:
            budget.hold(batch.worst)

    @property
    def counts(self) -> CallCounts:
        """What has been done since the caller was opened."""
        return self._tally.counts

    def answers(self, calls: Iterable[Call]) -> Iterator[Answer | Refused]:
        """See `Caller`."""
        coming = iter(calls)
        window: deque[tuple[Call, bool]] = deque()
        while True:
            # One batch's worth at a time, so that the first is on its way while the next is gathered.
            while len(window) < self._size * BATCHES_AHEAD:
                some = list(islice(coming, self._size))
                window.extend((call, self._outcome(call) is not None) for call in some)
                self._submit(some)
                if len(some) < self._size:
                    break
            if not window:
                return
            yield from self._finished(window)
            if window:
                self._turn([call for call, _ in window])

    def _outcome(self, call: Call) -> Answer | Refused | None:
        return outcome(call, self._ledger.answers(call.key), self._attempts)

    def _finished(self, window: deque[tuple[Call, bool]]) -> Iterator[Answer | Refused]:
        """Takes from the window the calls that are done, up to the first that is not."""
        while window:
            call, from_ledger = window[0]
            stored = self._ledger.answers(call.key)
            result = outcome(call, stored, self._attempts)
            if result is None:
                return
            window.popleft()
            self._tally.settle(call, result, stored, from_ledger=from_ledger)
            yield result

    def _turn(self, window: Sequence[Call]) -> None:
        """Takes in what has ended and sends what has to be sent again; waits where there is neither."""
        batches = self._ledger.open_batches()
        moved = [self._find(batch) if batch.id is None else self._take_in(batch) for batch in batches]
        if any(moved) or not batches:
            self._wait = _POLL[0]
            self._submit(window)
        else:
            time.sleep(self._wait)
            self._wait = min(2 * self._wait, _POLL[1])

    def _submit(self, calls: Iterable[Call]) -> None:
        """Sends the calls that are neither done nor on their way, in as many batches as they need."""
        chunk: dict[str, Call] = {}
        size, cost = 0, 0.0
        for call in calls:
            if call.key in chunk or not self._is_due(call):
                continue
            worst = self._budget.worst(call)
            length = sum(len(text.encode("utf-8", "surrogatepass")) for _, text in call.prompt.messages)
            if len(chunk) == self._size or (chunk and size + length > BATCH_BYTES):
                self._send(list(chunk.values()), cost)
                chunk, size, cost = {}, 0, 0.0
            if not self._budget.reserve(worst):
                # What is on its way costs less than its worst case: when it is in, the rest is looked at again.
                if not chunk and not self._ledger.open_batches():
                    raise self._budget.refusal(worst)
                break
            chunk[call.key] = call
            size, cost = size + length, cost + worst
        if chunk:
            self._send(list(chunk.values()), cost)

    def _is_due(self, call: Call) -> bool:
        if self._ledger.in_open_batch(call.key) or self._outcome(call) is not None:
            return False
        failures = self._ledger.failures(call.key, after=self._before)
        if len(failures) >= FAILURES:
            raise InputError(
                f"{call.model}: a batch entry failed {len(failures)} times ({', '.join(sorted(set(failures)))}); "
                "run again later to go on: nothing is lost"
            )
        return True

    def _send(self, calls: Sequence[Call], worst: float) -> None:
        entries = [asked(call, len(self._ledger.answers(call.key)) + 1) for call in calls]
        batch = self._ledger.intend_batch(entries, worst)
        requests = [_request(call) for call in calls]
        try:
            # Without retries: a batch whose reply was lost may exist, and a second one would be paid too.
            created = self._tried(
                lambda: self._client.with_options(max_retries=0).messages.batches.create(requests=requests)
            )
        except InputError:
            self._drop(batch)
            raise
        if not isinstance(created, _Failed):
            self._name(batch, created.id)
        elif created is _Failed.REFUSED:
            self._drop(batch)
            time.sleep(self._wait)
        elif created is _Failed.ANSWERED:
            self._answered.add(batch.number)

    def _name(self, batch: Batch, batch_id: str) -> None:
        self._ledger.name_batch(batch.number, batch_id)
        if batch.number > self._before:
            self._tally.add("sent", batch.size)
            self._tally.add("first", self._ledger.first_asked(batch.number, after=self._before))
            self._tally.add("resent", self._ledger.take_lost(batch.number))

    def _drop(self, batch: Batch) -> None:
        self._ledger.drop_batch(batch.number)
        self._budget.release(batch.worst)

    def _find(self, batch: Batch) -> bool:
        """Looks for a batch whose id was never heard. Returns whether it is now named, or known not to exist."""
        looked = time.time()
        found = self._tried(lambda: self._look_for(batch))
        if isinstance(found, str):
            self._name(batch, found)
        elif found is None and (batch.number in self._answered or looked - batch.asked_at > _GRACE):
            self._drop(batch)
        else:
            return False
        return True

    def _look_for(self, batch: Batch) -> str | MessageBatch | None:
        """The id of the batch; else one that is still running and may be it; else None."""
        running = None
        for candidate in self._client.messages.batches.list(limit=100):
            if candidate.created_at.timestamp() < batch.asked_at - _CLOCK:
                break
            if _size(candidate) != batch.size or self._ledger.knows_batch(candidate.id):
                continue
            if candidate.processing_status != "ended":
                running = candidate
                continue
            for result in self._client.messages.batches.results(candidate.id):
                if self._ledger.entry(batch.number, result.custom_id) is not None:
                    return candidate.id
                break
        return running

    def _take_in(self, batch: Batch) -> bool:
        """Reads the results of a batch if it has ended. Returns whether it had."""
        batch_id = batch.id or ""
        shown = self._tried(lambda: self._client.messages.batches.retrieve(batch_id))
        if isinstance(shown, _Failed) or shown.processing_status != "ended":
            return False
        fault = self._tried(lambda: self._read(batch, batch_id))
        if isinstance(fault, _Failed):
            return False
        self._ledger.end_batch(batch.number)
        self._budget.release(batch.worst)
        if fault:
            raise InputError(f"{batch_id}: the provider refuses a request: {fault}; change the request, then run again")
        return True

    def _read(self, batch: Batch, batch_id: str) -> str:
        """Puts all results into the ledger. Returns what was wrong with a request, or nothing."""
        fault, count = "", 0
        rows = []
        for result in self._client.messages.batches.results(batch_id):
            count += 1
            entry = self._ledger.entry(batch.number, result.custom_id)
            if entry is None:
                raise ValueError(f"{batch_id} holds a result that it was not asked for")
            if result.result.type == "succeeded":
                rows.append((entry, _reply(result.result.message)))
            else:
                self._ledger.fail_entry(batch.number, entry.key, result.result.type)
                if result.result.type == "errored" and result.result.error.error.type == "invalid_request_error":
                    fault = one_line(ValueError(result.result.error.error.message))
            if len(rows) == _COMMIT:
                self._ledger.put(self._tally.record(entry, reply) for entry, reply in rows)
                rows = []
        self._ledger.put(self._tally.record(entry, reply) for entry, reply in rows)
        if count != batch.size:
            raise ValueError(f"{batch_id} has {batch.size} entries and {count} results were read")
        return fault

    def _tried(self, action: Callable[[], T]) -> T | _Failed:
        """The result of a request, or in which way it failed that may pass.

        Raises:
            InputError: The error will not pass, or too many came in a row.
        """
        import anthropic
        import httpx2

        try:
            result = action()
        except anthropic.APIStatusError as error:
            if error.status_code not in (408, 409, 429) and error.status_code < 500:
                hint = (
                    "check the key in ANTHROPIC_API_KEY"
                    if error.status_code in (401, 403)
                    else "change the request or the model"
                )
                raise InputError(f"--batch: {one_line(error)}; {hint}, then run again: nothing is lost") from error
            self._note(error)
            return _Failed.REFUSED if error.status_code in (429, 529) else _Failed.ANSWERED
        except (anthropic.APIConnectionError, httpx2.TransportError) as error:
            # The SDK leaves an error in the middle of the results as it is.
            self._note(error)
            return _Failed.SILENT
        except (anthropic.AnthropicError, ValueError) as error:
            self._note(error)
            return _Failed.ANSWERED
        self._errors = 0
        return result

    def _note(self, error: BaseException) -> None:
        self._errors += 1
        if self._errors > ERRORS:
            raise InputError(
                f"--batch: {self._errors} errors in a row, the last: {one_line(error)}; run again later to go on: "
                "nothing is lost"
            ) from error


def _client(model: str) -> Anthropic:
    if not model.startswith(PREFIX):
        raise InputError(f"--batch: {model}: only {PREFIX}… models have a batch mode here; leave --batch out")
    return open_client(model)


def _request(call: Call) -> Request:
    params = {
        "model": call.model.removeprefix(PREFIX),
        "max_tokens": call.max_tokens,
        **message_params(call.prompt),
    }
    if call.temperature is not None:
        params["temperature"] = call.temperature
    request: Request = {"custom_id": call.key, "params": params}  # type: ignore[typeddict-item]
    return request


def _reply(message: Message) -> Reply:
    text = "".join(block.text for block in message.content if block.type == "text")
    usage = message.usage
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    stop_reason = _STOP_REASONS.get(message.stop_reason or "", "unknown")
    return Reply(text, stop_reason, usage.input_tokens + cached, usage.output_tokens)


def _size(batch: MessageBatch) -> int:
    counts = batch.request_counts
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
