"""Micro-batching across samples: whatever waits while the model is busy goes into its next pass."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import anyio.from_thread
import anyio.lowlevel

from sdf_eval.errors import InputError

GATHER_SECONDS = 0.005
"""How long the worker waits for siblings of the first request after an idle time."""

Process = Callable[[Hashable, Sequence[Any]], Sequence[Any]]
"""Turns the payloads of one key into as many results. Runs in the worker thread."""


@dataclass(eq=False)
class _Job:
    key: Hashable
    payload: Any
    token: anyio.lowlevel.EventLoopToken
    done: anyio.Event = field(default_factory=anyio.Event)
    result: Any = None
    error: BaseException | None = None


class Batcher:
    """Runs requests of concurrent tasks in batches, in one worker thread that lives while there is work.

    A thread rather than a task of the event loop: a cancelled sample must not take the others' batch with it.
    """

    def __init__(self, process: Process, prepare: Callable[[], object] = lambda: None) -> None:
        self._process = process
        self._prepare = prepare
        self._lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._working = False

    async def submit(self, key: Hashable, payload: Any) -> Any:
        """Waits for the result of one payload.

        Args:
            key: Payloads of one key may share a batch.
            payload: What `process` is given.

        Returns:
            What `process` returned for it.
        """
        job = _Job(key, payload, anyio.lowlevel.current_token())
        with self._lock:
            self._waiting.append(job)
            start, self._working = not self._working, True
        if start:
            threading.Thread(target=self._work, name="sdf-eval-model", daemon=True).start()
        await job.done.wait()
        if job.error is not None:
            raise job.error
        return job.result

    def _work(self) -> None:
        time.sleep(GATHER_SECONDS)
        while True:
            with self._lock:
                jobs, self._waiting = self._waiting, []
                self._working = bool(jobs)
            if not jobs:
                return
            by_key: dict[Hashable, list[_Job]] = defaultdict(list)
            for job in jobs:
                by_key[job.key].append(job)
            for key, group in by_key.items():
                self._answer(key, group)

    def _answer(self, key: Hashable, jobs: Sequence[_Job]) -> None:
        try:
            # What fails here fails for all, so it is not tried again for each.
            self._prepare()
        except BaseException as error:
            for job in jobs:
                job.error = error
        else:
            self._settle(key, jobs)
        by_loop: dict[object, list[_Job]] = defaultdict(list)
        for job in jobs:
            by_loop[job.token].append(job)
        for group in by_loop.values():
            _wake(group)

    def _settle(self, key: Hashable, jobs: Sequence[_Job]) -> None:
        try:
            results = self._process(key, [job.payload for job in jobs])
            for job, result in zip(jobs, results, strict=True):
                job.result = result
        except InputError as error:
            if len(jobs) == 1:
                jobs[0].error = error
                return
            # One sample does not fit: it alone has to fail, so each is tried by itself.
            for job in jobs:
                self._settle(key, [job])
        # The border of a thread: whatever else went wrong belongs to the samples that wait for it.
        except BaseException as error:
            for job in jobs:
                job.error = error


def _wake(jobs: Sequence[_Job]) -> None:
    """Wakes all waiting tasks of one event loop in one call into it."""

    def set_all() -> None:
        for job in jobs:
            job.done.set()

    try:
        anyio.from_thread.run_sync(set_all, token=jobs[0].token)
    except RuntimeError as error:
        # The loop ended while the model worked (Ctrl-C, a time limit): nobody waits any more.
        if not isinstance(error, cast("type[RuntimeError]", anyio.RunFinishedError)):
            raise
