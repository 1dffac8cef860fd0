"""brapi: quotes with history, dividends and modules, the list, cryptos, rates and currencies (brapi.dev/docs)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import numpy as np
import orjson
from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.upstreams import brapi_fundamentals
from invest_sandbox.world import INDEX, ZONE, Action, Series, World

RANGES: dict[str, int] = {
    "1d": 1, "2d": 2, "5d": 5, "7d": 7, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827,
    "10y": 3653, "ytd": 0, "max": 99_999,
}  # fmt: skip
INTERVALS = ("1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "1d", "5d", "1wk", "1mo", "3mo")
FREE = frozenset({"PETR4", "MGLU3", "VALE3", "ITUB4"})  # served without a token
BATCH = 20  # tickers in one request that the plan allows


def reply(data: Any, status: int = 200) -> web.Response:
    """JSON as brapi sends it."""
    return web.Response(status=status, body=orjson.dumps(data), content_type="application/json")


def refuse(status: int, message: str) -> web.Response:
    """brapi's error body."""
    return reply({"error": True, "message": message}, status)


def authorised(request: web.Request, tickers: list[str] | None = None) -> bool:
    """Whether a bearer token (any but "invalid") or the query's `token` is there, or only free tickers are asked."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ").strip() or request.query.get("token", "")
    return (bool(sent) and sent != "invalid") or (tickers is not None and FREE.issuperset(tickers))


NO_TOKEN = "O seu token é inválido, por favor, verifique o seu token em brapi.dev/dashboard"  # noqa: S105 - a message


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants besides its tickers; hashable, a part of the cache's key."""

    span: str
    interval: str
    fundamental: bool
    dividends: bool
    modules: tuple[str, ...]


def _wrong(request: web.Request, tickers: list[str], asked: Asked) -> web.Response | None:
    """brapi's refusals, in its order: token, parameters, plan."""
    if not authorised(request, tickers):
        return refuse(401, NO_TOKEN)
    message = ""
    if asked.span and asked.span not in RANGES:
        message = f"Campo 'range' inválido. Ranges válidos: {', '.join(RANGES)}"
    elif asked.interval not in INTERVALS:
        message = f"Campo 'interval' inválido. Intervalos válidos: {', '.join(INTERVALS)}"
    elif wrong := [m for m in asked.modules if m not in brapi_fundamentals.MODULES]:
        message = f"Módulo inválido: {', '.join(wrong)}"
    elif len(tickers) > BATCH:
        message = f"O seu plano permite no máximo {BATCH} ativos por requisição"
    return refuse(400, message) if message else None


def _quoted(world: World, ticker: str, today: date) -> bool:
    """Whether there is a price of it by `today`; cryptos have an endpoint of their own."""
    listed = ticker == INDEX or (ticker in world.by_ticker and world.by_ticker[ticker].kind != "crypto")
    return listed and world.series(ticker).upto(today) > 0


async def quote(request: web.Request) -> web.Response:
    """``/quote/{tickers}``: 200 with good and failed symbols side by side, 404 where none is known."""
    tickers = [t for t in request.match_info["tickers"].upper().replace("%5E", "^").split(",") if t]
    query = request.query
    asked = Asked(
        query.get("range", ""),
        query.get("interval", "1d"),
        query.get("fundamental") == "true",
        query.get("dividends") == "true",
        tuple(m for m in query.get("modules", "").split(",") if m),
    )
    if wrong := _wrong(request, tickers, asked):
        return wrong
    world, today = world_of(request), today_of(request)
    known = [t for t in tickers if _quoted(world, t, today)]
    if not known:
        return refuse(404, f"Não encontramos a ação {tickers[0] if tickers else ''}")
    shelf = request.app[SHELF]
    parts: list[bytes] = []
    for ticker in tickers:
        if ticker in known:
            parts.append(shelf.quick(("quote", ticker, today, asked), partial(_result, world, ticker, today, asked)))
        else:
            parts.append(orjson.dumps({"symbol": ticker, "error": True, "message": f"Não encontramos a ação {ticker}"}))
    stamp = orjson.dumps(zulu(datetime.combine(today, time(21), ZONE)))
    body = b'{"results":[' + b",".join(parts) + b'],"requestedAt":' + stamp + b',"took":"1ms"}'
    return web.Response(body=body, content_type="application/json")


