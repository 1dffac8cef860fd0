"""Figures now, beside the asset's own five-year median and its sector, read in words."""

from __future__ import annotations

from typing import Final

from invest.domain.analysis import Analysis
from invest.domain.market import AssetKind
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING
from invest.reports.views import Cell, Column, Section, Table

_COMPANY: Final = (
    "p_l", "p_vp", "ev_ebitda", "roe", "roic", "net_margin", "net_debt_ebitda", "interest_coverage",
    "revenue_cagr_5y", "dividend_yield",
)  # fmt: skip
_FUND: Final = (
    "p_vp", "dividend_yield", "dividend_yield_5y", "dividend_months_12m", "return_1y", "volatility_1y",
    "max_drawdown_1y", "turnover_21d",
)  # fmt: skip
_TRADED: Final = (
    "return_1y", "return_5y", "excess_ibov_1y", "volatility_1y", "max_drawdown_1y", "sharpe_1y", "beta_1y",
    "distance_sma_200", "turnover_21d",
)  # fmt: skip
_KEYS: Final = {AssetKind.FII: _FUND, AssetKind.ETF: _TRADED, AssetKind.CRYPTO: _TRADED, AssetKind.INDEX: _TRADED}
# Rows that stand in the table even where nothing is known of them.
_CORE: Final = 4


def fundamentals_section(analysis: Analysis, book: FactBook) -> Section:
    """The table of an asset's kind; a figure that does not exist for it (a bank's EBITDA) is left out."""
    words = book.locale.words
    keys = _KEYS.get(analysis.kind, _COMPANY)
    shown = [k for i, k in enumerate(keys) if i < _CORE or book.get(k) is not None or k in analysis.missing]
    columns = (
        Column(label=words.t("fundamentals.name")),
        Column(label=words.t("fundamentals.now"), align="right"),
        Column(label=words.t("fundamentals.own"), align="right"),
        Column(label=words.t("fundamentals.sector"), align="right"),
        Column(label=words.t("fundamentals.percentile"), align="right"),
        Column(label=words.t("fundamentals.reading"), align="right"),
    )
    table = Table(
        caption=words.t("fundamentals.caption"), columns=columns, rows=tuple(_row(book, key) for key in shown)
    )
    company = analysis.kind in (AssetKind.STOCK, AssetKind.UNIT, AssetKind.BDR)
    title = words.t("fundamentals.title" if company else "fundamentals.title_other")
    note = words.t("fundamentals.note")
    return Section(id="fundamentals", title=title, note=note, blocks=(table,), span=7)


def _row(book: FactBook, key: str) -> tuple[Cell, ...]:
    fact, figure, reading = book.get(key), book.figure(key), book.reading(key)
    own = _bare(book.text(key, fact.own_median, fact.unit)) if fact else MISSING
    sector = _bare(book.text(key, fact.sector_median, fact.unit)) if fact else MISSING
    percentile = fact.sector_percentile if fact else None
    return (
        Cell(text=book.short(key)),
        Cell(text=_bare(figure.text), strong=True, figure=figure),
        Cell(text=own),
        Cell(text=sector),
        Cell(text=MISSING if percentile is None else book.locale.number(percentile * 100, 0)),
        Cell(text=reading.text, mark=reading.mark if reading.mark != "off" else None, muted=reading.mark == "off"),
    )


def _bare(text: str) -> str:
    """An amount without its currency, which the row's label names."""
    return text.replace("R$ ", "")
