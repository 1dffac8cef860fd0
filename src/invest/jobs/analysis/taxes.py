"""The income tax of portfolios, from their transactions and what is stored of their assets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from invest.domain.market import market_day
from invest.domain.portfolios import Known, Portfolio, Transaction
from invest.domain.taxes import TaxInput, TaxOpen, TaxOpening, TaxYear, tax_open, tax_year
from invest.settings import Settings
from invest.store import Store

TAX = "tax"  # where a portfolio's options keep the opening figures


async def tax_of(store: Store, settings: Settings, portfolio_ids: Sequence[str], year: int) -> TaxYear:
    """The tax of one person: all these portfolios together, with the opening figures of the first that has some."""
    found = await store.portfolios.transactions(portfolio_ids)
    facts: list[Transaction] = [t for i in portfolio_ids for t in found.get(i, ())]
    given = await _input(store, settings, portfolio_ids, facts, await store.portfolios.known(facts))
    return await asyncio.to_thread(tax_year, given, year)


async def open_tax_of(store: Store, settings: Settings, portfolio: Portfolio, known: Known) -> TaxOpen:
    """What of the tax of one portfolio alone waits to be paid today."""
    given = await _input(store, settings, [portfolio.id], portfolio.transactions, known)
    return await asyncio.to_thread(tax_open, given)


async def _input(
    store: Store, settings: Settings, portfolio_ids: Sequence[str], facts: Sequence[Transaction], known: Known
) -> TaxInput:
    tickers = sorted({t for f in facts for t in (f.ticker, f.other) if t} | set(known.bars))
    assets = await store.assets.get_many(tickers)
    opening = TaxOpening()
    for one in portfolio_ids:
        options: Any = await store.portfolios.options(one)
        if TAX in options:
            opening = TaxOpening.model_validate(options[TAX])
            break
    return TaxInput(facts, market_day(settings.now()), known, assets, opening)
