"""Columns side by side per period: what was earned by year and by quarter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from invest.reports.charts.canvas import Canvas, Role, fit, text_width
from invest.reports.charts.scale import Scale
from invest.reports.locale import Locale
from invest.reports.views import GroupsChart

# Dark, light, middle: told apart in grey.
_ROLES: Final[tuple[Role, ...]] = ("blue", "faint", "amber")
_SIZE: Final = 8.0
_HEAD: Final = 16.0


def draw_groups(chart: GroupsChart, locale: Locale, *, ident: str, width: float = 250, height: float = 128) -> str:
    """SVG of `chart`: a group of columns per label, each with its figure; the unit and what is what stand above."""
    canvas = Canvas(width, height, chart.title, chart.description, ident)
    _draw_head(canvas, chart)
    values = [v for group in chart.groups for v in group.values if v is not None]
    top, bottom = max([*values, 0.0]), min([*values, 0.0])
    y = Scale(bottom, top or (1.0 if bottom == 0 else 0.0), height - 15 - (10 if bottom < 0 else 0), _HEAD + 12)
    slot = width / max(1, len(chart.labels))
    count = len(chart.groups)
    thick = min(20.0, slot * 0.8 / count)
    for i, label in enumerate(chart.labels):
        start = slot * (i + 0.5) - thick * count / 2
        for k, group in enumerate(chart.groups):
            place = _Place(y, start + thick * k, thick, slot)
            _draw_column(canvas, group.values[i], group.texts[i], place, k)
        canvas.text(slot * (i + 0.5), height - 3, fit(label, _SIZE, slot), size=_SIZE, role="muted", anchor="middle")
    canvas.line(0, y(0), width, y(0), role="faint")
    return canvas.render()


def _draw_head(canvas: Canvas, chart: GroupsChart) -> None:
    """Each series' name behind a sample of its column, and the unit on the right."""
    at = 0.0
    for role, group in zip(_ROLES, chart.groups, strict=False):
        canvas.rect(at, 2.5, 7, 7, role)
        canvas.text(at + 10, 9, group.name, size=_SIZE)
        at += 10 + text_width(group.name, _SIZE) + 10
    canvas.text(canvas.width, 9, chart.unit, size=_SIZE, role="muted", anchor="end")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column stands: the scale of values, its left edge, how wide it is, how wide its group's slot is."""

    y: Scale
    left: float
    thick: float
    slot: float


def _draw_column(canvas: Canvas, value: float | None, text: str, place: _Place, k: int) -> None:
    if value is None:
        return
    at, zero, thick = place.y(value), place.y(0), place.thick
    canvas.rect(place.left + 0.5, min(at, zero), thick - 1, max(0.6, abs(at - zero)), _ROLES[k])
    if text and text_width(text, 7.0) <= max(thick, place.slot / 2) + 3:
        above = at - 2.5 if value >= 0 else at + 8
        canvas.text(place.left + thick / 2, above, text, size=7.0, anchor="middle", role="ink" if k == 0 else "muted")
