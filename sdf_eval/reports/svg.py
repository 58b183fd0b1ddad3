"""Drawing of the report's figures.

Horizontal positions are per cent of the width and vertical ones pixels, so that text keeps its size on any screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from sdf_eval.results.schema import Role

ROW = 34
"""Height of a row, pixels; the labels beside a plot have the same in the style sheet."""
AXIS = 26
_SHAPES: dict[Role, str] = {
    "base": "M-5,0H5M0,-5V5",
    "implanted": "M0,-5.2A5.2,5.2 0 1 1 0,5.2A5.2,5.2 0 1 1 0,-5.2Z",
    "cooccurrence": "M0,-6.4L6.4,0L0,6.4L-6.4,0Z",
    "neutral": "M-4.8,-4.8H4.8V4.8H-4.8Z",
    "truth_trained": "M0,-6L6,4.6H-6Z",
}


@dataclass(frozen=True)
class Mark:
    """A point with its interval.

    Attributes:
        value, low, high: Where, on the axis.
        role: Colour and shape.
        hollow: Outlined instead of filled; the near split.
        note: What a pointer that rests on the mark is told.
    """

    value: float
    low: float
    high: float
    role: Role
    note: str
    hollow: bool = False


@dataclass(frozen=True)
class Row:
    """One line of a plot: its marks, and the chance level where guessing has a meaning."""

    marks: tuple[Mark, ...]
    chance: float | None = None


@dataclass(frozen=True)
class Part:
    """A part of a stacked bar: its share, style class and note."""

    share: float
    style: str
    note: str


@dataclass(frozen=True)
class Axis:
    """The horizontal scale.

    Attributes:
        low, high: Ends.
        ticks: Labelled values.
        zero: Whether 0 is a line of its own (no difference).
        digits: Decimals of the labels.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    zero: bool = False
    digits: int = 2

    def at(self, value: float) -> str:
        """Position of a value, in per cent of the plot; what lies outside is drawn at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return f"{2 + 96 * share:.2f}%"


RATE_AXIS = Axis(0, 1, (0, 0.25, 0.5, 0.75, 1))


def element(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """One SVG element; underscores in attribute names become hyphens, a trailing one is dropped, values are escaped."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    shown = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in pairs)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), shown, Markup("").join(escape(c) for c in children))


def interval_plot(rows: Sequence[Row], axis: Axis, title: str) -> Markup:
    """Dots with intervals, one row a label.

    Args:
        rows: The rows, top first.
        axis: The scale.
        title: What the picture shows, for those who do not see it.

    Returns:
        An `<svg>` of full width.
    """
    bottom = ROW * len(rows)
    parts = [_grid(axis, bottom)]
    for number, row in enumerate(rows):
        middle = ROW * number + ROW / 2
        if row.chance is not None and axis.low <= row.chance <= axis.high:
            x = axis.at(row.chance)
            parts.append(element("line", x1=x, x2=x, y1=middle - ROW / 2, y2=middle + ROW / 2, class_="chance"))
        offsets = [(i - (len(row.marks) - 1) / 2) * 11 for i in range(len(row.marks))]
        parts += [_mark(mark, axis, middle + offset) for mark, offset in zip(row.marks, offsets, strict=True)]
    return _picture(parts, bottom + AXIS, title)


def stacked_plot(rows: Sequence[Sequence[Part]], title: str) -> Markup:
    """Bars of parts that sum to 1, one row a label."""
    bottom = ROW * len(rows)
    parts = [_grid(RATE_AXIS, bottom)]
    for number, row in enumerate(rows):
        start = 0.0
        for part in row:
            if part.share > 0:
                parts.append(_bar(part, start, ROW * number))
            start += part.share
    return _picture(parts, bottom + AXIS, title)


def swatch(role: Role, *, hollow: bool = False) -> Markup:
    """The mark of a role, for a legend."""
    shape = element("path", d=_SHAPES[role], class_=_mark_class(role, hollow), transform="translate(9 9)")
    return element("svg", shape, class_="swatch", width=18, height=18, aria_hidden="true")


def _picture(parts: Sequence[Markup], height: float, title: str) -> Markup:
    named = element("title", title)
    return element("svg", named, *parts, role="img", width="100%", height=f"{height:g}", class_="plot")


def _grid(axis: Axis, bottom: float) -> Markup:
    found = []
    for tick in axis.ticks:
        x = axis.at(tick)
        strong = axis.zero and tick == 0
        found.append(element("line", x1=x, x2=x, y1=0, y2=bottom, class_="zero" if strong else "grid"))
        shown = f"{tick:.{axis.digits}f}".rstrip("0").rstrip(".") or "0"
        label = "0" if float(tick) == 0 else shown.replace("-", "\N{MINUS SIGN}")
        found.append(element("text", label, x=x, y=bottom + 17, class_="tick"))
    return Markup("").join(found)


def _mark(mark: Mark, axis: Axis, y: float) -> Markup:
    line = element("line", x1=axis.at(mark.low), x2=axis.at(mark.high), y1=f"{y:g}", y2=f"{y:g}", class_="whisker")
    shape = element("path", d=_SHAPES[mark.role], class_=_mark_class(mark.role, mark.hollow))
    point = element("svg", shape, x=axis.at(mark.value), y=f"{y:g}", overflow="visible")
    return element("g", element("title", mark.note), line, point, class_=f"arm {mark.role}")


def _mark_class(role: Role, hollow: bool) -> str:
    return f"mark {role}{' hollow' if hollow else ''}"


def _bar(part: Part, start: float, top: float) -> Markup:
    x, width = RATE_AXIS.at(start), f"{96 * part.share:.2f}%"
    box = element("rect", x=x, y=top + 5, width=width, height=ROW - 10, class_=f"part {part.style}")
    shown = [box]
    if part.share >= 0.16:
        middle = RATE_AXIS.at(start + part.share / 2)
        shown.append(element("text", f"{part.share:.2f}", x=middle, y=top + ROW / 2 + 4, class_=f"inside {part.style}"))
    return element("g", element("title", part.note), *shown)
