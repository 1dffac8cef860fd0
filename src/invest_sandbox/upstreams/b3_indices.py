"""B3's index statistics: the closes of a year as a grid of 31 days by 12 months, numbers in pt-BR."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.upstreams.b3 import arguments, brazilian
from invest_sandbox.world import World

MONTHS = range(1, 13)


async def portfolio_day(request: web.Request) -> web.Response:
    """``GetPortfolioDay`` by index and year; ``"results": null`` for an index or a year that is not there."""
    args = arguments(request)
    if args is None:
        return web.Response(text="", content_type="text/plain")  # B3 answers 200 and nothing to what it cannot read
    world, today = world_of(request), today_of(request)
    code, year = str(args.get("index", "")).upper(), str(args.get("year", ""))

    def build() -> bytes:
        return orjson.dumps(_grid(world, code, int(year) if year.isdigit() else 0, today))

    body = request.app[SHELF].quick(("b3_indices", code, year, today), build)
    return web.Response(body=body, content_type="application/json", charset="utf-8")


def _grid(world: World, code: str, year: int, today: date) -> dict[str, Any]:
    closes = dict(_closes(world, code, year, today))
    if not closes:
        return {"min": None, "max": None, "results": None}
    columns = {m: [points for day, points in closes.items() if day.month == m] for m in MONTHS}
    rows = [_row(n, {m: closes.get(day) for m in MONTHS if (day := _day(year, m, n))}) for n in range(1, 32)]
    extremes = [_row(0, {m: pick(found) if found else None for m, found in columns.items()}) for pick in (min, max)]
    return {"min": extremes[0], "max": extremes[1], "results": rows}


def _closes(world: World, code: str, year: int, today: date) -> Iterator[tuple[date, float]]:
    series = world.index_of(code)
    if series is None or not 1968 <= year <= today.year:
        return
    rows = series.span(date(year, 1, 1), min(today, date(year, 12, 31)))
    for day, close in zip(series.days[rows], series.close[rows], strict=True):
        yield day.astype(date), float(close)


def _row(day: int, points: dict[int, float | None]) -> dict[str, Any]:
    texts = {m: points.get(m) for m in MONTHS}
    return {"day": day} | {f"rateValue{m}": None if v is None else brazilian(v, 2) for m, v in texts.items()}


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [web.get("/indexStatisticsProxy/IndexCall/GetPortfolioDay/{args:.*}", portfolio_day)]
