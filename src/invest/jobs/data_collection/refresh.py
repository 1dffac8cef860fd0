"""Refreshing many assets at once: prices of the session, statements newly filed, news of every feed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import Field

from invest.domain.market import Asset, AssetKind, CorporateAction, Ticker, market_day
from invest.domain.values import Consensus, Observation, SourceOutcome, choose_all
from invest.engine import Context
from invest.errors import Unreachable
from invest.jobs.data_collection.asset_data import describe, save
from invest.jobs.data_collection.tallies import tallies
from invest.jobs.loading import INDEX
from invest.jobs.queues import DATA_COLLECTION, NEVER, PERIODIC
from invest.jobs.results import (
    FundamentalsUpdated,
    NewsUpdated,
    PricesUpdated,
    TickerError,
)
from invest.settings import Settings
from invest.sources import Answer, Sources, Want
from invest.store import Store

PAGE = 500


FILINGS_BACK = timedelta(days=400)


TRADED = (
    AssetKind.STOCK,
    AssetKind.UNIT,
    AssetKind.FII,
    AssetKind.ETF,
    AssetKind.BDR,
    AssetKind.CRYPTO,
    AssetKind.INDEX,
)


@DATA_COLLECTION.job(
    retry=PERIODIC, key="prices", give_up_on=NEVER, cron="*/5 10-17 * * mon-fri", when="b3_session", catch_up="skip"
)
async def update_market_prices(ctx: Context, tickers: list[Ticker] | None = None) -> PricesUpdated:
    """Newest prices of the given assets, or of all active ones on record, in as few requests as the sources allow."""
    store = ctx.use(Store)
    wanted = tickers if tickers is not None else [a.ticker for a in await priced_assets(store)]
    errors, outcomes = await update_prices(store, ctx.use(Sources), ctx.use(Settings), wanted, ctx.progress)
    failed = [TickerError(ticker=t, error=e) for t, e in sorted(errors.items())]
    return PricesUpdated(
        total=len(wanted),
        success=len(wanted) - len(failed),
        failed=len(failed),
        errors=failed,
        sources=tallies(outcomes),
    )


@DATA_COLLECTION.job(retry=PERIODIC, key="fundamentals", give_up_on=NEVER, cron="0 19 * * *")
async def update_fundamentals_batch(ctx: Context, tickers: list[Ticker] | None = None) -> FundamentalsUpdated:
    """Statements filed since the last run, for the given assets or for all companies on record."""
    store = ctx.use(Store)
    wanted = tickers if tickers is not None else [a.ticker for a in await companies(store)]
    lines, errors = await update_statements(store, ctx.use(Sources), ctx.use(Settings), wanted, ctx.progress)
    failed = [TickerError(ticker=t, error=e) for t, e in sorted(errors.items())]
    return FundamentalsUpdated(
        total=len(wanted),
        success=len(wanted) - len(failed),
        failed=len(failed),
        updated_at=datetime.now(UTC),
        statements=lines,
        errors=failed,
    )


@DATA_COLLECTION.job(retry=PERIODIC, key="news", give_up_on=NEVER, cron="0 * * * *")
async def update_news_feed(ctx: Context, limit: Annotated[int, Field(ge=1, le=1000)] = 100) -> NewsUpdated:
    """Newest items of every feed, once each, with the assets they name and their tone."""
    collected, sources = await update_news(ctx.use(Store), ctx.use(Sources), ctx.use(Settings), limit)
    return NewsUpdated(news_collected=collected, sources=sources, timestamp=datetime.now(UTC))


Report = Callable[[float, float | None, str], Awaitable[None]]


Splits = tuple[CorporateAction, ...]


async def active_assets(store: Store) -> list[Asset]:
    """Every active asset on record."""
    return await store.assets.list(kinds=TRADED, active=True, limit=100_000)


async def priced_assets(store: Store) -> list[Asset]:
    """Every active asset that was ever collected: one that is only known to be listed costs no request.

    Of the indices the IBOV alone has prices within a session.
    """
    assets, collected = await asyncio.gather(active_assets(store), store.bars.last_days())
    return [a for a in assets if a.ticker in collected and (a.kind is not AssetKind.INDEX or a.ticker == INDEX)]


async def companies(store: Store) -> list[Asset]:
    """Every active asset whose issuer files statements."""
    return [a for a in await active_assets(store) if a.cnpj and a.kind in (AssetKind.STOCK, AssetKind.UNIT)]


async def update_prices(
    store: Store, sources: Sources, settings: Settings, tickers: Sequence[str], report: Report
) -> tuple[dict[str, str], list[SourceOutcome]]:
    """Ask for prices in pages, choose and store; (the errors by ticker, of those that got no price, all outcomes)."""
    errors: dict[str, str] = {}
    outcomes: list[SourceOutcome] = []
    for at in range(0, len(tickers), PAGE):
        page = tickers[at : at + PAGE]
        latest, assets, actions = await asyncio.gather(
            store.observations.latest_many(page), store.assets.get_many(page), store.actions.of_many(page)
        )
        splits = {t: tuple(a for a in of_one if a.factor is not None) for t, of_one in actions.items()}
        wants = [_price_want(t, assets.get(t), latest.get(t, {}), settings.now(), splits.get(t, ())) for t in page]
        answers = await sources.prices(wants)
        await _store_prices(store, settings.now(), latest, splits, answers)
        errors |= _unpriced(page, answers)
        outcomes += [g.outcome for g in answers]
        await report(at + len(page), len(tickers), "prices")
    return errors, outcomes


def _price_want(
    ticker: str, asset: Asset | None, latest: Mapping[str, Consensus], now: datetime, splits: Splits
) -> Want:
    close = latest.get("close")
    return Want(
        ticker=ticker,
        now=now,
        asset=asset,
        last_close=close.value if close else None,
        last_day=market_day(close.as_of) if close else None,
        splits=splits,
    )


def _unpriced(tickers: Sequence[str], answers: Sequence[Answer]) -> dict[str, str]:
    priced = {o.ticker for g in answers for o in g.harvest.observations}
    reasons: dict[str, list[str]] = defaultdict(list)
    for g in answers:
        if g.ticker is not None and g.ticker not in priced:
            reasons[g.ticker].append(describe(g.outcome))
    return {t: "; ".join(reasons[t]) or "no source gives prices" for t in tickers if t not in priced}


async def _store_prices(
    store: Store,
    now: datetime,
    latest: Mapping[str, Mapping[str, Consensus]],
    splits: Mapping[str, Splits],
    answers: Sequence[Answer],
) -> None:
    by_ticker: dict[str, list[Observation]] = defaultdict(list)
    for g in answers:
        for o in g.harvest.observations:
            by_ticker[o.ticker].append(o)
    chosen: list[Consensus] = []
    for ticker, observations in sorted(by_ticker.items()):
        chosen += choose_all(
            observations, now, last_known=latest.get(ticker, {}), splits=splits.get(ticker, ())
        ).values()
    await save(store, None, answers, chosen)


async def update_statements(
    store: Store, sources: Sources, settings: Settings, tickers: Sequence[str], report: Report
) -> tuple[int, dict[str, str]]:
    """Fetch and store what companies delivered to CVM since their newest stored filing; (new lines, errors by ticker).

    CVM's index of deliveries is read once; only companies with something new are read further.
    """
    assets = await store.assets.get_many(tickers)
    errors = {t: "no company on record: collect it first" for t in tickers if t not in assets or not assets[t].cnpj}
    filing = [(a, a.cnpj) for a in assets.values() if a.cnpj]
    stored = await store.statements.newest_many(cnpj for _, cnpj in filing)
    known = {cnpj: stored.get(cnpj) for _, cnpj in filing}
    new = await _delivered(sources, settings, known)
    due = [(a, cnpj) for a, cnpj in filing if cnpj in new]
    lines = 0
    for done, (asset, cnpj) in enumerate(due, 1):
        want = Want(
            ticker=asset.ticker,
            now=settings.now(),
            asset=asset,
            statements_until=known[cnpj],
            total_assets=(await store.statements.filed(cnpj)).total_assets,
        )
        answers = await sources.collect(want, only=("cvm",))
        if failed := [g for g in answers if not g.usable]:
            errors[asset.ticker] = "; ".join(describe(g.outcome) for g in failed)
        lines += (await save(store, None, answers)).statements
        await report(done, len(due), "statements")
    return lines, errors


async def _delivered(sources: Sources, settings: Settings, known: Mapping[str, date | None]) -> set[str]:
    """CNPJs with a delivery newer than the one on record; all of them where none is on record."""
    fresh = {cnpj for cnpj, day in known.items() if day is None}
    days = [day for day in known.values() if day is not None]
    if not days:
        return fresh
    oldest = max(min(days), (settings.now() - FILINGS_BACK).date())
    want = Want(ticker="", now=settings.now())
    for filing in await sources.filings(oldest, want):
        day = known.get(filing.cnpj)
        if day is not None and (filing.received_on is None or filing.received_on > day):
            fresh.add(filing.cnpj)
    return fresh


async def update_news(store: Store, sources: Sources, settings: Settings, limit: int) -> tuple[int, dict[str, str]]:
    """Fetch every feed, keep what is new, tagged with the assets it names; (new items, outcome by source).

    Raises `Unreachable` when no feed could be read.
    """
    sources.know(await active_assets(store))
    answers = await sources.news(limit)
    saved = await save(store, None, answers)
    outcomes = {g.source: describe(g.outcome) for g in answers}
    if answers and all(g.outcome.status == "failed" for g in answers):
        raise Unreachable("no feed could be read: " + "; ".join(outcomes.values()))
    return saved.news, outcomes
