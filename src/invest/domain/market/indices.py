"""The indices that assets are measured by: their codes here and at B3, which one an asset has and is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from invest.domain.market.funds import IBOV, tracked_index
from invest.domain.market.tickers import AssetKind

IFIX: Final = "IFIX"


@dataclass(frozen=True, slots=True)
class Index:
    """One index. `label` is how people call it; `b3` its code at B3, None for one that B3 does not calculate.

    `in_dollars`: its points count dollars, so that a fund in reais follows it times the dollar's price.
    """

    ticker: str
    label: str
    name: str
    b3: str | None
    in_dollars: bool = False


# B3, list of its indices. All of them count dividends as reinvested, the S&P 500 does not.
INDICES: Final = (
    Index("^BVSP", IBOV, "Ibovespa", "IBOV"),
    Index("^IFIX", IFIX, "Índice de Fundos de Investimentos Imobiliários", "IFIX"),
    Index("^IBXX", "IBrX 100", "Índice Brasil 100", "IBXX"),
    Index("^IBXL", "IBrX 50", "Índice Brasil 50", "IBXL"),
    Index("^SMLL", "SMLL", "Índice Small Cap", "SMLL"),
    Index("^IDIV", "IDIV", "Índice Dividendos", "IDIV"),
    Index("^IFNC", "IFNC", "Índice Financeiro", "IFNC"),
    Index("^IMAT", "IMAT", "Índice de Materiais Básicos", "IMAT"),
    Index("^IGCT", "IGCT", "Índice de Governança Corporativa Trade", "IGCT"),
    Index("^IGNM", "IGC-NM", "Índice de Governança Corporativa, Novo Mercado", "IGNM"),
    Index("^ISEE", "ISE", "Índice de Sustentabilidade Empresarial", "ISEE"),
    Index("^ICO2", "ICO2", "Índice Carbono Eficiente", "ICO2"),
    Index("^BDRX", "BDRX", "Índice de BDRs não patrocinados", "BDRX"),
    Index("^GSPC", "S&P 500", "S&P 500", None, in_dollars=True),
)
BY_TICKER: Final[Mapping[str, Index]] = {index.ticker: index for index in INDICES}
BY_LABEL: Final[Mapping[str, Index]] = {index.label: index for index in INDICES}
# What is collected every day; the others when somebody asks for them, and from then on every day too.
BENCHMARKS: Final = ("^BVSP", "^IFIX", "^IBXX", "^IBXL", "^SMLL", "^IDIV")


def own_index(ticker: str, kind: AssetKind, words: str | None = None) -> Index | None:
    """The index an asset is measured by: a FII by the IFIX, an ETF by the one it follows, others by the IBOV.

    `words`: the ETF's name and what CVM's register says of its index. None for an ETF whose index is not known or not
    one of `INDICES`, and for coins and indices.
    """
    if kind in (AssetKind.CRYPTO, AssetKind.INDEX):
        return None
    if kind is AssetKind.FII:
        return BY_LABEL[IFIX]
    if kind is AssetKind.ETF:
        return BY_LABEL.get(tracked_index(ticker, words) or "")
    return BY_LABEL[IBOV]


def asked_index(ticker: str, kind: AssetKind, words: str | None = None) -> Index | None:
    """The index that the AIs are asked whether an asset beats, and that their answers are closed against.

    A FII against the IFIX, others against the IBOV: an ETF cannot beat what it follows, so it is what it follows that
    is held against the IBOV. None for an ETF that follows the IBOV: nobody is asked.
    """
    own, ibov = own_index(ticker, kind, words), BY_LABEL[IBOV]
    if kind is AssetKind.FII:
        return own
    return None if kind is AssetKind.ETF and own is ibov else ibov
