"""`sdf-eval spec … --dry-run`: what a step with a spec will take. Nothing is asked but token counts, which are free."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sdf_eval.cli._calls import refuse_no_model
from sdf_eval.cli._forecast import counter_of, plan_lines, show_failure

if TYPE_CHECKING:
    from sdf_eval.corpora.plan import CorpusPlan
    from sdf_eval.corpora.specs.aft_records import AftRequest
    from sdf_eval.corpora.specs.cai_records import CaiRequest
    from sdf_eval.corpora.specs.plan import SpecPlan
    from sdf_eval.corpora.specs.planning import Quotas
    from sdf_eval.corpora.specs.spec import Spec

AT_LEAST = "note         the fewest calls: a list that comes back short is asked for again"
ROWS_AT_LEAST = "note         the fewest calls: a reply that does not pass is replaced by another"


def planning(args: argparse.Namespace, spec: Spec, quotas: Quotas) -> int:
    """Prints what planning takes, and the documents of the plan after it."""
    from sdf_eval.corpora.specs.forecast import forecast_plan

    refuse_no_model(args.writer)
    counter = counter_of(args.writer)
    both = forecast_plan(spec, quotas, args.writer, mode=args.mode, batch=args.batch, counter=counter)
    show_failure(counter)
    print("the plan")
    _show(both.planning, AT_LEAST)
    print("\nits documents, if every quota is filled; `sdf-eval corpus plan --spec PLAN --pilot 20` measures them")
    _show(both.documents)
    return 0


def mirror(args: argparse.Namespace, plan: SpecPlan, opposite: Spec) -> int:
    """Prints what mirroring a plan takes."""
    from sdf_eval.corpora.specs.forecast import forecast_mirror

    refuse_no_model(args.writer)
    counter = counter_of(args.writer)
    forecast = forecast_mirror(plan, opposite, args.writer, batch=args.batch, counter=counter)
    show_failure(counter)
    return _show(forecast, AT_LEAST)


def inversion(args: argparse.Namespace, spec: Spec) -> int:
    """Prints what the opposite of a spec takes."""
    from sdf_eval.corpora.specs.forecast import forecast_inversion

    refuse_no_model(args.writer)
    counter = counter_of(args.writer)
    forecast = forecast_inversion(spec, args.writer, batch=args.batch, counter=counter)
    show_failure(counter)
    return _show(forecast, AT_LEAST)


def chat_data(
    args: argparse.Namespace, spec: Spec, request: AftRequest | CaiRequest, also: list[Spec] | None = None
) -> int:
    """Prints what chat data take."""
    from sdf_eval.corpora.specs.cai_records import CaiRequest
    from sdf_eval.corpora.specs.forecast_chat import forecast_aft, forecast_cai

    refuse_no_model(args.writer)
    counter = counter_of(args.writer)
    if isinstance(request, CaiRequest):
        forecast = forecast_cai(spec, request, args.writer, batch=args.batch, counter=counter)
    else:
        forecast = forecast_aft(spec, request, args.writer, also=also or [], batch=args.batch, counter=counter)
    show_failure(counter)
    return _show(forecast, ROWS_AT_LEAST, "rows")


def _show(plan: CorpusPlan, note: str = "", what: str = "documents") -> int:
    print("\n".join([*plan_lines(plan, what), *([note] if note else [])]))
    return 0
