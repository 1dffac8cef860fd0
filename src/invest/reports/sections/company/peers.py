"""The asset among others of its sector, figure by figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from invest.domain.analysis import Analysis
from invest.domain.market import AssetKind
from invest.reports.cells import number_cell
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING
from invest.reports.views import Cell, Column, Section, Table
from invest.reports.words import clean

_COMPANY: Final = ("p_l", "p_vp", "ev_ebitda", "roe", "net_margin", "net_debt_ebitda", "dividend_yield", "return_1y")
_FUND: Final = ("p_vp", "dividend_yield", "vacancy", "return_1y", "volatility_1y", "turnover_21d")
_TRADED: Final = ("return_1y", "volatility_1y", "max_drawdown_1y", "sharpe_1y", "turnover_21d")
_RECEIPT: Final = ("return_1y", "dividend_yield", "volatility_1y", "max_drawdown_1y", "turnover_21d")
_KEYS: Final = {
    AssetKind.FII: _FUND, AssetKind.ETF: _TRADED, AssetKind.CRYPTO: _TRADED, AssetKind.BDR: _RECEIPT,
}  # fmt: skip


def peers_section(analysis: Analysis, peers: Sequence[Analysis], book: FactBook) -> Section | None:
    """A row per asset, the subject first, the sector's median last; columns nobody has are left out. None alone."""
    if not peers:
        return None
    words, locale = book.locale.words, book.locale
    books = [book, *(FactBook(p.facts, locale) for p in peers)]
    keys = [k for k in _KEYS.get(analysis.kind, _COMPANY) if sum(b.value(k) is not None for b in books) > 1]
    columns = [Column(label=words.t("table.asset"))]
    columns += [Column(label=book.column(k), align="right") for k in keys]
    columns += [Column(label=words.t("table.score"), align="right")]
    rows = [
        (
            Cell(text=a.ticker, sub=clean(a.name, 30) or None, strong=a.ticker == analysis.ticker),
            *(Cell(text=b.figure(k).text, strong=a.ticker == analysis.ticker, figure=b.figure(k)) for k in keys),
            number_cell(locale, _score(a), 1, strong=a.ticker == analysis.ticker),
        )
        for a, b in zip((analysis, *peers), books, strict=True)
    ]
    medians = [book.text(k, f.sector_median, f.unit) if (f := book.get(k)) else MISSING for k in keys]
    if any(text != MISSING for text in medians):
        rows.append(
            (
                Cell(text=words.t("peers.median"), muted=True),
                *(Cell(text=text, muted=True) for text in medians),
                Cell(text=""),
            )
        )
    table = Table(caption=words.t("peers.caption"), columns=tuple(columns), rows=tuple(_unlinked(r) for r in rows),
                  small=True)  # fmt: skip
    note = words.t("peers.note" if analysis.sector else "peers.note_market")
    return Section(id="peers", title=words.t("peers.title"), note=note, blocks=(table,))


def _score(analysis: Analysis) -> float | None:
    """A score that carries no verdict is none to compare with."""
    return None if analysis.recommendation == "insufficient_data" else analysis.overall_score


def _unlinked(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Peers' figures are facts of other analyses: their ids would lead to rows of this one."""
    return tuple(
        c.model_copy(update={"figure": c.figure.model_copy(update={"fact_id": None})}) if c.figure else c for c in row
    )