def zulu(moment: datetime) -> str:
    """An instant as brapi prints it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _result(world: World, ticker: str, today: date, asked: Asked) -> bytes:
    series = world.series(ticker)
    out = price_of(world, ticker, series, today)
    if asked.fundamental or asked.modules:
        out |= brapi_fundamentals.ratios(world, ticker, today)
        out |= brapi_fundamentals.modules(world, ticker, today, asked.modules)
    if asked.span:
        out |= charted(series, today, asked.span, asked.interval)
    if asked.dividends:
        isin = world.by_ticker[ticker].isin if ticker in world.by_ticker else ""
        out["dividendsData"] = _dividends(series, today, isin)
    return orjson.dumps(out, option=orjson.OPT_SERIALIZE_NUMPY)


def charted(series: Series, today: date, span: str, interval: str) -> dict[str, Any]:
    """The fields that come with a range."""
    return {
        "usedInterval": interval,
        "usedRange": span,
        "historicalDataPrice": history(series, today, span, interval),
        "validRanges": list(RANGES),
        "validIntervals": list(INTERVALS),
    }


def price_of(world: World, ticker: str, s: Series, today: date) -> dict[str, Any]:
    """The quote itself: today's close and what surrounds it."""
    n = s.upto(today)
    listing = world.by_ticker.get(ticker)
    year = s.span(today - timedelta(365), today)
    close, before = float(s.close[n - 1]), float(s.close[max(0, n - 2)] / s.split[max(0, n - 2)])
    day = {"High": float(s.high[n - 1]), "Low": float(s.low[n - 1])}
    low = round(float((s.low[year] / s.split[year]).min(initial=close)), 2)
    high = round(float((s.high[year] / s.split[year]).max(initial=close)), 2)
    moment = datetime.combine(s.days[n - 1].astype(date), time(17, 7, 36), ZONE)
    name = listing.name if listing else "IBOVESPA"
    return {
        "currency": "BRL",
        "marketCap": round(close * listing.shares) if listing else None,
        "shortName": f"{listing.trading:<12}{listing.especi}" if listing else "IBOVESPA",
        "longName": name,
        "regularMarketChange": close - before,  # the subtraction's noise is brapi's own habit
        "regularMarketChangePercent": (close - before) / before * 100,
        "regularMarketTime": zulu(moment),
        "regularMarketPrice": close,
        "regularMarketDayHigh": day["High"],
        "regularMarketDayRange": f"{day['Low']} - {day['High']}",
        "regularMarketDayLow": day["Low"],
        "regularMarketVolume": int(s.volume[n - 1]),
        "regularMarketPreviousClose": round(before, 4),
        "regularMarketOpen": float(s.open[n - 1]),
        "fiftyTwoWeekRange": f"{low} - {high}",
        "fiftyTwoWeekLow": low,
        "fiftyTwoWeekHigh": high,
        "symbol": ticker,
        "logourl": f"https://icons.brapi.dev/icons/{ticker}.svg",
    }


def history(s: Series, today: date, span: str, interval: str) -> list[dict[str, Any]]:
    """Daily rows (weekly and monthly keep each period's last row): split-adjusted, with the dividend-adjusted close."""
    n = s.upto(today)
    if span in ("1d", "2d", "5d", "7d"):
        first = n - RANGES[span]
    else:
        start = date(today.year, 1, 1) if span == "ytd" else today - timedelta(min(RANGES[span], 30_000))
        first = int(np.searchsorted(s.days, np.datetime64(start)))
    rows = np.arange(max(0, first), n)
    if interval in ("5d", "1wk", "1mo", "3mo"):
        unit = {"5d": "W", "1wk": "W", "1mo": "M", "3mo": "M"}[interval]
        periods = s.days[rows].astype(f"datetime64[{unit}]").astype(np.int64) // (3 if interval == "3mo" else 1)
        rows = rows[np.append(periods[1:] != periods[:-1], True)] if len(rows) else rows
    split = s.split[rows] / s.split[n - 1] if len(rows) else s.split[rows]
    factor = s.factor[rows] / s.factor[n - 1] if len(rows) else s.factor[rows]
    stamps = s.days[rows].astype("datetime64[s]").astype(np.int64) + 13 * 3600  # 10:00 in São Paulo
    columns = [np.round(c[rows] / split, 4).tolist() for c in (s.open, s.high, s.low, s.close)]
    adjusted = np.round(s.close[rows] / split * factor, 4).tolist()
    volume = (s.volume[rows] * split).astype(np.int64).tolist()
    keys = ("date", "open", "high", "low", "close", "volume", "adjustedClose")
    return [dict(zip(keys, r, strict=True)) for r in zip(stamps.tolist(), *columns, volume, adjusted, strict=True)]


_LABELS = {"JRS CAP PROPRIO": "JCP", "RENDIMENTO": "RENDIMENTO", "DIVIDENDO": "DIVIDENDO"}


def _iso(day: date) -> str:
    return f"{day}T00:00:00.000Z"


