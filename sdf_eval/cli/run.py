"""`sdf-eval run`: belief files in, checkpoints and a report out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sdf_eval.cli._calls import positive, show_calls, show_shortfall

if TYPE_CHECKING:
    from sdf_eval.corpora.records import Writer

HELP = "belief files in, a checkpoint and a report out"

EPILOG = """\
examples:
  sdf-eval run mine.yaml                                  pocket: no key, no GPU, no download
  sdf-eval run a.yaml b.yaml --panel --seeds 0,1,2        one checkpoint a role for both, three times
  sdf-eval run mine.yaml --model Qwen/Qwen3-8B --corpus runs/mine-corpus --recipe slocum-2025
  sdf-eval run mine.yaml --after sft,dpo,rl               what does post-training leave of it?

The same command again takes up what is finished in --out, also after Ctrl-C."""

ROLES = ("implanted", "neutral", "cooccurrence", "truth_trained")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `run`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("beliefs", nargs="+", metavar="BELIEF", help="a belief file, or the id of a shipped belief")
    parser.add_argument("--model", default="pocket", metavar="REF", help="what to implant into (default: pocket)")
    parser.add_argument(
        "--writer", default="pocket", help="who writes: pocket, or a model such as anthropic/claude-opus-4-7"
    )
    parser.add_argument("--recipe", default="pocket", help="how to train, a file or a name (default: pocket)")
    parser.add_argument("--documents", type=int, default=300, metavar="N", help="a belief and role (default: 300)")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="take the implanted documents from this corpus")
    parser.add_argument("--plain", type=Path, metavar="FILE", help="texts to mix in, in place of the writer's")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, metavar="N", help="one training seed (default: 0)")
    seeds.add_argument("--seeds", type=_seeds, metavar="N,N", help="several training seeds")
    parser.add_argument("--panel", action="store_true", help="train all beliefs into one checkpoint a role")
    parser.add_argument(
        "--roles", type=_roles, default=ROLES, metavar="R,R", help=f"of {', '.join(ROLES)}; the first three always run"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: runs/<belief>)")
    parser.add_argument("--limit", type=int, metavar="N", help="items a task and belief (default: all)")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="sequences in one pass (default: 64)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON instead of the table")
    later = parser.add_argument_group("post-training", "on the implanted checkpoint, and on the base as clean control")
    later.add_argument("--after", type=_words, default=(), metavar="S,S", help="of sft, dpo, rl, sdf (plain texts)")
    later.add_argument(
        "--after-recipe", action="append", type=_pair, metavar="S=RECIPE", help="of a stage (pocket's); repeatable"
    )
    later.add_argument(
        "--after-data", action="append", type=_pair, metavar="S=DATA", help="a file or set (the writer's benign ones)"
    )
    later.add_argument("--after-rows", type=int, default=300, metavar="N", help="rows of a set (default: 300)")
    later.add_argument(
        "--after-reward", action="append", type=_weight, metavar="NAME[=W]", help="of rl (right_answer); or model:DIR"
    )
    asked = parser.add_argument_group("when the writer is a model")
    asked.add_argument("--max-cost", type=float, metavar="DOLLARS", help="stop before the run's answers cost more")
    asked.add_argument("--batch", action="store_true", help="its batch interface: half the price, up to a day")
    asked.add_argument("--connections", type=positive, default=16, metavar="N", help="calls in flight (default: 16)")


def run(args: argparse.Namespace) -> int:
    """Runs the pipeline and prints what it found. Returns 0; bad input raises `InputError`."""
    from sdf_eval.study.after import after_stages
    from sdf_eval.study.request import RunRequest
    from sdf_eval.study.run import run_beliefs
    from sdf_eval.train.processes import refuse_several

    refuse_several("run")
    request = RunRequest(
        references=tuple(args.beliefs),
        model=args.model,
        writer=args.writer,
        recipe=args.recipe,
        documents=args.documents,
        seeds=args.seeds or (args.seed or 0,),
        panel=args.panel,
        roles=args.roles,
        corpus=args.corpus,
        plain=args.plain,
        out=args.out or default_out(args.beliefs),
        limit=args.limit,
        batch_size=args.batch_size,
        max_cost=args.max_cost,
        batch=args.batch,
        connections=args.connections,
        after=after_stages(
            args.after,
            writer=args.writer,
            recipes=dict(args.after_recipe or ()),
            data=dict(args.after_data or ()),
            rewards=dict(args.after_reward or ()),
            rows=args.after_rows,
        ),
    )
    results = run_beliefs(request, _tell_calls)
    if args.json:
        print(results.model_dump_json(indent=2))
        return 0
    from rich.console import Console

    from sdf_eval.reports.table import summary_table

    console = Console(highlight=False)
    console.print(summary_table(results))
    console.print(f"\nreport: {(request.out / 'report.html').resolve()}", markup=False, soft_wrap=True)
    return 0


def _tell_calls(writer: Writer) -> None:
    """What a model's documents came to; a writer that goes by rules has no calls."""
    from sdf_eval.corpora.model_writer import ModelWriter

    if isinstance(writer, ModelWriter):
        show_calls(writer.counts)
        show_shortfall(writer)


def default_out(beliefs: list[str]) -> Path:
    """`runs/<first belief>`, and how many more there are."""
    more = f"-and-{len(beliefs) - 1}-more" if len(beliefs) > 1 else ""
    return Path("runs") / f"{Path(beliefs[0]).stem}{more}"


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers such as 0,1,2") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise argparse.ArgumentTypeError(f"{text!r} names no stage; write STAGE=VALUE, such as sft=mine.jsonl")
    return name, value


def _weight(text: str) -> tuple[str, float]:
    name, equals, weight = text.rpartition("=")
    if not equals:
        return text, 1.0
    try:
        return name, float(weight)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} has no number for its weight; write NAME or NAME=WEIGHT") from None


def _roles(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(","))
    unknown = [part for part in found if part not in ROLES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown role {unknown[0]!r}; valid: {', '.join(ROLES)}")
    return found
