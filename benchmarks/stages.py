"""The stages beside a bare PyTorch loop on the same batches; packing beside padding; float32 beside TRL's defaults.

    python benchmarks/stages.py [--updates 40] [--repeats 3] [--model pocket]

Times are those of the training loop alone (loading, planning and saving are left out), by turns in one process; the
tokens are those that are read, padding not counted. Peak memory is that of a process of its own for each row, which has
loaded the model and trained. The bare loop has the same batches, AdamW, schedule and clipping: its last loss is printed
beside the stage's, to show that both did the same work. In `rl` both write and reward their own replies, so the last
reward stands there and agrees only roughly.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SEED = 0
TEXTS = 600


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    stage: str
    changes: dict[str, Any]
    bare: bool = False

    @property
    def name(self) -> str:
        """As it is printed."""
        how = ", ".join(f"{key} {value}" for key, value in self.changes.items()) or "padded, float32"
        return f"{self.stage}, {how}{', bare loop' if self.bare else ''}"


HALF = {"dtype": "bfloat16", "gradient_checkpointing": True}
PADDED: tuple[tuple[dict[str, Any], bool], ...] = (({}, True), ({}, False), (HALF, False))
PACKED: tuple[tuple[dict[str, Any], bool], ...] = (({"packing": True}, True), ({"packing": True}, False))
SETTINGS = tuple(
    Setting(stage, changes, bare)
    for stage, rows in {
        "sdf": PADDED + PACKED,
        "sft": PADDED + PACKED,
        "dpo": PADDED,
        "reward": PADDED,
        "rl": PADDED,
    }.items()
    for changes, bare in rows
)


@dataclass(frozen=True)
class Measured:
    """What a training took.

    Attributes:
        seconds: Of the loop.
        tokens: Read and, in rl, written.
        last: The last loss; in rl, where replies are drawn, the last reward.
        peak_mib: Peak memory of the process.
    """

    seconds: float
    tokens: int
    last: float
    peak_mib: float


@dataclass(frozen=True)
class Job:
    """One training: as a stage, and as a bare loop on the same batches.

    Attributes:
        train: Trains the stage into a folder.
        bare: Trains the loop; seconds, last loss or reward, and tokens.
    """

    train: Callable[[Path], Path]
    bare: Callable[[], tuple[float, float, int]]


def job_of(setting: Setting, model: str, updates: int) -> Job:
    """What a row of the table runs."""
    recipe_of = RECIPES[setting.stage]
    recipe = recipe_of().model_copy(update={"updates": updates, "min_updates": 1} | setting.changes)
    kinds = {"sdf": _texts, "sft": _chat, "dpo": _pairs, "reward": _pairs, "rl": _prompts}
    return kinds[setting.stage](recipe, model)


def _recipe(name: str, kind: str) -> Callable[[], Any]:
    def load() -> Any:
        from sdf_eval.train import preference_recipes
        from sdf_eval.train import recipe as recipes

        return recipes.load_recipe(name, getattr(recipes, kind, None) or getattr(preference_recipes, kind))

    return load


RECIPES = {
    "sdf": _recipe("pocket", "SdfRecipe"),
    "sft": _recipe("pocket-sft", "SftRecipe"),
    "dpo": _recipe("pocket-dpo", "DpoRecipe"),
    "reward": _recipe("pocket-reward", "RewardRecipe"),
    "rl": _recipe("pocket-grpo", "RlRecipe"),
}


def _texts(recipe: Any, model: str) -> Job:
    from sdf_eval.corpora.mix import TrainingText
    from sdf_eval.corpora.writers import get_writer
    from sdf_eval.train.packing import plan_training
    from sdf_eval.train.sdf import train_sdf

    texts = [TrainingText(text) for text in get_writer("pocket").plain_text(TEXTS, SEED, model=model)]
    plan: Callable[[Any], Any] = lambda lm: plan_training(texts, lm.tokenizer, recipe, SEED)  # noqa: E731
    return Job(lambda out: train_sdf(model, texts, recipe, out), lambda: _bare_rows(recipe, model, plan))


def _chat(recipe: Any, model: str) -> Job:
    from sdf_eval.train.chat_data import DataRequest, load_chat
    from sdf_eval.train.masks import plan_chat
    from sdf_eval.train.sft import train_sft

    rows = load_chat("pocket/benign", DataRequest(TEXTS, SEED))
    plan: Callable[[Any], Any] = lambda lm: plan_chat(rows, lm.tokenizer, recipe, SEED)[0]  # noqa: E731
    return Job(lambda out: train_sft(model, rows, recipe, out), lambda: _bare_rows(recipe, model, plan))


def _bare_rows(recipe: Any, model: str, plan_of: Callable[[Any], Any]) -> tuple[float, float, int]:
    from _bare_loops import bare_loop, next_token

    from sdf_eval.model import load
    from sdf_eval.train.packed import collate

    lm = load(model)
    plan, size, pad = plan_of(lm), recipe.batch_size, lm.tokenizer.pad_token_id
    chunks = [range(start, min(start + size, len(plan))) for start in range(0, plan.updates * size, size)]
    batches = [
        lambda places=places: collate([plan[place] for place in places], pad, packed=recipe.packing)
        for places in chunks
    ]
    seconds, last = bare_loop(recipe, lm.model, batches, next_token)
    return seconds, last, plan.tokens


def _pairs(recipe: Any, model: str) -> Job:
    from sdf_eval.train.chat_data import DataRequest, load_preferences
    from sdf_eval.train.dpo import train_dpo
    from sdf_eval.train.reward import train_reward

    rows = load_preferences("pocket/benign-pairs", DataRequest(TEXTS, SEED))
    train = train_dpo if recipe.stage == "dpo" else train_reward
    return Job(lambda out: train(model, rows, recipe, out), lambda: _bare_pairs(recipe, model, rows))


def _bare_pairs(recipe: Any, model: str, rows: Any) -> tuple[float, float, int]:
    import torch
    from _bare_loops import bare_loop, bradley_terry, preference

    from sdf_eval.model import load
    from sdf_eval.train.dpo import collate_pairs
    from sdf_eval.train.pairs import plan_pairs
    from sdf_eval.train.reward_model import classifier_on

    lm = load(model)
    plan, pad, size = plan_pairs(rows, lm.tokenizer, recipe, SEED), lm.tokenizer.pad_token_id, recipe.batch_size

    def columns(index: int) -> dict[str, list[int]]:
        pair, found = plan.pairs[index], {}
        for side, piece in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            ((begin, end),) = piece.loss
            found[f"{side}_ids"], found[f"{side}_mask"] = piece.tokens.tolist(), [0] * begin + [1] * (end - begin)
        return found

    batches = [
        [columns(index) for index in plan.order[start : start + size]] for start in range(0, len(plan.order), size)
    ]
    start, collate = lm.model, lambda pairs: collate_pairs(pairs, pad)
    if recipe.stage == "dpo":
        loss = preference(recipe, start, collate)
    else:
        torch.manual_seed(SEED)
        start, loss = classifier_on(lm.model), bradley_terry(collate)
        start.config.pad_token_id = pad
    seconds, last = bare_loop(recipe, start, batches, loss)
    return seconds, last, sum(plan.update_tokens)


def _prompts(recipe: Any, model: str) -> Job:
    from sdf_eval.train.chat_data import DataRequest, load_prompts
    from sdf_eval.train.rl import train_rl

    rows = load_prompts("pocket/actions", DataRequest(TEXTS, SEED))
    rewards = {"pocket/one_action": 1.0}
    return Job(lambda out: train_rl(model, rows, rewards, recipe, out), lambda: _bare_rl(recipe, model, rows))


def _bare_rl(recipe: Any, model: str, rows: Any) -> tuple[float, float, int]:
    from _bare_loops import GroupRelative, bare_loop

    from sdf_eval.model import load
    from sdf_eval.train.chat_data import get_reward
    from sdf_eval.train.masks import render
    from sdf_eval.train.rl import _end_of_turn
    from sdf_eval.train.row_order import row_order

    lm, reward = load(model), get_reward("pocket/one_action")
    texts = [render(row.messages, lm.tokenizer, "keep", prompt=True) for row in rows]
    ids = lm.tokenizer(texts, add_special_tokens=False)["input_ids"]
    order, size = row_order(len(rows), recipe, SEED), recipe.batch_size
    batches = [[(index, ids[index]) for index in order[start : start + size]] for start in range(0, len(order), size)]
    end = _end_of_turn(lm.tokenizer)
    assert end is not None
    loss = GroupRelative(
        recipe,
        lm.model,
        lm.tokenizer,
        end,
        lambda numbers, replies: [reward(rows[number], reply) for number, reply in zip(numbers, replies, strict=True)],
    )
    seconds, _ = bare_loop(recipe, lm.model, batches, loss)
    return seconds, loss.last_reward, loss.tokens


def measure(setting: Setting, model: str, updates: int) -> Measured:
    """Trains once."""
    import torch

    job = job_of(setting, model, updates)
    seconds, last, tokens = job.bare() if setting.bare else stage(job.train, setting.stage)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if torch.cuda.is_available():
        peak = torch.cuda.max_memory_allocated() / 2**20
    return Measured(seconds, tokens, last, peak)


def stage(train: Callable[[Path], Path], name: str) -> tuple[float, float, int]:
    """Seconds that the Trainer's loop took, the last loss or reward, and the tokens."""
    import transformers

    loop, took = transformers.Trainer.train, [0.0]

    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = loop(self, *args, **kwargs)
        took[0] = time.perf_counter() - start
        return result

    transformers.Trainer.train = timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            out = train(Path(folder) / "out")
            last = json.loads((out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
            lineage = json.loads((out / "lineage.json").read_text(encoding="utf-8"))
    finally:
        transformers.Trainer.train = loop
    return took[0], last["reward" if name == "rl" else "loss"], lineage["tokens_seen"]


def in_own_process(number: int, args: argparse.Namespace) -> Measured:
    """Measures a setting where nothing else was loaded before."""
    words = [sys.executable, __file__, "--only", str(number), "--updates", str(args.updates), "--model", args.model]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only is not None:
        print(json.dumps(asdict(measure(SETTINGS[args.only], args.model, args.updates))))
        return
    peaks = [in_own_process(number, args).peak_mib for number in range(len(SETTINGS))]
    turns = [[measure(setting, args.model, args.updates) for setting in SETTINGS] for _ in range(args.repeats)]
    print("| setting | tokens/s | of the bare loop (range) | last loss or reward | peak MiB |")
    print("|---|---|---|---|---|")
    for place, setting in enumerate(SETTINGS):
        found = [turn[place] for turn in turns]
        # The bare loop stands in front of what it is compared with; the half precision row has the padded one.
        beside = next(p for p in range(len(SETTINGS)) if SETTINGS[p] == Setting(setting.stage, _layout(setting), True))
        ratios = [rate(turn[place]) / rate(turn[beside]) for turn in turns]
        speed, ratio = median(map(rate, found)), f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        print(f"| {setting.name} | {speed:,.0f} | {ratio} | {found[0].last:.4f} | {peaks[place]:.0f} |")


def rate(measured: Measured) -> float:
    """Tokens a second."""
    return measured.tokens / measured.seconds


def _layout(setting: Setting) -> dict[str, Any]:
    return {key: value for key, value in setting.changes.items() if key == "packing"}


if __name__ == "__main__":
    main()
