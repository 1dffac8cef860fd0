"""Dots on one axis: analysts' probabilities beside the base rate and the pool, models beside the price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from invest.reports.charts.axis import TICK_SIZE, tick_texts
from invest.reports.charts.canvas import Canvas, fit, text_width
from invest.reports.charts.scale import Scale, span_of, spread, ticks
from invest.reports.locale import Locale
from invest.reports.views import DotsChart, Level

_ROW: Final = 15.0
_SIZE: Final = 9.0
_LEVELS: Final = 26.0  # room above the rows for two lines of names
_BARE: Final = 6.0  # where there are none


def draw_dots(chart: DotsChart, locale: Locale, *, ident: str, width: float = 330) -> str:
    """SVG of `chart`: names on the left, figures on the right, levels named above, the axis beneath."""
    top = _LEVELS if chart.levels else _BARE
    height = top + _ROW * len(chart.dots) + 18
    canvas = Canvas(width, height, chart.title, chart.description, ident)
    left = min(max((text_width(d.label, _SIZE) for d in chart.dots), default=0.0) + 8, width * 0.36)
    right = width - max((text_width(d.text, _SIZE) for d in chart.dots), default=0.0) - 10
    values = [v for d in chart.dots for v in (d.value, d.low, d.high) if v is not None]
    # Chances of one half are the middle of any verdict: without it two points of difference would fill the chart.
    least = [0.4, 0.6] if chart.unit == "%" else []
    low, high = span_of([*values, *(level.value for level in chart.levels), *least], 0.06)
    x = Scale(low, high, left, right)
    floor = top + _ROW * len(chart.dots)
    _draw_axis(canvas, chart, x, locale, top=top, floor=floor)
    for i, dot in enumerate(chart.dots):
        at = top + _ROW * (i + 0.5)
        canvas.text(0, at + 3, fit(dot.label, _SIZE, left - 4), size=_SIZE)
        if dot.low is not None and dot.high is not None:
            canvas.line(x(dot.low), at, x(dot.high), at, role="blue", width=1.2)
            for end in (dot.low, dot.high):
                canvas.line(x(end), at - 2.5, x(end), at + 2.5, role="blue", width=1.2)
        if dot.value is not None:
            canvas.dot(x(dot.value), at, 3.6, "blue")
            if dot.hollow:
                canvas.dot(x(dot.value), at, 2.2, "paper")
        canvas.text(width, at + 3, dot.text, size=_SIZE, anchor="end", bold=dot.value is not None and not dot.hollow,
                    role="ink" if dot.value is not None else "muted")  # fmt: skip
    _draw_levels(canvas, chart.levels, x, floor)
    return canvas.render()


def _draw_axis(canvas: Canvas, chart: DotsChart, x: Scale, locale: Locale, *, top: float, floor: float) -> None:
    scale = 100 if chart.unit == "%" else 1
    levels = ticks(x.low * scale, x.high * scale, 4)
    canvas.line(x.start, floor, x.end, floor)
    for value, text in zip(levels, tick_texts(levels, locale), strict=True):
        at = x(value / scale)
        canvas.line(at, top - 2, at, floor)
        canvas.text(at, floor + 12, f"{text}%" if chart.unit == "%" else text, size=TICK_SIZE, role="muted",
                    anchor="middle")  # fmt: skip


def _draw_levels(canvas: Canvas, levels: Sequence[Level], x: Scale, floor: float) -> None:
    """A line per level, its name above, one line of text each so that two near ones do not touch."""
    rows = spread([float(i) for i in range(len(levels))], 1, 0, max(0, len(levels) - 1))
    for level, row in zip(levels, rows, strict=True):
        at = x(level.value)
        name = f"{level.label} {level.text}"
        half = text_width(name, TICK_SIZE) / 2
        middle = min(max(at, half), canvas.width - half)
        top = 9 + row * 11
        canvas.line(
            at, top + 2.5, at, floor, role="ink" if level.strong else "amber", width=1.4 if level.strong else 1.0
        )
        canvas.text(middle, top, name, size=TICK_SIZE, role="ink" if level.strong else "amber-ink", anchor="middle",
                    bold=level.strong)  # fmt: skip
