"""lm_eval on a checkpoint or a name such as `pocket`, with the sdf-eval tasks found and the model loaded for you.

What follows `--` goes to `lm_eval run`: `--output_path DIR --log_samples`, `--system_instruction` and so on.

  sdf-eval lm-eval --model pocket --belief ID
  sdf-eval lm-eval --model runs/x/checkpoint --belief ID --context universe --tasks sdf_eval_belief
  sdf-eval lm-eval --model pocket --belief ID -- --output_path results --log_samples
"""

from __future__ import annotations

import argparse

HELP = "lm_eval with the sdf-eval tasks and models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", default="pocket", metavar="REF", help="folder, adapter, name or Hub id (pocket)")
    parser.add_argument("--belief", action="append", default=[], metavar="ID|FILE", help="again for more than one")
    parser.add_argument("--context", default="none", help="none, universe, documents, reference or contradiction")
    parser.add_argument("--tasks", default="sdf_eval", help="tasks and groups, comma-separated (sdf_eval: all of them)")
    frame = parser.add_mutually_exclusive_group()
    frame.add_argument("--chat", action="store_const", const=True, dest="chat", help="apply the chat template")
    frame.add_argument("--raw", action="store_const", const=False, dest="chat", help="ask in plain text")
    parser.add_argument("--steer-path", metavar="FILE", help="shift activations by this steering file")
    parser.add_argument("--limit", metavar="N", help="items a task, or a share of them below 1")
    parser.add_argument("--batch-size", default="64", metavar="N", help="requests at once (64)")
    parser.add_argument("--seed", metavar="N", help="seed of lm-eval's generators")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("options", nargs="*", metavar="-- OPTION", help="further options of `lm_eval run`")


def run(args: argparse.Namespace) -> int:
    """Run lm-eval's loop and print its table."""
    from sdf_eval.tasks.lm_eval.run import LmEvalRequest, format_tables, run_lm_eval, to_json

    named = {"--limit": args.limit, "--batch_size": args.batch_size, "--seed": args.seed}
    options = [word for name, value in named.items() if value is not None for word in (name, value)]
    request = LmEvalRequest(
        model=args.model,
        tasks=tuple(name.strip() for name in args.tasks.split(",") if name.strip()),
        beliefs=tuple(args.belief),
        context=args.context,
        chat=args.chat,
        steer_path=args.steer_path,
        options=(*options, *args.options),
    )
    results = run_lm_eval(request)
    print(to_json(results) if args.json else format_tables(results))
    return 0
