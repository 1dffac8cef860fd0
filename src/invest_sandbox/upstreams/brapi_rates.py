"""brapi's macro endpoints: prime rate, inflation, currencies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from invest_sandbox.context import today_of, world_of

SORTS = ("asc", "desc")


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(data), content_type="application/json")


def _day(text: str | None, default: date) -> date:
    return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=UTC).date() if text else default


def _rows(request: web.Request, points: Sequence[tuple[date, str]], key: str) -> web.Response:
    """Points within `start`..`end`, newest first unless `sortOrder=asc`; epoch in milliseconds."""
    query, today = request.query, today_of(request)
    if query.get("sortOrder", "desc") not in SORTS:
        return _json(
            {"error": True, "message": "this query value is not available, please use one of the following: asc,desc"},
            417,
        )
    wrong = {"error": True, "message": "Something went wrong while fetching the data"}
    try:
        start, end = _day(query.get("start"), today - timedelta(366)), _day(query.get("end"), today)
    except ValueError:
        return _json(wrong, 400)
    if query.get("country", "brazil") != "brazil":
        return _json(wrong, 400)
    chosen = [(d, v) for d, v in points if start <= d <= min(end, today)]
    if query.get("historical") == "false" and not query.get("start"):
        chosen = chosen[-1:]
    if query.get("sortOrder", "desc") == "desc":
        chosen.reverse()
    rows = [
        {
            "date": f"{d:%d/%m/%Y}",
            "value": v,
            "epochDate": int(datetime(d.year, d.month, d.day, 3, tzinfo=UTC).timestamp() * 1000),
        }
        for d, v in chosen
    ]
    return _json({key: rows})


async def prime_rate(request: web.Request) -> web.Response:
    """``/v2/prime-rate``: the Selic target."""
    return _rows(request, world_of(request).macro.series(432), "prime-rate")


async def inflation(request: web.Request) -> web.Response:
    """``/v2/inflation``: the IPCA of 12 months."""
    return _rows(request, world_of(request).macro.series(13522), "inflation")


async def currency(request: web.Request) -> web.Response:
    """``/v2/currency?currency=USD-BRL``: numbers as strings."""
    pairs = [p for p in request.query.get("currency", "").upper().split(",") if p]
    if not pairs:
        text = "Não foi possível encontrar o parâmetro obrigatório: 'currency'"
        return _json({"error": True, "message": text}, 417)
    if any(p != "USD-BRL" for p in pairs):
        return _json({"error": True, "message": "Algo deu errado ao buscar essa moeda"}, 400)
    world, today = world_of(request), today_of(request)
    rate, before = world.macro.dollar(today), world.macro.dollar(today - timedelta(1))
    moment = datetime(today.year, today.month, today.day, 20, 30, tzinfo=UTC)
    row = {
        "fromCurrency": "USD",
        "toCurrency": "BRL",
        "name": "Dólar Americano/Real Brasileiro",
        "high": f"{rate * 1.004:.4f}",
        "low": f"{rate * 0.996:.4f}",
        "bidVariation": f"{rate - before:.4f}",
        "percentageChange": f"{(rate / before - 1) * 100:.2f}",
        "bidPrice": f"{rate:.4f}",
        "askPrice": f"{rate + 0.0006:.4f}",
        "updatedAtTimestamp": str(int(moment.timestamp())),
        "updatedAtDate": f"{today} 17:30:00",
    }
    return _json({"currency": [row]})


def routes() -> list[web.RouteDef]:
    """Paths beneath brapi's base URL."""
    return [
        web.get("/v2/prime-rate", prime_rate),
        web.get("/v2/inflation", inflation),
        web.get("/v2/currency", currency),
    ]
