"""Every answer that was paid for, committed before it is used.

One SQLite file. It holds the answers (kept or not) under the key of their call, the calls that are on their way, and
the batches with their entries. A run that is stopped at any moment, by SIGKILL too, finds all of it again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdf_eval.corpora.calls import Reason
from sdf_eval.errors import InputError

VERSION = 1

_SCHEMA = """
create table answers (
    key text not null, attempt integer not null, stage text not null, model text not null, text blob not null,
    stop_reason text not null, input_tokens integer not null, output_tokens integer not null, reason text not null,
    cost real, primary key (key, attempt)
);
create table in_flight (key text primary key, lost integer not null) without rowid;
create table batches (
    number integer primary key autoincrement, id text unique, asked_at real not null, worst real not null,
    ended integer not null
);
create table entries (
    batch integer not null references batches, key text not null, attempt integer not null, stage text not null,
    model text not null, tags text not null, failure text not null default '', primary key (batch, key)
) without rowid;
create index entries_by_key on entries (key);
"""


@dataclass(frozen=True)
class Stored:
    """One answer as it came.

    Attributes:
        key: Of the call.
        attempt: 1 for the first answer to the call, 2 for the one after that was turned away, and so on.
        stage: Of the call.
        model: That was asked.
        text: All of the answer; lone surrogates and control characters are kept.
        stop_reason: Why the model stopped, in Inspect's words.
        input_tokens: As the provider counted them.
        output_tokens: The same.
        reason: Why it was turned away when it came, or empty. A note for people: who reads the answer judges it anew.
        cost: US dollars, or None where the price is unknown.
    """

    key: str
    attempt: int
    stage: str
    model: str
    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    reason: Reason | None
    cost: float | None


@dataclass(frozen=True)
class Asked:
    """What has to be known of a call to take its answer in, without its prompt.

    Attributes:
        key: Of the call.
        attempt: Which answer is asked for, from 1.
        stage: Of the call.
        model: That is asked.
        tags: That the answer must hold.
    """

    key: str
    attempt: int
    stage: str
    model: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """A batch that has not been read to its end.

    Attributes:
        number: Ours.
        id: The provider's, or None when a run was stopped before it had heard it.
        asked_at: Seconds since the epoch, on this machine, just before the batch was sent.
        size: How many entries it has.
        worst: US dollars that it may cost at most.
    """

    number: int
    id: str | None
    asked_at: float
    size: int
    worst: float


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """Opens a ledger, or makes it. Within one process, whoever opens the same file shares it.

    Args:
        path: The file; its folder exists.

    Yields:
        The ledger.

    Raises:
        InputError: Another process has it open, it is no ledger, it is damaged, or the disk is full.
    """
    place = path.resolve()
    with _opening:
        ledger, users = _open.get(place) or (Ledger(path), 0)
        _open[place] = (ledger, users + 1)
    try:
        yield ledger
    finally:
        with _opening:
            ledger, users = _open.pop(place)
            if users > 1:
                _open[place] = (ledger, users - 1)
            else:
                ledger.close()


class Ledger:
    """An open ledger; see `open_ledger`. Its methods may be called from any thread.

    Nothing is held in memory but SQLite's own small cache.

    Attributes:
        spent: US dollars of all answers with a known price.
    """

    spent: float

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        if path.is_dir():
            raise InputError(f"--ledger: {path}: is a folder; name a file")
        with self._guarded():
            self._rows = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
            try:
                self._set_up()
            # Whatever it is, Ctrl-C too: a file that is not set up is closed, and the error goes on.
            except BaseException:
                self._rows.close()
                raise

    def close(self) -> None:
        """Closes the file. What is in it stays."""
        with self._guarded():
            self._rows.close()

    def answers(self, key: str) -> list[Stored]:
        """The answers to a call, oldest first."""
        query = (
            "select key, attempt, stage, model, text, stop_reason, input_tokens, output_tokens, reason, cost "
            "from answers where key = ? order by attempt"
        )
        with self._guarded():
            rows = self._rows.execute(query, (key,)).fetchall()
        return [_stored(row) for row in rows]

    def put(self, answers: Iterable[Stored]) -> None:
        """Commits answers and takes their calls off the ones in flight. One that is there already stays as it is."""
        cost = 0.0
        with self._transaction() as rows:
            for answer in answers:
                added = rows.execute(
                    "insert or ignore into answers values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        answer.key, answer.attempt, answer.stage, answer.model,
                        answer.text.encode("utf-8", "surrogatepass"), answer.stop_reason, answer.input_tokens,
                        answer.output_tokens, answer.reason or "", answer.cost,
                    ),
                )  # fmt: skip
                rows.execute("delete from in_flight where key = ?", (answer.key,))
                cost += (answer.cost or 0.0) * added.rowcount
            self.spent += cost

    def depart(self, key: str) -> bool:
        """Notes that a call is about to be sent.

        Returns:
            Whether an earlier run had noted the same and was stopped before an answer came.
        """
        with self._transaction() as rows:
            row = rows.execute("select lost from in_flight where key = ?", (key,)).fetchone()
            rows.execute("insert or replace into in_flight values (?, 0)", (key,))
        return bool(row and row[0])

    def lose(self, key: str) -> None:
        """Notes that nobody waits any more for a call that was sent."""
        with self._transaction() as rows:
            rows.execute("update in_flight set lost = 1 where key = ?", (key,))

    def give_up(self, key: str) -> None:
        """Notes that a call will have no answer: the provider said no."""
        with self._transaction() as rows:
            rows.execute("delete from in_flight where key = ?", (key,))

    def in_flight(self) -> int:
        """How many calls were sent and have neither an answer nor an error, those of stopped runs among them."""
        with self._guarded():
            (count,) = self._rows.execute("select count(*) from in_flight").fetchone()
        return int(count)

    def intend_batch(self, entries: Sequence[Asked], worst: float) -> Batch:
        """Commits that a batch with these entries is about to be sent, which may cost so many US dollars."""
        asked_at = time.time()
        with self._transaction() as rows:
            number = rows.execute(
                "insert into batches (asked_at, worst, ended) values (?, ?, 0)", (asked_at, worst)
            ).lastrowid
            if number is None:
                raise RuntimeError("SQLite gave the new row no number")
            rows.executemany(
                "insert into entries (batch, key, attempt, stage, model, tags) values (?, ?, ?, ?, ?, ?)",
                ((number, one.key, one.attempt, one.stage, one.model, " ".join(one.tags)) for one in entries),
            )
        return Batch(number, None, asked_at, len(entries), worst)

    def name_batch(self, number: int, batch_id: str) -> None:
        """Commits the id that the provider gave to an intended batch."""
        with self._transaction() as rows:
            rows.execute("update batches set id = ? where number = ?", (batch_id, number))

    def drop_batch(self, number: int) -> None:
        """Forgets an intended batch that the provider never got."""
        with self._transaction() as rows:
            rows.execute("delete from entries where batch = ?", (number,))
            rows.execute("delete from batches where number = ?", (number,))

    def end_batch(self, number: int) -> None:
        """Notes that all results of a batch are in; an entry without answer or failure is set down as failed."""
        with self._transaction() as rows:
            rows.execute(
                "update entries set failure = 'absent' where batch = ? and failure = '' and not exists "
                "(select 1 from answers where answers.key = entries.key and answers.attempt = entries.attempt)",
                (number,),
            )
            rows.execute("update batches set ended = 1 where number = ?", (number,))

    def fail_entry(self, number: int, key: str, failure: str) -> None:
        """Notes that an entry of a batch brought no answer."""
        with self._transaction() as rows:
            rows.execute("update entries set failure = ? where batch = ? and key = ?", (failure, number, key))

    def open_batches(self) -> list[Batch]:
        """The batches that are intended or sent and not read to their end, oldest first."""
        query = (
            "select number, id, asked_at, (select count(*) from entries where batch = number), worst "
            "from batches where not ended order by number"
        )
        with self._guarded():
            return [Batch(*row) for row in self._rows.execute(query)]

    def knows_batch(self, batch_id: str) -> bool:
        """Whether a batch of that id is one of ours already."""
        with self._guarded():
            return self._rows.execute("select 1 from batches where id = ?", (batch_id,)).fetchone() is not None

    def entry(self, number: int, key: str) -> Asked | None:
        """What an entry of a batch asked for, or None where the batch has no such entry."""
        query = "select key, attempt, stage, model, tags from entries where batch = ? and key = ?"
        with self._guarded():
            row = self._rows.execute(query, (number, key)).fetchone()
        return None if row is None else Asked(row[0], row[1], row[2], row[3], tuple(row[4].split()))

    def in_open_batch(self, key: str) -> bool:
        """Whether a batch that is not read to its end has an entry for the call."""
        query = "select 1 from entries join batches on batch = number where key = ? and not ended"
        with self._guarded():
            return self._rows.execute(query, (key,)).fetchone() is not None

    def last_batch(self) -> int:
        """The number of the newest batch, or 0."""
        with self._guarded():
            (number,) = self._rows.execute("select ifnull(max(number), 0) from batches").fetchone()
        return int(number)

    def first_asked(self, number: int, *, after: int) -> int:
        """How many calls of a batch have no entry in a batch between `after` and it."""
        query = (
            "select count(*) from entries as mine where batch = ? and not exists (select 1 from entries as other "
            "where other.key = mine.key and other.batch > ? and other.batch < mine.batch)"
        )
        with self._guarded():
            (count,) = self._rows.execute(query, (number, after)).fetchone()
        return int(count)

    def failures(self, key: str, *, after: int) -> list[str]:
        """What the entries for a call failed of in batches newer than this one, oldest first."""
        query = "select failure from entries where key = ? and batch > ? and failure != '' order by batch"
        with self._guarded():
            return [failure for (failure,) in self._rows.execute(query, (key, after))]

    def take_lost(self, number: int) -> int:
        """How many calls of a batch an earlier run had sent singly and never saw answered. They are told once."""
        query = "delete from in_flight where lost and key in (select key from entries where batch = ?)"
        with self._transaction() as rows:
            return rows.execute(query, (number,)).rowcount

    def _set_up(self) -> None:
        # One process at a time: two that share a ledger would pay twice for the same calls.
        self._rows.execute("pragma locking_mode = exclusive")
        self._rows.execute("pragma journal_mode = wal")
        # A commit is in the kernel's hands and survives a kill of this process. Waiting for the disk too (`full`) costs
        # milliseconds a commit, on the loop that asks. As it is, a power cut may take the newest answers, not the file.
        self._rows.execute("pragma synchronous = normal")
        self._rows.execute("begin immediate")
        try:
            (version,) = self._rows.execute("pragma user_version").fetchone()
            (tables,) = self._rows.execute("select count(*) from sqlite_master").fetchone()
            if version == 0 and tables == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._rows.execute(statement)
                self._rows.execute(f"pragma user_version = {VERSION}")
            elif version != VERSION:
                raise InputError(f"{self._path}: is no ledger that this version of sdf-eval reads; choose another file")
            self._rows.execute("update in_flight set lost = 1")
            (self.spent,) = self._rows.execute("select total(cost) from answers").fetchone()
        # Whatever it is, Ctrl-C too: nothing half-written, and the error goes on.
        except BaseException:
            self._rows.execute("rollback")
            raise
        self._rows.execute("commit")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded():
            self._rows.execute("begin immediate")
            try:
                yield self._rows
                self._rows.execute("commit")
            # As in `_set_up`.
            except BaseException:
                if self._rows.in_transaction:
                    self._rows.execute("rollback")
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(f"{self._path}: another run has it open; wait for it to end, or stop it") from error
            raise InputError(
                f"{self._path}: {error}; what was answered until now is in it; mend that and run again"
            ) from error
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self._path}: is damaged or no ledger ({error}); move it away to start anew") from error


_open: dict[Path, tuple[Ledger, int]] = {}
_opening = threading.Lock()


def _stored(row: tuple[Any, ...]) -> Stored:
    key, attempt, stage, model, text, stop_reason, input_tokens, output_tokens, reason, cost = row
    return Stored(
        key, attempt, stage, model, text.decode("utf-8", "surrogatepass"), stop_reason, input_tokens, output_tokens,
        reason or None, cost,
    )  # fmt: skip
