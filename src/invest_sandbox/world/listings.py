"""Who is listed: companies and the papers traded on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from invest_sandbox.seeds import number

Kind = Literal["stock", "unit", "fii", "etf", "bdr", "crypto", "index"]
Chart = Literal["general", "bank", "insurer"]

UNIT_OF: dict[str, int] = {"KLBN": 5, "SANB": 2}  # shares in one unit; three (1 ON + 2 PN) where not named
BDI: dict[str, str] = {"stock": "02", "unit": "02", "fii": "12", "etf": "14", "bdr": "34"}


@dataclass(frozen=True, slots=True)
class Company:
    """An issuer registered with CVM. Shares are counts; `sector` is CVM's, `classification` B3's."""

    issuer: str
    name: str
    trading: str
    cnpj: str
    cvm_code: int
    sector: str
    classification: str
    segment: str
    common: int
    preferred: int

    @property
    def shares(self) -> int:
        """All shares issued."""
        return self.common + self.preferred

    @property
    def chart(self) -> Chart:
        """The chart of accounts its statements follow at CVM."""
        if self.sector == "Bancos":
            return "bank"
        return "insurer" if self.sector == "Seguradoras e Corretoras" else "general"


def unit_of(issuer: str) -> int:
    """How many shares one unit of `issuer` holds."""
    return UNIT_OF.get(issuer, 3)


def is_fiagro(paper: Listing) -> bool:
    """Whether a fund is one of agribusiness, which reports on its own form."""
    return paper.kind == "fii" and number("fiagro", paper.ticker) % 15 == 0


@dataclass(frozen=True, slots=True)
class Former:
    """The code a paper traded under before `until`, the first day of the one it has now."""

    ticker: str
    until: date


@dataclass(frozen=True, slots=True)
class Listing:
    """One traded paper. `level` is the price its invented series ends on; `shares` how many of it
    would make up the whole company (for a unit: all shares / shares in a unit), fund or coin.
    """

    ticker: str
    kind: Kind
    issuer: str
    name: str
    trading: str
    especi: str
    isin: str
    level: float
    shares: int
    cnpj: str = ""
    company: Company | None = None

    @property
    def unit_of(self) -> int:
        """How many shares one of this paper stands for."""
        return unit_of(self.issuer) if self.kind == "unit" else 1

    @property
    def bdi(self) -> str:
        """COTAHIST's CODBDI of its round lot; empty for what B3's cash market does not trade."""
        return BDI.get(self.kind, "")
