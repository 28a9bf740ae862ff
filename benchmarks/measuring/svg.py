"""Pictures for light and for dark paper: bars of ratios on a logarithmic scale, and lines over a logarithmic axis."""

import math
import typing
from xml.sax.saxutils import escape, quoteattr

# What knows of no colour scheme gets colours for both.
_STYLE = """
text { font: 12px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #768390 }
.title { font-size: 15px; font-weight: 600 } .grid { stroke: #768390; stroke-opacity: .35 }
.one { stroke: #768390; stroke-width: 1.5 }
.s0 { fill: #0969da; stroke: #0969da } .s1 { fill: #9a5bd9; stroke: #9a5bd9 } .s2 { fill: #1a7f37; stroke: #1a7f37 }
.s3 { fill: #bc6c00; stroke: #bc6c00 } .s4 { fill: #bf3989; stroke: #bf3989 } .behind { fill: #cf222e; stroke: #cf222e }
.target { stroke: #768390; stroke-width: 2 }
polyline { fill: none !important; stroke-width: 2 } rect { stroke: none !important }
.number { stroke: none !important }
@media (prefers-color-scheme: light) {
  text { fill: #59636e } .title { fill: #1f2328 } .one { stroke: #59636e } .target { stroke: #1f2328 }
}
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 } .title { fill: #f0f6fc } .one { stroke: #9198a1 } .target { stroke: #f0f6fc }
  .s0 { fill: #4493f8; stroke: #4493f8 } .s1 { fill: #ab7df8; stroke: #ab7df8 } .s2 { fill: #3fb950; stroke: #3fb950 }
  .s3 { fill: #d29922; stroke: #d29922 } .s4 { fill: #db61a2; stroke: #db61a2 } .behind { fill: #f85149; stroke: #f85149 }
}
"""


class Bar(typing.NamedTuple):
    ratio: float
    target: float | None


class Group(typing.NamedTuple):
    label: str
    bars: dict[str, Bar]  # by series


def _colour(number: int) -> str:
    return f"s{number % 5}"


