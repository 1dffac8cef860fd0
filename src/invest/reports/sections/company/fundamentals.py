"""Figures now, beside the asset's own five-year median and its sector, read in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from invest.domain.analysis import Analysis
from invest.domain.market import AssetKind
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING
from invest.reports.views import Block, Cell, Column, Paragraph, Section, Table

_COMPANY: Final = (
    "p_l", "p_vp", "ev_ebitda", "roe", "roic", "net_margin", "net_debt_ebitda", "interest_coverage",
    "revenue_cagr_5y", "dividend_yield",
)  # fmt: skip
_BANK: Final = (
    "p_l", "p_vp", "roe", "roa", "net_margin", "equity_assets", "revenue_cagr_5y", "net_income_cagr_5y",
    "dividend_yield", "payout",
)  # fmt: skip
_FUND: Final = (
    "p_vp", "dividend_yield", "dividend_yield_5y", "dividend_months_12m", "vacancy", "delinquency", "admin_fee",
    "holders", "return_1y", "excess_ifix_1y", "volatility_1y", "max_drawdown_1y", "turnover_21d",
)  # fmt: skip
_TRADED: Final = (
    "p_vp", "admin_fee", "nav_return_1y", "tracking_difference_1y", "return_1y", "return_5y", "excess_ibov_1y",
    "volatility_1y", "max_drawdown_1y", "sharpe_1y", "beta_1y",
    "distance_sma_200", "turnover_21d",
)  # fmt: skip
_RECEIPT: Final = (
    "p_l", "p_vp", "roe", "dividend_yield", "return_1y", "return_5y", "excess_ibov_1y", "volatility_1y",
    "max_drawdown_1y", "sharpe_1y", "beta_1y", "turnover_21d",
)  # fmt: skip
_KEYS: Final = {
    AssetKind.BDR: _RECEIPT,
    AssetKind.FII: _FUND,
    AssetKind.ETF: _TRADED,
    AssetKind.CRYPTO: _TRADED,
    AssetKind.INDEX: _TRADED,
}


def fundamentals_section(analysis: Analysis, book: FactBook, *, tracker: bool = False) -> Section | None:
    """The table of an asset's kind: figures that are known, and the columns that any of them has.

    What the score asks for and nobody gave is named in one line; what does not exist for the kind (a bank's EBITDA) is
    left out. None where nothing is known: the score's section names what is missing.
    """
    words = book.locale.words
    against = ("excess_ibov_1y", "beta_1y") if tracker else ()  # a tracker of the IBOV against itself
    usual = _BANK if analysis.scorecard == "bank" else _COMPANY
    keys = [key for key in _KEYS.get(analysis.kind, usual) if key not in against]
    shown = [key for key in keys if book.value(key) is not None]
    absent = [key for key in keys if key not in shown and (book.get(key) is not None or key in analysis.missing)]
    if not shown:
        return None
    blocks: list[Block] = [_table(shown, book), Paragraph(text=_footnote(shown, book), muted=True)]
    if absent:
        items = book.locale.listed([book.short(key) for key in absent])
        blocks.append(Paragraph(text=words.t("fundamentals.missing", items=items), muted=True))
    company = analysis.kind in (AssetKind.STOCK, AssetKind.UNIT)
    title = words.t("fundamentals.title" if company else "fundamentals.title_other")
    kept = tuple(b for b in blocks if not isinstance(b, Paragraph) or b.text)
    return Section(id="fundamentals", title=title, blocks=kept, span=7)


def _footnote(keys: Sequence[str], book: FactBook) -> str:
    """What the two columns of comparison mean, for those that are there."""
    facts = [fact for key in keys if (fact := book.get(key)) is not None]
    notes = (("own", [f.own_median for f in facts]), ("sector", [f.sector_median for f in facts]))
    return " ".join(
        book.locale.words.t(f"fundamentals.footnote_{name}")
        for name, medians in notes
        if any(median is not None for median in medians)
    )


def _table(keys: Sequence[str], book: FactBook) -> Table:
    words = book.locale.words
    rows = [_row(book, key) for key in keys]
    columns = [
        Column(label=words.t("fundamentals.name")),
        Column(label=words.t("fundamentals.now"), align="right"),
        Column(label=words.t("fundamentals.own"), align="right"),
        Column(label=words.t("fundamentals.sector"), align="right"),
        Column(label=words.t("fundamentals.reading"), align="right"),
    ]
    kept = [i for i in range(len(columns)) if i < 2 or any(row[i].text not in ("", MISSING) for row in rows)]
    return Table(
        caption=words.t("fundamentals.caption"),
        columns=tuple(columns[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in rows),
    )


def _row(book: FactBook, key: str) -> tuple[Cell, ...]:
    fact, figure, reading = book.get(key), book.figure(key), book.reading(key)
    own = book.text(key, fact.own_median, fact.unit) if fact else MISSING
    sector = book.text(key, fact.sector_median, fact.unit) if fact else MISSING
    return (
        Cell(text=book.short(key)),
        Cell(text=figure.text, strong=True, figure=figure),
        Cell(text=own),
        Cell(text=sector),
        Cell(text=reading.text, mark=reading.mark if reading.mark != "off" else None, muted=reading.mark == "off"),
    )
