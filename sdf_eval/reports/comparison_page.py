"""`comparison.html`: a comparison on one page that opens anywhere, offline."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from sdf_eval.gate.families import is_loss
from sdf_eval.gate.schema import Comparison, FamilyResult, Side, Verdict
from sdf_eval.reports.comparison_rows import COLUMNS, RAISED, RAISED_SAID, family_row, raised_rows
from sdf_eval.reports.figures import Figure, Key, Label, Panel, Table
from sdf_eval.reports.svg import ROW, Axis, Mark, Row, interval_plot, swatch
from sdf_eval.reports.text import clean, estimate_text, number, one_line

_SAID: dict[Verdict, str] = {
    "pass": "No regression: {candidate} is no worse than {base} where it matters.",
    "fail": "Regression: {candidate} got worse than {base} in {families}.",
    "inconclusive": "Inconclusive: whether {candidate} got worse than {base} cannot be said.",
}


def comparison_page(comparison: Comparison) -> str:
    """Renders verdict, harm by family beside benign finetunes, the items that moved most, and provenance.

    Args:
        comparison: Any comparison.

    Returns:
        The page. Text of models and files is cleaned and escaped; a content policy forbids any request.
    """
    environment = Environment(
        loader=PackageLoader("sdf_eval.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clean=clean, line=one_line, num=number)
    moved = [(family.family, each) for family in comparison.families for each in family.moved]
    return environment.get_template("comparison.html.j2").render(
        comparison=comparison,
        verdict=_verdict(comparison),
        figure=_harm(comparison),
        moved=sorted(moved, key=lambda pair: -pair[1].harm),
        sides=[("base", comparison.base), ("candidate", comparison.candidate)],
        updates=_updates,
        raised=[tuple(map(one_line, row)) for row in raised_rows(comparison)],
        raised_columns=RAISED,
        raised_said=RAISED_SAID,
        swatch=swatch,
        row=ROW,
    )


def _verdict(comparison: Comparison) -> str:
    worse = [family.family for family in comparison.families if family.state == "regressed"]
    return _SAID[comparison.verdict].format(
        candidate=one_line(comparison.candidate.model, 60),
        base=one_line(comparison.base.model, 60),
        families=", ".join(worse) or "what the reasons name",
    )


def _updates(side: Side) -> str:
    return "" if side.budget is None else f"{side.budget.updates:,}"


def _harm(comparison: Comparison) -> Figure:
    groups = (
        ("Scores", [family for family in comparison.families if not is_loss(family.family)]),
        ("Losses, bits a byte", [family for family in comparison.families if is_loss(family.family)]),
    )
    panels = [_panel(title, families, comparison) for title, families in groups if families]
    legend = [Key("implanted", "the candidate, 95 % interval")]
    if comparison.null.pairs:
        legend.append(Key("base", f"{comparison.null.pairs} benign finetunes: mean, least and most"))
    return Figure(
        id="harm",
        title="Harm by family",
        caption=(
            "Candidate minus base in belief score and loss, base minus candidate in accuracy: to the right is worse. "
            "The dashed line is what matters by the policy."
        ),
        panels=tuple(panels),
        table=_table(comparison),
        legend=tuple(legend),
    )


def _panel(title: str, families: Sequence[FamilyResult], comparison: Comparison) -> Panel:
    rows, labels, ends = [], [], [0.0]
    digits = 3 if is_loss(families[0].family) else 2
    for family in families:
        marks = [_candidate(family, digits)]
        benign = comparison.null.harm.get(family.family, ())
        if benign:
            mean = sum(benign) / len(benign)
            note = f"{family.family}, benign finetunes: {number(mean, digits)}"
            marks.append(Mark(mean, min(benign), max(benign), "base", note))
        rows.append(Row(tuple(marks), family.smallest_effect))
        shown = estimate_text(family.harm, digits) if family.harm else number(family.value, digits)
        labels.append(Label(family.family, number(family.value, digits), f" {shown.partition(' ')[2]}"))
        ends += [family.smallest_effect, *(end for mark in marks for end in (mark.low, mark.high))]
    return Panel(title, tuple(labels), interval_plot(rows, _axis(ends), f"{title}: harm by family"))


def _candidate(family: FamilyResult, digits: int) -> Mark:
    low, high = (family.harm.low, family.harm.high) if family.harm else (family.value, family.value)
    shown = estimate_text(family.harm, digits) if family.harm else number(family.value, digits)
    return Mark(family.value, low, high, "implanted", f"{family.family}, candidate: {shown}")


def _axis(ends: Sequence[float]) -> Axis:
    """A scale with 0 that holds all ends, in steps of 1, 2 or 5 times a power of ten."""
    width = (max(ends) - min(ends)) or 1.0
    raw = width / 5
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first, last = math.floor(min(ends) / step), math.ceil(max(ends) / step)
    ticks = tuple(step * place for place in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks, zero=True, digits=max(0, -math.floor(math.log10(step))))


def _table(comparison: Comparison) -> Table:
    rows = [family_row(family) for family in comparison.families]
    rows += [(one_line(family), "missing", *[""] * (len(COLUMNS) - 2)) for family in comparison.missing]
    return Table(COLUMNS, tuple(rows))
