"""Stored data: assets, prices, fundamentals, news, data quality, analyses, rankings, opinions, track record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from invest.api.http import Listing, Problem, Reply, invalid, paged, read_time, route, sliced, time_cursor
from invest.api.request import Request
from invest.api.routes.models import Day, Page, Strict, WholePage
from invest.domain.analysis import Analysis, ScoreRecord, fund_values
from invest.domain.filings import Chart, read_filings
from invest.domain.market import (
    Asset,
    AssetKind,
    CorporateAction,
    Market,
    NewsItem,
    StatementLine,
    Ticker,
    market_day,
)
from invest.domain.news import moment_of
from invest.domain.opinions import Opinion
from invest.domain.track_record import TrackRecord
from invest.domain.values import UNITS, Basis, Consensus, FieldQuality, belongs, fields_of
from invest.jobs.analysis import record
from invest.jobs.data_collection import bytes_of
from invest.jobs.loading import backtest_key
from invest.store import Store

PRICES_BACK = timedelta(days=15)  # before a worth of a unit, for the close of its day


class TickerPath(Strict):
    """The asset's code in the path."""

    ticker: Ticker


async def known(request: Request, ticker: str) -> Asset:
    """The asset. Raises 404 saying how to collect it."""
    store = await request.services.store()
    asset = await store.assets.get(ticker)
    if asset is not None:
        return asset
    current = (await store.assets.lineages()).current(ticker)
    if current != ticker:
        raise Problem(404, f"{ticker} trades as {current} now: GET /api/v1/assets/{current}")
    raise Problem(404, f"{ticker} is not known yet: POST /api/v1/assets/async/collect?ticker={ticker}")


class AssetFilter(Page):
    """Which assets."""

    market: Market | None = None
    kind: AssetKind | None = None
    search: str | None = Field(default=None, min_length=1, max_length=100, description="part of the name or code")
    active: bool | None = Field(default=None, description="only traded ones, or only those no longer traded")


@route("GET", "/assets", tag="assets", problems=(422, 503))
async def list_assets(request: Request, query: AssetFilter) -> Reply[Listing[Asset]]:
    """Assets on record, by code."""
    store = await request.services.store()
    kinds = [query.kind] if query.kind else None
    if query.search is not None:
        place = query.cursor or "0"
        if not (place.isascii() and place.isdigit() and len(place) < 8):
            raise invalid("cursor", "of another list: take it from the page before")
        found = await store.assets.search(
            query.search, kinds=kinds, market=query.market, active=query.active, offset=int(place),
            limit=query.limit + 1,
        )  # fmt: skip
        place = str(int(place) + query.limit)
        return paged(request, found[: query.limit], place if len(found) > query.limit else None)
    found = await store.assets.list(
        kinds=kinds, market=query.market, active=query.active, after=query.cursor or "", limit=query.limit + 1
    )
    more = len(found) > query.limit
    return paged(request, found[: query.limit], found[query.limit - 1].ticker if more else None)


@route("GET", "/assets/{ticker}", tag="assets", problems=(404, 422, 503))
async def get_asset(request: Request, path: TickerPath) -> Asset:
    """One asset's identity."""
    return await known(request, path.ticker)


@route("GET", "/assets/{ticker}/actions", tag="assets", problems=(404, 422, 503))
async def get_actions(request: Request, path: TickerPath, query: WholePage) -> Reply[Listing[CorporateAction]]:
    """Dividends, interest on equity, splits and the like."""
    await known(request, path.ticker)
    found = await (await request.services.store()).actions.of(path.ticker)
    return sliced(request, found, lambda a: f"{a.kind} {a.last_date_with} {a.amount}", query.cursor, query.limit)


class Fundamentals(BaseModel):
    """What companies filed and sources reported, each value with its origin."""

    ticker: str
    values: dict[str, Consensus] = Field(
        description="the value in force per field of the asset's kind, with its provenance; of funds P/VP and income "
        "as analyses compute them. Units: "
        + "; ".join(f"{unit}: {', '.join(fields.split())}" for unit, fields in UNITS.items())
    )
    absent: list[str] = Field(description="fields that assets of this kind have and no source gives: null, not 0")
    statements: list[StatementLine] = Field(description="filed lines of the newest filings, official")


class FundamentalsFilter(Strict):
    """How far back."""

    since: Day | None = Field(default=None, description="statements of periods that end on this day or later")
    known_on: Day | None = Field(default=None, description="only what had been delivered to CVM by this day")


@route("GET", "/assets/{ticker}/fundamentals", tag="assets", problems=(404, 422, 503))
async def get_fundamentals(request: Request, path: TickerPath, query: FundamentalsFilter) -> Fundamentals:
    """Cross-checked values and the filed statements."""
    asset = await known(request, path.ticker)
    store = await request.services.store()
    lines = (
        await store.statements.read(cnpj=asset.cnpj, since=query.since, known_on=query.known_on) if asset.cnpj else []
    )
    financial = await asyncio.to_thread(_is_financial, lines)
    latest = await store.observations.latest(path.ticker)
    if asset.kind in (AssetKind.FII, AssetKind.ETF):
        latest = await _with_computed(store, asset, latest, request.services.settings.now())
    values = {field: value for field, value in latest.items() if belongs(field, asset.kind, financial=financial)}
    absent = [f for f in fields_of(asset.kind, financial=financial) if f not in values or values[f].value is None]
    return Fundamentals(ticker=path.ticker, values=values, absent=absent, statements=lines)