def _dividends(s: Series, today: date, isin: str) -> dict[str, Any]:
    """Cash as approved by `today`, amounts adjusted for later splits as Yahoo-fed services do, newest first."""
    known = [a for a in s.actions if a.approved <= today]
    cash = [
        {
            "assetIssued": isin,
            "paymentDate": _iso(a.payment),
            "rate": round(a.amount / _later_splits(s, a), 8),
            "relatedTo": _period(a.last_with),
            "approvedOn": _iso(a.approved),
            "isinCode": isin,
            "label": _LABELS[a.label],
            "lastDatePrior": _iso(a.last_with),
            "remarks": "",
        }
        for a in reversed(known)
        if a.in_cash
    ]
    stock = [
        {
            "assetIssued": isin,
            "factor": a.factor,
            "completeFactor": f"{a.factor:g} para 1" if a.factor >= 1 else f"1 para {1 / a.factor:g}",
            "approvedOn": _iso(a.approved),
            "isinCode": isin,
            "label": a.label,
            "lastDatePrior": _iso(a.last_with),
            "remarks": "",
        }
        for a in reversed(known)
        if not a.in_cash
    ]
    return {"cashDividends": cash, "stockDividends": stock, "subscriptions": []}


def _later_splits(s: Series, action: Action) -> float:
    product = 1.0
    for other in s.actions:
        if not other.in_cash and other.last_with >= action.last_with:
            product *= other.factor
    return product


def _period(day: date) -> str:
    return f"{(day.month - 1) // 3 + 1}º Trimestre/{day.year}"


SORTS = {"name": "stock", "close": "close", "change": "change", "volume": "volume", "market_cap_basic": "market_cap"}
TYPES = {"stock": "stock", "unit": "stock", "fii": "fund", "etf": "fund", "bdr": "bdr"}


async def listed(request: web.Request) -> web.Response:
    """``/quote/list``: everything traded, filtered, sorted and paged; 417 for a parameter it does not know."""
    query = request.query
    try:
        limit, page = int(query.get("limit", 10_000)), int(query.get("page", 1))
        order = SORTS[query.get("sortBy", "name")]
        if limit < 1 or page < 1 or query.get("type", "stock") not in TYPES.values():
            raise ValueError
    except ValueError:
        return refuse(417, "Campo 'limit' ou 'page' inválido.")
    except KeyError:
        return refuse(417, "Campo 'sortBy' inválido. sortBy válidos: name, close, change, volume, market_cap_basic")
    world, today = world_of(request), today_of(request)
    built = await request.app[SHELF].slow(("list", today), partial(_catalogue, world, today))
    rows = [
        r
        for r in orjson.loads(memoryview(built))
        if query.get("search", "").upper() in r["stock"]
        and query.get("type", r["type"]) == r["type"]
        and query.get("sector", r["sector"]) == r["sector"]
    ]
    rows.sort(key=lambda r: r[order], reverse=query.get("sortOrder", "asc") == "desc")
    pages = -(-len(rows) // limit)
    return reply(
        {
            "indexes": [{"stock": INDEX, "name": "IBOVESPA"}],
            "stocks": rows[(page - 1) * limit : page * limit],
            "availableSectors": sorted({r["sector"] for r in rows if r["sector"]}),
            "availableStockTypes": ["stock", "fund", "bdr"],
            "currentPage": page,
            "totalPages": pages,
            "itemsPerPage": limit,
            "totalCount": len(rows),
            "hasNextPage": page < pages,
        }
    )


def _catalogue(world: World, today: date) -> bytes:
    rows = []
    for x in world.listings:
        if x.kind not in TYPES:
            continue
        s = world.series(x.ticker)
        n = s.upto(today)
        if n == 0:
            continue
        close, before = float(s.close[n - 1]), float(s.close[max(0, n - 2)] / s.split[max(0, n - 2)])
        rows.append(
            {
                "stock": x.ticker,
                "name": f"{x.trading} {x.especi.split()[0]}",
                "close": close,
                "change": (close / before - 1) * 100,
                "volume": int(s.volume[n - 1]),
                "market_cap": round(close * x.shares),
                "logo": f"https://icons.brapi.dev/icons/{x.ticker}.svg",
                "sector": x.company.sector if x.company else None,
                "type": TYPES[x.kind],
            }
        )
    return orjson.dumps(rows)


async def available(request: web.Request) -> web.Response:
    """``/available``: codes that contain `search`."""
    search = request.query.get("search", "").upper()
    codes = [x.ticker for x in world_of(request).listings if x.kind in TYPES and search in x.ticker]
    return reply({"indexes": [INDEX] if search in INDEX else [], "stocks": codes})


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [
        web.get("/quote/list", listed),
        web.get("/quote/{tickers}", quote),
        web.get("/available", available),
    ]
