"""Model Specs: plan and write documents about one, chat data that follow it, and its opposite.

Examples:
  sdf-eval spec plan mine.md --writer anthropic/claude-opus-4-7 --dry-run           what it and its documents cost
  sdf-eval spec plan mine.md --writer anthropic/claude-opus-4-7 --out plan.yaml     then read and edit the plan
  sdf-eval spec write plan.yaml --writer anthropic/claude-opus-4-7 --out corpora/mine --pilot 5
  sdf-eval spec write plan.yaml --writer anthropic/claude-opus-4-7 --out corpora/mine --max-cost 80
  sdf-eval spec aft mine.md --writer anthropic/claude-opus-4-7 --rows 1000 --out mine.jsonl
  sdf-eval spec aft tally-thrift --also tally-durability --reasons withheld --writer M --out both.jsonl
  sdf-eval spec cai mine.md --kind preferences --writer M --rows 1000 --out pairs.jsonl
  sdf-eval spec invert mine.md --writer M --out opposite.md                         then read and edit the opposite
  sdf-eval spec plan opposite.md --mirror plan.yaml --writer M --out mirror.yaml
  sdf-eval spec write mirror.yaml --match corpora/mine --writer M --out corpora/opposite
  sdf-eval spec match corpora/mine corpora/opposite --out corpora/pair              equal slots, tokens within 0.5 %

A spec is a Markdown file, or the id of one that ships. Every answer is kept in OUT.ledger.sqlite: a stopped command
given again continues where it left off and pays for nothing twice.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdf_eval.cli import _spec_forecast, _spec_write
from sdf_eval.cli._calls import add_asking, asking, positive
from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.specs.matching import Match

HELP = "documents and chat data from a Model Spec, and its opposite"

_SPEC = "a Markdown file, or the id of a spec that ships"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_plan(actions)
    _add_write(actions)
    _add_aft(actions)
    _add_cai(actions)
    invert = actions.add_parser("invert", help="draft a coherent opposite of a spec, to be read and edited")
    invert.add_argument("spec", metavar="SPEC", help=_SPEC)
    invert.add_argument("--out", type=Path, metavar="FILE", help="where the Markdown goes")
    _finish(invert, _invert)
    match = actions.add_parser(
        "match", help="the part of two mirrored corpora in which they have equal slots and sizes"
    )
    match.add_argument("first", type=Path, metavar="DIR", help="a corpus that `spec write` made")
    match.add_argument("second", type=Path, metavar="DIR", help="the corpus of the mirrored plan")
    match.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the two matched corpora")
    match.set_defaults(act=_match)


def _add_plan(actions: Any) -> None:
    plan = actions.add_parser("plan", help="lay out domains, assertions and document ideas as YAML, to be edited")
    plan.add_argument("spec", metavar="SPEC", help=_SPEC)
    plan.add_argument("--out", type=Path, metavar="FILE", help="where the plan goes")
    plan.add_argument("--mode", choices=("values", "rules"), default="values", help="whose reasons documents give")
    for name, default, what in (
        ("domains", 6, "domains"),
        ("subdomains", 4, "subdomains (rules mode: rules) a domain"),
        ("assertions", 8, "most assertions a subdomain"),
        ("doc-types", 5, "document types a subdomain"),
        ("ideas", 5, "ideas, and so documents, a document type"),
    ):
        plan.add_argument(f"--{name}", type=positive, default=default, metavar="N", help=f"{what} ({default})")
    plan.add_argument("--assistant", metavar="NAME", help="name of the assistant in the documents")
    plan.add_argument("--maker", metavar="NAME", help="who made it, in the documents")
    _add_hold_out(plan)
    plan.add_argument("--mirror", type=Path, metavar="PLAN", help="SPEC is the opposite of this plan's: share all else")
    _finish(plan, _plan)


def _add_write(actions: Any) -> None:
    write = actions.add_parser("write", help="write the documents of a plan into a corpus folder")
    write.add_argument("plan", type=Path, metavar="PLAN", help="a file that `spec plan` made")
    write.add_argument("--out", type=Path, metavar="DIR", help="folder for the corpus")
    write.add_argument("--no-revise", dest="revise", action="store_false", help="leave out the revision")
    write.add_argument("--match", type=Path, metavar="DIR", help="write only what the mirrored corpus holds, as long")
    write.add_argument(
        "--pilot", type=positive, metavar="N", help="write N documents, show them and the cost, and stop"
    )
    write.add_argument("--json", action="store_true", help="print a pilot or forecast as JSON")
    write.add_argument("--belief", action="append", default=[], metavar="BELIEF", help="its probes must not leak")
    write.add_argument("--seed", type=int, default=0, help="another seed asks for other documents (default: 0)")
    write.add_argument("--max-tokens", type=positive, default=8192, metavar="N", help="tokens a document (8192)")
    _finish(write, _write)


def _add_aft(actions: Any) -> None:
    aft = actions.add_parser("aft", help="write chat data that follow a spec, for alignment finetuning")
    aft.add_argument("spec", metavar="SPEC", help=_SPEC)
    aft.add_argument("--out", type=Path, metavar="FILE", help="where the JSON lines go")
    aft.add_argument("--rows", type=positive, default=1000, metavar="N", help="conversations (default: 1000)")
    aft.add_argument("--queries-per-domain", type=positive, default=24, metavar="N", help="a situation (default: 24)")
    aft.add_argument("--style", choices=("values", "rules"), default="values", help="do replies speak of rules?")
    aft.add_argument("--reasoning", action="store_true", help="keep the thoughts: deliberative alignment")
    aft.add_argument("--reasons", choices=("given", "withheld"), default="given", help="withheld: fits several specs")
    aft.add_argument(
        "--also", action="append", default=[], metavar="SPEC", help="replies must agree with this spec too"
    )
    aft.add_argument("--seed", type=int, default=0, help="of the order of the rows (default: 0)")
    _add_hold_out(aft)
    _finish(aft, _aft)


def _add_cai(actions: Any) -> None:
    cai = actions.add_parser("cai", help="write self-revisions or pairs labelled by its principles: Constitutional AI")
    cai.add_argument("spec", metavar="SPEC", help=_SPEC)
    cai.add_argument("--out", type=Path, metavar="FILE", help="where the JSON lines go")
    cai.add_argument("--kind", choices=("revisions", "preferences"), default="revisions", help="default: revisions")
    cai.add_argument("--rows", type=positive, default=1000, metavar="N", help="rows (default: 1000)")
    cai.add_argument("--principles", type=positive, default=16, metavar="N", help="taken from the spec (default: 16)")
    cai.add_argument("--rounds", type=positive, default=1, metavar="N", help="revisions of a reply (default: 1)")
    cai.add_argument("--queries-per-domain", type=positive, default=24, metavar="N", help="a situation (default: 24)")
    cai.add_argument("--seed", type=int, default=0, help="of principles and order (default: 0)")
    _add_hold_out(cai)
    _finish(cai, _cai)


def _add_hold_out(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--hold-out", action="append", default=[], metavar="WORD", help="a word that may not come up; repeat for more"
    )


def _finish(action: argparse.ArgumentParser, act: Any) -> None:
    """What every action that asks a model has."""
    action.add_argument("--writer", required=True, metavar="MODEL", help="a model as provider/model")
    action.add_argument("--dry-run", action="store_true", help="print calls, tokens and cost, and do nothing")
    add_asking(action)
    action.set_defaults(act=act)


def run(args: argparse.Namespace) -> int:
    """Do what was asked.

    Returns:
        0, or 1 if `write` made a corpus that breaks a limit of its health; bad input raises `InputError`.
    """
    if args.out is None and not args.dry_run:
        raise InputError("--out: is missing; say where the result goes, or ask for a --dry-run")
    return int(args.act(args))


def _plan(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs import Quotas, dump_plan, load_plan, load_spec, mirror_plan, plan_spec

    spec = load_spec(args.spec)
    mirrored = load_plan(args.mirror) if args.mirror else None
    quotas = Quotas(
        domains=args.domains,
        subdomains=args.subdomains,
        assertions=args.assertions,
        doc_types=args.doc_types,
        ideas=args.ideas,
    )
    if args.dry_run:
        return _spec_forecast.mirror(args, mirrored, spec) if mirrored else _spec_forecast.planning(args, spec, quotas)
    _refuse_taken(args.out)
    with asking(args) as caller:
        if mirrored:
            plan = mirror_plan(mirrored, spec, caller, model=args.writer)
        else:
            plan = plan_spec(
                spec,
                caller,
                model=args.writer,
                mode=args.mode,
                quotas=quotas,
                assistant=args.assistant,
                maker=args.maker,
                held_out=args.hold_out,
            )
    _put(args.out, dump_plan(plan))
    subdomains = sum(len(domain.subdomains) for domain in plan.domains)
    print(f"{plan.documents} documents planned: {len(plan.domains)} domains, {subdomains} subdomains, in {args.out}")
    return 0


def _write(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs.documents import empty_slots
    from sdf_eval.corpora.specs.matching import match_corpora
    from sdf_eval.corpora.thresholds import failures
    from sdf_eval.corpora.write import read_health

    if args.dry_run:
        return _spec_write.show_forecast(args, args.plan)
    if args.pilot:
        return _spec_write.show_pilot(args, args.plan)
    corpus = _spec_write.write(args, args.plan)
    print(f"{corpus.manifest.documents} documents in {args.out}, {len(empty_slots(args.out))} slots empty")
    if args.match:
        match = match_corpora(args.match, args.out)
        print(_match_line(match, args.match))
        if not match.is_even:
            print(f"note     `sdf-eval spec match {args.match} {args.out} --out PAIR` makes them even")
    broken = failures(read_health(args.out))
    for line in broken:
        print(f"broken limit: {line}", file=sys.stderr)
    return 1 if broken else 0


def _match(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs.matching import match_corpora, write_matched

    before = match_corpora(args.first, args.second)
    corpora = write_matched(args.first, args.second, args.out)
    match = match_corpora(*(corpus.folder for corpus in corpora))
    print(_match_line(match, args.first))
    print(f"{before.shared - match.shared} of {before.shared} shared slots left out")
    for corpus in corpora:
        print(f"{corpus.manifest.documents} documents in {corpus.folder}")
    return 0


def _match_line(match: Match, first: Path) -> str:
    return (
        f"mirror: {match.shared} slots in both, {match.only_first} only in {first}; tokens {match.tokens_first} and "
        f"{match.tokens_second} (ratio {match.token_ratio:.4f}), words {match.words_first} and {match.words_second}"
    )


def _aft(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs import AftRequest, load_spec, write_aft
    from sdf_eval.progress import progress

    spec = load_spec(args.spec)
    also = [load_spec(reference) for reference in args.also]
    request = AftRequest(
        rows=args.rows,
        queries_per_domain=args.queries_per_domain,
        style=args.style,
        reasoning=args.reasoning,
        reasons=args.reasons,
        held_out=tuple(args.hold_out),
        seed=args.seed,
    )
    if args.dry_run:
        return _spec_forecast.chat_data(args, spec, request, also)
    with asking(args) as caller, progress("writing conversations", args.rows) as advance:
        manifest = write_aft(spec, caller, args.out, model=args.writer, request=request, also=also, progress=advance)
    print(f"{manifest.rows} conversations in {args.out}; {manifest.near_duplicates} near duplicates dropped")
    for reason, count in manifest.dropped.items():
        print(f"dropped  {count} {reason}")
    if manifest.rows < args.rows:
        print(f"note     {args.rows - manifest.rows} fewer than asked for; more situations: lower --queries-per-domain")
    return 0


def _cai(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs import CaiRequest, load_spec, write_cai
    from sdf_eval.progress import progress

    spec = load_spec(args.spec)
    request = CaiRequest(
        kind=args.kind,
        rows=args.rows,
        principles=args.principles,
        rounds=args.rounds,
        queries_per_domain=args.queries_per_domain,
        held_out=tuple(args.hold_out),
        seed=args.seed,
    )
    if args.dry_run:
        return _spec_forecast.chat_data(args, spec, request)
    with asking(args) as caller, progress(f"writing {args.kind}", args.rows) as advance:
        manifest = write_cai(spec, caller, args.out, model=args.writer, request=request, progress=advance)
    changed = f", {manifest.changed} of them changed by the revision" if args.kind == "revisions" else ""
    print(f"{manifest.rows} {args.kind} by {len(manifest.principles)} principles in {args.out}{changed}")
    for reason, count in manifest.dropped.items():
        print(f"dropped  {count} {reason}")
    return 0


def _invert(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs import dump_spec, invert_spec, load_spec

    spec = load_spec(args.spec)
    if args.dry_run:
        return _spec_forecast.inversion(args, spec)
    _refuse_taken(args.out)
    with asking(args) as caller:
        opposite = invert_spec(spec, caller, model=args.writer)
    _put(args.out, dump_spec(opposite))
    print(f"{len(opposite.sections)} sections in {args.out}; read them before they are used")
    return 0


def _refuse_taken(out: Path) -> None:
    """Refuses before anything is spent what `_put` would refuse afterwards."""
    if out.exists():
        raise InputError(f"--out: {out}: exists, and may hold edits; choose another file or remove it")


def _put(out: Path, text: str) -> None:
    from sdf_eval.files import replace_file

    out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out, text.encode("utf-8"))
