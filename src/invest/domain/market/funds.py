"""Which index an ETF at B3 follows: by its ticker where it is well known, else by the words of its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

IBOV: Final = "IBOV"
# B3, list of ETFs and their reference indices.
_KNOWN: Final[Mapping[str, str]] = {
    "BOVA11": IBOV, "BOVB11": IBOV, "BOVV11": IBOV, "BOVX11": IBOV, "BBOV11": IBOV, "XBOV11": IBOV, "IBOB11": IBOV,
    "BRAX11": "IBrX 100", "PIBB11": "IBrX 50", "SMAL11": "SMLL", "SMAC11": "SMLL", "XMAL11": "SMLL", "TRIG11": "IGC-NM",
    "DIVO11": "IDIV", "DIVD11": "IDIV", "BBSD11": "S&P Dividendos Brasil", "FIND11": "IFNC", "MATB11": "IMAT",
    "GOVE11": "IGCT", "ISUS11": "ISE", "ECOO11": "ICO2", "XFIX11": "IFIX", "IVVB11": "S&P 500", "SPXI11": "S&P 500",
    "SPXB11": "S&P 500", "NASD11": "Nasdaq-100", "WRLD11": "FTSE Global All Cap", "XINA11": "MSCI China",
    "EURP11": "FTSE Developed Europe", "ACWI11": "MSCI ACWI", "GOLD11": "LBMA Gold", "HASH11": "Nasdaq Crypto Index",
    "BITH11": "Nasdaq Bitcoin Reference Price", "QBTC11": "CME CF Bitcoin Reference Rate",
    "ETHE11": "Nasdaq Ether Reference Price", "IMAB11": "IMA-B", "IB5M11": "IMA-B 5+", "B5P211": "IMA-B 5 P2",
    "FIXA11": "S&P/BM&F Fut. DI 3 anos", "IRFM11": "IRF-M P2", "LFTS11": "Teva Tesouro Selic",
}  # fmt: skip
_WORDS: Final = (
    (re.compile(r"\bibovespa\b|\bibov\b", re.IGNORECASE), IBOV),
    (re.compile(r"s&p\s*500", re.IGNORECASE), "S&P 500"),
    (re.compile(r"small\s*caps?", re.IGNORECASE), "SMLL"),
    (re.compile(r"nasdaq[\s-]*100", re.IGNORECASE), "Nasdaq-100"),
    (re.compile(r"\bifix\b", re.IGNORECASE), "IFIX"),
    (re.compile(r"\bidiv\b", re.IGNORECASE), "IDIV"),
)


def tracked_index(ticker: str, name: str | None = None) -> str | None:
    """The index that the ETF `ticker` follows (`IBOV`, `S&P 500`, …); None where neither code nor name tells.

    A name that only mentions the IBOV beside other words of strategy (long short, inverse) is not taken for a tracker.
    """
    if known := _KNOWN.get(ticker.upper()):
        return known
    text = name or ""
    if re.search(r"inver|short|alavanc|ativo\b|buy\s*write|covered", text, re.IGNORECASE):
        return None
    return next((index for pattern, index in _WORDS if pattern.search(text)), None)
