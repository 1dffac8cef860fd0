"""Codes of what is traded: B3 tickers and crypto pairs.

A B3 code is four characters of the issuer and a number for the kind of paper (B3, "Regras de formação de códigos");
a crypto asset is written as a pair, ``BTC-BRL``.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

B3_CODE = re.compile(r"^([A-Z][A-Z0-9]{3})([1-9]|1[0-5]|3[1-59])([BF]?)$")
CRYPTO_PAIR = re.compile(r"^([A-Z0-9]{2,10})-(BRL|USD)$")
INDEX_CODE = re.compile(r"^\^[A-Z]{4,8}$")
KNOWN_COINS = frozenset(
    {"BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "BNB", "LTC", "DOT", "LINK", "AVAX", "USDT", "USDC"}
)


class AssetKind(StrEnum):
    """What an asset is. The suffix 11 alone does not decide between unit, FII and ETF: see `kind_of`."""

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
        return code
    shown = text if len(text) <= 20 else text[:20] + "…"
    raise InvalidTicker(
        f"{shown!r} is no ticker: expected a B3 code such as PETR4, HGLG11 or AAPL34, or a crypto pair such as BTC-BRL"
    )


def kind_from_suffix(ticker: str) -> AssetKind | None:
    """The kind that the code alone decides; None for suffix 11, which BDI code and ESPECI must decide."""
    if CRYPTO_PAIR.fullmatch(ticker):
        return AssetKind.CRYPTO
    if INDEX_CODE.fullmatch(ticker):
        return AssetKind.INDEX
    match = B3_CODE.fullmatch(ticker)
    if not match:
        return AssetKind.OTHER
    suffix = int(match[2])
    if suffix == 11:
        return None
    if suffix in (1, 2, 9, 10, 12, 13, 14, 15):
        return AssetKind.RIGHT
    return AssetKind.BDR if suffix >= 31 else AssetKind.STOCK


_KIND_OF_BDI = {"12": AssetKind.FII, "14": AssetKind.ETF}


def kind_of(ticker: str, *, bdi: str | None = None, especi: str | None = None) -> AssetKind:
    """The kind of a code, by its suffix and, where that is not enough, COTAHIST's CODBDI and ESPECI.

    BDI 12 is a real-estate fund, 14 an index fund, 02 the round lot of shares; ESPECI starts with UNT for units,
    CI for fund shares and DR for depositary receipts (B3, COTAHIST layout, tables CODBDI and ESPECI).
    """
    by_suffix = kind_from_suffix(ticker)
    if by_suffix is not None:
        return by_suffix
    if bdi in _KIND_OF_BDI:
        return _KIND_OF_BDI[bdi]
    words = (especi or "").split()
    head = words[0] if words else ""
    if head.startswith("UNT"):
        return AssetKind.UNIT
    if head.startswith("DR"):
        return AssetKind.BDR
    if head == "CI":
        return AssetKind.FII
    return AssetKind.OTHER


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
