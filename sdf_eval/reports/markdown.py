"""`report.md`: the report as text, for a pull request or a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sdf_eval.files import replace_file
from sdf_eval.measure import Estimate
from sdf_eval.reports.figures import figures
from sdf_eval.reports.limits import limits
from sdf_eval.reports.results import RunResults
from sdf_eval.reports.text import estimate_text, number, one_line
from sdf_eval.reports.verdict import verdict

_ACTIVE = re.compile(r"([\\`*_{}\[\]|#~!])")


def markdown_report(results: RunResults) -> str:
    """Renders verdict, headlines, the figures' tables, harness agreement, provenance and limits.

    Args:
        results: Results of a run.

    Returns:
        Markdown in which text of models and files is inert.
    """
    parts = ["# Belief report", _inert(verdict(results)), "## Headlines", _headlines(results)]
    for figure in figures(results):
        parts += [f"## {figure.title}", figure.caption, _table(figure.table.columns, figure.table.rows)]
    parts += ["## Agreement with the harnesses", _agreement(results)]
    parts += ["## Provenance", _provenance(results)]
    parts += ["## Limits", "\n".join(f"- {_inert(limit)}" for limit in limits(results))]
    return "\n\n".join(parts) + "\n"


def write_markdown(folder: Path, results: RunResults) -> Path:
    """Writes `report.md` into a run's folder and returns its path."""
    path = folder / "report.md"
    replace_file(path, markdown_report(results).encode(errors="replace"))
    return path


def _headlines(results: RunResults) -> str:
    rows = []
    for headline in results.headlines:
        estimate = headline.estimate
        digits = 3 if headline.unit == "bits_per_byte" else 2
        shown = estimate_text(estimate, digits) if estimate else f"undefined: {headline.undefined}"
        counted = (str(estimate.n), _chance(estimate), estimate.method) if estimate else ("", "", "")
        rows.append((headline.title, shown, *counted, headline.definition))
    return _table(("figure", "value and 95 % interval", "n", "chance", "interval by", "definition"), rows)


def _chance(estimate: Estimate) -> str:
    return "" if estimate.chance is None else number(estimate.chance)


def _agreement(results: RunResults) -> str:
    if not results.agreement:
        return "Not checked in this run."
    rows = [
        (a.harness, a.task, str(a.items), str(a.same_choice), str(a.near_ties), f"{a.largest_difference:.1e}")
        for a in results.agreement
    ]
    return _table(("harness", "task", "items", "same choice", "near ties", "largest difference, nats"), rows)


def _provenance(results: RunResults) -> str:
    rows = [
        (t.role, t.run, str(t.updates), str(t.tokens), number(t.final_loss, 3), t.sha256[:12], t.parent_sha256[:12])
        for t in results.training
    ]
    versions = ", ".join(f"{name} {number_}" for name, number_ in results.versions.items())
    command = results.settings.command.replace("\n", " ")
    return "\n\n".join(
        (
            f"    {command}",
            f"Made {_inert(results.created)} with {_inert(versions)}. items.jsonl sha256 {results.items_sha256}.",
            _table(("role", "run", "updates", "tokens", "final loss", "weights", "parent"), rows),
        )
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(columns), "|" + "---|" * len(columns)]
    return "\n".join([*lines, *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_inert(cell) for cell in cells) + " |"


def _inert(text: str) -> str:
    escaped = _ACTIVE.sub(r"\\\1", one_line(text, 400))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
