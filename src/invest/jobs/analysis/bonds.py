"""What fixed income is worth, from the rates that are stored."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from invest.domain.fixed_income import Bond, Curves, value_of
from invest.domain.market import RateCurve, market_day
from invest.jobs.loading import CDI
from invest.settings import Settings
from invest.store import Store

IPCA = "sgs:433"


async def bond_values(store: Store, settings: Settings, bonds: Mapping[str, Bond]) -> dict[str, Decimal | None]:
    """What is left of each today, BRL, gross; None where its index is not stored."""
    if not bonds:
        return {}
    first = min(bond.bought_on for bond in bonds.values())
    cdi = await store.macro.read(CDI, since=first)
    ipca = await store.macro.read(IPCA, since=first.replace(day=1))
    curves = Curves(RateCurve.of(cdi) if cdi else None, None, ipca)
    today = market_day(settings.now())
    return {key: value_of(bond, curves, today) if bond.bought_on <= today else None for key, bond in bonds.items()}
