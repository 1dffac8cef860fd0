"""Who a listed fund is, by B3: its CNPJ, name and number of units. CVM's files know no trading codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from invest.domain.market import AssetKind
from invest.domain.values import RawPayload
from invest.sources.b3 import format as fmt
from invest.sources.client import SourceClient
from invest.sources.numerals import cnpj_of, positive

DAY = 86_400.0
FUND_CALLS = "/fundsProxy/fundsCall"
# B3's types of funds, as its page of listed funds asks for them: real estate 7, Fiagro 34, infrastructure 27; ETFs 20.
FUND_TYPES: Mapping[AssetKind, tuple[int, ...]] = {AssetKind.FII: (7, 34, 27), AssetKind.ETF: (20,)}


@dataclass(frozen=True, slots=True)
class FundDetails:
    """What B3 says of one fund."""

    type: int
    cnpj: str | None
    name: str | None
    units: Decimal | None
    segment: str | None
    payload: RawPayload


async def fund_details(client: SourceClient, ticker: str, kind: AssetKind) -> FundDetails | None:
    """The details of the fund traded as `ticker`, of the first type that lists it; None for none.

    Raises `SourceError`.
    """
    for number in FUND_TYPES.get(kind, ()):
        arguments = fmt.argument(typeFund=number, cnpj="0", identifierFund=ticker[:4])
        answer = await client.get("b3", f"{FUND_CALLS}/GetDetailFundSIG/{arguments}", fresh_for=DAY)
        for row in fmt.objects(answer):
            found = _details(row.get("detailFund"), number, answer.payload)
            if found is not None:
                return found
    return None


def _details(row: object, number: int, payload: RawPayload) -> FundDetails | None:
    if not isinstance(row, Mapping):
        return None
    cnpj, name = cnpj_of(row.get("cnpj")), _text(row, "companyName") or _text(row, "tradingName")
    if cnpj is None and name is None:
        return None
    return FundDetails(number, cnpj, name, positive(row.get("quotaCount"), pt=True), _text(row, "segment"), payload)


def _text(row: Mapping[str, Any], name: str) -> str | None:
    return " ".join(str(row.get(name) or "").split())[:200] or None
