"""Horizontal bars with a marker to compare with, and vertical columns of money per year."""

from __future__ import annotations

from invest.reports.charts.canvas import Canvas, Role, fit, text_width
from invest.reports.charts.scale import Scale
from invest.reports.locale import Locale
from invest.reports.views import BarsChart, ColumnsChart

_SIZE = 9.5
_SMALLEST = 7.5


def draw_bars(chart: BarsChart, locale: Locale, *, ident: str, width: float = 280) -> str:
    """SVG of `chart`: a row per bar; parts of a bar are indented and thinner; a missing value shows no bar but "—"."""
    rows = [17.0 if bar.level == 0 else 13.5 for bar in chart.bars]
    legend = 15.0 if chart.marker_label and any(b.marker is not None for b in chart.bars) else 0.0
    canvas = Canvas(width, sum(rows) + legend + 2, chart.title, chart.description, ident)
    widest = max((text_width(_label(b.label, b.sub), _SIZE) + 9 * b.level for b in chart.bars), default=0.0)
    left = min(widest + 4, width * 0.58)
    figures = max((text_width(b.text, _SIZE) for b in chart.bars), default=0.0) + 6
    x = Scale(0, chart.top, left, width - figures - 4)
    top = legend
    if legend:
        _draw_legend(canvas, chart.marker_label or "", width - figures - 4)
    for bar, height in zip(chart.bars, rows, strict=True):
        middle, thick = top + height / 2, 7.5 if bar.level == 0 else 4.0
        size = _SIZE if bar.level == 0 else 8.5
        indent = 9.0 * bar.level
        shrunk = _size_for(bar.label, size, left - indent - 3)
        label = fit(bar.label, shrunk, left - indent - 3)
        canvas.text(indent, middle + 3.2, label, size=shrunk, role="ink" if bar.level == 0 else "muted")
        if bar.sub and label == bar.label and indent + text_width(_label(label, bar.sub), size) <= left:
            canvas.text(indent + text_width(label, size) + 2, middle + 3.2, bar.sub, size=7.5, role="muted")
        canvas.rect(left, middle - thick / 2, x.end - left, thick, "track", radius=1.5)
        if bar.value is not None:
            canvas.rect(
                left, middle - thick / 2, x(min(max(bar.value, 0), chart.top)) - left, thick, "blue", radius=1.5
            )
        if bar.marker is not None:
            at = x(min(max(bar.marker, 0), chart.top))
            canvas.rect(at - 1.8, middle - thick / 2 - 2, 3.6, thick + 4, "paper")
            canvas.rect(at - 0.8, middle - thick / 2 - 2, 1.6, thick + 4, "ink")
        plain = bar.value is None or bar.level == 1
        role: Role = "muted" if plain else "ink"
        canvas.text(width, middle + 3.2, bar.text, size=size, role=role, anchor="end", bold=not plain)
        top += height
    return canvas.render()


def _size_for(label: str, size: float, room: float) -> float:
    """A size at which the label fits, down to the smallest that is read well; it is cut only beyond that."""
    needed = text_width(label, size)
    return size if needed <= room else max(_SMALLEST, 0.99 * size * room / needed)


def _label(label: str, sub: str | None) -> str:
    return f"{label}  {sub}" if sub else label


def _draw_legend(canvas: Canvas, text: str, right: float) -> None:
    """What the marker is, above the bars."""
    canvas.text(right - 6, 8, text, size=8, role="muted", anchor="end")
    canvas.rect(right - 1.6, 0.5, 1.6, 10, "ink")


def draw_columns(chart: ColumnsChart, locale: Locale, *, ident: str, width: float = 280, height: float = 88) -> str:
    """SVG of `chart`: each column carries its figure above and its label beneath; no axis is needed."""
    canvas = Canvas(width, height, chart.title, chart.description, ident)
    top = max((b.value for b in chart.bars if b.value is not None), default=0.0)
    slot = width / max(1, len(chart.bars))
    thick = min(34.0, slot * 0.62)
    base = height - 15
    y = Scale(0, top or 1, base, 14)
    canvas.line(0, base, width, base)
    for i, bar in enumerate(chart.bars):
        middle = slot * (i + 0.5)
        at = y(bar.value or 0)
        if bar.value:
            canvas.rect(middle - thick / 2, at, thick, base - at, "blue" if bar.level == 0 else "faint", radius=1)
        canvas.text(middle, at - 3.5, fit(bar.text, 8.5, slot), size=8.5, anchor="middle", bold=bar.level == 0)
        canvas.text(middle, height - 4, fit(bar.label, 8.5, slot), size=8.5, role="muted", anchor="middle")
    return canvas.render()
