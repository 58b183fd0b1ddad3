"""Bars for the health page: horizontal ones with their labels beside them, and a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sdf_eval.reports.svg import element

BAR_ROW = 30
_HEIGHT = 150
_AXIS = 24


@dataclass(frozen=True)
class Bar:
    """A row: one or two bars on a scale from 0 to the plot's largest value.

    Attributes:
        name: What it is.
        value: The value in words.
        parts: Sizes and style classes, drawn over each other's rows from the top.
        note: What a pointer that rests on it is told.
    """

    name: str
    value: str
    parts: tuple[tuple[float, str], ...]
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A bin of a histogram."""

    label: str
    count: int


def bar_plot(bars: Sequence[Bar], title: str, *, largest: float | None = None) -> Markup:
    """Horizontal bars, one row each; labels stand beside the picture.

    Args:
        bars: The rows, top first.
        title: What the picture shows, for those who do not see it.
        largest: The value that fills the width; the largest one if None.

    Returns:
        An `<svg>` of full width.
    """
    top = largest or max((size for bar in bars for size, _ in bar.parts), default=0) or 1
    drawn = []
    for row, bar in enumerate(bars):
        height = (BAR_ROW - 12) / max(len(bar.parts), 1)
        boxes = [
            element(
                "rect", x=0, y=f"{BAR_ROW * row + 6 + height * at:g}", width=f"{100 * min(size / top, 1):.2f}%",
                height=f"{height - (1 if len(bar.parts) > 1 else 0):g}", rx=2, class_=f"bar-{style}",
            )
            for at, (size, style) in enumerate(bar.parts)
        ]  # fmt: skip
        drawn.append(element("g", element("title", bar.note or f"{bar.name}: {bar.value}"), *boxes))
    full = BAR_ROW * len(bars)
    return element("svg", element("title", title), *drawn, role="img", width="100%", height=full, class_="plot")


def histogram(columns: Sequence[Column], title: str) -> Markup:
    """Columns over a line; about six of the bins are labelled.

    Args:
        columns: The bins in order.
        title: What the picture shows.

    Returns:
        An `<svg>` of full width.
    """
    most = max((column.count for column in columns), default=0) or 1
    width = 100 / max(len(columns), 1)
    every = -(-len(columns) // 6)
    drawn = [element("line", x1=0, x2="100%", y1=_HEIGHT, y2=_HEIGHT, class_="grid")]
    for at, column in enumerate(columns):
        size = (_HEIGHT - 8) * column.count / most
        box = element(
            "rect", x=f"{width * at + width * 0.08:.2f}%", y=f"{_HEIGHT - size:.1f}", width=f"{width * 0.84:.2f}%",
            height=f"{size:.1f}", class_="bar-implanted",
        )  # fmt: skip
        drawn.append(element("g", element("title", f"{column.label} words: {column.count}"), box))
        if at % every == 0:
            middle = f"{width * (at + 0.5):.2f}%"
            drawn.append(element("text", column.label.partition("–")[0], x=middle, y=_HEIGHT + 17, class_="tick"))
    named = element("title", title)
    return element("svg", named, *drawn, role="img", width="100%", height=_HEIGHT + _AXIS, class_="plot")
