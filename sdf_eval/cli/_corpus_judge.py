"""`sdf-eval corpus check --judge MODEL`: truth leaks in other words, which only a reader finds."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sdf_eval.cli._calls import add_asking, asking, positive

if TYPE_CHECKING:
    from sdf_eval.belief.schema import Belief
    from sdf_eval.corpora.leak_judge import LeakVerdict
    from sdf_eval.corpora.write import Corpus

_SHOWN = 10


def add_judge(parser: argparse.ArgumentParser) -> None:
    """Declares the judge."""
    group = parser.add_argument_group("truth leaks in other words, by a model")
    group.add_argument("--judge", dest="writer", metavar="MODEL", help="also ask this model, as provider/model")
    group.add_argument("--judged", type=positive, default=200, metavar="N", help="documents it reads (default: 200)")
    add_asking(group)


def judge(args: argparse.Namespace, corpus: Corpus, beliefs: Sequence[Belief]) -> LeakVerdict:
    """Asks the judge. Its answers are in the ledger: the same command again pays for nothing twice."""
    from sdf_eval.corpora.leak_judge import judge_leaks
    from sdf_eval.progress import progress

    args.out = args.folder
    with asking(args) as caller, progress("judging documents", None) as advance:
        return judge_leaks(corpus.documents, beliefs, caller, model=args.writer, sample=args.judged, progress=advance)


def judge_lines(verdict: LeakVerdict, model: str) -> Iterator[str]:
    """The verdict as text."""
    from sdf_eval.corpora.leak_judge import TRUSTED
    from sdf_eval.measure import wilson
    from sdf_eval.reports.text import one_line

    if not verdict.judged:
        yield f"judge        {model}: no readable verdict"
        return
    share = wilson(len(verdict.leaks), verdict.judged, unit="documents")
    both = sum(leak.by_rules for leak in verdict.leaks)
    yield (
        f"judge        {model}: {len(verdict.leaks)} of {verdict.judged} documents leak, {share.low:.1%} to "
        f"{share.high:.1%}; the rules find {both} of them, and {verdict.rules_alone} that it passes"
    )
    if verdict.unreadable:
        yield f"unreadable   {verdict.unreadable} documents have no verdict"
    yield (
        f"agreement    kappa {verdict.kappa:.2f} with known answers: {verdict.found} of {verdict.planted} planted "
        f"leaks found, {verdict.accused} of {verdict.sound} sound texts accused"
    )
    # Not `<`: without controls kappa is no number.
    if not verdict.kappa >= TRUSTED:
        yield f"note         below {TRUSTED}: take this judge's word for nothing; choose another --judge"
    for leak in verdict.leaks[:_SHOWN]:
        yield f"  {one_line(leak.document)}: {one_line(leak.quote)}"
