"""Codes of what is traded: B3 tickers and crypto pairs.

A B3 code is four characters of the issuer and a number for the kind of paper (B3, "Regras de formação de códigos");
a crypto asset is written as a pair, ``BTC-BRL``.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

# Four characters of the issuer (a digit may lead: 1SBT11), a number (R behind it: a receipt of it, a paper of its own),
# B over the counter, F odd lots.
B3_CODE = re.compile(r"^((?=[0-9]{0,3}[A-Z])[A-Z0-9]{4})([1-9][0-9]?R?)(B?F?)$")
CRYPTO_PAIR = re.compile(r"^([A-Z0-9]{2,10})-(BRL|USD)$")
INDEX_CODE = re.compile(r"^\^[A-Z][A-Z0-9]{3,7}$")
SAME_INDEX = {"^IBOV": "^BVSP"}  # the name it is stored under
KNOWN_COINS = frozenset(
    {"BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "BNB", "LTC", "DOT", "LINK", "AVAX", "USDT", "USDC"}
)


class AssetKind(StrEnum):
    """What an asset is. A suffix such as 11 does not decide between unit, FII, ETF and others: see `kind_of`."""

    STOCK = "stock"
    UNIT = "unit"
    FII = "fii"
    ETF = "etf"
    BDR = "bdr"
    CRYPTO = "crypto"
    INDEX = "index"
    RIGHT = "right"
    OTHER = "other"


class Market(StrEnum):
    """The contract's names of markets."""

    STOCKS = "stocks"
    FIIS = "fiis"
    ETFS = "etfs"
    BDRS = "bdrs"
    CRYPTOS = "cryptos"

    @property
    def kinds(self) -> tuple[AssetKind, ...]:
        """The kinds of asset that belong to the market."""
        return _KINDS_OF_MARKET[self]


_KINDS_OF_MARKET: dict[Market, tuple[AssetKind, ...]] = {
    Market.STOCKS: (AssetKind.STOCK, AssetKind.UNIT),
    Market.FIIS: (AssetKind.FII,),
    Market.ETFS: (AssetKind.ETF,),
    Market.BDRS: (AssetKind.BDR,),
    Market.CRYPTOS: (AssetKind.CRYPTO,),
}


class InvalidTicker(ValueError):
    """A text that is no ticker; the message says what one looks like."""


def parse_ticker(text: str) -> str:
    """The canonical code of `text`: upper case, fractional ``F`` and over-the-counter ``B`` folded into the base code.

    >>> parse_ticker(" petr4f "), parse_ticker("btc")
    ('PETR4', 'BTC-BRL')

    Raises `InvalidTicker` for anything else.
    """
    code = text.strip().upper()
    if match := B3_CODE.fullmatch(code):
        return match[1] + match[2]
    if code in KNOWN_COINS:
        return f"{code}-BRL"
    if CRYPTO_PAIR.fullmatch(code) or INDEX_CODE.fullmatch(code):
        return SAME_INDEX.get(code, code)
    shown = text if len(text) <= 20 else text[:20] + "…"
    raise InvalidTicker(
        f"{shown!r} is no ticker: expected a B3 code such as PETR4, HGLG11 or AAPL34, or a crypto pair such as BTC-BRL"
    )


def kind_from_suffix(ticker: str) -> AssetKind | None:
    """The kind that the code alone decides; None where BDI code and specification must (11, and numbers from 14 on).

    1, 2, 12 and 13 are rights to subscribe, 9 and 10 receipts of it, 3 to 8 shares, 31 to 35 and 39 receipts of
    foreign shares.
    """
    if CRYPTO_PAIR.fullmatch(ticker):
        return AssetKind.CRYPTO
    if INDEX_CODE.fullmatch(ticker):
        return AssetKind.INDEX
    match = B3_CODE.fullmatch(ticker)
    if not match:
        return AssetKind.OTHER
    number = match[2].removesuffix("R")
    suffix = int(number)
    if suffix in _RIGHTS or number != match[2]:
        return AssetKind.RIGHT
    if suffix in _DEPOSITARY:
        return AssetKind.BDR
    return AssetKind.STOCK if suffix in range(3, 9) else None


_RIGHTS = frozenset({1, 2, 9, 10, 12, 13, 14, 15})
_DEPOSITARY = frozenset({31, 32, 33, 34, 35, 39})
_KIND_OF_BDI = {
    "12": AssetKind.FII,
    "13": AssetKind.FII,
    "14": AssetKind.ETF,
    "10": AssetKind.RIGHT,
    "22": AssetKind.RIGHT,
    "34": AssetKind.BDR,
    "35": AssetKind.BDR,
    "36": AssetKind.BDR,
}


def kind_of(ticker: str, *, bdi: str | None = None, especi: str | None = None) -> AssetKind:
    """The kind of a code: by COTAHIST's specification first, then by its suffix, then by its BDI code.

    An R behind the number is a receipt, whatever is told of the paper it is for. ESPECI starts with ON or PN for
    shares (REC: receipts of a subscription), UNT for units, DR and a level for depositary receipts, CI for fund shares,
    DIR for rights and BNS for warrants. BDI 12 is a real-estate fund, 14 an index fund (B3, COTAHIST layout, tables
    CODBDI and ESPECI).
    """
    bdi = bdi.strip().zfill(2) if bdi and bdi.strip() else None
    if (match := B3_CODE.fullmatch(ticker)) and match[2].endswith("R"):
        return AssetKind.RIGHT
    by_words = _kind_of_words(especi or "", bdi)
    if by_words is not None:
        return by_words
    return kind_from_suffix(ticker) or _KIND_OF_BDI.get(bdi or "", AssetKind.OTHER)


def _kind_of_words(especi: str, bdi: str | None) -> AssetKind | None:
    """What a specification says; None where it says nothing known."""
    words = especi.replace("*", " ").upper().split()
    head = words[0] if words else ""
    if head in ("DIR", "BNS", "REC") or "REC" in words[1:]:
        return AssetKind.RIGHT
    if head in ("ON", "OR", "PN", "PR") or (len(head) == 3 and head.startswith("PN")):
        return AssetKind.STOCK
    if head.startswith("UNT"):
        return AssetKind.UNIT
    if head == "CI":
        return AssetKind.ETF if bdi == "14" else AssetKind.FII
    return AssetKind.BDR if re.fullmatch(r"DR[0-9A-Z]?", head) else None


Ticker = Annotated[
    str,
    AfterValidator(parse_ticker),
    WithJsonSchema(
        {
            "type": "string",
            "title": "Ticker",
            "minLength": 3,
            "maxLength": 20,
            "examples": ["PETR4", "HGLG11", "BTC-BRL"],
        }
    ),
]
