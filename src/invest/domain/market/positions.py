"""What a fund holds, as it reported it: its buildings and its papers, line by line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from invest.domain.frozen import Frozen


class PositionKind(StrEnum):
    """What one line of a fund's report is."""

    BUILDING = "building"
    PAPER = "paper"  # receivables, shares of funds, stocks and other securities


class FundPosition(Frozen):
    """One building or one paper. Fractions for percents, BRL, square metres; null where the fund says nothing."""

    kind: PositionKind
    category: str | None = Field(default=None, max_length=120, description="CVM's class of it, in its own words")
    name: str | None = Field(default=None, max_length=200)
    issuer: str | None = Field(default=None, max_length=200)
    issuer_cnpj: str | None = None
    matures_on: date | None = None
    quantity: Decimal | None = Field(default=None, description="papers held; null for buildings")
    value: Decimal | None = Field(default=None, description="BRL; of papers only, buildings are reported without")
    share: Decimal | None = Field(
        default=None, description="of a building: of the fund's revenue; of a paper: of the papers' value"
    )
    area: Decimal | None = Field(default=None, description="square metres, of buildings")
    vacancy: Decimal | None = Field(default=None, description="fraction of the area that is empty")
    delinquency: Decimal | None = Field(default=None, description="fraction of the rent that is overdue")


class FundPortfolio(Frozen):
    """All lines of a fund's newest quarterly report, buildings first, each group by its share, the largest first."""

    ticker: str
    as_of: date = Field(description="last day of the quarter")
    positions: tuple[FundPosition, ...]
    source: str
    payload: str = Field(description="sha256 of the raw payload it was read from")
