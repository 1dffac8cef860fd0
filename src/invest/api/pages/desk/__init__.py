"""The desk: for those who invest."""

from invest.api.pages.desk import alerts, assets, evidence, importing, portfolios, rankings, reports

PAGES = (
    *importing.PAGES,
    *portfolios.PAGES,
    *assets.PAGES,
    *rankings.PAGES,
    *reports.PAGES,
    *alerts.PAGES,
    *evidence.PAGES,
)

__all__ = ["PAGES"]
