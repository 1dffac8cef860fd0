"""Charts as SVG text: the same drawing in HTML, PDF and dashboard."""

from invest.reports.charts.bars import draw_bars, draw_columns
from invest.reports.charts.canvas import text_width
from invest.reports.charts.dots import draw_dots
from invest.reports.charts.draw import draw_chart
from invest.reports.charts.groups import draw_groups
from invest.reports.charts.lines import draw_lines, draw_sparkline
from invest.reports.charts.price import draw_price
from invest.reports.charts.scale import GAP, runs

__all__ = [
    "GAP",
    "draw_bars",
    "draw_chart",
    "draw_columns",
    "draw_dots",
    "draw_groups",
    "draw_lines",
    "draw_price",
    "draw_sparkline",
    "runs",
    "text_width",
]
