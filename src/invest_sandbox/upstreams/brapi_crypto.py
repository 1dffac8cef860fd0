"""brapi's cryptos: quotes and history in BRL or USD, under `coins`."""

from __future__ import annotations

from datetime import date
from typing import Any

from aiohttp import web

from invest_sandbox.context import today_of, world_of
from invest_sandbox.upstreams.brapi import NO_TOKEN, RANGES, authorised, charted, price_of, refuse, reply, zulu
from invest_sandbox.world import World


async def crypto(request: web.Request) -> web.Response:
    """``/v2/crypto?coin=BTC,ETH&currency=BRL``: like quotes, under `coins`."""
    query = request.query
    coins = [c for c in query.get("coin", "").upper().split(",") if c]
    span, currency = query.get("range", ""), query.get("currency", "BRL").upper()
    if not authorised(request):
        return refuse(401, NO_TOKEN)
    if not coins:
        return refuse(417, "Missing required parameter: `coin`")
    world, today = world_of(request), today_of(request)
    unknown = any(f"{c}-BRL" not in world.by_ticker for c in coins)
    if unknown or (span and span not in RANGES) or currency not in ("BRL", "USD"):
        return refuse(400, "Something went wrong while fetching the data")
    interval = query.get("interval", "1d")
    parts = []
    for coin in coins:
        part = _coin(world, coin, currency, today)
        if span:
            part |= charted(world.series(f"{coin}-BRL"), today, span, interval)
            rows = _in_money(part["historicalDataPrice"])
            part["historicalDataPrice"] = _converted(rows, part["currencyRateFromUSD"], currency)
        parts.append(part)
    return reply({"coins": parts, "requestedAt": zulu(world.now), "took": "3ms"})


def _in_money(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose volume is money, as brapi gives it of coins, in place of their number."""
    return [{**r, "volume": round(r["volume"] * r["close"])} if r.get("volume") else r for r in rows]


def _converted(rows: list[dict[str, Any]], rate: float, currency: str) -> list[dict[str, Any]]:
    """Rows in the currency asked for; the series are kept in BRL."""
    if currency == "BRL":
        return rows
    money = ("open", "high", "low", "close", "adjustedClose", "volume")
    return [{k: v / rate if k in money else v for k, v in r.items()} for r in rows]


def _coin(world: World, coin: str, currency: str, today: date) -> dict[str, Any]:
    ticker = f"{coin}-BRL"
    price = price_of(world, ticker, world.series(ticker), today)
    rate = world.macro.dollar(today)
    scale = 1.0 if currency == "BRL" else 1 / rate
    out: dict[str, Any] = {"currency": currency, "currencyRateFromUSD": rate}
    out |= {"coinName": world.by_ticker[ticker].name, "coin": coin}
    for key in ("Change", "Price", "ChangePercent", "DayLow", "DayHigh", "DayRange", "Volume", "Time"):
        value = price[f"regularMarket{key}"]
        if key == "Volume":  # money, not coins
            value = round(value * price["regularMarketPrice"], 2)
        scaled = isinstance(value, float) and key != "ChangePercent"
        out[f"regularMarket{key}"] = value * scale if scaled and scale != 1 else value
    out["marketCap"] = price["marketCap"] * scale
    out["coinImageUrl"] = f"https://icons.brapi.dev/icons/{coin}.svg"
    return out


async def coins(request: web.Request) -> web.Response:
    """``/v2/crypto/available``."""
    search = request.query.get("search", "").upper()
    found = [x.issuer for x in world_of(request).listings if x.kind == "crypto" and search in x.issuer]
    return reply({"coins": found}) if found else reply({"message": "Coin not found"}, 404)


def routes() -> list[web.RouteDef]:
    """Paths beneath brapi's base URL."""
    return [web.get("/v2/crypto", crypto), web.get("/v2/crypto/available", coins)]
