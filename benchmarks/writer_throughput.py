"""How many calls a second reach the writer server and come back, and what memory they take.

    python benchmarks/writer_throughput.py [--calls 640] [--memory 1000 40000]

Three figures, with the real `anthropic` client through Inspect: the share of `connections / latency` that is reached at
1 s latency and 16 connections; the ceiling that the CPU sets (latency 0, 64 connections); the peak of resident memory
after as many calls as `--memory` says, answers from the server and, second, from the ledger.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._calls import Server, job, server  # noqa: E402

MODEL = "anthropic/claude-haiku-4-5"


def run_job(told: Connection, environment: dict[str, str], ledger: Path, calls: int, connections: int) -> None:
    """The child process: asks all calls; tells the seconds, the seconds of CPU and the peak of memory in MB."""
    from sdf_eval.corpora.callers import open_caller

    os.environ.update(environment)
    with open_caller(MODEL, ledger, connections=connections) as caller:
        list(caller.answers(job(1, MODEL)))  # the first call opens what has to be opened
        started, cpu = time.monotonic(), time.process_time()
        for _ in caller.answers(job(calls, MODEL)):
            pass
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    told.send((seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def measured(at: Server, ledger: Path, calls: int, connections: int) -> tuple[float, float, float]:
    """Runs a job in a process of its own."""
    heard, told = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=run_job, args=(told, at.environment, ledger, calls, connections))
    process.start()
    told.close()
    figures: tuple[float, float, float] = heard.recv()
    process.join()
    return figures


def main() -> int:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=640)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--memory", type=int, nargs="*", default=[1000, 40000])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with server("--latency", str(args.latency)) as at:
            seconds, cpu, _ = measured(at, Path(folder) / "latency.sqlite", args.calls, args.connections)
        rate = args.calls / seconds
        print(
            f"{args.calls} calls, {args.connections} connections, {args.latency:g} s latency: {rate:.2f} a second, "
            f"{rate * args.latency / args.connections:.1%} of connections / latency; "
            f"{cpu / args.calls * 1000:.1f} ms of CPU a call",
            flush=True,
        )
        for calls in args.memory:
            ledger = Path(folder) / f"{calls}.sqlite"
            with server() as at:
                seconds, cpu, peak = measured(at, ledger, calls, 64)
                again, _, from_ledger = measured(at, ledger, calls, 64)
            print(
                f"{calls} calls, 64 connections, no latency: {calls / seconds:.0f} a second, "
                f"{cpu / calls * 1000:.1f} ms of CPU a call, peak {peak:.0f} MB; "
                f"the same from the ledger: {calls / again:.0f} a second, peak {from_ledger:.0f} MB",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
