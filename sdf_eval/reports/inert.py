"""Markdown in which text of models and files cannot act."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sdf_eval.reports.text import one_line

_ACTIVE = re.compile(r"([\\`*_{}\[\]|#~!])")


def inert(text: str) -> str:
    """One line of text without any effect in Markdown or HTML."""
    escaped = _ACTIVE.sub(r"\\\1", one_line(text, 400))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are inert."""
    lines = [_row(columns), "|" + "---|" * len(columns)]
    return "\n".join([*lines, *map(_row, rows)])


def code_line(text: str) -> str:
    """An indented line of code, such as a command."""
    return f"    {one_line(text, 2000)}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(inert(cell) for cell in cells) + " |"
