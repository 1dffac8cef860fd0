"""The desk: for those who invest."""

from invest.api.pages.desk import alerts, assets, evidence, importing, portfolios, rankings, reports, taxes
from invest.api.pages.desk.rankings import remember_in

PAGES = (
    *importing.PAGES,
    *taxes.PAGES,
    *portfolios.PAGES,
    *assets.PAGES,
    *rankings.PAGES,
    *reports.PAGES,
    *alerts.PAGES,
    *evidence.PAGES,
)

__all__ = ["PAGES", "remember_in"]
