"""Any chart of a view as SVG, in the width a renderer has for it."""

from __future__ import annotations

from invest.reports.charts.bars import draw_bars, draw_columns
from invest.reports.charts.dots import draw_dots
from invest.reports.charts.groups import draw_groups
from invest.reports.charts.lines import draw_lines
from invest.reports.charts.price import draw_price
from invest.reports.locale import Locale
from invest.reports.views import BarsChart, Chart, ColumnsChart, DotsChart, GroupsChart, LinesChart, PriceChart


def draw_chart(chart: Chart, locale: Locale, *, ident: str, width: float) -> str:
    """SVG of `chart`, `width` pixels wide; `ident` makes its accessible names unique within a page."""
    match chart:
        case PriceChart():
            return draw_price(chart, locale, ident=ident, width=width, height=188 if width >= 400 else 190)
        case LinesChart():
            tall = 175 if chart.rebased else 138
            return draw_lines(chart, locale, ident=ident, width=width, height=tall if width >= 400 else tall - 30)
        case BarsChart():
            return draw_bars(chart, locale, ident=ident, width=width)
        case ColumnsChart():
            return draw_columns(chart, locale, ident=ident, width=width)
        case GroupsChart():
            return draw_groups(chart, locale, ident=ident, width=width)
        case DotsChart():
            return draw_dots(chart, locale, ident=ident, width=width)
