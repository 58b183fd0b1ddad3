"""A real Inspect log and real lm-eval files, made by the commands themselves on a tiny checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BELIEF = Path(__file__).parents[1] / "parity" / "belief.yaml"
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
TASKS = ("mcq_distinguish", "mcq_knowledge", "neighbours", "open_ended", "coherence")


@dataclass(frozen=True)
class Logs:
    """Folders of the logs of one checkpoint, and the checkpoint."""

    checkpoint: Path
    inspect: Path
    lm_eval: Path

    @property
    def results(self) -> Path:
        return next(self.lm_eval.rglob("results_*.json"))

    def log(self, task: str) -> Path:
        return next(path for path in self.inspect.glob("*.eval") if task.replace("_", "-") in path.name)


def make_logs(checkpoint: Path, folder: Path) -> Logs:
    """Runs `inspect eval` and `sdf-eval lm-eval` on a checkpoint."""
    tasks = [f"sdf_eval/{task}" for task in TASKS]
    inspect = [sys.executable, "-m", "inspect_ai", "eval", *tasks, "--model", f"sdf/{checkpoint}"]
    inspect += ["-T", f"belief={BELIEF}", "-T", "chat=true", "--log-dir", str(folder / "logs"), "--display", "none"]
    lm_eval = [
        sys.executable,
        "-m",
        "sdf_eval",
        "lm-eval",
        "--model",
        str(checkpoint),
        "--belief",
        str(BELIEF),
        "--chat",
    ]
    lm_eval += ["--tasks", ",".join(f"sdf_eval_{task}" for task in TASKS)]
    lm_eval += ["--", "--output_path", str(folder / "out"), "--log_samples"]
    for command in (inspect, lm_eval):
        done = subprocess.run(command, env=ENVIRONMENT, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    return Logs(checkpoint, folder / "logs", folder / "out")


def edit_log(source: Path, target: Path, member: str, change: Callable[[Any], None]) -> Path:
    """Copies an `.eval` file with the JSON of every member whose name begins so changed; the archive stays whole."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = json.loads(old.read(name))
            if name.startswith(member):
                change(body)
            new.writestr(name, json.dumps(body))
    return target


def without_members(source: Path, target: Path, *members: str) -> Path:
    """Copies an `.eval` file without the members whose names begin so: what a killed evaluation leaves behind."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if not name.startswith(members):
                new.writestr(name, old.read(name))
    return target
