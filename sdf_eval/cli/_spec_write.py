"""`corpus write --spec`, `corpus plan --spec` and `spec write`: the documents of a plan that `spec plan` made."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdf_eval.cli._calls import asking, refuse_lost_pilot, refuse_no_model
from sdf_eval.cli._forecast import (
    AFTER_A_PILOT,
    counter_of,
    plan_json,
    plan_lines,
    show_documents,
    show_failure,
    updates_line,
    updates_of,
)
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.pilot import Pilot
    from sdf_eval.corpora.plan import CorpusPlan
    from sdf_eval.corpora.specs.plan import SpecPlan
    from sdf_eval.corpora.write import Corpus

DEFAULTS: dict[str, Any] = {"revise": True, "match": None, "belief": [], "max_tokens": 8192}
"""What `corpus` leaves to `spec write` to say."""


def read_plan(path: Path) -> SpecPlan:
    """The plan in a file.

    Raises:
        InputError: It is a spec and no plan, or cannot be read.
    """
    from sdf_eval.corpora.specs.plan import load_plan

    if path.suffix == ".md":
        raise InputError(f"{path}: is a spec, not a plan; make one with `sdf-eval spec plan {path}`")
    return load_plan(path)


def write(args: argparse.Namespace, path: Path) -> Corpus:
    """Writes the documents of a plan.

    Args:
        args: Of the command; see `DEFAULTS`.
        path: The plan.

    Returns:
        The corpus.
    """
    from sdf_eval.belief.load import load_belief
    from sdf_eval.corpora.specs.documents import write_spec_corpus
    from sdf_eval.progress import progress

    plan = read_plan(path)
    beliefs = [load_belief(reference) for reference in args.belief]
    with asking(args) as caller, progress("writing documents", plan.documents) as advance:
        return write_spec_corpus(
            plan,
            caller,
            args.out,
            model=args.writer,
            revise=args.revise,
            match=args.match,
            beliefs=beliefs,
            seed=args.seed,
            max_tokens=args.max_tokens,
            progress=advance,
        )


def show_pilot(args: argparse.Namespace, path: Path) -> int:
    """Prints the documents of a pilot and what all would cost. Nothing is put into `--out`."""
    plan = read_plan(path)
    pilot = _pilot(args, plan)
    forecast = _forecast(args, plan, pilot)
    if args.json:
        shown = [document.model_dump(mode="json") for document in pilot.documents]
        print(json.dumps({"documents": shown, "plan": plan_json(forecast)}, indent=2))
        return 0
    show_documents(pilot.documents)
    print("\n".join(plan_lines(forecast)))
    print(AFTER_A_PILOT)
    return 0


def show_forecast(args: argparse.Namespace, path: Path) -> int:
    """Prints what the documents of a plan will take; with `--pilot` some are written for it."""
    from sdf_eval.train.recipe import SdfRecipe, load_recipe

    plan = read_plan(path)
    name: str = getattr(args, "recipe", None) or ""
    recipe = load_recipe(name, SdfRecipe) if name else None
    forecast = _forecast(args, plan, _pilot(args, plan) if args.pilot else None)
    updates = updates_of(recipe, forecast, 1) if recipe else None
    if args.json:
        print(json.dumps({**plan_json(forecast), "updates": updates}, indent=2))
        return 0
    print("\n".join(plan_lines(forecast)))
    if recipe and updates is not None:
        print(updates_line(recipe, name, updates))
    return 0


def _pilot(args: argparse.Namespace, plan: SpecPlan) -> Pilot:
    from sdf_eval.corpora.specs.documents import pilot_spec_corpus
    from sdf_eval.progress import progress

    refuse_lost_pilot(args)
    with asking(args) as caller, progress("writing a pilot", min(args.pilot, plan.documents)) as advance:
        return pilot_spec_corpus(
            plan,
            caller,
            args.pilot,
            model=args.writer,
            revise=args.revise,
            match=args.match,
            seed=args.seed,
            max_tokens=args.max_tokens,
            progress=advance,
        )


def _forecast(args: argparse.Namespace, plan: SpecPlan, pilot: Pilot | None) -> CorpusPlan:
    from sdf_eval.corpora.specs.documents import spec_calls
    from sdf_eval.corpora.specs.forecast import forecast_documents

    refuse_no_model(args.writer)
    counter = None if pilot else counter_of(args.writer)
    calls, slots = spec_calls(plan, args.writer, match=args.match, seed=args.seed, max_tokens=args.max_tokens)
    forecast = forecast_documents(calls, slots, revise=args.revise, batch=args.batch, pilot=pilot, counter=counter)
    show_failure(counter)
    return forecast
