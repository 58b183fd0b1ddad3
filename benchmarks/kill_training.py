"""Kills a pocket training with SIGKILL at random moments, resumes it, and compares the final weights.

    python benchmarks/kill_training.py [--kills 10] [--updates 60] [--stage sdf|sft]

A training that is not killed gives the weights to compare with and the time within which kills are drawn. Each of the
others runs in a process of its own, is killed once, and is run again to its end. Checkpoints to resume from are made
every half second here, not every half minute: most kills find one, and some fall into one that is being written.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SECONDS_BETWEEN_SAVES = 0.5
SEED = 7


def train(stage: str, updates: int, out: Path) -> None:
    """In a child: the training; prints a line when the first update begins, and with which number."""
    import transformers

    from sdf_eval.train import watching
    from sdf_eval.train.recipe import SdfRecipe, SftRecipe, load_recipe

    watching.SECONDS_BETWEEN_SAVES, watching.MOST_TIME_SAVING = SECONDS_BETWEEN_SAVES, 1.0
    step, told = transformers.Trainer.training_step, [False]

    def telling(self: transformers.Trainer, *args: object, **kwargs: object) -> object:
        if not told[0]:
            told[0] = True
            print(f"begins {self.state.global_step}", flush=True)
        return step(self, *args, **kwargs)

    transformers.Trainer.training_step = telling
    changes = {"updates": updates, "min_updates": 1}
    if stage == "sdf":
        from sdf_eval.corpora.mix import TrainingText
        from sdf_eval.corpora.writers import get_writer
        from sdf_eval.train.sdf import train_sdf

        texts = [TrainingText(text) for text in get_writer("pocket").plain_text(300, SEED, model="pocket")]
        train_sdf("pocket", texts, load_recipe("pocket", SdfRecipe).model_copy(update=changes), out, seed=SEED)
        return
    from sdf_eval.train.chat_data import DataRequest, load_chat
    from sdf_eval.train.sft import train_sft

    rows = load_chat("pocket/benign", DataRequest(300, SEED))
    train_sft("pocket", rows, load_recipe("pocket-sft", SftRecipe).model_copy(update=changes), out, seed=SEED)


def start(args: argparse.Namespace, out: Path) -> subprocess.Popen[str]:
    """Starts the training in a process of its own."""
    words = [sys.executable, __file__, "--child", str(out), "--stage", args.stage, "--updates", str(args.updates)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def finish(child: subprocess.Popen[str]) -> str:
    """Waits for a training to end; returns the update that it began with."""
    said, _ = child.communicate()
    if child.returncode != 0:
        raise SystemExit(f"a training ended with status {child.returncode}")
    return said.removeprefix("begins ").strip() or "the end"


def main() -> None:
    """Kills, resumes and prints one line a kill; exit status 1 if weights differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--stage", choices=("sdf", "sft"), default="sdf")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        train(args.stage, args.updates, args.child)
        return
    from sdf_eval.train.lineage import weights_sha256

    moments, wrong = random.Random(SEED), 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole = start(args, folder / "whole")
        assert whole.stdout is not None
        whole.stdout.readline()
        began = time.monotonic()
        finish(whole)
        seconds = time.monotonic() - began
        expected = weights_sha256(folder / "whole")
        print(f"not killed: {seconds:.1f} s from the first update on, weights {expected[:16]}")
        for number in range(args.kills):
            out, moment = folder / str(number), moments.uniform(0, seconds)
            child = start(args, out)
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(moment)
            child.send_signal(signal.SIGKILL)
            child.wait()
            complete = out.exists()
            began_again = "was done" if complete else f"went on from update {finish(start(args, out))}"
            same = weights_sha256(out) == expected
            left = len(list(folder.glob(".*")))
            wrong += not same or bool(left)
            print(f"killed after {moment:5.1f} s: {began_again}; same weights {same}; hidden folders left {left}")
    print(f"{args.kills} kills, {wrong} wrong")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
