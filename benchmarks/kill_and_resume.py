"""Kills jobs of calls with SIGKILL at random moments, resumes them, and checks that nothing is lost or paid twice.

    python benchmarks/kill_and_resume.py [--runs 50] [--calls 60]

Each run has a server and a ledger of its own. A job in a child process is killed, its ledger is read, and the job is
run again to its end. Checked for each run:
- the answers are those of a job that was not killed, and none that the ledger held at the kill was asked again;
- what the server answered twice was in flight at the kill, of which there are at most `CONNECTIONS`; in batch mode
  nothing was answered twice;
- the resumed job prints as sent again just the calls that were in flight. The server had seen each of them before but
  for those whose request had not reached it (the last column; nobody can know of those from the client's side);
- the resumed job prints as sent just the number of questions that the server received meanwhile.

Four settings: one by one and in batches, without faults and with a fault rate of 30 %.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._calls import Server, job, question, server  # noqa: E402

MODEL = "anthropic/claude-haiku-4-5"
CONNECTIONS = 16
BATCH_SIZE = 20
# So many that no call is given up: the answers must not depend on how often faults were drawn.
ATTEMPTS = 12
FAULTS = "429,500,529,drop,empty_body,malformed_json,unclosed_tag,refusal,max_tokens,expired,errored"


@dataclass(frozen=True)
class Setting:
    """How the jobs of one row are run."""

    name: str
    batch: bool
    fault_rate: float

    def options(self, seed: int) -> list[str]:
        """Of the server."""
        rest = ["--latency", "0.1", "--batch-seconds", "0.2", "--slow", "0.2", "--seed", str(seed), "--faults", FAULTS]
        return ["--fault-rate", str(self.fault_rate), *rest]


SETTINGS = (
    Setting("one by one", batch=False, fault_rate=0.0),
    Setting("one by one, 30 % faults", batch=False, fault_rate=0.3),
    Setting("batches", batch=True, fault_rate=0.0),
    Setting("batches, 30 % faults", batch=True, fault_rate=0.3),
)


@dataclass(frozen=True)
class Ended:
    """What a job that ran to its end printed."""

    digest: str
    sent: int
    resent: int
    from_ledger: int
    given_up: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """What one killed and resumed job came to; `wrong` says what was not as it must be."""

    answered: int
    in_flight: int
    resent: int
    unseen: int
    wrong: tuple[str, ...]


def run_job(told: Connection, environment: dict[str, str], ledger: Path, calls: int, batch: bool) -> None:
    """The child process: asks all calls and reports."""
    import inspect_ai.model
    import tenacity

    from sdf_eval.corpora import batches
    from sdf_eval.corpora.callers import open_caller

    os.environ.update(environment)
    # The waits between retries are made short. What is retried, and how often, stays.
    inspect_ai.model.ModelAPI.retry_wait = lambda self: tenacity.wait_fixed(0.05)  # type: ignore[method-assign]
    batches.BATCH_SIZE = BATCH_SIZE
    started = time.monotonic()
    digest = hashlib.sha256()
    with open_caller(MODEL, ledger, batch=batch, connections=CONNECTIONS, attempts=ATTEMPTS, max_cost=100.0) as caller:
        for answer in caller.answers(job(calls, MODEL)):
            digest.update(answer.text.encode() + b"\0")
        counts = caller.counts
    refused = sum(counts.refused.values())
    seconds = time.monotonic() - started
    told.send(Ended(digest.hexdigest(), counts.sent, counts.resent, counts.from_ledger, refused, seconds))


def warm_up() -> None:
    """Imports all that a job needs, so that the children have it from the start."""
    from inspect_ai.model import get_model

    get_model(MODEL, api_key="none", memoize=False)


def start(at: Server, ledger: Path, calls: int, batch: bool) -> tuple[BaseProcess, Connection]:
    """Starts a job as a fork of this process, which has imported everything."""
    heard, told = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=run_job, args=(told, at.environment, ledger, calls, batch))
    process.start()
    told.close()
    return process, heard


def finish(process: BaseProcess, heard: Connection) -> Ended:
    """Waits for a job to end."""
    ended: Ended = heard.recv()
    process.join()
    return ended


def undisturbed(setting: Setting, calls: int) -> Ended:
    """A job that nobody kills."""
    with tempfile.TemporaryDirectory() as folder, server(*setting.options(0)) as at:
        return finish(*start(at, Path(folder) / "ledger.sqlite", calls, setting.batch))


def kill_and_resume(setting: Setting, calls: int, seed: int, moment: float, digest: str) -> Run:
    """One run; `moment` is the time of the kill, in seconds after the first request has reached the server."""
    with tempfile.TemporaryDirectory() as folder, server(*setting.options(seed)) as at:
        ledger = Path(folder) / "ledger.sqlite"
        process, _ = start(at, ledger, calls, setting.batch)
        while not at.counts()["requests"] and process.is_alive():
            time.sleep(0.005)
        time.sleep(moment)
        process.kill()
        process.join()
        time.sleep(0.2)  # what the kernel had taken from the job reaches the server
        before = at.counts()
        with closing(sqlite3.connect(ledger)) as rows:
            answered = _keys(rows, "select key from answers where reason = ''")
            in_flight = _keys(rows, "select key from in_flight")
        ended = finish(*start(at, ledger, calls, setting.batch))
        after = at.counts()
    wrong = _wrong(setting, calls, digest, answered, in_flight, ended, before, after)
    seen = _named(calls, before["questions"])
    return Run(len(answered), len(in_flight), ended.resent, len(in_flight - set(seen)), wrong)


def _wrong(
    setting: Setting, calls: int, digest: str, answered: set[str], in_flight: set[str], ended: Ended,
    before: dict[str, Any], after: dict[str, Any],
) -> tuple[str, ...]:  # fmt: skip
    old, new = _named(calls, before["questions"]), _named(calls, after["questions"])
    came = {key for key, (count, _) in new.items() if count > old.get(key, (0, 0))[0]}
    twice = {key for key, (_, well) in new.items() if well > 1}
    received = sum(after[what] - before[what] for what in ("messages", "entries"))
    checks = {
        "other answers than those of a job that was not killed": ended.digest == digest,
        "calls were given up": ended.given_up == 0,
        "an answer in the ledger was asked again": not came & answered and ended.from_ledger == len(answered),
        "more in flight than connections": len(in_flight) <= (0 if setting.batch else CONNECTIONS),
        "answered twice without having been in flight": twice <= in_flight,
        "printed another number of calls sent again than were in flight": ended.resent == len(in_flight),
        "printed another number of questions than the server received": ended.sent == received,
    }
    return tuple(text for text, good in checks.items() if not good)


def _named(calls: int, questions: dict[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """The server's counts, by the key of the call."""
    keys = {
        hashlib.sha256(question(number).encode()).hexdigest(): call.key for number, call in enumerate(job(calls, MODEL))
    }
    return {keys[name]: counts for name, counts in questions.items()}


