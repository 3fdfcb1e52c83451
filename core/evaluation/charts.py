"""Decides how a curve is drawn as SVG: axes from 0 to 1 (or to a nice number), lines with a legend, points with ranges.

Colours are classes of a style sheet, so that one drawing serves light and dark, screen and paper: `axis`, `grid`, `tick`,
`title`, `line0` to `line7`, `guide`, `mark`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 340, 300
LINES = 8
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 26, 40
_TICKS = 5

Points = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing.

    Args:
        lines: name → (x, y) in order; those beyond the eighth share colours again.
        steps: draw each line as a staircase that falls at the next point, as precision over recall does.
        ranges: (x, low, high) of points with an interval; guide: a line from corner to corner for comparison.
        x_max: where x ends; None: at a nice number that holds all points.
        mark: a point that is stressed.
    """

    title: str
    x_title: str
    y_title: str
    lines: Mapping[str, Points]
    guide: bool = False
    ranges: Points = ()
    x_max: float | None = 1.0
    mark: tuple[float, float] | None = None
    dots: bool = False


def svg(chart: Chart, style: str = "") -> str:
    """The drawing as an SVG element; `style`: a style sheet for whoever shows it alone."""
    lines = {name: points for name, points in chart.lines.items() if points}
    right = chart.x_max or _nice(max((x for points in lines.values() for x, _ in points), default=1.0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title)}" font-family="sans-serif" font-size="11">',
        f"<style>{style}</style>" if style else "",
        *_axes(chart, right),
        *_content(chart, lines, right),
        *_legend(list(lines) if len(lines) > 1 else [], _x(0.5, 1) if chart.guide else _LEFT + 8),
        "</svg>",
    ]
    return "".join(parts)


def style_sheet(text: str, muted: str, border: str, lines: Sequence[str]) -> str:
    """Colours for the classes; `lines`: of at least one line."""
    colours = "".join(
        f".line{i}{{stroke:{lines[i % len(lines)]}}}.dot{i}{{fill:{lines[i % len(lines)]}}}" for i in range(LINES)
    )
    return (
        f".axis{{stroke:{muted}}}.grid{{stroke:{border}}}.tick{{fill:{muted}}}.title{{fill:{text}}}"
        f".guide{{stroke:{muted}}}.mark{{fill:{text}}}.range{{stroke:{muted}}}{colours}"
    )


def _axes(chart: Chart, right: float) -> Iterable[str]:
    x0, y0, x1, y1 = _x(0, right), _y(0), _x(right, right), _y(1)
    for step in range(_TICKS + 1):
        share = step / _TICKS
        x, y = _x(share * right, right), _y(share)
        yield f'<line class="grid" x1="{x0}" y1="{y}" x2="{x1}" y2="{y}"/>'
        yield f'<text class="tick" x="{x0 - 6}" y="{y + 4:g}" text-anchor="end">{share:g}</text>'
        yield f'<text class="tick" x="{x}" y="{y0 + 15}" text-anchor="middle">{share * right:g}</text>'
    yield f'<path class="axis" fill="none" d="M{x0} {y1}V{y0}H{x1}"/>'
    yield f'<text class="title" x="{x0}" y="14" font-weight="bold">{escape(chart.title)}</text>'
    middle = (x0 + x1) / 2
    yield f'<text class="tick" x="{middle:g}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chart.x_title)}</text>'
    turned = f'transform="translate(11 {(y0 + y1) / 2:g}) rotate(-90)"'
    yield f'<text class="tick" {turned} text-anchor="middle">{escape(chart.y_title)}</text>'


def _content(chart: Chart, lines: Mapping[str, Points], right: float) -> Iterable[str]:
    if chart.guide:
        yield f'<path class="guide" fill="none" stroke-dasharray="3 3" d="M{_x(0, right)} {_y(0)}L{_x(right, right)} {_y(1)}"/>'
    for x, low, high in chart.ranges:
        yield f'<path class="range" fill="none" d="M{_x(x, right)} {_y(low)}V{_y(high)}"/>'
    for number, (name, points) in enumerate(lines.items()):
        drawn = "L".join(f"{_x(x, right)} {_y(y)}" for x, y in points)
        colour = number % LINES
        yield f'<path class="line{colour}" fill="none" stroke-width="1.8" d="M{drawn}"><title>{escape(name)}</title></path>'
        if chart.dots or len(points) == 1:
            yield from (f'<circle class="dot{colour}" cx="{_x(x, right)}" cy="{_y(y)}" r="3"/>' for x, y in points)
    if chart.mark is not None:
        yield f'<circle class="mark" cx="{_x(chart.mark[0], right)}" cy="{_y(chart.mark[1])}" r="4.5"/>'


def _legend(names: Sequence[str], x: float) -> Iterable[str]:
    """Low in the field, from `x` on: where curves of a model that is any good don't run."""
    y = _y(0) - 8 - 14 * (min(len(names), LINES) - 1)
    for number, name in enumerate(names[:LINES]):
        at = y + 14 * number
        yield f'<path class="line{number}" stroke-width="3" d="M{x} {at - 4}h14"/>'
        yield f'<text class="tick" x="{x + 20}" y="{at}">{escape(name)}</text>'


def _x(value: float, right: float) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * min(max(value / right, 0.0), 1.0), 1)


def _y(value: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * min(max(value, 0.0), 1.0), 1)


def _nice(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if not value > 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(value))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= value * (1 - 1e-9))
