"""A leaderboard as Markdown, CSV and one HTML page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sdf_eval.files import replace_file
from sdf_eval.gate.families import is_loss
from sdf_eval.gate.leaderboard import Leaderboard, Row
from sdf_eval.reports.inert import inert, markdown_table
from sdf_eval.reports.text import clean, estimate_text, one_line

NAME = "leaderboard"
CAPTION = (
    "Belief families: mean belief score, 1 is the implanted side. Specificity: accuracy. Losses: bits a byte. With 95 "
    "% interval, number of answers, and the letter of the set of items: figures of two letters are not comparable."
)


def write_leaderboard(folder: Path, board: Leaderboard) -> tuple[Path, ...]:
    """Writes `leaderboard.md`, `.csv`, `.html` and `.json` into a folder, which is made.

    Returns:
        The files.

    Raises:
        OSError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "md": markdown_leaderboard(board),
        "csv": csv_leaderboard(board),
        "html": html_leaderboard(board),
        "json": board.model_dump_json(indent=1) + "\n",
    }
    for suffix, content in contents.items():
        replace_file(folder / f"{NAME}.{suffix}", content.encode(errors="replace"))
    return tuple(folder / f"{NAME}.{suffix}" for suffix in contents)


def markdown_leaderboard(board: Leaderboard) -> str:
    """Renders the table with its caption and the files that were left out.

    Args:
        board: Any leaderboard.

    Returns:
        Markdown in which text of models and files is inert.
    """
    parts = ["# Leaderboard", CAPTION, markdown_table(columns(board), [cells(board, row) for row in board.rows])]
    if board.left_out:
        parts += ["## Left out", "\n".join(f"- {inert(why)}" for _, why in board.left_out)]
    return "\n\n".join(parts) + "\n"


def csv_leaderboard(board: Leaderboard) -> str:
    """Renders one line a checkpoint and family, for a spreadsheet; text that a spreadsheet would run is quoted."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("model", "asked_by", "folder", "context", "family", "value", "low", "high", "n", "method", "items"))
    for row in board.rows:
        for family, figure in row.figures.items():
            named = (row.model, row.harness, row.folder, row.context, family)
            numbers = (repr(figure.value), repr(figure.low), repr(figure.high), str(figure.n))
            table.writerow((*map(_cell, named), *numbers, _cell(figure.method), row.item_sets[family]))
    return out.getvalue()


def html_leaderboard(board: Leaderboard) -> str:
    """Renders one page that opens anywhere, offline; text of models and files is cleaned and escaped."""
    environment = Environment(
        loader=PackageLoader("sdf_eval.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(line=one_line)
    return environment.get_template("leaderboard.html.j2").render(
        caption=CAPTION,
        sorted_by=board.sorted_by,
        columns=columns(board),
        rows=[[one_line(cell, 200) for cell in cells(board, row)] for row in board.rows],
        left_out=board.left_out,
    )


def columns(board: Leaderboard) -> tuple[str, ...]:
    """Titles of the columns."""
    titles = (f"{family} ({'bits a byte' if is_loss(family) else 'score'})" for family in board.families)
    return ("checkpoint", "asked by", "folder", "context", *titles)


def cells(board: Leaderboard, row: Row) -> Sequence[str]:
    """One checkpoint as the cells of `columns`."""
    return (row.model, row.harness, row.folder, row.context, *(_figure(row, family) for family in board.families))


def _figure(row: Row, family: str) -> str:
    figure = row.figures.get(family)
    if figure is None:
        return ""
    return f"{estimate_text(figure, 3 if is_loss(family) else 2)} n {figure.n} {row.item_sets[family]}"


def _cell(text: str) -> str:
    shown = clean(text, 1000).replace("\n", " ")
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@", "\t") else shown
