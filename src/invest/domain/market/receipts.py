"""What stands behind receipts of foreign shares (BDRs): the paper at home, and how many receipts make one of it."""

from __future__ import annotations

import re
import statistics
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Final, Literal

from pydantic import Field

from invest.domain.frozen import Frozen

ENOUGH: Final = 10  # common days that a parity needs
NEAR: Final = 0.01  # relative distance of the observed ratio from the whole number it is taken for
AMERICAN: Final = re.compile(r"(NYSE|NASDAQ|NEW YORK|AMEX|CBOE|BATS|OTC)\b", re.IGNORECASE)
STEADY: Final = 0.03  # mean relative distance of the days' ratios from their median


class HomePaper(Frozen):
    """The paper that a receipt stands for, as its home exchange writes it; null where that is not known."""

    symbol: str
    exchange: str | None
    currency: str | None
    isin: str | None = None


class Programme(Frozen):
    """What the depositary's document of a programme says: so many receipts for so many papers at home."""

    ticker: str
    home: HomePaper
    backing: Literal["share", "adr"] = Field(description="adr: the paper at home is a receipt itself")
    receipts: int = Field(description="receipts on one side of the parity", gt=0)
    papers: int = Field(description="papers at home on the other side", gt=0)
    as_of: date = Field(description="when the document in force was read")
    source: str
    payload: str = Field(description="sha256 of the document")

    @property
    def parity(self) -> Decimal:
        """Receipts per paper at home."""
        return Decimal(self.receipts) / Decimal(self.papers)


def currency_of(exchange: str | None) -> str | None:
    """The currency of the exchanges whose papers nearly all receipts stand for; None for another one."""
    return "USD" if exchange is not None and AMERICAN.match(exchange.strip()) else None


@lru_cache(maxsize=1)
def _homes() -> Mapping[str, HomePaper]:
    text = resources.files("invest.domain.market").joinpath("receipts.toml").read_text(encoding="utf-8")
    return {
        ticker: HomePaper(symbol=symbol, exchange=exchange, currency=group["currency"])
        for exchange, group in tomllib.loads(text).items()
        for ticker, symbol in group["papers"].items()
    }


def home_paper(ticker: str) -> HomePaper | None:
    """The paper behind a receipt; None where it is not known."""
    return _homes().get(ticker)


def parity(
    receipts: Sequence[tuple[date, float]], homes: Mapping[date, float], rates: Mapping[date, float]
) -> Decimal | None:
    """How many receipts make one home paper (or one over so many papers), by closes of the same days.

    `receipts`: closes in BRL by day; `homes`: closes in the home currency; `rates`: BRL for one of it. None for fewer
    than ten common days, prices that do not move together, and a ratio near no whole number: another exchange's hours
    and the spread make it no more exact than that.
    """
    ratios = [
        homes[day] * rates[day] / close
        for day, close in receipts
        if close > 0 and homes.get(day, 0) > 0 and rates.get(day, 0) > 0
    ]
    if len(ratios) < ENOUGH:
        return None
    middle = statistics.median(ratios)
    if statistics.fmean(abs(ratio / middle - 1) for ratio in ratios) > STEADY:
        return None
    inverse = middle < 1
    shown = 1 / middle if inverse else middle
    whole = round(shown)
    if whole < 1 or abs(shown / whole - 1) > NEAR or (whole > 1 / (2 * NEAR)):
        return None
    return 1 / Decimal(whole) if inverse else Decimal(whole)