class _Picture:

    def __init__(self, width: float, height: float, title: str):
        self._lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img" aria-label={quoteattr(title)}>', f"<style>{_STYLE}</style>"
        ]
        self.text(10, 22, title, kind="title")

    def text(self, x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> None:
        self._lines.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self._lines.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>')

    def rectangle(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        self._lines.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>')

    def curve(self, points: list[tuple[float, float]], kind: str) -> None:
        self._lines.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" class="{kind}"/>')
        for x, y in points:
            self._lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{kind}"/>')

    def legend(self, x: float, y: float, series: typing.Iterable[tuple[str, str]]) -> float:
        """A name beside a square of each kind; returns where it ends."""
        for name, kind in series:
            self.rectangle(x, y - 9, 10, 10, kind)
            self.text(x + 15, y, name)
            x += 30 + 6.5 * len(name)
        return x

    def bar_legend(self, series: list[str], behind: bool, target: bool) -> None:
        colours = [(name, _colour(i)) for i, name in enumerate(series)]
        x = self.legend(10, 44, colours + ([("behind", "behind")] if behind else []))
        if target:
            self.line(x + 5, 34, x + 5, 46, "target")
            self.text(x + 15, 44, "target")

    def done(self) -> str:
        return "\n".join([*self._lines, "</svg>"]) + "\n"


def bars(title: str, groups: list[Group], series: list[str]) -> str:
    """Horizontal bars for each row, from 1 to the ratio (leftwards if that is less), with a tick at each target."""
    thick, gap, width, left, top = 9, 8, 900, 250, 70
    right = width - 65 * len(series) - 10
    bottom = top + gap + sum(thick * len(group.bars) + gap for group in groups)
    picture = _Picture(width, bottom + 30, title)
    drawn = [bar for group in groups for bar in group.bars.values()]
    picture.bar_legend(series, behind=any(bar.ratio < 1 for bar in drawn), target=any(bar.target for bar in drawn))
    x_of = _logarithmic([value for bar in drawn for value in (bar.ratio, bar.target or 1)], left, right)
    for value in _round_values(x_of, left, right):
        picture.line(x_of(value), top, x_of(value), bottom, "one" if value == 1 else "grid")
        picture.text(x_of(value), top - 5, f"{value:,g}x", "middle")
        picture.text(x_of(value), bottom + 15, f"{value:,g}x", "middle")
    y = top + gap
    for group in groups:
        middle = y + thick * len(group.bars) / 2 + 4
        picture.text(left - 10, middle, group.label, "end")
        for name, bar in group.bars.items():
            number = series.index(name)
            kind = "behind" if bar.ratio < 1 else _colour(number)
            start, end = sorted((x_of(1), x_of(bar.ratio)))
            picture.rectangle(start, y, max(end - start, 1), thick - 1, kind)
            picture.text(right + 65 * (number + 1), middle, _ratio(bar.ratio), "end", f"number {kind}")
            if bar.target:
                picture.line(x_of(bar.target), y - 1, x_of(bar.target), y + thick, "target")
            y += thick
        y += gap
    return picture.done()


def _ratio(value: float) -> str:
    return f"{value:.2f}x" if value < 10 else f"{value:.1f}x" if value < 100 else f"{value:,.0f}x"


def _logarithmic(values: list[float], left: float, right: float) -> typing.Callable[[float], float]:
    """Where a value lies between left and right; there is room for 1, for all values, and a little more."""
    low, high = math.log10(min([0.95, *values])) - 0.03, math.log10(max([2.0, *values])) + 0.03
    return lambda value: left + (math.log10(value) - low) / (high - low) * (right - left)


def _round_values(x_of: typing.Callable[[float], float], left: float, right: float) -> list[float]:
    """What to label: 1, 2, 5, 10 and so on, or the powers of ten alone where these would be too close."""
    factors = (1, 2, 5) if x_of(2) - x_of(1) > 40 else (1,)
    candidates = [factor * 10.0**power for power in range(-6, 7) for factor in factors]
    return [value for value in candidates if left <= x_of(value) <= right]


def lines(title: str, x_label: str, y_label: str, series: dict[str, list[tuple[float, float]]]) -> str:
    """A line for each series; x is logarithmic (with a place for 0), y begins at 0."""
    width, height, left, right, top, bottom = 640, 380, 70, 20, 60, 50
    picture = _Picture(width, height, title)
    picture.legend(left, 44, [(name, _colour(i)) for i, name in enumerate(series)])
    xs = sorted({x for points in series.values() for x, _ in points})
    least = min((x for x in xs if x > 0), default=1)
    place = lambda x: math.log10(x) if x > 0 else math.log10(least) - 1
    from_x, to_x = place(xs[0]), max(place(xs[-1]), place(xs[0]) + 0.1)
    step, top_y = _scale(max(y for points in series.values() for _, y in points))
    x_of = lambda x: left + 15 + (place(x) - from_x) / (to_x - from_x) * (width - left - right - 30)
    y_of = lambda y: height - bottom - y / top_y * (height - bottom - top)
    for i in range(round(top_y / step) + 1):
        picture.line(left, y_of(i * step), width - right, y_of(i * step), "grid")
        picture.text(left - 8, y_of(i * step) + 4, f"{i * step:,g}", "end")
    last = -math.inf
    for x in xs:
        picture.line(x_of(x), height - bottom, x_of(x), height - bottom + 4, "one")
        label = f"{x:,g}" if x < 1e6 else f"{x / 1e6:g}M"
        if x_of(x) - last > 7 * len(label) + 6:
            picture.text(x_of(x), height - bottom + 18, label, "middle")
            last = x_of(x)
    for i, points in enumerate(series.values()):
        picture.curve([(x_of(x), y_of(y)) for x, y in sorted(points)], _colour(i))
    picture.text((left + width - right) / 2, height - 12, x_label, "middle")
    picture.text(left - 8, top - 10, y_label, "end")
    return picture.done()


def _scale(most: float) -> tuple[float, float]:
    """A round step, and the multiple of it that is not below `most`: four to ten steps."""
    power = 10.0**math.floor(math.log10(most))
    step = next(s * power for s in (0.1, 0.2, 0.25, 0.5, 1) if most / (s * power) <= 8)
    return step, step * math.ceil(most / step)
