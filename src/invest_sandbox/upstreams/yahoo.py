"""Yahoo's chart v8: arrays with nulls in them, float32 noise, events beside them (off by default in the product)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import orjson
from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.upstreams.brapi import RANGES
from invest_sandbox.world import INDEX, Action, Floats, Series, World

# Papers at home behind receipts: the receipt, and how many of it make one.
HOMES = {"AAPL": ("AAPL34", 20), "MSFT": ("MSFT34", 24), "GOOGL": ("GOGL34", 12), "AMZN": ("AMZO34", 20)}
DOLLAR = "BRL=X"
OPENING = 13 * 3600  # 10:00 in São Paulo


def _error(status: int, code: str, description: str) -> web.Response:
    body = {"chart": {"result": None, "error": {"code": code, "description": description}}}
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


async def chart(request: web.Request) -> web.Response:
    """``/v8/finance/chart/{symbol}`` with period1/period2 or range, interval, events."""
    symbol, query = request.match_info["symbol"].upper().replace("%5E", "^"), request.query
    world, today = world_of(request), today_of(request)
    ticker = symbol.removesuffix(".SA")
    if symbol == DOLLAR or (symbol in HOMES and HOMES[symbol][0] in world.by_ticker):
        return web.Response(body=_abroad(world, symbol, today), content_type="application/json")
    listed = ticker == INDEX or (ticker in world.by_ticker and symbol.endswith((".SA", "-BRL")))
    if not listed:
        return _error(404, "Not Found", "No data found, symbol may be delisted")
    if query.get("interval", "1d") not in ("1d", "1wk", "1mo"):
        message = f"{query['interval']} data not available. The requested range must be within the last 60 days."
        return _error(422, "Unprocessable Entity", message)
    try:
        span = _span(world.series(ticker), today, query.get("period1"), query.get("period2"), query.get("range", "1mo"))
    except (ValueError, OverflowError, OSError):
        return _error(400, "Bad Request", "Data doesn't exist for startDate, endDate")
    key = ("yahoo", symbol, today, span.start, span.stop, query.get("events", ""))
    build = partial(_body, world, symbol, today, span, query.get("events", ""))
    return web.Response(body=request.app[SHELF].quick(key, build), content_type="application/json")


def _span(s: Series, today: date, first: str | None, last: str | None, span: str) -> slice:
    if first is not None:
        start = datetime.fromtimestamp(int(first), UTC).date()
        end = datetime.fromtimestamp(int(last or 2**31), UTC).date()
        return s.span(start, min(end, today))
    if span not in RANGES:
        raise ValueError(span)
    n = s.upto(today)
    start = date.fromordinal(max(1, today.toordinal() - min(RANGES[span], 30_000)))
    return (
        s.span(date(today.year, 1, 1) if span == "ytd" else start, today)
        if span[-1] != "d"
        else slice(max(0, n - RANGES[span]), n)
    )


def _abroad(world: World, symbol: str, today: date) -> bytes:
    """A month of closes in dollars of a paper at home, or of the dollar itself in reais."""
    rates = dict(world.macro.series(1))
    if symbol == DOLLAR:
        closes = {day: float(value) for day, value in rates.items() if day <= today}
    else:
        ticker, each = HOMES[symbol]
        s = world.series(ticker)
        days = [d.astype(date) for d in s.days[: s.upto(today)]]
        closes = {d: float(c) * each / float(rates[d]) for d, c in zip(days, s.close, strict=False) if d in rates}
    newest = sorted(closes.items())[-22:]
    stamps = [int(np.datetime64(day, "s").astype(np.int64)) + OPENING + 3600 for day, _ in newest]
    meta = {
        "currency": "BRL" if symbol == DOLLAR else "USD", "symbol": symbol, "exchangeTimezoneName": "America/New_York",
    }  # fmt: skip
    quote = {"close": [float(np.float32(close)) for _, close in newest]}
    result = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [quote]}}
    return orjson.dumps({"chart": {"result": [result], "error": None}})


def _noisy(values: Floats, hole: int | None) -> list[float | None]:
    """As float32 prints them; one null where Yahoo lost a day."""
    out: list[float | None] = [float(np.float32(v)) for v in values]
    if hole is not None and hole < len(out):
        out[hole] = None
    return out


def _body(world: World, symbol: str, today: date, span: slice, events: str) -> bytes:
    s = world.series(symbol.removesuffix(".SA"))
    n = s.upto(today)
    base = s.split[n - 1]
    split, factor = s.split[span] / base, s.factor[span] / s.factor[n - 1]
    hole = len(split) // 3 if len(split) > 40 and s.volume[span][len(split) // 3] % 5 == 0 else None
    quote: dict[str, Any] = {k: _noisy(getattr(s, k)[span] / split, hole) for k in ("open", "high", "low", "close")}
    quote["volume"] = [
        None if i == hole else int(v * f) for i, (v, f) in enumerate(zip(s.volume[span], split, strict=True))
    ]
    stamps = (s.days[span].astype("datetime64[s]").astype(np.int64) + OPENING).tolist()
    result: dict[str, Any] = {
        "meta": _meta(world, symbol, s, n),
        "timestamp": stamps,
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": _noisy(s.close[span] / split * factor, hole)}]},
    }
    if not stamps:
        del result["timestamp"]
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    if found := _events(s, today, span, events):
        result["events"] = found
    return orjson.dumps({"chart": {"result": [result], "error": None}})


def _meta(world: World, symbol: str, s: Series, n: int) -> dict[str, Any]:
    moment = int(s.days[n - 1].astype("datetime64[s]").astype(np.int64)) + 20 * 3600 + 456
    return {
        "currency": "BRL",
        "symbol": symbol,
        "exchangeName": "SAO",
        "instrumentType": "INDEX" if symbol == INDEX else "EQUITY",
        "firstTradeDate": int(s.days[0].astype("datetime64[s]").astype(np.int64)) + OPENING,
        "regularMarketTime": moment,
        "gmtoffset": -10800,
        "timezone": "BRT",
        "exchangeTimezoneName": "America/Sao_Paulo",
        "regularMarketPrice": float(s.close[n - 1]),
        "chartPreviousClose": float(s.close[max(0, n - 2)]),
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": list(RANGES),
    }


def _events(s: Series, today: date, span: slice, wanted: str) -> dict[str, Any]:
    """Dividends and splits whose first day without rights lies in the span, keyed by its time."""
    out: dict[str, Any] = {}
    for action in s.actions:
        at = s.upto(action.last_with)
        if not (span.start <= at < span.stop) or s.days[at].astype(date) > today:
            continue
        stamp = int(s.days[at].astype("datetime64[s]").astype(np.int64)) + OPENING
        kind, row = _event(action, stamp, float(s.split[at - 1]) if action.in_cash else 1.0)
        if kind[:3] in wanted:
            out.setdefault(kind, {})[str(stamp)] = row
    return out


def _event(action: Action, stamp: int, split: float) -> tuple[str, dict[str, Any]]:
    if action.in_cash:
        return "dividends", {"amount": round(action.amount / split, 6), "date": stamp}
    up = action.factor if action.factor >= 1 else 1.0
    down = 1.0 if action.factor >= 1 else 1 / action.factor
    return "splits", {"date": stamp, "numerator": up, "denominator": down, "splitRatio": f"{up:g}:{down:g}"}


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [web.get("/v8/finance/chart/{symbol}", chart)]
