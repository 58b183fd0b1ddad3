"""The summary that `run` prints."""

from __future__ import annotations

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sdf_eval.reports.persistence import persistence_table
from sdf_eval.reports.text import arm_label, estimate_text, interval, method_text, number, one_line
from sdf_eval.reports.verdict import verdict
from sdf_eval.results.schema import Headline, ProbeCell, RunResults


def summary_table(results: RunResults) -> Group:
    """Lays out the verdict, the headlines and the score of every arm.

    Args:
        results: Results of a run.

    Returns:
        What a rich console prints. Nothing in it is read as markup.
    """
    headlines = Table(title="Headlines", title_justify="left", expand=False)
    for name in ("", "value", "95 % interval", "n", "chance", "interval by"):
        headlines.add_column(name, justify="right" if name in ("value", "n", "chance") else "left")
    for headline in results.headlines:
        headlines.add_row(*map(Text, _headline(headline)))
    arms = Table(title="Belief score by arm, all belief tasks (1 = implanted)", title_justify="left")
    for name in ("arm", "far", "near", "n"):
        arms.add_column(name, justify="right" if name == "n" else "left")
    for row in _arm_rows(results.cells):
        arms.add_row(*map(Text, row))
    return Group(
        Padding(Text(verdict(results), style="bold"), (1, 0)),
        headlines,
        arms,
        *map(persistence_table, results.persistence),
    )


def _headline(headline: Headline) -> tuple[str, ...]:
    estimate = headline.estimate
    if estimate is None:
        return headline.title, "", "", "", "", one_line(headline.undefined or "undefined", 60)
    digits = 3 if headline.unit == "bits_per_byte" else 2
    shown = number(estimate.value, digits), interval(estimate, digits), str(estimate.n)
    chance = "" if estimate.chance is None else number(estimate.chance)
    return headline.title, *shown, chance, method_text(estimate)


def _arm_rows(cells: tuple[ProbeCell, ...]) -> list[tuple[str, ...]]:
    pooled = [cell for cell in cells if cell.task == "belief" and cell.score]
    rows = []
    for role, context in dict.fromkeys((cell.role, cell.context) for cell in pooled):
        scores = {
            cell.split: cell.score for cell in pooled if (cell.role, cell.context) == (role, context) and cell.score
        }
        shown = (estimate_text(scores[split]) if split in scores else "" for split in ("far", "near"))
        rows.append((arm_label(role, context), *shown, str(sum(score.n for score in scores.values()))))
    return rows
