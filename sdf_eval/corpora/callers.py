"""Asks models: through Inspect's model API, or in batch mode through the Message Batches API.

Inspect brings the providers, the retries with their waits, and the limit of connections. Its cache is off: the ledger
takes that place, under keys that hold everything a question consists of.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager
from contextvars import Context
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.from_thread import BlockingPortal, start_blocking_portal

from sdf_eval.corpora.calls import Answer, Call, CallCounts, Caller, Refused
from sdf_eval.corpora.ledger import Ledger, open_ledger
from sdf_eval.corpora.tally import Budget, Tally, asked, outcome
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.provider import Provider

LOOK_AHEAD = 4
"""How many calls a connection are asked for ahead of the one that is yielded next, so that one slow answer does not
leave the other connections idle."""


@contextmanager
def open_caller(
    model: str,
    ledger: Path,
    *,
    batch: bool = False,
    connections: int = 16,
    max_cost: float | None = None,
    attempts: int = 3,
) -> Iterator[Caller]:
    """Opens a way to ask models.

    Args:
        model: An Inspect model name. It is set up at once, so that a missing key is told before any work; calls may
            name other models too.
        ledger: File of the answers; made where there is none. Its folder exists.
        batch: Ask through the Message Batches API (half price, up to a day; `anthropic/` models only).
        connections: Most calls on their way at the same time.
        max_cost: Most US dollars that the answers in the ledger may have cost. A call whose worst case would go
            beyond is not sent.
        attempts: How many answers to a call may be turned away before it is given up.

    Yields:
        The caller.

    Raises:
        InputError: No such model, no key, no known price for `max_cost`, or the ledger cannot be used.

    Example:
        with open_caller("anthropic/claude-haiku-4-5", Path("ledger.sqlite"), max_cost=20) as caller:
            for answer in caller.answers(calls):
                ...
            print(caller.counts)
    """
    if connections < 1 or attempts < 1 or (max_cost is not None and not max_cost > 0):
        raise InputError("--connections, --attempts and --max-cost: must be above 0; give a higher number")
    with open_ledger(ledger) as rows, ExitStack() as stack:
        budget = Budget(rows, max_cost, batch=batch)
        budget.price(model)
        caller: Caller
        if batch:
            from sdf_eval.corpora.batches import BatchCaller

            caller = BatchCaller(model, rows, budget, attempts)
        else:
            caller = stack.enter_context(LiveCaller.opened(model, rows, budget, connections, attempts))
        yield caller


class LiveCaller:
    """Keeps `connections` calls on their way; see `Caller`.

    The calls run on an event loop in a thread of their own; `answers` runs in the thread of whoever iterates.
    """

    def __init__(self, portal: BlockingPortal, ledger: Ledger, budget: Budget, connections: int, attempts: int) -> None:
        self._portal = portal
        self._ledger = ledger
        self._budget = budget
        self._tally = Tally(budget)
        self._window = connections * LOOK_AHEAD
        self._connections = connections
        self._attempts = attempts
        # Set up on the loop, where all of these are used.
        self._providers: dict[str, Provider] = {}
        self._setting_up = asyncio.Lock()
        self._slots = asyncio.Semaphore(connections)
        self._settled = asyncio.Event()
        self._alike: dict[str, asyncio.Lock] = {}
        self._failure: InputError | None = None

    @classmethod
    @contextmanager
    def opened(
        cls, model: str, ledger: Ledger, budget: Budget, connections: int, attempts: int
    ) -> Iterator[LiveCaller]:
        """Starts the loop, and closes it and the connections at the end."""
        with start_blocking_portal() as portal:
            caller = cls(portal, ledger, budget, connections, attempts)
            try:
                portal.call(caller._provider, model)
                yield caller
            finally:
                portal.call(caller._close)

    @property
    def counts(self) -> CallCounts:
        """What has been done since the caller was opened."""
        return self._tally.counts

    def answers(self, calls: Iterable[Call]) -> Iterator[Answer | Refused]:
        """See `Caller`."""
        coming = iter(calls)
        window: deque[Future[Answer | Refused]] = deque()
        try:
            while True:
                while len(window) < self._window and (call := next(coming, None)) is not None:
                    window.append(self._start(call))
                if not window:
                    return
                yield self._result(window)
        finally:
            for future in window:
                future.cancel()

    def _start(self, call: Call) -> Future[Answer | Refused]:
        stored = self._ledger.answers(call.key)
        known = outcome(call, stored, self._attempts)
        if known is not None:
            self._tally.settle(call, known, stored, from_ledger=True)
            done: Future[Answer | Refused] = Future()
            done.set_result(known)
            return done
        # In an empty context, Inspect begins a transcript for each call and drops it with the call. In a shared one it
        # would keep the events of all of them.
        return Context().run(self._portal.start_task_soon, self._answer, call)

    def _result(self, window: deque[Future[Answer | Refused]]) -> Answer | Refused:
        """What came of the first call, which leaves the window.

        Where it failed, the calls that are on their way are waited for, so that their answers reach the ledger.
        """
        error = window[0].exception()
        if error is None:
            return window.popleft().result()
        self._failure = self._failure or InputError(f"a call failed: {error}")
        for future in window:
            try:
                future.exception()
            except CancelledError:
                continue
        raise error

    async def _answer(self, call: Call) -> Answer | Refused:
        # Calls that are alike wait for each other: the later ones find the answer in the ledger.
        lock = self._alike.setdefault(call.key, asyncio.Lock())
        try:
            async with lock:
                stored = self._ledger.answers(call.key)
                from_ledger = True
                while (known := outcome(call, stored, self._attempts)) is None:
                    await self._ask(call, len(stored) + 1, first=from_ledger)
                    from_ledger = False
                    stored = self._ledger.answers(call.key)
        finally:
            if not lock.locked():
                self._alike.pop(call.key, None)
        self._tally.settle(call, known, stored, from_ledger=from_ledger)
        return known

    async def _ask(self, call: Call, attempt: int, *, first: bool) -> None:
        async with self._slots:
            amount = self._budget.worst(call)
            await self._reserve(amount)
            try:
                self._tally.add("first", first)
                if self._ledger.depart(call.key):
                    self._tally.add("resent")
                try:
                    provider = await self._provider(call.model)
                    reply = await provider.reply(call)
                except asyncio.CancelledError:
                    self._ledger.lose(call.key)
                    raise
                except InputError as error:
                    self._ledger.give_up(call.key)
                    self._failure = self._failure or error
                    raise
                self._ledger.put([self._tally.record(asked(call, attempt), reply)])
            finally:
                self._budget.release(amount)
                self._settled.set()

    async def _reserve(self, amount: float) -> None:
        """Waits until there is money for the call: what others had set aside for the worst case comes free."""
        while self._failure is None and not self._budget.reserve(amount):
            if self._budget.nothing_reserved:
                self._failure = self._budget.refusal(amount)
                break
            self._settled.clear()
            await self._settled.wait()
        if self._failure is not None:
            raise self._failure

    async def _provider(self, model: str) -> Provider:
        async with self._setting_up:
            if model not in self._providers:
                from sdf_eval.corpora.provider import Provider

                self._providers[model] = await Provider.opened(model, self._connections, self._tally)
            return self._providers[model]

    async def _close(self) -> None:
        for provider in self._providers.values():
            await provider.close()
