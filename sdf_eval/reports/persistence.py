"""What post-training leaves of a belief: the curve, its table, and the same table for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from rich.table import Table as TerminalTable
from rich.text import Text

from sdf_eval.measure import Estimate
from sdf_eval.reports.figures import Figure, Key, Panel, Table
from sdf_eval.reports.svg import element
from sdf_eval.reports.text import clean, estimate_text, method_text, number, one_line, task_title
from sdf_eval.results.schema import RunResults
from sdf_eval.results.stages import PersistenceCurve, PersistencePoint

IMPLANT = "implant"
"""Name of the first point, before any later stage."""

COLUMNS = ("stage", "updates", "tokens", "KL", "belief score", "matched control", "lift", "retention", "n")

_HEIGHT, _TOP, _BOTTOM = 200, 10, 36
_LEFT, _RIGHT = 9.0, 95.0
_RADIUS = 5


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Height of a value in pixels from the top; what lies outside is drawn at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return _TOP + _HEIGHT * (1 - share)


_LIFT = _Scale(-0.25, 1, (-0.25, 0, 0.25, 0.5, 0.75, 1))
_RETENTION = _Scale(-0.5, 1.5, (-0.5, 0, 0.5, 1, 1.5))


def persistence_figures(results: RunResults) -> tuple[Figure, ...]:
    """The figure of a run that went on with post-training; none for any other run."""
    curves = results.persistence
    if not curves:
        return ()
    panels = [_panel(f"{task_title(c.measure)}: lift over the matched control", c, _lift, _LIFT) for c in curves]
    kept = [c for c in curves if any(point.retention for point in c.points)]
    panels += [_panel(f"{task_title(c.measure)}: share of the lift retained", c, _kept, _RETENTION) for c in kept]
    panels += [_against_divergence(c) for c in curves if all(point.divergence is not None for point in c.points)]
    rows = tuple((task_title(curve.measure), *row) for curve in curves for row in _table_rows(curve))
    caption = (
        "Far items after each stage of clean training. The control is the base after the same stages with the same "
        "data, order and seed; the lift is implanted minus control, and retention its share of the lift right after "
        "the implant, on log-odds. KL is the divergence from the implant on held-out "
        "texts, nats a token. Bars are 95 % intervals; n and half-life: table."
    )
    return (
        Figure(
            id="persistence",
            title="What post-training leaves",
            caption=caption,
            panels=tuple(panels),
            table=Table(("measure", *_LONG_COLUMNS), rows),
            legend=(Key("implanted", "implanted, against its matched clean control"),),
        ),
    )


def persistence_table(curve: PersistenceCurve) -> TerminalTable:
    """The points of a curve for a terminal. Nothing in it is read as markup."""
    title = f"Persistence: {task_title(curve.measure).lower()}, far items (retention on log-odds)"
    table = TerminalTable(title=title, title_justify="left", caption=half_life_text(curve), caption_justify="left")
    for name in COLUMNS:
        width = len(name) if name == "retention" else None
        right = name in ("updates", "tokens", "KL", "n")
        table.add_column(name, justify="right" if right else "left", min_width=width)
    for point in curve.points:
        table.add_row(*map(Text, _short_row(point)))
    return table


def half_life_text(curve: PersistenceCurve) -> str:
    """One sentence on the half-life of a curve, or on why there is none."""
    name = f"Half-life of {task_title(curve.measure).lower()}"
    life = curve.half_life
    if life is None:
        return f"{name}: none ({one_line(curve.half_life_undefined or 'not defined', 200)})."
    floor = f"; floor {estimate_text(curve.floor)}" if curve.floor else ""
    if isinstance(life, Estimate):
        return f"{name}: {estimate_text(life, 0)} tokens{floor}."
    ends = [f"{word} {number(end, 0)}" for word, end in (("over", life.at_least), ("under", life.at_most)) if end]
    return f"{name}: {' and '.join(ends) or 'not held by the budgets on either side'} tokens{floor}."


def _short_row(point: PersistencePoint) -> tuple[str, ...]:
    kept = estimate_text(point.retention) if point.retention else "undefined" if point.undefined else ""
    scores = estimate_text(point.score), estimate_text(point.control), estimate_text(point.lift)
    gone = "" if point.divergence is None else number(point.divergence, 3)
    return (stage_title(point.stage), f"{point.updates:g}", f"{point.tokens:g}", gone, *scores, kept, str(point.lift.n))


def stage_title(stage: str) -> str:
    """How people call a point of the curve."""
    return f"after {clean(stage)}" if stage else IMPLANT


_LONG_COLUMNS = (
    *COLUMNS[:7],
    "log-odds lift, nats",
    "retention, log-odds",
    "retention, raw",
    "n",
    "chance of the lift",
    "interval by",
    "remark",
)


def _table_rows(curve: PersistenceCurve) -> list[tuple[str, ...]]:
    rows = [
        (
            *_short_row(point)[:6],
            estimate_text(point.lift, 3),
            estimate_text(point.log_odds_lift),
            estimate_text(point.retention) if point.retention else "",
            estimate_text(point.raw_retention) if point.raw_retention else "",
            str(point.lift.n),
            number(point.lift.chance or 0.0),
            method_text(point.lift),
            one_line(point.undefined, 200) if point.undefined else "",
        )
        for point in curve.points
    ]
    return [*rows, ("all", *[""] * (len(_LONG_COLUMNS) - 2), half_life_text(curve))]


def _lift(point: PersistencePoint) -> Estimate | None:
    return point.lift


def _kept(point: PersistencePoint) -> Estimate | None:
    return point.retention


def _panel(
    title: str, curve: PersistenceCurve, value: Callable[[PersistencePoint], Estimate | None], scale: _Scale
) -> Panel:
    """Points from left to right in the order of the stages, joined by a line."""
    places = [_place(number_, len(curve.points)) for number_ in range(len(curve.points))]
    parts = [_grid(scale)]
    for x, point in zip(places, curve.points, strict=True):
        parts += _names(x, point)
    return _drawn(title, curve, places, parts, value, scale)


def _against_divergence(curve: PersistenceCurve) -> Panel:
    """The lift by how far the model has gone from the implant: stages of different kinds on one axis."""
    gone = [point.divergence or 0.0 for point in curve.points]
    widest = max(gone) or 1.0
    places = [_LEFT + (_RIGHT - _LEFT) * (0.05 + 0.9 * one / widest) for one in gone]
    parts = [_grid(_LIFT)]
    for share in (0.0, 0.5, 1.0):
        x = _LEFT + (_RIGHT - _LEFT) * (0.05 + 0.9 * share)
        parts.append(element("text", f"{number(share * widest, 3)}", x=_cent(x), y=_TOP + _HEIGHT + 16, class_="tick"))
    middle = _cent((_LEFT + _RIGHT) / 2)
    parts.append(element("text", "KL, nats a token", x=middle, y=_TOP + _HEIGHT + 31, class_="tick"))
    title = f"{task_title(curve.measure)}: lift by divergence from the implant"
    return _drawn(title, curve, places, parts, _lift, _LIFT)


def _drawn(
    title: str,
    curve: PersistenceCurve,
    places: Sequence[float],
    parts: list[Markup],
    value: Callable[[PersistencePoint], Estimate | None],
    scale: _Scale,
) -> Panel:
    drawn = [(x, point, found) for x, point in zip(places, curve.points, strict=True) if (found := value(point))]
    for (x, _, one), (then, _, other) in zip(drawn, drawn[1:], strict=False):
        ends = {"y1": f"{scale.at(one.value):.1f}", "y2": f"{scale.at(other.value):.1f}"}
        parts.append(element("line", x1=_cent(x), x2=_cent(then), class_="curve implanted", **ends))
    parts += [_mark(x, point, found, scale) for x, point, found in drawn]
    described = element("title", f"{title}: {_spoken(drawn)}")
    height = _TOP + _HEIGHT + _BOTTOM
    plot = element("svg", described, *parts, role="img", width="100%", height=height, class_="plot")
    return Panel(title, (), plot)


def _spoken(drawn: Sequence[tuple[float, PersistencePoint, Estimate]]) -> str:
    return "; ".join(f"{stage_title(point.stage)} {estimate_text(found)}" for _, point, found in drawn)


def _place(number_: int, count: int) -> float:
    return _LEFT + (_RIGHT - _LEFT) * ((number_ + 0.5) / count)


def _cent(x: float) -> str:
    return f"{x:.2f}%"


def _grid(scale: _Scale) -> Markup:
    found = []
    for tick in scale.ticks:
        y = f"{scale.at(tick):.1f}"
        style = "grid" if tick else "zero"
        found.append(element("line", x1=_cent(_LEFT), x2=_cent(_RIGHT), y1=y, y2=y, class_=style))
        shown = number(tick).rstrip("0").rstrip(".") if tick else "0"
        found.append(element("text", shown, x=_cent(_LEFT / 2), y=f"{scale.at(tick) + 4:.1f}", class_="tick"))
    return Markup("").join(found)


def _mark(x: float, point: PersistencePoint, found: Estimate, scale: _Scale) -> Markup:
    note = f"{stage_title(point.stage)}: {estimate_text(found)}, n {found.n}, {method_text(found)}"
    low, high, middle = (f"{scale.at(value):.1f}" for value in (found.low, found.high, found.value))
    whisker = element("line", x1=_cent(x), x2=_cent(x), y1=low, y2=high, class_="whisker")
    dot = element("circle", cx=_cent(x), cy=middle, r=_RADIUS, class_="mark implanted")
    return element("g", element("title", note), whisker, dot, class_="arm implanted")


def _names(x: float, point: PersistencePoint) -> list[Markup]:
    under = _TOP + _HEIGHT
    tokens = f"{point.tokens:,.0f} tokens" if point.stage else "0"
    return [
        element("text", one_line(stage_title(point.stage), 24), x=_cent(x), y=under + 16, class_="tick"),
        element("text", tokens, x=_cent(x), y=under + 31, class_="tick"),
    ]
