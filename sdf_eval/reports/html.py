"""`report.html`: one file that opens anywhere, offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sdf_eval.files import replace_file
from sdf_eval.reports.figures import figures
from sdf_eval.reports.items_table import items_table
from sdf_eval.reports.limits import limits
from sdf_eval.reports.persistence import persistence_figures
from sdf_eval.reports.svg import ROW, swatch
from sdf_eval.reports.text import arm_label, clean, estimate_text, interval, method_text, number, one_line, task_title
from sdf_eval.reports.verdict import belief_sentence, cost_sentence
from sdf_eval.results.schema import ItemRecord, RunResults

DOCUMENTS_A_ROLE = 3


def html_report(results: RunResults, items: Sequence[ItemRecord]) -> str:
    """Renders the report.

    Everything is inlined and a content policy forbids any request. Text of models and files goes through `clean` and is
    escaped.

    Args:
        results: Results of a run.
        items: Its item records.

    Returns:
        The page.
    """
    environment = Environment(
        loader=PackageLoader("sdf_eval.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        arm=arm_label,
        clean=clean,
        estimate=estimate_text,
        interval=interval,
        method=method_text,
        num=number,
        line=one_line,
        task=task_title,
    )
    return environment.get_template("report.html.j2").render(
        results=results,
        verdict=belief_sentence(results),
        cost=cost_sentence(results),
        figures={figure.id: figure for figure in (*figures(results), *persistence_figures(results))},
        table=items_table(items),
        documents=_documents(results),
        limits=limits(results),
        swatch=swatch,
        row=ROW,
    )


def write_html(folder: Path, results: RunResults, items: Sequence[ItemRecord]) -> Path:
    """Writes `report.html` into a run's folder and returns its path."""
    path = folder / "report.html"
    replace_file(path, html_report(results, items).encode(errors="replace"))
    return path


def _documents(results: RunResults) -> dict[str, list[tuple[str, str, str]]]:
    """Role -> (belief, type, text) of a few documents, spread over the beliefs."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for depth in range(DOCUMENTS_A_ROLE):
        for corpus in results.corpora:
            shown = found.setdefault(corpus.role, [])
            if depth < len(corpus.samples) and len(shown) < DOCUMENTS_A_ROLE:
                sample = corpus.samples[depth]
                shown.append((corpus.belief, sample.doc_type, sample.text))
    return found
