"""Model Specs: plan and write documents about one, chat data that follow it, and its opposite.

Examples:
  sdf-eval spec plan mine.md --writer anthropic/claude-opus-4-7 --out plan.yaml     then read and edit the plan
  sdf-eval spec write plan.yaml --writer anthropic/claude-opus-4-7 --out corpora/mine
  sdf-eval spec aft mine.md --writer anthropic/claude-opus-4-7 --rows 1000 --out mine.jsonl
  sdf-eval spec aft tally-thrift --also tally-durability --reasons withheld --writer M --out both.jsonl
  sdf-eval spec invert mine.md --writer M --out opposite.md                         then read and edit the opposite
  sdf-eval spec plan opposite.md --mirror plan.yaml --writer M --out mirror.yaml
  sdf-eval spec write mirror.yaml --match corpora/mine --writer M --out corpora/opposite

A spec is a Markdown file, or the id of one that ships. Every answer is kept in the ledger: a stopped command given
again continues where it left off and pays for nothing twice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdf_eval.corpora.calls import Caller

HELP = "documents and chat data from a Model Spec, and its opposite"

_SPEC = "a Markdown file, or the id of a spec that ships"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_plan(actions)
    _add_write(actions)
    _add_aft(actions)
    invert = actions.add_parser("invert", help="draft a coherent opposite of a spec, to be read and edited")
    invert.add_argument("spec", metavar="SPEC", help=_SPEC)
    invert.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the Markdown goes")
    _finish(invert, _invert)


def _add_plan(actions: Any) -> None:
    plan = actions.add_parser("plan", help="lay out domains, assertions and document ideas as YAML, to be edited")
    plan.add_argument("spec", metavar="SPEC", help=_SPEC)
    plan.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the plan goes")
    plan.add_argument("--mode", choices=("values", "rules"), default="values", help="whose reasons documents give")
    for name, default, what in (
        ("domains", 6, "domains"),
        ("subdomains", 4, "subdomains (rules mode: rules) a domain"),
        ("assertions", 8, "most assertions a subdomain"),
        ("doc-types", 5, "document types a subdomain"),
        ("ideas", 5, "ideas, and so documents, a document type"),
    ):
        plan.add_argument(f"--{name}", type=_positive, default=default, metavar="N", help=f"{what} ({default})")
    plan.add_argument("--assistant", metavar="NAME", help="name of the assistant in the documents")
    plan.add_argument("--maker", metavar="NAME", help="who made it, in the documents")
    _add_hold_out(plan)
    plan.add_argument("--mirror", type=Path, metavar="PLAN", help="SPEC is the opposite of this plan's: share all else")
    _finish(plan, _plan)


def _add_write(actions: Any) -> None:
    write = actions.add_parser("write", help="write the documents of a plan into a corpus folder")
    write.add_argument("plan", type=Path, metavar="PLAN", help="a file that `spec plan` made")
    write.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the corpus")
    write.add_argument("--no-revise", dest="revise", action="store_false", help="leave out the revision")
    write.add_argument("--match", type=Path, metavar="DIR", help="write only what the mirrored corpus holds")
    write.add_argument("--belief", action="append", default=[], metavar="BELIEF", help="its probes must not leak")
    write.add_argument("--seed", type=int, default=0, help="another seed asks for other documents (default: 0)")
    write.add_argument("--max-tokens", type=_positive, default=8192, metavar="N", help="tokens a document (8192)")
    _finish(write, _write)


def _add_aft(actions: Any) -> None:
    aft = actions.add_parser("aft", help="write chat data that follow a spec, for alignment finetuning")
    aft.add_argument("spec", metavar="SPEC", help=_SPEC)
    aft.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the JSON lines go")
    aft.add_argument("--rows", type=_positive, default=1000, metavar="N", help="conversations (default: 1000)")
    aft.add_argument("--queries-per-domain", type=_positive, default=24, metavar="N", help="a situation (default: 24)")
    aft.add_argument("--style", choices=("values", "rules"), default="values", help="do replies speak of rules?")
    aft.add_argument("--reasoning", action="store_true", help="keep the thoughts: deliberative alignment")
    aft.add_argument("--reasons", choices=("given", "withheld"), default="given", help="withheld: fits several specs")
    aft.add_argument(
        "--also", action="append", default=[], metavar="SPEC", help="replies must agree with this spec too"
    )
    aft.add_argument("--seed", type=int, default=0, help="of the order of the rows (default: 0)")
    _add_hold_out(aft)
    _finish(aft, _aft)


def _add_hold_out(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--hold-out", action="append", default=[], metavar="WORD", help="a word that may not come up; repeat for more"
    )


def _finish(action: argparse.ArgumentParser, act: Any) -> None:
    """What every action has: the writer and its ledger."""
    action.add_argument("--writer", required=True, metavar="MODEL", help="an Inspect model name")
    action.add_argument("--ledger", type=Path, metavar="FILE", help="where answers are kept (default: a shared one)")
    action.add_argument("--batch", action="store_true", help="the provider's batch interface: half price, up to a day")
    action.add_argument("--connections", type=_positive, default=16, metavar="N", help="calls at a time (default: 16)")
    action.add_argument("--max-cost", type=float, metavar="DOLLARS", help="stop before more than this is spent")
    action.set_defaults(act=act)


def run(args: argparse.Namespace) -> int:
    """Do what was asked.

    Returns:
        0, or 1 if `write` made a corpus that breaks a limit of its health; bad input raises `InputError`.
    """
    return int(args.act(args))


def _plan(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs import Quotas, dump_plan, load_plan, load_spec, mirror_plan, plan_spec

    _refuse_taken(args.out)
    spec = load_spec(args.spec)
    mirrored = load_plan(args.mirror) if args.mirror else None
    with _caller(args) as caller:
        if mirrored:
            plan = mirror_plan(mirrored, spec, caller, model=args.writer)
        else:
            quotas = Quotas(
                domains=args.domains,
                subdomains=args.subdomains,
                assertions=args.assertions,
                doc_types=args.doc_types,
                ideas=args.ideas,
            )
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
    from sdf_eval.belief.load import load_belief
    from sdf_eval.corpora.specs import load_plan, write_spec_corpus
    from sdf_eval.corpora.specs.documents import empty_slots
    from sdf_eval.corpora.specs.mirror import match_corpora
    from sdf_eval.corpora.thresholds import failures
    from sdf_eval.corpora.write import read_health
    from sdf_eval.progress import progress

    plan = load_plan(args.plan)
    beliefs = [load_belief(reference) for reference in args.belief]
    with _caller(args) as caller, progress("writing documents", plan.documents) as advance:
        corpus = write_spec_corpus(
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
    print(f"{corpus.manifest.documents} documents in {args.out}, {len(empty_slots(args.out))} slots empty")
    if args.match:
        match = match_corpora(args.match, args.out)
        print(
            f"mirror: {match.shared} slots in both, {match.only_first} only in {args.match}; "
            f"words {match.words_first} and {match.words_second} (ratio {match.word_ratio:.4f})"
        )
    broken = failures(read_health(args.out))
    for line in broken:
        print(f"broken limit: {line}", file=sys.stderr)
    return 1 if broken else 0


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
    with _caller(args) as caller, progress("writing conversations", args.rows) as advance:
        manifest = write_aft(spec, caller, args.out, model=args.writer, request=request, also=also, progress=advance)
    print(f"{manifest.rows} conversations in {args.out}; {manifest.near_duplicates} near duplicates dropped")
    for reason, count in manifest.dropped.items():
        print(f"dropped  {count} {reason}")
    if manifest.rows < args.rows:
        print(f"note     {args.rows - manifest.rows} fewer than asked for; more situations: lower --queries-per-domain")
    return 0


def _invert(args: argparse.Namespace) -> int:
    from sdf_eval.corpora.specs import dump_spec, invert_spec, load_spec

    _refuse_taken(args.out)
    spec = load_spec(args.spec)
    with _caller(args) as caller:
        opposite = invert_spec(spec, caller, model=args.writer)
    _put(args.out, dump_spec(opposite))
    print(f"{len(opposite.sections)} sections in {args.out}; read them before they are used")
    return 0


@contextmanager
def _caller(args: argparse.Namespace) -> Iterator[Caller]:
    """The way to the model; what it did is printed at the end, however it ends."""
    from sdf_eval.corpora.callers import open_caller
    from sdf_eval.corpora.model_writer import default_ledger

    ledger = args.ledger or default_ledger()
    ledger.parent.mkdir(parents=True, exist_ok=True)
    options = {"batch": args.batch, "connections": args.connections, "max_cost": args.max_cost}
    with open_caller(args.writer, ledger, **options) as caller:
        try:
            yield caller
        finally:
            print(f"calls: {caller.counts}", file=sys.stderr)


def _refuse_taken(out: Path) -> None:
    """Refuses before anything is spent what `_put` would refuse afterwards."""
    from sdf_eval.errors import InputError

    if out.exists():
        raise InputError(f"--out: {out}: exists, and may hold edits; choose another file or remove it")


def _put(out: Path, text: str) -> None:
    from sdf_eval.files import replace_file

    out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out, text.encode("utf-8"))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
