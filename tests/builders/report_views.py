"""Views of every kind of report, and what a test reads of one."""

from __future__ import annotations

from collections.abc import Callable

from invest.reports import (
    ReportView,
    build_asset_view,
    build_comparison_view,
    build_market_view,
    build_portfolio_view,
    build_weekly_view,
)
from invest.reports.views import Claims, Paragraph, Section, Table
from tests.builders import reports as build

KINDS: dict[str, Callable[..., ReportView]] = {
    "asset": lambda **k: build_asset_view(build.asset_data(**k)),
    "comparison": lambda **k: build_comparison_view(build.comparison_data(**k)),
    "portfolio": lambda **k: build_portfolio_view(build.portfolio_data(**k)),
    "market_overview": lambda **k: build_market_view(build.market_data(**k)),
    "weekly": lambda **k: build_weekly_view(build.weekly_data(**k)),
}


def section(view: ReportView, ident: str) -> Section:
    """A section that the view must have."""
    found = view.section(ident)
    assert found is not None, ident
    return found


def table(view: ReportView, ident: str) -> list[list[str]]:
    """The texts of the first table of a section."""
    block = next(b for b in section(view, ident).blocks if isinstance(b, Table))
    return [[cell.text for cell in row] for row in block.rows]


def words(view: ReportView, ident: str) -> str:
    """The paragraphs and claims of a section."""
    blocks = section(view, ident).blocks
    texts = [b.text for b in blocks if isinstance(b, Paragraph)]
    return " ".join(texts + [c.text for b in blocks if isinstance(b, Claims) for c in b.items])
