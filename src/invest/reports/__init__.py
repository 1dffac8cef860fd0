"""View model -> charts (SVG) -> Markdown, HTML, PDF, JSON. Pure and synchronous: call it in a thread."""

from invest.reports.asset import build_asset_view
from invest.reports.charts import draw_chart, draw_sparkline
from invest.reports.comparison import build_comparison_view
from invest.reports.contract import contract_report
from invest.reports.data import (
    LIVE,
    AssetReportData,
    ComparisonReportData,
    MarketReportData,
    PortfolioReportData,
    PositionRow,
    TrackRow,
    WeeklyReportData,
)
from invest.reports.delivery import (
    DeliveryFailed,
    DeliveryRefused,
    build_email,
    check_url,
    post_webhook,
    report_event,
    send_email,
    smtp_server,
)
from invest.reports.locale import MARKET_ZONE, MISSING, Locale, locale_of
from invest.reports.market import build_market_view
from invest.reports.phrases import analyst_name, class_or_sector, sector_name
from invest.reports.portfolio import build_portfolio_view
from invest.reports.rendering import (
    ExportedFile,
    RenderFailed,
    UnknownFormat,
    export_view,
    render_html,
    render_markdown,
    render_pdf,
)
from invest.reports.sections import moving_average, reason_in
from invest.reports.tax import build_tax_view
from invest.reports.views import (
    AnyView,
    AssetReportView,
    Bar,
    BarsChart,
    ColumnsChart,
    ComparisonReportView,
    Line,
    LinesChart,
    MarketReportView,
    PortfolioReportView,
    ReportView,
    WeeklyReportView,
    load_view,
)
from invest.reports.weekly import build_weekly_view

__all__ = [
    "LIVE",
    "MARKET_ZONE",
    "MISSING",
    "AnyView",
    "AssetReportData",
    "AssetReportView",
    "Bar",
    "BarsChart",
    "ColumnsChart",
    "ComparisonReportData",
    "ComparisonReportView",
    "DeliveryFailed",
    "DeliveryRefused",
    "ExportedFile",
    "Line",
    "LinesChart",
    "Locale",
    "MarketReportData",
    "MarketReportView",
    "PortfolioReportData",
    "PortfolioReportView",
    "PositionRow",
    "RenderFailed",
    "ReportView",
    "TrackRow",
    "UnknownFormat",
    "WeeklyReportData",
    "WeeklyReportView",
    "analyst_name",
    "build_asset_view",
    "build_comparison_view",
    "build_email",
    "build_market_view",
    "build_portfolio_view",
    "build_tax_view",
    "build_weekly_view",
    "check_url",
    "class_or_sector",
    "contract_report",
    "draw_chart",
    "draw_sparkline",
    "export_view",
    "load_view",
    "locale_of",
    "moving_average",
    "post_webhook",
    "reason_in",
    "render_html",
    "render_markdown",
    "render_pdf",
    "report_event",
    "sector_name",
    "send_email",
    "smtp_server",
]
