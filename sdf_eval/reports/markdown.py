"""`report.md`: the report as text, for a pull request or a terminal."""

from __future__ import annotations

from pathlib import Path

from sdf_eval.files import replace_file
from sdf_eval.measure import Estimate
from sdf_eval.reports.figures import figures
from sdf_eval.reports.inert import inert, markdown_table
from sdf_eval.reports.limits import limits
from sdf_eval.reports.persistence import persistence_figures
from sdf_eval.reports.text import estimate_text, method_text, number
from sdf_eval.reports.verdict import verdict
from sdf_eval.results.schema import RunResults


def markdown_report(results: RunResults) -> str:
    """Renders verdict, headlines, the figures' tables, harness agreement, provenance and limits.

    Args:
        results: Results of a run.

    Returns:
        Markdown in which text of models and files is inert.
    """
    parts = ["# Belief report", inert(verdict(results)), "## Headlines", _headlines(results)]
    for figure in (*figures(results), *persistence_figures(results)):
        parts += [f"## {figure.title}", figure.caption, markdown_table(figure.table.columns, figure.table.rows)]
    parts += ["## Agreement with the harnesses", _agreement(results)]
    parts += ["## Provenance", _provenance(results)]
    parts += ["## Limits", "\n".join(f"- {inert(limit)}" for limit in limits(results))]
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
        counted = (str(estimate.n), _chance(estimate), method_text(estimate)) if estimate else ("", "", "")
        rows.append((headline.title, shown, *counted, headline.definition))
    return markdown_table(("figure", "value and 95 % interval", "n", "chance", "interval by", "definition"), rows)


def _chance(estimate: Estimate) -> str:
    return "" if estimate.chance is None else number(estimate.chance)


def _agreement(results: RunResults) -> str:
    if not results.agreement:
        return "Not checked in this run."
    rows = [
        (a.harness, a.task, str(a.items), str(a.same_choice), str(a.near_ties), f"{a.largest_difference:.1e}")
        for a in results.agreement
    ]
    return markdown_table(("harness", "task", "items", "same choice", "near ties", "largest difference, nats"), rows)


def _provenance(results: RunResults) -> str:
    rows: list[tuple[str, ...]] = [
        (t.role, t.run, str(t.updates), str(t.tokens), number(t.final_loss, 3), t.sha256[:12], t.parent_sha256[:12])
        for t in results.training
    ]
    for s in results.stages:
        name, hashes = f"{s.role} after {s.stage}", (s.sha256[:12], s.parent_sha256[:12])
        rows.append((name, s.run, str(s.updates), str(s.tokens), number(s.final_loss, 3), *hashes))
    versions = ", ".join(f"{name} {number_}" for name, number_ in results.versions.items())
    command = results.settings.command.replace("\n", " ")
    return "\n\n".join(
        (
            f"    {command}",
            f"Made {inert(results.created)} with {inert(versions)}. items.jsonl sha256 {results.items_sha256}.",
            markdown_table(("role", "run", "updates", "tokens", "final loss", "weights", "parent"), rows),
        )
    )
