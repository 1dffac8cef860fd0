"""Several lines rebased to 100, and lines as small as a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from invest.reports.charts.axis import TICK_SIZE, draw_months, draw_value_axis, polyline, tick_texts
from invest.reports.charts.canvas import Canvas, Role, fit, n, text_width
from invest.reports.charts.scale import GAP, MONTHS_GAP, Scale, span_of, spread, ticks
from invest.reports.locale import Locale
from invest.reports.views import Line, LinesChart

# Role of the line, of its label, width and dashes, in the order in which lines are drawn on; told apart in grey.
_STYLES: Final[tuple[tuple[Role, Role, float, str], ...]] = (
    ("blue", "blue", 1.9, ""),
    ("amber", "amber-ink", 1.3, ""),
    ("green", "green", 1.3, "6 2.5"),
    ("ink", "ink", 1.0, "2 2"),
    ("red", "red", 1.3, "8 2 2 2"),
    ("muted", "muted", 1.0, "4 2"),
)
_TOP: Final = 9.0
_BOLD: Final = 1.15  # a bold label takes so much more room, in the widest of the fonts that pages fall back to


def draw_lines(chart: LinesChart, locale: Locale, *, ident: str, width: float = 700, height: float = 220) -> str:
    """SVG of `chart`: the first six lines are styled and named, the others stay thin and grey behind them."""
    canvas = Canvas(width, height, chart.title, chart.description, ident)
    known = [v for line in chart.lines for v in line.values if v is not None]
    low, high = span_of(known if chart.reference is None else [*known, chart.reference])
    levels, texts = _ticks(chart, low, high, locale)
    named = chart.lines[: len(_STYLES)]
    labels = [f"{fit(line.name, TICK_SIZE, 90)} {_end_text(chart, line, locale)}".strip() for line in named]
    axis = max(text_width(t, TICK_SIZE) + 11 for t in texts)
    beside = [text_width(t, TICK_SIZE) * (_BOLD if line.emphasis else 1) for t, line in zip(labels, named, strict=True)]
    right = width - axis - max([*beside, text_width(chart.reference_label, TICK_SIZE)]) - 6
    gap = GAP if chart.rebased else MONTHS_GAP
    floor = height - 19
    x = Scale(chart.days[0].toordinal(), chart.days[-1].toordinal(), 1, right - 3)
    y = Scale(low, high, floor, _TOP)
    draw_value_axis(canvas, y, list(zip(levels, texts, strict=True)), right=right)
    if chart.reference is not None:
        canvas.line(0, y(chart.reference), right, y(chart.reference), role="amber", width=1.1)
    for line in chart.lines[len(_STYLES) :]:
        canvas.path(polyline(chart.days, line.values, x, y), "volume", 0.8)
    for line, (role, _, stroke, dash) in reversed(list(zip(named, _STYLES, strict=False))):
        canvas.path(polyline(chart.days, line.values, x, y, gap=gap), role, stroke, dash=dash)
    ends = [y(next((v for v in reversed(line.values) if v is not None), low)) for line in named]
    styled = [(text, role, line.emphasis) for text, (_, role, _, _), line in zip(labels, _STYLES, named, strict=False)]
    if chart.reference is not None:
        ends.append(y(chart.reference))
        styled.append((chart.reference_label, "amber-ink", False))
    for (text, role, bold), place in zip(styled, spread(ends, 11, _TOP, floor), strict=True):
        canvas.text(right + axis + 2, place + 3, text, size=TICK_SIZE, role=role, bold=bold)
    draw_months(canvas, x, chart.days, locale, baseline=height - 4, right=right)
    return canvas.render()


def _ticks(chart: LinesChart, low: float, high: float, locale: Locale) -> tuple[list[float], list[str]]:
    """Ticks and their texts: percentages at round hundredths, else round values."""
    if chart.unit != "%":
        levels = ticks(low, high)
        return levels, tick_texts(levels, locale)
    hundredths = ticks(low * 100, high * 100)
    return [v / 100 for v in hundredths], [f"{text}%" for text in tick_texts(hundredths, locale)]


def _end_text(chart: LinesChart, line: Line, locale: Locale) -> str:
    """The change since the start where lines are rebased, else the last value; nothing where that is missing."""
    end = next((v for v in reversed(line.values) if v is not None), None)
    if not chart.rebased and line.values[-1] is None:
        return ""
    if chart.rebased:
        return locale.percent(None if end is None else end / 100 - 1, 1, signed=True)
    return locale.percent(end, chart.decimals) if chart.unit == "%" else locale.number(end, chart.decimals)


def draw_sparkline(values: Sequence[float | None], *, width: float = 64, height: float = 16) -> str:
    """A line without axes or name: decoration beside a figure that says the same, hidden from screen readers."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return ""
    low, high = span_of(known, 0.02)
    x, y = Scale(0, len(values) - 1, 2, width - 3), Scale(low, high, height - 2, 2)
    parts, joined, end = [], False, (0.0, 0.0)
    for i, value in enumerate(values):
        if value is not None:
            end = (x(i), y(value))
            parts.append(f"{'L' if joined else 'M'}{n(end[0])} {n(end[1])}")
        joined = value is not None
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {n(width)} {n(height)}" width="{n(width)}" '
        f'height="{n(height)}" aria-hidden="true"><path class="s-blue" d="{"".join(parts)}" fill="none" '
        f'stroke="#1f5fa8" stroke-width="1.1" stroke-linejoin="round"/>'
        f'<circle class="f-blue" cx="{n(end[0])}" cy="{n(end[1])}" r="1.6" fill="#1f5fa8"/></svg>'
    )
