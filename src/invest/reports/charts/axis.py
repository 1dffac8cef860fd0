"""The parts that charts over time share: axis of values on the right, months beneath, polylines with gaps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from invest.reports.charts.canvas import Canvas, n, text_width
from invest.reports.charts.scale import GAP, Scale, decimals_for, month_starts, runs
from invest.reports.locale import Locale

TICK_SIZE = 8.5


def tick_texts(values: Sequence[float], locale: Locale) -> list[str]:
    """The ticks as numbers with as many decimals as tell them apart; large ones by magnitude."""
    if values and max(abs(v) for v in values) >= 1e6:
        return [locale.short(v) for v in values]
    decimals = decimals_for(values)
    return [locale.number(v, decimals) for v in values]


def draw_value_axis(
    canvas: Canvas, y: Scale, ticks: Sequence[tuple[float, str]], *, right: float, avoid: Sequence[float] = ()
) -> None:
    """Grid lines, and their values to the right of `right`; a value closer than 12 to one in `avoid` is left out."""
    for value, text in ticks:
        at = y(value)
        canvas.line(0, at, right, at)
        if all(abs(at - other) >= 12 for other in avoid):
            canvas.text(right + 5, at + 3, text, size=TICK_SIZE, role="muted")


def draw_months(
    canvas: Canvas, x: Scale, days: Sequence[date], locale: Locale, *, baseline: float, right: float
) -> None:
    """Names of months where they begin, thinned out until they do not touch; January carries its year."""
    starts = month_starts(days)
    if not starts:
        for i, anchor in ((0, "start"), (len(days) - 1, "end")) if len(days) > 1 else ():
            canvas.text(x(days[i].toordinal()), baseline, locale.day(days[i]), size=TICK_SIZE, role="muted",
                        anchor="start" if anchor == "start" else "end")  # fmt: skip
        return
    step = next((s for s in (1, 2, 3, 4, 6, 12, 24) if len(starts) / s * 46 <= right), 24)
    taken = -1e9
    for i in starts:
        day = days[i]
        if (day.month - 1) % min(step, 12):
            continue
        name = locale.month(day.month) + (f" {day.year}" if day.month == 1 else "")
        half = text_width(name, TICK_SIZE) / 2
        at = x(day.toordinal())
        if at - half < max(0.0, taken) or at + half > right:
            continue
        canvas.text(at, baseline, name, size=TICK_SIZE, role="muted", anchor="middle")
        taken = at + half + 8


def polyline(days: Sequence[date], values: Sequence[float | None], x: Scale, y: Scale, *, gap: timedelta = GAP) -> str:
    """Path data of a line with its gaps; a value alone becomes a short stroke, so that it is seen."""
    parts: list[str] = []
    for run in runs(days, values, gap):
        points = [f"{n(x(days[i].toordinal()))} {n(y(_value(values, i)))}" for i in run]
        parts.append("M" + "L".join(points) + ("h.1" if len(points) == 1 else ""))
    return "".join(parts)


def under(days: Sequence[date], values: Sequence[float | None], x: Scale, y: Scale, base: float) -> str:
    """Path data of the area between a line and `base`, one shape per stretch."""
    parts: list[str] = []
    for run in runs(days, values):
        points = [f"{n(x(days[i].toordinal()))} {n(y(_value(values, i)))}" for i in run]
        first, last = n(x(days[run[0]].toordinal())), n(x(days[run[-1]].toordinal()))
        parts.append(f"M{first} {n(base)}L" + "L".join(points) + f"L{last} {n(base)}Z")
    return "".join(parts)


def _value(values: Sequence[float | None], i: int) -> float:
    value = values[i]
    assert value is not None  # runs() holds indices of values only
    return value