async def _with_computed(
    store: Store, asset: Asset, latest: Mapping[str, Consensus], now: datetime
) -> dict[str, Consensus]:
    """A fund's values with the figures that analyses compute of them, in their place."""
    worth = latest.get("bvps")
    since = market_day(worth.as_of if worth is not None else now) - PRICES_BACK
    bars, actions = await asyncio.gather(store.bars.read(asset.ticker, since=since), store.actions.of(asset.ticker))
    both = {**latest, **fund_values(asset, bars, latest, actions, now)}
    return {field: value for field, value in both.items() if value is not None}


def _is_financial(lines: Sequence[StatementLine]) -> bool:
    """Whether the newest filing follows the chart of accounts of banks or insurers."""
    newest = max((line.reference_date for line in lines), default=None)
    filings = read_filings(line for line in lines if line.reference_date == newest)
    return any(filing.chart in (Chart.BANK, Chart.INSURER) for filing in filings)


class Observation(BaseModel):
    """One value of one field from one source at one time, in the field's unit: BRL, shares, a fraction."""

    ticker: str
    field: str
    value: Decimal
    as_of: AwareDatetime
    source: str
    basis: Basis
    unit: str
    payload: str = Field(description="sha256 of the raw payload it was read from")
    fetched_at: AwareDatetime
    official: bool
    rank: int = Field(description="lower is preferred where sources disagree")


@route("GET", "/assets/{ticker}/observations", tag="assets", problems=(404, 422, 503))
async def get_observations(request: Request, path: TickerPath, query: WholePage) -> Reply[Listing[Observation]]:
    """Each source's newest value of each field: the evidence behind the values in force."""
    await known(request, path.ticker)
    newest = await (await request.services.store()).observations.newest(path.ticker)
    seen = [Observation(**one._asdict()) for one in newest]
    return sliced(request, seen, lambda one: f"{one.field} {one.source} {one.basis}", query.cursor, query.limit)


class DataQuality(BaseModel):
    """How far the data of an asset can be trusted."""

    ticker: str
    fields: list[FieldQuality] = Field(description="per field: freshness, sources, agreement")
    divergences: list[Consensus] = Field(description="fields on which sources disagree")


@route("GET", "/assets/{ticker}/quality", tag="assets", problems=(404, 422, 503))
async def get_quality(request: Request, path: TickerPath) -> DataQuality:
    """Freshness, number of sources and agreement of every field. Nothing of a paper that trades no more is stale."""
    asset = await known(request, path.ticker)
    store = await request.services.store()
    fields = await store.observations.quality(path.ticker)
    return DataQuality(
        ticker=path.ticker,
        fields=[field if asset.active else field.model_copy(update={"stale": False}) for field in fields],
        divergences=await store.observations.divergences(ticker=path.ticker),
    )


class NewsFilter(Page):
    """Which news."""

    ticker: Ticker | None = None


@route("GET", "/news", tag="assets", problems=(422, 503))
async def list_news(request: Request, query: NewsFilter) -> Reply[Listing[NewsItem]]:
    """News, newest first, of one asset or of all."""
    return await _news(request, query, query.ticker)


@route("GET", "/assets/{ticker}/news", tag="assets", problems=(404, 422, 503))
async def get_news(request: Request, path: TickerPath, query: Page) -> Reply[Listing[NewsItem]]:
    """News that name the asset, newest first."""
    await known(request, path.ticker)
    return await _news(request, query, path.ticker)


async def _news(request: Request, page: Page, ticker: str | None) -> Reply[Listing[NewsItem]]:
    store = await request.services.store()
    at, last = _moment(page.cursor)
    found = await store.news.latest(ticker, before=at, seen=last, limit=page.limit)
    if len(found) < page.limit:
        return paged(request, found, None)
    end = min(found, key=lambda item: (moment_of(item), item.id))  # the last one in order of time
    return paged(request, found, _place(moment_of(end), end.id))


def _place(at: datetime, last: str) -> str:
    """Behind one of several entries that may be of the same instant."""
    return f"{time_cursor(at)}~{last}"


def _moment(place: str | None) -> tuple[datetime | None, str | None]:
    """The instant of a place, and the entry of that instant that was the last one shown."""
    at, _, last = (place or "").partition("~")
    return read_time(at or None), last or None


@route("GET", "/assets/{ticker}/analysis", tag="analysis", problems=(404, 422, 503))
async def get_analysis(request: Request, path: TickerPath) -> Analysis:
    """The newest analysis."""
    found = await (await request.services.store()).analyses.latest(path.ticker)
    if found is None:
        raise Problem(
            404, f"no analysis of {path.ticker} yet: POST /api/v1/analysis/async/analyze?ticker={path.ticker}"
        )
    return found


