from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sdf_eval.train.dpo import train_dpo
from sdf_eval.train.preference_recipes import DpoRecipe
from tests.train.preferences import LORA, PAIRS, small


def test_dpo_and_rl_that_are_killed_end_in_the_same_bytes(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    start = str(checkpoints["llama"])
    adapter = train_dpo(start, PAIRS, small("pocket-dpo", DpoRecipe, **LORA), tmp_path / "adapter")
    script = Path(__file__).with_name("killed_preferences.py")
    done = subprocess.run(
        [sys.executable, str(script), start, str(adapter), str(tmp_path)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(script.parents[2]), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [line.removeprefix("POINT ").split("|") for line in done.stdout.splitlines() if line.startswith("POINT ")]
    # What was killed; by which signal; no folder then; the update from which it went on; the same bytes.
    assert found == [
        ["dpo, in the second half of an update", "9", "True", "2", "True"],
        ["dpo, in a checkpoint that is not marked", "9", "True", "2", "True"],
        ["dpo on an adapter", "9", "True", "3", "True"],
        ["grpo, between writing and learning", "9", "True", "2", "True"],
        ["grpo, while it writes", "9", "True", "3", "True"],
        ["rloo on an adapter", "9", "True", "2", "True"],
    ]
