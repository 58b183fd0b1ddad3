"""A study's figure: what each arm scored, and each effect against its criterion. One SVG file that stands alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from sdf_eval.study.frame.judge import Figure, Finding, StudyResult

_WIDTH, _LEFT, _RIGHT, _ROW, _HEAD = 900, 330, 30, 26, 34
_INK, _SOFT, _LINE = "#1d2430", "#5b6675", "#d5dae1"
_COLOURS = {
    "holds": "#1a7f4b",
    "does not hold": "#b3261e",
    "inconclusive": "#8a6100",
    "undefined": _SOFT,
    "": "#2457a6",
}


@dataclass(frozen=True)
class _Mark:
    label: str
    figure: Figure
    colour: str
    hollow: bool
    criterion: tuple[float, ...] = ()


def draw(result: StudyResult, title: str) -> str:
    """The figure of a result.

    Args:
        result: The result.
        title: The study's.

    Returns:
        SVG text: scores of the arms from 0 to 1 above, effects with the smallest effect that counts below.
    """
    arms = [
        _Mark(f"{one.arm}{', near' if one.split == 'near' else ''}", one.score, _COLOURS[""], one.split == "near")
        for one in result.arms
    ]
    effects = [_effect(one, result.tier == "full") for one in result.findings if one.effect is not None]
    parts, y = [], 30
    parts.append(f'<text x="12" y="22" font-size="15" font-weight="600" fill="{_INK}">{escape(title)}</text>')
    for heading, marks, low, high in (
        ("score of each arm, 95 % interval", arms, 0.0, 1.0),
        ("effects; dashed: smallest effect that counts", effects, *_range(effects)),
    ):
        if marks:
            parts.append(_panel(heading, marks, low, high, y))
            y += _HEAD + _ROW * len(marks) + 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" role="img" '
        f'font-family="system-ui, sans-serif"><title>{escape(title)}</title>'
        f'<rect width="{_WIDTH}" height="{y}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _effect(finding: Finding, judged: bool) -> _Mark:
    assert finding.effect is not None
    size = finding.smallest_effect
    criterion = (size,) if finding.claim == "above" else (-size, size)
    return _Mark(finding.name, finding.effect, _COLOURS[finding.verdict if judged else ""], not judged, criterion)


def _range(marks: Sequence[_Mark]) -> tuple[float, float]:
    ends = [0.0]
    for mark in marks:
        ends += [end for end in (mark.figure.low, mark.figure.high, mark.figure.value) if end is not None]
        ends += mark.criterion
    room = 0.05 * (max(ends) - min(ends) or 1)
    return min(ends) - room, max(ends) + room


def _panel(heading: str, marks: Sequence[_Mark], low: float, high: float, top: int) -> str:
    def x(value: float) -> float:
        inside = min(max(value, low), high)
        return _LEFT + (inside - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    bottom = top + _HEAD + _ROW * len(marks)
    parts = [f'<text x="12" y="{top + 18}" font-size="12" fill="{_SOFT}">{escape(heading)}</text>']
    for tick in _ticks(low, high):
        stroke = _SOFT if tick == 0 else _LINE
        parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top + 26}" y2="{bottom}" stroke="{stroke}"/>')
        parts.append(
            f'<text x="{x(tick):.1f}" y="{bottom + 15}" font-size="11" fill="{_SOFT}" text-anchor="middle">'
            f"{tick:g}</text>"
        )
    for place, mark in enumerate(marks):
        parts.append(_row(mark, x, low, high, top + _HEAD + _ROW * place + _ROW / 2))
    return "".join(parts)


def _row(mark: _Mark, x: Callable[[float], float], low: float, high: float, y: float) -> str:
    figure = mark.figure
    start = x(low if figure.low is None else figure.low)
    end = x(high if figure.high is None else figure.high)
    fill = "#ffffff" if mark.hollow else mark.colour
    parts = [
        f'<text x="{_LEFT - 12}" y="{y + 4}" font-size="12" fill="{_INK}" text-anchor="end">'
        f"{escape(mark.label)}</text>",
        f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{y}" y2="{y}" stroke="{mark.colour}" stroke-width="2"/>',
    ]
    parts += [
        f'<line x1="{x(limit):.1f}" x2="{x(limit):.1f}" y1="{y - 9}" y2="{y + 9}" stroke="{_INK}" '
        'stroke-dasharray="3 2"/>'
        for limit in mark.criterion
    ]
    if figure.value is not None:
        note = f"{figure.value:.3f}, n {figure.n}, {figure.method}"
        parts.append(
            f'<circle cx="{x(figure.value):.1f}" cy="{y}" r="5" fill="{fill}" stroke="{mark.colour}" stroke-width="2">'
            f"<title>{escape(note)}</title></circle>"
        )
    return "".join(parts)


def _ticks(low: float, high: float) -> list[float]:
    step = next(size for size in (0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 50, 100, 500) if (high - low) / size <= 8)
    first = -(-low // step)
    return [round(step * (first + place), 6) for place in range(int((high - first * step) // step) + 1)]
