"""The desk: for those who invest."""

from aiohttp import web

from invest.api.pages.desk import alerts, assets, evidence, importing, measured, portfolios, rankings, reports, taxes

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


def remember_in(app: web.Application) -> None:
    """Give a server the places where the desk keeps what it has drawn."""
    rankings.remember_in(app)
    measured.remember_in(app)


__all__ = ["PAGES", "remember_in"]
