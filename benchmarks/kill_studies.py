"""A study killed with SIGKILL at random moments and resumed: is its result the same to the byte?

    python benchmarks/kill_studies.py --kills 10

Runs the smoke tier of a study to its end, then again into an empty folder with a kill at ten random moments of the time
that the first one took, spread over as many resumptions. Prints what was lost and whether `result.json` is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path


def start(study: str, out: Path) -> subprocess.Popen[bytes]:
    """Begins or resumes a study in a process group of its own."""
    words = [sys.executable, "-m", "sdf_eval", "study", "run", study, "--out", str(out)]
    return subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cells(out: Path) -> set[str]:
    """Finished cells."""
    return {path.name for path in (out / "cells").glob("*/*.json") if not path.name.startswith(".")}


def main() -> int:
    """Prints the counts as JSON; 1 where the results differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", default="out_of_context")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("runs/kill-studies"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    whole, broken = args.out / "whole", args.out / "killed"
    began = time.monotonic()
    if start(args.study, whole).wait():
        raise SystemExit("the study does not run")
    took, rng, lost, kills = time.monotonic() - began, random.Random(args.seed), 0, 0
    while kills < args.kills:
        before, process = cells(broken), start(args.study, broken)
        try:
            process.wait(timeout=rng.uniform(0.02, 0.5) * took)
            # It ended before the kill: from the beginning, so that every kill hits a run.
            shutil.rmtree(broken)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            lost += len(before - cells(broken))
    if start(args.study, broken).wait():
        raise SystemExit("the study does not resume")
    name = Path(args.study) / "result.json"
    same = (whole / name).read_bytes() == (broken / name).read_bytes()
    found = {
        "study": args.study,
        "kills": kills,
        "finished_cells_lost": lost,
        "same_result": same,
        "seconds_whole": round(took, 1),
    }
    print(json.dumps(found, indent=1))
    return 0 if same and not lost else 1


if __name__ == "__main__":
    raise SystemExit(main())
