"""One HTML file without JavaScript: inline stylesheet, inline SVG, light and dark, for screen, phone and print."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape

from invest.reports.charts import draw_chart, draw_sparkline
from invest.reports.locale import MISSING, Locale, locale_of
from invest.reports.phrases import source_name
from invest.reports.rendering.layout import anchors_of, is_chart, is_half, rows_of, shown
from invest.reports.views import Chart, Figure, ReportView, Series

# Widths charts are drawn in; the page shows them 1.35 and 1.15 times as large.
_WIDE: Final = 560.0
_HALF: Final = 300.0
_BARS: Final = 260.0
_NARROW: Final = 300.0
# A figure must not break after its currency.
_MONEY = re.compile(r"(?:US|R)\$ [\d.,]+(?: (?:mi|bi|tri|m|bn|tn)\b)?")


def render_html(view: ReportView, *, charts: bool = True) -> str:
    """The page of `view`; everything that came from outside is escaped by the template."""
    locale = locale_of(view.language)
    drawing = _Drawing(locale)
    return _template().render(
        view=view,
        rows=rows_of(shown(view, appendix=False)),
        appendix=rows_of(s for s in view.sections if s.appendix),
        known=anchors_of(view),
        t=locale.words.t,
        charts=charts,
        is_chart=is_chart,
        draw=drawing.chart,
        spark=drawing.spark,
        money=keep_money,
        origin=lambda figure: origin_text(figure, locale),
        style=Markup(_style()),  # noqa: S704 - our own stylesheet, a file of this package
    )


def keep_money(text: str) -> Markup:
    """`text` escaped, with its amounts of money kept on one line."""
    return Markup(_MONEY.sub(lambda m: f'<span class="n">{m[0]}</span>', str(escape(text))))  # noqa: S704 - escaped here


def origin_text(figure: Figure, locale: Locale) -> str:
    """Where a figure comes from, for who points at it: source, date, payload."""
    parts = (source_name(figure.source, locale), locale.day(figure.as_of), figure.payload, figure.fact_id)
    return " · ".join(part for part in parts if part and part != MISSING)


class _Drawing:
    """Draws the charts of one page, each under a name of its own."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale

    def chart(self, chart: Chart, ident: str, *, alone: bool) -> Markup:
        """The chart for a wide screen and, where its type would become too small, another for a phone."""
        bars = is_half(chart)
        wide = draw_chart(chart, self._locale, ident=ident, width=_BARS if bars else _WIDE if alone else _HALF)
        if bars:
            return Markup(f'<div class="fig half">{wide}</div>')  # noqa: S704 - canvas escapes all text
        narrow = draw_chart(chart, self._locale, ident=f"{ident}-n", width=_NARROW)
        return Markup(f'<div class="fig wide">{wide}</div><div class="fig narrow">{narrow}</div>')  # noqa: S704 - as above

    def spark(self, values: Series) -> Markup:
        """A line beside a figure."""
        return Markup(draw_sparkline(values))  # noqa: S704 - numbers only


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("invest.reports", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


@lru_cache(maxsize=1)
def _style() -> str:
    return resources.files("invest.reports").joinpath("templates", "report.css").read_text(encoding="utf-8")
