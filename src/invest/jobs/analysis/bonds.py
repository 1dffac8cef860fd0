"""What fixed income is worth, from the rates that are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from invest.domain.fixed_income import Bond, Curves, Index, value_of
from invest.domain.market import RateCurve, market_day
from invest.jobs.loading import CDI
from invest.settings import Settings
from invest.store import Store

IPCA = "sgs:433"
SELIC = "sgs:11"
OLD = timedelta(days=45)  # a price that no index carries on is named as old from here on


async def curves_since(store: Store, first: date) -> Curves:
    """The series that fixed income follows, from a day on: CDI and Selic by day, IPCA by month."""
    cdi, selic, ipca = await asyncio.gather(
        store.macro.read(CDI, since=first),
        store.macro.read(SELIC, since=first),
        store.macro.read(IPCA, since=first.replace(day=1)),
    )
    return Curves(RateCurve.of(cdi) if cdi else None, RateCurve.of(selic) if selic else None, ipca)


async def bond_values(store: Store, settings: Settings, bonds: Mapping[str, Bond]) -> dict[str, Decimal | None]:
    """What is left of each today, BRL, gross; None where its index is not stored."""
    if not bonds:
        return {}
    curves = await curves_since(store, min(bond.bought_on for bond in bonds.values()))
    today = market_day(settings.now())
    return {key: value_of(bond, curves, today) if bond.bought_on <= today else None for key, bond in bonds.items()}


def priced_long_ago(bonds: Iterable[Bond], today: date) -> list[str]:
    """Warnings about investments that stand at an old price, since nobody said what they yield."""
    found = []
    for bond in bonds:
        newest = max((p.day for p in bond.prices if p.day <= today), default=bond.bought_on)
        over = bond.matures_on is not None and bond.matures_on <= today
        if bond.index is Index.PRICE and today - newest > OLD and not over:
            warning = f"{bond.name}: stands at its price of {newest:%d/%m/%Y}; say what it yields"
            found.append(f"{warning} (invest portfolio fixed-income edit, --index, --percent or --rate)")
    return found
