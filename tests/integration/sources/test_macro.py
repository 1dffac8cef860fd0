"""The central bank over HTTP: ten-year windows, SGS's shapes of errors told apart, gateways that fail and recover."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from invest.domain.market import RateCurve
from invest.settings import Settings
from invest.sources import Sources, Want
from invest.sources.bcb.sgs import SERIES

MakeSettings = Callable[..., Settings]
NOW = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
DAILY = (1, 11, 12)


class Bank:
    """SGS as it behaves; `trouble` answers the first requests of a series instead."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, date, date]] = []
        self.trouble: dict[int, list[web.Response]] = {}

    async def series(self, request: web.Request) -> web.Response:
        """A value per working day (per month's first), none for a window that is wholly ahead; 406 beyond ten years."""
        code = int(request.match_info["code"])
        start, end = (
            datetime.strptime(request.query[name], "%d/%m/%Y").replace(tzinfo=UTC).date()
            for name in ("dataInicial", "dataFinal")
        )
        self.asked.append((code, start, end))
        if waiting := self.trouble.get(code):
            return waiting.pop(0)
        if end - start > timedelta(days=3653) and code in DAILY:
            return web.json_response({"error": "O sistema aceita uma janela de no máximo 10 anos"}, status=406)
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        kept = [day for day in days if (day.weekday() < 5 if code in DAILY else day.day == 1)]
        value = {1: "5.10", 24364: "150.2"}.get(code, "0.05")
        rows = [{"data": f"{day:%d/%m/%Y}", "valor": value} for day in kept]
        return web.json_response(rows) if rows else web.json_response({"error": "Value(s) not found"}, status=404)


@asynccontextmanager
async def bank(settings: MakeSettings) -> AsyncIterator[tuple[Bank, Sources]]:
    """The stand-in, and sources of which only `bcb` is on and asks it."""
    served, app = Bank(), web.Application()
    app.router.add_get("/bcb/dados/serie/bcdata.sgs.{code}/dados", served.series)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    only = {n: c.model_copy(update={"enabled": n == "bcb"}) for n, c in settings().sources.items()}
    http = {"backoff": 0.001, "retries": 2, "breaker_failures": 100}
    try:
        made = settings(sandbox_url=url, as_of=NOW, sources=only, http=http)
        async with Sources.open(made) as sources:
            yield served, sources
    finally:
        await runner.cleanup()


def page(text: str, status: int = 200, kind: str = "text/html") -> web.Response:
    return web.Response(status=status, text=text, content_type=kind)


def body(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(data), content_type="application/json")


async def test_a_series_of_thirty_years_is_asked_in_windows_of_ten(settings: MakeSettings) -> None:
    since = {f"sgs:{code}": date(1996, 1, 2) for code in SERIES}
    async with bank(settings) as (served, sources):
        (answer,) = await sources.macro(Want("^BVSP", NOW), since)
    assert answer.outcome.status == "ok", answer.outcome.reason
    windows = sorted((start, end) for code, start, end in served.asked if code == 12)
    assert len(windows) == 4 and all((end - start).days <= 3652 for start, end in windows)
    assert all(later[0] == earlier[1] + timedelta(days=1) for earlier, later in itertools.pairwise(windows))
    found = [point for point in answer.harvest.macro if point.series == "sgs:12"]
    assert found[0].day < date(1996, 1, 2) and found[-1].day == date(2026, 3, 31)
    assert len({point.day for point in found}) == len(found)
    curve = RateCurve.of(found)
    friday = date(2026, 3, 27)
    assert curve.growth(friday, date(2026, 3, 30)) == pytest.approx(1.0005)  # a weekend bears one day's rate
    assert curve.annual(date(2026, 3, 29)) == curve.annual(friday)


async def test_gateways_that_fail_once_are_asked_again(settings: MakeSettings) -> None:
    async with bank(settings) as (served, sources):
        served.trouble = {12: [page("<h1>Bad Gateway</h1>", 502)], 11: [page("x", 504), page("x", 503)]}
        (answer,) = await sources.macro(Want("^BVSP", NOW))
    assert (answer.outcome.status, answer.outcome.reason) == ("ok", None)
    assert {"sgs:12", "sgs:11", "sgs:433", "sgs:13522", "sgs:432", "sgs:1"} <= {p.series for p in answer.harvest.macro}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: body({"error": "janela de no máximo, 10 anos"}, 406), "janela de no máximo"),
        (lambda: body({"erro": {"statusCode": 500, "detail": "base fora do ar"}}), "base fora do ar"),
        (lambda: page("<html><head><title>Requisição inválida!</title></head></html>"), "HTML instead of a series"),
        (lambda: page('<?xml version="1.0"?><erro/>', 200, "text/xml"), "XML instead of a series"),
        (lambda: page("", 200), "no JSON"),
    ],
)
async def test_what_comes_instead_of_a_series_is_named_and_spoils_no_other(
    settings: MakeSettings, answer: Callable[[], web.Response], said: str
) -> None:
    async with bank(settings) as (served, sources):
        served.trouble = {433: [answer() for _ in range(4)]}
        (found,) = await sources.macro(Want("^BVSP", NOW))
    assert found.outcome.status == "ok"
    assert said in (found.outcome.reason or "") and "series 433" in (found.outcome.reason or "")
    series = {point.series for point in found.harvest.macro}
    assert "sgs:433" not in series and {"sgs:12", "sgs:1", "sgs:13522"} <= series


async def test_a_window_without_a_value_is_no_error(settings: MakeSettings) -> None:
    async with bank(settings) as (served, sources):
        served.trouble = {189: [body({"error": "Value(s) not found"}, 404)]}
        (found,) = await sources.macro(Want("^BVSP", NOW))
    assert (found.outcome.status, found.outcome.reason) == ("ok", None)
