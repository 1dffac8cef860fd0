"""Reading what analyses are made from: a handful of round trips for any number of assets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from invest.domain.analysis import AnalysisInput
from invest.domain.assets import Asset, NewsItem, StatementLine
from invest.domain.bars import Bars
from invest.domain.macro import RateCurve
from invest.domain.observations import Consensus
from invest.domain.prices import Prices, usable
from invest.domain.sectors import SectorStats
from invest.domain.tickers import Market
from invest.errors import NotFound
from invest.settings import Settings
from invest.store import Store

INDEX = "^BVSP"
BARS_BACK = timedelta(days=6 * 366)
STATEMENTS_BACK = timedelta(days=7 * 366)
NEWS_BACK = timedelta(days=30)
CDI = "sgs:12"


@dataclass(frozen=True)
class Shared:
    """What every asset of a run is measured against."""

    index: Prices | None
    cdi: RateCurve
    peers: Mapping[str, SectorStats]


async def load_shared(store: Store, settings: Settings, since: date) -> Shared:
    """Index, CDI, and what is usual in each sector as the last ranking of each market found it."""
    bars, points, *kept = await asyncio.gather(
        store.bars.read(INDEX, since=since),
        store.macro.read(CDI, since=since),
        *(store.analyses.ranking(peers_key(market)) for market in Market),
    )
    index = usable(bars.until(settings.now().date())) if len(bars) else None
    peers = {
        sector: SectorStats.model_validate(stats) for row in kept if row is not None for sector, stats in row[1].items()
    }
    return Shared(index, RateCurve.of(points), peers)


def peers_key(market: Market) -> str:
    """Under what the sector statistics of a market are kept beside its ranking."""
    return f"peers:{market.value}"


async def load_inputs(
    store: Store, settings: Settings, tickers: Sequence[str], shared: Shared | None = None
) -> dict[str, AnalysisInput]:
    """Inputs of every ticker on record, by ticker; one that was never collected is left out."""
    now = settings.now()
    since = (now - BARS_BACK).date()
    common = shared or await load_shared(store, settings, since)
    assets = await store.assets.get_many(tickers)
    known = sorted(assets)
    bars, actions, latest, statements, news = await asyncio.gather(
        store.bars.read_many(known, since=since),
        store.actions.of_many(known, since=since),
        store.observations.latest_many(known),
        _statements(store, assets.values(), (now - STATEMENTS_BACK).date()),
        _news(store, known, now - NEWS_BACK),
    )
    return {
        ticker: AnalysisInput(
            asset=asset,
            bars=bars.get(ticker) or Bars.from_rows(ticker, ()),
            now=now,
            index=common.index,
            statements=statements.get(asset.cnpj or "", ()),
            actions=actions.get(ticker, ()),
            latest=latest.get(ticker, {}),
            news=news.get(ticker, ()),
            cdi=common.cdi,
            peers=common.peers.get(asset.sector or ""),
            sandbox=settings.sandbox,
            bars_source=_close(latest, ticker, "source"),
            bars_payload=_close(latest, ticker, "payload"),
        )
        for ticker, asset in assets.items()
    }


def _close(
    latest: Mapping[str, Mapping[str, Consensus]], ticker: str, what: Literal["source", "payload"]
) -> str | None:
    """Where the newest bar was read: technical figures lead back to it."""
    close = latest.get(ticker, {}).get("close")
    if close is None:
        return None
    return close.source if what == "source" else close.payload


async def _statements(store: Store, assets: Iterable[Asset], since: date) -> dict[str, list[StatementLine]]:
    companies = sorted({a.cnpj for a in assets if a.cnpj})
    lines = await asyncio.gather(*(store.statements.read(cnpj=c, since=since) for c in companies))
    return dict(zip(companies, lines, strict=True))


async def _news(store: Store, tickers: Sequence[str], since: datetime) -> dict[str, list[NewsItem]]:
    items = await asyncio.gather(*(store.news.latest(t, since=since) for t in tickers))
    return dict(zip(tickers, items, strict=True))


def never_collected(ticker: str) -> NotFound:
    """What to say of an asset that is not on record."""
    return NotFound(
        f"{ticker} was never collected: queue collect_asset_data_async first (invest enqueue collect {ticker})"
    )


def known_asset(assets: Mapping[str, Asset], ticker: str) -> Asset:
    """The asset on record. Raises `NotFound`."""
    if ticker not in assets:
        raise never_collected(ticker)
    return assets[ticker]