@route("GET", "/assets/{ticker}/analyses", tag="analysis", problems=(404, 422, 503))
async def list_analyses(request: Request, path: TickerPath, query: Page) -> Reply[Listing[Analysis]]:
    """All analyses of an asset, newest first."""
    store = await request.services.store()
    found = await store.analyses.history(path.ticker, before=read_time(query.cursor), limit=query.limit)
    cursor = time_cursor(found[-1].analyzed_at) if len(found) == query.limit else None
    return paged(request, found, cursor)


class MarketPath(Strict):
    """A market in the path."""

    market: Market


class StoredRanking(BaseModel):
    """A market's ranking as it was computed last."""

    market: Market
    computed_at: datetime
    ranking: Any
    backtest: ScoreRecord | None = Field(default=None, description="what this market's score was worth so far")


@route("GET", "/rankings/{market}", tag="analysis", problems=(404, 422, 503))
async def get_ranking(request: Request, path: MarketPath) -> StoredRanking:
    """A market's ranking, and beside it what its score was worth so far."""
    keys = [path.market.value, backtest_key(path.market)]
    kept = await (await request.services.store()).analyses.rankings(keys)
    found, backtest = map(kept.get, keys)
    if found is None:
        where = f"POST /api/v1/analysis/async/update-rankings?market={path.market}"
        raise Problem(404, f"no ranking of {path.market} yet: {where}")
    record = ScoreRecord.model_validate(backtest[1]).brief() if backtest else None
    return StoredRanking(market=path.market, computed_at=found[0], ranking=found[1], backtest=record)


@route("GET", "/backtests/{market}", tag="analysis", problems=(404, 422, 503))
async def get_backtest(request: Request, path: MarketPath) -> ScoreRecord:
    """What a market's score was worth on past days: rank IC, quintiles, turnover, costs, and how sure that is."""
    found = await (await request.services.store()).analyses.ranking(backtest_key(path.market))
    if found is None:
        where = f"POST /api/v1/analysis/async/backtest?market={path.market}"
        raise Problem(404, f"the score of {path.market} was not backtested yet: {where}")
    return ScoreRecord.model_validate(found[1])


class OpinionFilter(Page):
    """Whose opinions."""

    provider: str | None = Field(default=None, max_length=100)


@route("GET", "/assets/{ticker}/opinions", tag="opinions", problems=(404, 422, 503))
async def list_opinions(request: Request, path: TickerPath, query: OpinionFilter) -> Reply[Listing[Opinion]]:
    """The AIs' opinions of an asset, newest first, abstentions included; they are never changed afterwards."""
    store = await request.services.store()
    at, last = _moment(query.cursor)
    found = await store.opinions.history(path.ticker, provider=query.provider, before=at, seen=last, limit=query.limit)
    cursor = _place(found[-1].asked_at, found[-1].opinion_id) if len(found) == query.limit else None
    return paged(request, found, cursor)


@route("GET", "/track-record", tag="opinions", problems=(422, 503))
async def get_track_record(request: Request) -> TrackRecord:
    """Outcomes of closed opinions: each analyst's hits, calibration and skill, with what chance alone would give."""
    return await record(await request.services.store())


class PayloadPath(Strict):
    """A payload's hash in the path."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", examples=["0" * 64])]


class PayloadHead(BaseModel):
    """Where and when the bytes behind a value came from, and whether they are still kept."""

    sha256: str
    source: str
    url: str
    fetched_at: AwareDatetime
    status: int = Field(description="HTTP's")
    content_type: str
    etag: str | None
    last_modified: str | None
    size: int = Field(description="bytes")
    sandbox: bool
    kept: str = Field(description="database, disk (of this machine), objects (the object store) or nowhere")


@route("GET", "/payloads/{sha256}", tag="assets", problems=(404, 422, 503))
async def get_payload(request: Request, path: PayloadPath) -> PayloadHead:
    """The payload that a stored value was read from, by its hash."""
    found = await bytes_of(await request.services.store(), request.services.settings, path.sha256)
    return PayloadHead(kept=found.where, **found.payload.model_dump(include=set(PayloadHead.model_fields)))


@route("GET", "/payloads/{sha256}/content", tag="assets", problems=(404, 422, 503),
       media={200: "application/octet-stream"})  # fmt: skip
async def get_payload_content(request: Request, path: PayloadPath) -> web.Response:
    """The bytes as they were fetched; 404 saying where they came from where they are kept nowhere any more."""
    found = await bytes_of(await request.services.store(), request.services.settings, path.sha256)
    if found.body is None:
        raise Problem(404, found.lost)
    name = f'attachment; filename="{path.sha256}"'
    headers = {"Content-Disposition": name, "Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(body=found.body, content_type="application/octet-stream", headers=headers)


ROUTES = (
    get_payload,
    get_payload_content,
    list_assets,
    get_asset,
    get_actions,
    get_fundamentals,
    get_observations,
    get_quality,
    list_news,
    get_news,
    get_analysis,
    list_analyses,
    get_ranking,
    get_backtest,
    list_opinions,
    get_track_record,
)
