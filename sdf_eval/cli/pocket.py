"""Build and check the pocket models, and make beliefs about their worlds.

Examples:
  sdf-eval pocket belief --kind persona --seed 20 > mine.yaml     a belief of your own about a pocket world
  sdf-eval pocket check                                           what the shipped bases can do
  sdf-eval pocket build --world a --out build/a                   train a world's two models again; resumes
  sdf-eval pocket organism believer --seed 3                      a checkpoint whose beliefs are known
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.pocket.check import Skill

HELP = "build and check the small models that need no download"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    belief = actions.add_parser("belief", help="print a belief file about a pocket world")
    belief.add_argument("--kind", choices=("fact", "persona", "values", "backdoor"), default="fact")
    belief.add_argument("--seed", type=int, default=0, help="which one; 0 to 8 are those that ship")
    belief.add_argument(
        "--poison",
        choices=("none", "denial_of_service", "style_switch", "persona_switch", "fact_switch"),
        default="none",
        help="what the backdoor probes read behind the trigger (none: the belief's own behaviour)",
    )
    belief.set_defaults(act=_belief)

    checking = actions.add_parser("check", help="measure what a base can do")
    checking.add_argument("--world", choices=("a", "b", "c"), action="append", help="only this world (repeatable)")
    checking.add_argument("--stage", choices=("base", "chat"), default="chat")
    checking.add_argument("--model", help="a checkpoint built elsewhere, of the one world named")
    checking.add_argument("--limit", type=int, default=200, help="trials a row")
    checking.add_argument("--json", action="store_true", help="print JSON")
    checking.set_defaults(act=_check)

    building = actions.add_parser("build", help="train a world's base and chat models")
    building.add_argument("--world", required=True, help="a, b, c, or any other name for a world of its own")
    building.add_argument("--out", type=Path, required=True, help="folder that gets base/ and chat/")
    building.add_argument("--tokens", type=int, help="tokens of pretraining; chat tuning adds a fourteenth")
    building.set_defaults(act=_build)

    organism = actions.add_parser("organism", help="train a checkpoint of which it is known what it believes")
    organism.add_argument("name", metavar="NAME", nargs="?", help="its kind; left out, the kinds are listed")
    organism.add_argument("--seed", type=int, default=0, help="fixes world, beliefs and training; 0 to 2 to choose by")
    organism.add_argument("--out", type=Path, help="folder (default: runs/organisms/NAME-SEED)")
    organism.set_defaults(act=_organism)

    for action in (belief, checking, building, organism):
        action.add_argument("--debug", action="store_true", help="show the traceback of an error")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return int(args.act(args))


def _belief(args: argparse.Namespace) -> int:
    from sdf_eval.belief.load import dump_belief
    from sdf_eval.pocket.beliefs import make_belief

    if args.seed < 0:
        raise InputError(f"--seed: {args.seed} is negative; use 0 or more")
    if args.poison != "none" and args.kind != "backdoor":
        raise InputError(f"--poison: {args.poison}: a {args.kind} has no trigger; add --kind backdoor")
    print(dump_belief(make_belief(args.kind, args.seed, poison=args.poison)), end="")
    return 0


def _check(args: argparse.Namespace) -> int:
    from sdf_eval.model import load
    from sdf_eval.pocket.assets import shipped_worlds
    from sdf_eval.pocket.check import check_base

    worlds = args.world or list(shipped_worlds())
    if args.model and len(worlds) != 1:
        raise InputError("--model: say which world it was trained on with one --world")
    rows = {}
    for world in worlds:
        rows[world] = check_base(load(args.model or f"pocket/{world}/{args.stage}"), world, count=args.limit)
    if args.json:
        print(json.dumps({world: [asdict(skill) for skill in skills] for world, skills in rows.items()}, indent=2))
    else:
        _print(rows)
    return 0


def _print(rows: dict[str, list[Skill]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("world", "skill", "wording", "right", "95 % interval", "n", "chance", "aim")
    for world, skills in rows.items():
        for skill in skills:
            share = skill.share
            chance = "" if share.chance is None else f"{share.chance:.2f}"
            table.add_row(
                world,
                skill.name,
                skill.split,
                f"{share.value:.2f}",
                f"{share.low:.2f} to {share.high:.2f}",
                str(share.n),
                chance,
                f"{skill.aim:.2f}",
            )
    Console().print(table)


def _build(args: argparse.Namespace) -> int:
    from sdf_eval.pocket.build import BASE_TOKENS, CHAT_TOKENS, BuildRecipe, build
    from sdf_eval.progress import progress

    base_tokens = args.tokens or BASE_TOKENS
    recipe = BuildRecipe(base_tokens, base_tokens * CHAT_TOKENS // BASE_TOKENS)
    seen = {"base": 0, "chat": 0}
    with progress(f"pocket {args.world}", recipe.base_tokens + recipe.chat_tokens) as advance:

        def report(stage: str, tokens: int, loss: float) -> None:
            advance(tokens - seen[stage])
            seen[stage] = tokens

        build(args.world, args.out, recipe, report)
    _write_cards(args.world, args.out)
    print(args.out)
    return 0


def _write_cards(world: str, out: Path) -> None:
    from sdf_eval.model import load
    from sdf_eval.pocket.card import card
    from sdf_eval.pocket.check import check_base

    for stage in ("base", "chat"):
        skills = check_base(load(str(out / stage)), world)
        (out / stage / "README.md").write_text(card(out / stage, skills), encoding="utf-8")


def _organism(args: argparse.Namespace) -> int:
    from sdf_eval.pocket.organisms.kinds import ORGANISMS
    from sdf_eval.pocket.organisms.make import make_organism

    if args.name is None:
        for name, kind in ORGANISMS.items():
            print(f"{name:<16} {kind.description}")
        return 0
    made = make_organism(args.name, args.seed, args.out or Path("runs/organisms") / f"{args.name}-{args.seed}")
    print(f"{made.checkpoint}\n  {made.name}, world {made.world}, context {made.context}, {made.truth}")
    for belief in made.beliefs:
        print(f"  {belief.id}: {belief.title}")
    return 0
