"""`python -m tests.writer_server [--latency 1] [--fault-rate 0.3] …`: prints the port and serves until stopped."""

from __future__ import annotations

import argparse
import importlib
import sys
import threading

from tests.writer_server import ALL_FAULTS, Settings, default_responder, serve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--faults", default=",".join(ALL_FAULTS), help="comma-separated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", type=float, default=0.5)
    parser.add_argument("--batch-seconds", type=float, default=0.0)
    parser.add_argument("--responder", help="module:function in place of the default one")
    args = parser.parse_args()
    responder = default_responder
    if args.responder:
        module, _, name = args.responder.partition(":")
        responder = getattr(importlib.import_module(module), name)
    settings = Settings(
        latency=args.latency, fault_rate=args.fault_rate, faults=args.faults.split(","), seed=args.seed,
        slow=args.slow, batch_seconds=args.batch_seconds,
    )  # fmt: skip
    with serve(settings, responder, args.port) as server:
        print(server.port, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.exit(130)


if __name__ == "__main__":
    main()
