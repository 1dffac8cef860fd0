"""Reading what analyses are made from: a handful of round trips for any number of assets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np

from invest.domain.analysis import Analysis, AnalysisInput, ScoreRecord, SectorStats
from invest.domain.filings import Filing, fundamentals_of, next_results
from invest.domain.market import (
    IBOV,
    INDICES,
    Asset,
    AssetKind,
    Bars,
    Index,
    MacroColumns,
    Market,
    Prices,
    RateCurve,
    asked_index,
    market_day,
    own_index,
    usable,
)
from invest.domain.values import Consensus
from invest.errors import NotFound
from invest.settings import Settings
from invest.store import Store

INDEX = "^BVSP"
IFIX = "^IFIX"
BARS_BACK = timedelta(days=6 * 366)
FILINGS_BACK = timedelta(days=550)
STATEMENTS_BACK = timedelta(days=7 * 366)
NEWS_BACK = timedelta(days=30)
CDI = "sgs:12"
DOLLAR = "sgs:1"
PEERS_READ = 20


@dataclass(frozen=True)
class Shared:
    """What every asset of a run is measured against."""

    index: Prices | None
    cdi: RateCurve
    peers: Mapping[str, SectorStats]
    backtests: Mapping[AssetKind, ScoreRecord]
    indices: Mapping[str, Prices] = field(default_factory=dict)  # by label, in reais


async def load_shared(store: Store, settings: Settings, since: date) -> Shared:
    """Index, CDI, what is usual in each sector as the last ranking found it, and what each score was worth so far."""
    keys = [key(market) for market in Market for key in (peers_key, backtest_key)]
    bars, cdi, dollars, kept = await asyncio.gather(
        store.bars.read_many([index.ticker for index in INDICES], since=since),
        store.macro.columns(CDI, since=since),
        store.macro.columns(DOLLAR, since=since),
        store.analyses.rankings(keys),
    )
    today = settings.now().date()
    indices = {i.label: _in_reais(i, bars[i.ticker].until(today), dollars) for i in INDICES if i.ticker in bars}
    index = indices.get(IBOV)
    peers: dict[str, SectorStats] = {}
    backtests: dict[AssetKind, ScoreRecord] = {}
    for market in Market:
        if found := kept.get(peers_key(market)):
            peers |= {sector: SectorStats.model_validate(stats) for sector, stats in found[1].items()}
        if found := kept.get(backtest_key(market)):
            backtests |= dict.fromkeys(market.kinds, ScoreRecord.model_validate(found[1]).brief())
    return Shared(index, RateCurve.of_columns(cdi), peers, backtests, indices)


def _in_reais(index: Index, bars: Bars, dollars: MacroColumns) -> Prices:
    """An index's closes; of one that counts dollars times the dollar of its day, or of the newest day before."""
    if not index.in_dollars:
        return usable(bars)
    rates = dollars.values
    at = np.searchsorted(dollars.days, bars.days, side="right") - 1
    rate = np.where(at >= 0, rates[np.maximum(at, 0)], np.nan) if len(rates) else np.full(len(bars), np.nan)
    return usable(replace(bars, close=bars.close * rate))


async def index_of(store: Store, kind: AssetKind, since: date) -> tuple[str, Bars | None]:
    """Name and bars of the index of a market: IFIX for FIIs where it is stored, the IBOV of others; coins have none."""
    if kind is AssetKind.CRYPTO:
        return "", None
    wanted = asked_index("", kind)
    if (
        wanted is not None
        and wanted.label != IBOV
        and len(own := await store.bars.read(wanted.ticker, since=since)) > 1
    ):
        return wanted.label, own
    index = await store.bars.read(INDEX, since=since)
    return IBOV, index if len(index) else None


async def results_due(store: Store, settings: Settings, tickers: Sequence[str]) -> dict[str, date]:
    """By when the next statements of the companies behind `tickers` are due by law; others are left out."""
    assets = await store.assets.get_many(tickers)
    filings = await load_filings(store, assets.values(), (settings.now() - FILINGS_BACK).date())
    found: dict[str, date] = {}
    for ticker, asset in assets.items():
        company = fundamentals_of(filings.get(asset.cnpj or "", ()), settings.now())
        if company is not None and (day := next_results(company, market_day(settings.now()))) is not None:
            found[ticker] = day
    return found


PEERS = 5


