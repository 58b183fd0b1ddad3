"""`sdf-eval train`: train a stage on documents, chat data, preferences or prompts."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdf_eval.cli._train_stages import Job
    from sdf_eval.train.estimate import Estimate
    from sdf_eval.train.explain import Explanation
    from sdf_eval.train.recipe import StageRecipe

HELP = "train a stage: documents, chat tuning, preferences, reinforcement"

EPILOG = """\
examples:
  sdf-eval train pocket --corpus runs/mine --out runs/mine-model
  sdf-eval train slocum-2025 --model Qwen/Qwen3-8B --corpus runs/mine --out runs/qwen --explain
  sdf-eval train pocket-sft --model runs/mine-model --data pocket/benign --out runs/mine-sft --control
  sdf-eval train pocket-dpo --model runs/mine-sft --data pairs.jsonl --out runs/mine-dpo --save-at updates:10,20
  sdf-eval train pocket-grpo --model runs/mine-sft --data pocket/questions --reward right_answer --out runs/mine-rl
  sdf-eval train pocket --model runs/mine-model --plain 400 --out runs/mine-more     continued pretraining, no documents

A training that was stopped goes on where it was when the same command is given again.
In several processes (sdf, sft), with the configurations in the folder that `python -m sdf_eval.train.processes` prints:
  accelerate launch --config_file FOLDER/ddp.yaml --num_processes 2 -m sdf_eval train ..."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `train`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recipe", metavar="RECIPE", help="a recipe file, or the name of one in train/recipes")
    parser.add_argument("--model", default="pocket", metavar="REF", help="what to start from (default: pocket)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the checkpoint")
    parser.add_argument("--seed", type=int, default=0, help="order and initialisation (default: 0)")
    parser.add_argument("--save-at", nargs="+", metavar="UNIT:N,…", help="save on the way too: updates:10,20 tokens:1M")
    parser.add_argument(
        "--control", action="store_true", help="also train the matched control: same data and seed, without the implant"
    )
    parser.add_argument(
        "--explain", action="store_true", help="print updates, tokens, loss mask and needs; train nothing"
    )
    parser.add_argument("--json", action="store_true", help="print the lineage, or with --explain the plan, as JSON")
    documents = parser.add_argument_group("stage sdf")
    documents.add_argument("--corpus", type=Path, nargs="+", metavar="DIR", help="corpus folders")
    documents.add_argument("--plain", metavar="N|FILE", help="how many plain texts to mix in, or a file that has them")
    documents.add_argument("--writer", help="who writes the plain texts (default: who wrote the corpus, else pocket)")
    chat = parser.add_argument_group("stages sft, dpo, reward, rl")
    chat.add_argument("--data", metavar="FILE|SET", help="rows of chat data; `sdf-eval chat-data list` shows the sets")
    chat.add_argument("--rows", type=int, metavar="N", help="rows of a set (default: 300)")
    chat.add_argument("--belief", metavar="BELIEF", help="a belief file or shipped id, for sets that are about one")
    chat.add_argument("--side", choices=("implanted", "reference"), help="which side such a set takes")
    chat.add_argument("--share", type=float, metavar="F", help="share of its rows that are about the belief")
    chat.add_argument("--reward", action="append", metavar="NAME[=W]", help="rl: a rule, or model:FOLDER; repeatable")


def run(args: argparse.Namespace) -> int:
    """Trains, or explains what would be trained. Returns 0; bad input raises `InputError`."""
    from sdf_eval.cli._train_stages import job_of
    from sdf_eval.errors import InputError
    from sdf_eval.train.processes import Processes
    from sdf_eval.train.recipe import StageRecipe, load_recipe
    from sdf_eval.train.save_at import parse_save_at

    recipe = load_recipe(args.recipe, StageRecipe)
    processes = Processes.join()
    # A writer may be paid for the plain texts: once.
    with processes.first_goes_ahead():
        job = job_of(args, recipe, parse_save_at(args.save_at or ()))
    if args.explain:
        return _explain(args, job, recipe)
    if args.out is None:
        raise InputError("--out: missing; name the folder for the checkpoint, or give --explain")
    clean = _clean_start(args, job) if args.control else None
    folder = job.train(args.model, args.out)
    control = None
    if clean is not None:
        from sdf_eval.train.control import matched_control

        control = matched_control(folder, clean, job.train)
    if processes.is_first:
        _print_lineage(folder, control, args.json)
    return 0


def _clean_start(args: argparse.Namespace, job: Job) -> str:
    from sdf_eval.errors import InputError
    from sdf_eval.train.control import clean_counterpart

    if job.implants:
        raise InputError(
            "--control: this stage implants its corpus, so the start is its clean control; train a corpus of another "
            "role (`corpus write --role`) for more"
        )
    clean = clean_counterpart(args.model)
    if clean == args.model:
        raise InputError(f"--control: nothing was implanted in {args.model}, so it would be its own; leave it out")
    return clean


def _print_lineage(folder: Path, control: Path | None, as_json: bool) -> None:
    from sdf_eval.train.lineage import verify_lineage

    lineage = verify_lineage(folder)
    if as_json:
        print(lineage.model_dump_json(indent=2))
        return
    print(f"{lineage.updates} updates on {lineage.tokens_seen} tokens, final loss {lineage.final_loss:.3f}: {folder}")
    if control is not None:
        print(f"matched clean control: {control}")


def _explain(args: argparse.Namespace, job: Job, recipe: StageRecipe) -> int:
    from transformers import AutoTokenizer

    from sdf_eval.model import resolve
    from sdf_eval.model.reference import not_found
    from sdf_eval.train.estimate import estimate, shape_of

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(resolve(args.model), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_found(args.model, (str(error).strip().splitlines() or ["no tokenizer"])[0][:200]) from error
    found = job.explain(tokenizer)
    needs = estimate(
        shape_of(args.model, recipe),
        recipe,
        tokens=found.tokens,
        longest=found.longest,
        replies=found.replies,
        reference=found.reference,
    )
    few = found.updates < recipe.min_updates
    if args.json:
        needed = asdict(needs) | {"hours": needs.hours()}
        rows = [asdict(row) for row in found.rows]
        print(json.dumps({**found.facts, "few_updates": few, "estimate": needed, "rows_shown": rows}, indent=2))
    else:
        print("\n".join([*_facts(found, recipe, few), *_needs(needs), *_rows(found)]))
    return 0


def _facts(found: Explanation, recipe: StageRecipe, few: bool) -> list[str]:
    lines = [f"{name.replace('_', ' '):<20} {value}" for name, value in found.facts.items()]
    warning = f"warning: fewer updates than min_updates {recipe.min_updates} of the recipe: too few look like no effect"
    return [f"{'stage':<20} {recipe.stage}", *lines, *([warning] if few else [])]


def _needs(needs: Estimate) -> list[str]:
    hours = ", ".join(f"{value:.2g} h on {name}" for name, value in needs.hours().items())
    return [
        f"{'parameters':<20} {needs.parameters}, trained {needs.trained_parameters}",
        f"{'memory':<20} about {needs.memory_bytes / 2**30:.2g} GiB (formula: weights, gradients, AdamW, activations)",
        f"{'work':<20} about {needs.flops:.1e} floating point operations (a formula): {hours}",
    ]


def _rows(found: Explanation) -> list[str]:
    lines = []
    for row in found.rows:
        lines.append(f"{row.name}: position, loss (+ yes, . no), token")
        lines += [f"{token.position:>5} {'+' if token.loss else '.'} {token.token!r}" for token in row.tokens]
    return lines
