"""Google News' RSS search, GDELT's document search, Binance's klines: off by default in the product."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import orjson
from aiohttp import web

from invest_sandbox.context import today_of, world_of
from invest_sandbox.seeds import token
from invest_sandbox.upstreams.rss import OUTLETS
from invest_sandbox.world import Story, World, display_name, stories

GDELT_PAUSE = 5.0  # seconds between requests that its notice asks for
GDELT_NOTICE = "Please limit requests to one every 5 seconds or contact the team for larger queries.\n"
LAST_GDELT: web.AppKey[list[float]] = web.AppKey("last_gdelt", list)


def _about(world: World, request: web.Request, words: str) -> list[tuple[str, Story]]:
    """Stories of every outlet about the paper or company searched for, newest first; general ones for none."""
    words, today = words.lower().strip('" '), today_of(request)
    paper = next((x for x in world.listings if x.ticker.lower() in words), None)
    paper = paper or next((x for x in world.listings if x.company and display_name(x.name).lower() in words), None)
    found = [(o, s) for o in OUTLETS for s in stories(world, o, today, 15, paper)]
    return sorted(found, key=lambda pair: pair[1].moment, reverse=True)


async def google_news(request: web.Request) -> web.Response:
    """``/rss/search?q=``: titles that end in " - Outlet", links through the aggregator."""
    rows = []
    for outlet, story in _about(world_of(request), request, request.query.get("q", ""))[:100]:
        name = OUTLETS[outlet]
        link = f"https://news.google.com/rss/articles/{token(40, outlet, story.key)}?oc=5"
        rows.append(
            f"<item><title>{escape(story.title)} - {escape(name)}</title><link>{link}</link>"
            f'<guid isPermaLink="false">{token(40, outlet, story.key)}</guid>'
            f"<pubDate>{format_datetime(story.moment.astimezone(UTC), usegmt=True)}</pubDate>"
            f'<description>&lt;a href="{link}"&gt;{escape(escape(story.title))}&lt;/a&gt;</description>'
            f'<source url="https://{outlet}.sandbox.invalid">{escape(name)}</source></item>'
        )
    head = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><rss version="2.0"><channel><title>Google News</title>'
    )
    text = f"{head}<language>pt-BR</language>{''.join(rows)}</channel></rss>"
    return web.Response(body=text.encode(), content_type="application/xml", charset="utf-8")


async def gdelt(request: web.Request) -> web.Response:
    """``/api/v2/doc/doc?query=&mode=artlist&format=json``; a plain-text notice with 429 when asked too fast."""
    last = request.app[LAST_GDELT]
    now = time.monotonic()
    if last and now - last[-1] < GDELT_PAUSE:
        return web.Response(status=429, text=GDELT_NOTICE, content_type="text/plain")
    last[:] = [now]
    rows = [
        {
            "url": f"https://{outlet}.sandbox.invalid/{story.topic}/{story.key}",
            "title": story.title,
            "seendate": f"{story.moment.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            "domain": f"{outlet}.sandbox.invalid",
            "language": "Portuguese",
            "sourcecountry": "Brazil",
        }
        for outlet, story in _about(world_of(request), request, request.query.get("query", ""))[:75]
    ]
    return web.Response(body=orjson.dumps({"articles": rows}), content_type="application/json")


async def klines(request: web.Request) -> web.Response:
    """``/api/v3/klines?symbol=BTCBRL&interval=1d``: arrays of numbers as strings, oldest first."""
    query, world, today = request.query, world_of(request), today_of(request)
    symbol = query.get("symbol", "")
    ticker = f"{symbol[:-3]}-BRL"
    if not symbol.endswith("BRL") or ticker not in world.by_ticker:
        return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
    if query.get("interval") != "1d":
        return web.json_response({"code": -1120, "msg": "Invalid interval."}, status=400)
    s = world.series(ticker)
    start, end = _moment(query.get("startTime")), _moment(query.get("endTime"))
    span = s.span(start.date() if start else s.days[0].astype(object), min(today, end.date()) if end else today)
    limit = min(1000, max(1, int(query.get("limit", 500))))
    rows = range(span.start, span.stop)
    rows = rows[:limit] if start else rows[-limit:]
    body: list[list[Any]] = []
    for i in rows:
        opened = int(s.days[i].astype("datetime64[ms]").astype(np.int64))
        prices = [f"{v:.8f}" for v in (s.open[i], s.high[i], s.low[i], s.close[i])]
        quote = f"{s.volume[i] * s.average[i]:.8f}"
        closed = opened + 86_400_000 - 1
        body.append([opened, *prices, f"{s.volume[i]:.8f}", closed, quote, int(s.trades[i]), "0", "0", "0"])
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def candles(request: web.Request) -> web.Response:
    """``/api/v4/candles?symbol=BTC-BRL&resolution=1d&from=&to=``: columns of numbers as strings, oldest first."""
    query, world, today = request.query, world_of(request), today_of(request)
    ticker = query.get("symbol", "").upper()
    if ticker not in world.by_ticker or not ticker.endswith("-BRL"):
        return _no_symbol()
    s = world.series(ticker)
    start = datetime.fromtimestamp(int(query.get("from", 0)), UTC).date()
    span = s.span(start, today)
    rows = range(span.start, span.stop)
    stamps = [int(s.days[i].astype("datetime64[s]").astype(np.int64)) for i in rows]
    names = (("o", s.open), ("h", s.high), ("l", s.low), ("c", s.close), ("v", s.volume))
    columns = {name: [f"{column[i]:.8f}" for i in rows] for name, column in names}
    return web.Response(body=orjson.dumps({"t": stamps, **columns}), content_type="application/json")


async def coin_tickers(request: web.Request) -> web.Response:
    """``/api/v4/tickers?symbols=BTC-BRL,ETH-BRL``: the last price and the day's coins of each."""
    world, today = world_of(request), today_of(request)
    pairs = [pair for pair in request.query.get("symbols", "").upper().split(",") if pair]
    if not pairs or any(pair not in world.by_ticker or not pair.endswith("-BRL") for pair in pairs):
        return _no_symbol()
    rows = []
    for pair in pairs:
        s = world.series(pair)
        i = s.upto(today) - 1
        figures = {"high": s.high[i], "low": s.low[i], "vol": s.volume[i], "last": s.close[i], "open": s.open[i]}
        stamp = int(min(world.now, datetime.combine(today, datetime.max.time(), UTC)).timestamp())
        rows.append({"pair": pair, **{name: f"{value:.8f}" for name, value in figures.items()}, "date": stamp})
    return web.Response(body=orjson.dumps(rows), content_type="application/json")


def _no_symbol() -> web.Response:
    return web.json_response({"code": "TICKERS|GET_SYMBOL_ERROR", "message": "Invalid symbol"}, status=400)


def _moment(text: str | None) -> datetime | None:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text)) if text else None


def google_routes() -> list[web.RouteDef]:
    """Google News' path."""
    return [web.get("/rss/search", google_news)]


def gdelt_routes() -> list[web.RouteDef]:
    """GDELT's path."""
    return [web.get("/api/v2/doc/doc", gdelt)]


def mercado_bitcoin_routes() -> list[web.RouteDef]:
    """Mercado Bitcoin's paths."""
    return [web.get("/api/v4/candles", candles), web.get("/api/v4/tickers", coin_tickers)]


def binance_routes() -> list[web.RouteDef]:
    """Binance's path."""
    return [web.get("/api/v3/klines", klines)]