def _keys(rows: sqlite3.Connection, query: str) -> set[str]:
    return {key for (key,) in rows.execute(query)}


def main() -> int:
    """Runs all settings, prints a line for each, and returns 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--setting", choices=[setting.name for setting in SETTINGS], help="one of them; default all")
    args = parser.parse_args()
    warm_up()
    failed = False
    print("setting | runs | wrong | answers kept | in flight, most | sent again, all | of them unseen by the server")
    for setting in SETTINGS:
        if args.setting not in (None, setting.name):
            continue
        whole = undisturbed(setting, args.calls)
        draw = random.Random(f"{args.seed} {setting.name}")
        runs = [
            kill_and_resume(setting, args.calls, seed, draw.uniform(0.0, 0.9 * whole.seconds), whole.digest)
            for seed in range(args.runs)
        ]
        wrong = [run for run in runs if run.wrong]
        kept = [run.answered for run in runs]
        print(
            f"{setting.name} | {len(runs)} | {len(wrong)} | {min(kept)} to {max(kept)} of {args.calls} | "
            f"{max(run.in_flight for run in runs)} | {sum(run.resent for run in runs)} | "
            f"{sum(run.unseen for run in runs)}",
            flush=True,
        )
        for run in wrong:
            failed = True
            print(f"  {run}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
