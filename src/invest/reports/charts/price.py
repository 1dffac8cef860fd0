"""Price over twelve months with moving averages, volume beneath, and the last price as a tag on the axis."""

from __future__ import annotations

from typing import Final

from invest.reports.charts.axis import TICK_SIZE, draw_months, draw_value_axis, polyline, tick_texts, under
from invest.reports.charts.canvas import Canvas, Role, text_width
from invest.reports.charts.scale import Scale, span_of, spread, ticks
from invest.reports.locale import Locale
from invest.reports.views import PriceChart, Series

# Role of the line, of its label, width and dashes per average, so that each is told apart in grey as well.
_STYLES: Final[dict[int, tuple[Role, Role, float, str]]] = {
    20: ("faint", "muted", 0.9, "1 1.8"),
    50: ("amber", "amber-ink", 1.2, ""),
    200: ("muted", "muted", 1.0, "5 3"),
}
_TAG: Final = 15.0
_TOP: Final = 9.0
_LABEL: Final = 11.0


def draw_price(chart: PriceChart, locale: Locale, *, ident: str, width: float = 700, height: float = 240) -> str:
    """SVG of `chart`. The right margin is as wide as the longest number and name need."""
    canvas = Canvas(width, height, chart.title, chart.description, ident)
    known = [v for values in (chart.close, *chart.averages.values()) for v in values if v is not None]
    low, high = span_of(known)
    levels = ticks(low, high)
    texts = tick_texts(levels, locale)
    names = {k: locale.words.t("chart.average", n=k) for k in chart.averages}
    name = chart.name or locale.words.t("chart.close")
    tag = text_width(chart.last.text, 9.5) + 9
    axis = max([tag + 3, *(text_width(t, TICK_SIZE) + 7 for t in texts)])
    right = width - axis - max(text_width(t, TICK_SIZE) for t in [name, *names.values()]) - 6
    volume_height = 40.0 if chart.has_volume else 0.0
    floor = height - 17 - volume_height - (9 if chart.has_volume else 0)
    x = Scale(chart.days[0].toordinal(), chart.days[-1].toordinal(), 1, right - 3)
    y = Scale(low, high, floor, _TOP)
    last_y = y(_last(chart.close) or low)
    draw_value_axis(canvas, y, list(zip(levels, texts, strict=True)), right=right, avoid=[last_y])
    canvas.area(under(chart.days, chart.close, x, y, floor), "blue")
    for sessions, values in sorted(chart.averages.items(), reverse=True):
        line, _, stroke, dash = _STYLES.get(sessions, _STYLES[200])
        canvas.path(polyline(chart.days, values, x, y), line, stroke, dash=dash)
    canvas.path(polyline(chart.days, chart.close, x, y), "blue", 1.7)
    _draw_names(canvas, chart, names, y, left=right + axis, floor=floor, close=name)
    _draw_tag(canvas, chart, x, at=last_y, right=right, width=tag)
    if chart.has_volume:
        _draw_volume(canvas, chart, x, height - 17, volume_height)
    draw_months(canvas, x, chart.days, locale, baseline=height - 4, right=right)
    return canvas.render()


def _draw_tag(canvas: Canvas, chart: PriceChart, x: Scale, *, at: float, right: float, width: float) -> None:
    day = next((d for d, v in zip(reversed(chart.days), reversed(chart.close), strict=True) if v is not None), None)
    if day is not None:
        canvas.dot(x(day.toordinal()), at, 2.6, "blue")
    canvas.rect(right + 1, at - _TAG / 2, width, _TAG, "blue", radius=2)
    canvas.text(right + 1 + width / 2, at + 3.3, chart.last.text, size=9.5, role="paper", anchor="middle", bold=True)


def _draw_names(
    canvas: Canvas, chart: PriceChart, names: dict[int, str], y: Scale, *, left: float, floor: float, close: str
) -> None:
    """Direct labels in a column of their own beside the axis, each as near to its line's end as the others allow."""
    labels: list[tuple[str, Role, float, bool]] = []
    if (price := _last(chart.close)) is not None:
        labels.append((close, "blue", y(price), True))
    for sessions, values in sorted(chart.averages.items()):
        if (value := _last(values)) is not None:
            labels.append((names[sessions], _STYLES.get(sessions, _STYLES[200])[1], y(value), False))
    if not labels:
        return
    places = _beside(labels[0][2], [at for _, _, at, _ in labels[1:]], floor)
    for (name, role, _, bold), place in zip(labels, places, strict=True):
        canvas.text(left + 3, place + 3, name, size=TICK_SIZE, role=role, bold=bold)


def _beside(price: float, others: list[float], floor: float) -> list[float]:
    """Places of all labels: the price's beside its tag, the others above and beneath it in the order of their lines."""
    order = sorted(range(len(others)), key=lambda i: others[i])
    wanted = sum(at <= price for at in others)
    over, under = int((price - _TOP) // _LABEL), int((floor - price) // _LABEL)
    split = min(max(wanted, len(order) - under), max(over, 0))
    above, beneath = order[:split], order[split:]
    places = dict(zip(above, spread([others[i] for i in above], _LABEL, _TOP, price - _LABEL), strict=True))
    places |= dict(zip(beneath, spread([others[i] for i in beneath], _LABEL, price + _LABEL, floor), strict=True))
    return [price, *(places[i] for i in range(len(others)))]


def _draw_volume(canvas: Canvas, chart: PriceChart, x: Scale, base: float, height: float) -> None:
    top = max((v for v in chart.volume if v is not None), default=0.0)
    if top <= 0:
        return
    stroke = max(0.7, min(5.0, (x.end - x.start) / max(1, len(chart.days)) * 0.62))
    bars = [
        f"M{x(day.toordinal()):.1f} {base:.1f}v-{max(0.4, value / top * height):.1f}"
        for day, value in zip(chart.days, chart.volume, strict=True)
        if value
    ]
    canvas.parts.append(
        f'<path class="s-volume" d="{"".join(bars)}" fill="none" stroke="#c3cad2" stroke-width="{stroke:.2f}"/>'
    )


def _last(values: Series) -> float | None:
    return next((v for v in reversed(values) if v is not None), None)