async def peers_of(store: Store, analysis: Analysis, most: int = PEERS) -> list[Analysis]:
    """The newest analyses of others of an asset's kind: of its sector where it has one, else the best of its market.

    One paper per issuer; those of its segment first (banks beside a bank), then the most traded ones. Empty before
    the market was ranked.
    """
    market = next((m for m in Market if analysis.kind in m.kinds), None)
    if market is None:
        return []
    kept = await store.analyses.rankings([peers_key(market), market.value])
    sectors, ranking = kept.get(peers_key(market)), kept.get(market.value)
    tickers: list[str] = []
    if analysis.sector and sectors and (stats := sectors[1].get(analysis.sector)):
        tickers = list(stats.get("tickers", ()))
    elif not analysis.sector and ranking:
        tickers = [row["ticker"] for row in ranking[1].get("rows", ())][:PEERS_READ]
    others = [t for t in tickers if t[:4] != analysis.ticker[:4]]
    found = await store.analyses.latest_many(others)
    segments = {t: asset.segment for t, asset in (await store.assets.get_many([analysis.ticker, *found])).items()}
    own = segments.get(analysis.ticker)
    ordered = sorted(found.values(), key=lambda a: (segments.get(a.ticker) != own, -_traded(a), a.ticker))
    return [a for a in ordered if a.kind is analysis.kind][:most]


def _traded(analysis: Analysis) -> float:
    return next((f.value for f in analysis.facts if f.key == "turnover_21d" and f.value is not None), 0.0)


def peers_key(market: Market) -> str:
    """Under what the sector statistics of a market are kept beside its ranking."""
    return f"peers:{market.value}"


def backtest_key(market: Market) -> str:
    """Under what the backtest of a market's score is kept beside its ranking."""
    return f"backtest:{market.value}"


async def load_inputs(
    store: Store, settings: Settings, tickers: Sequence[str], shared: Shared | None = None
) -> dict[str, AnalysisInput]:
    """Inputs of every ticker on record, by ticker; one that was never collected is left out."""
    now = settings.now()
    since = (now - BARS_BACK).date()
    common = shared or await load_shared(store, settings, since)
    assets = await store.assets.get_many(tickers)
    known = sorted(assets)
    bars, actions, latest, filings, news = await asyncio.gather(
        store.bars.read_many(known, since=since),
        store.actions.of_many(known, since=since),
        store.observations.latest_many(known),
        load_filings(store, assets.values(), (now - STATEMENTS_BACK).date()),
        store.news.latest_many(known, since=now - NEWS_BACK),
    )
    return {
        ticker: AnalysisInput(
            asset=asset,
            bars=bars.get(ticker) or Bars.from_rows(ticker, ()),
            now=now,
            index=common.index,
            filings=filings.get(asset.cnpj or "", ()),
            actions=actions.get(ticker, ()),
            latest=latest.get(ticker, {}),
            news=news.get(ticker, ()),
            cdi=common.cdi,
            peers=common.peers.get(asset.sector or ""),
            sandbox=settings.sandbox,
            bars_source=_close(latest, ticker, "source"),
            bars_payload=_close(latest, ticker, "payload"),
            backtest=common.backtests.get(asset.kind),
            own_index=_own_prices(asset, common.indices),
        )
        for ticker, asset in assets.items()
    }


def _own_prices(asset: Asset, indices: Mapping[str, Prices]) -> Prices | None:
    """The index a FII or an ETF is measured by; of others the IBOV stands apart."""
    if asset.kind not in (AssetKind.FII, AssetKind.ETF):
        return None
    index = own_index(asset.ticker, asset.kind, words_of(asset))
    return indices.get(index.label) if index else None


def words_of(asset: Asset) -> str:
    """What may name the index of an ETF: its name, and the register's words."""
    return f"{asset.name or ''} {asset.segment or ''}"


def _close(
    latest: Mapping[str, Mapping[str, Consensus]], ticker: str, what: Literal["source", "payload"]
) -> str | None:
    """Where the newest bar was read: technical figures lead back to it."""
    close = latest.get(ticker, {}).get("close")
    if close is None:
        return None
    return close.source if what == "source" else close.payload


async def load_filings(
    store: Store, assets: Iterable[Asset], since: date, *, all_versions: bool = False
) -> dict[str, tuple[Filing, ...]]:
    """What each company of `assets` filed, by CNPJ."""
    companies = {a.cnpj for a in assets if a.cnpj}
    return await store.figures.of_many(companies, since=since, all_versions=all_versions)


def never_collected(ticker: str) -> NotFound:
    """What to say of an asset that is not on record."""
    return NotFound(
        f"{ticker} was never collected: queue collect_asset_data_async first (invest enqueue collect {ticker})"
    )
