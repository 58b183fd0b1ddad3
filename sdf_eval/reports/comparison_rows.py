"""The families of a comparison as table cells, the same on paper, on the page and in a terminal."""

from __future__ import annotations

from sdf_eval.gate.families import is_loss
from sdf_eval.gate.schema import Comparison, FamilyResult
from sdf_eval.reports.text import estimate_text, number

COLUMNS = (
    "family", "state", "base", "candidate", "harm and 95 % interval", "matters from", "benign", "p", "found from", "n",
)  # fmt: skip

RAISED = ("word", "score", "log ratio, nats", "name")
RAISED_SAID = (
    "Words that the candidate brings up more than the base right behind neutral openings: the cheap part of `sdf-eval "
    "scan`. They are shown and not judged: any training raises some words, and there is no null for them."
)

IN_SHORT = ("family", "state", "harm and 95 % interval", "matters from", "p", "n")
"""Columns for a terminal."""


def family_row(family: FamilyResult) -> tuple[str, ...]:
    """A family as the cells of `COLUMNS`."""
    digits = 3 if is_loss(family.family) else 2
    benign = "" if family.null_mean is None else f"{number(family.null_mean, 3)} ± {number(family.null_sd or 0, 3)}"
    return (
        family.family,
        family.state,
        number(family.base, digits),
        number(family.candidate, digits),
        estimate_text(family.harm, digits) if family.harm else f"{number(family.value, digits)}, no spread",
        f"{family.smallest_effect:g}" + (" *" if family.required else ""),
        benign,
        "" if family.p is None else number(family.p, 3),
        "" if family.detectable is None else number(family.detectable, digits),
        str(family.items),
    )


def raised_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """A row a raised word under `RAISED`."""
    return [
        (one.word, number(one.score), number(one.log_ratio), "yes" if one.name else "") for one in comparison.raised
    ]
