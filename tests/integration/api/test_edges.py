"""Values at the edge of what can be said: no 500 for a cursor at the end of time, long portfolios come in pages."""

from __future__ import annotations

import pytest

from invest.domain.portfolios import Operation, Transaction
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]
EDGES = (
    "0001-01-01T00:00:00%2B23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999-23:59",
    "9999-12-31T23:59:59Z",
    "1899-12-31T23:59:59Z",
)


@pytest.mark.parametrize("edge", EDGES)
async def test_a_cursor_or_an_instant_at_the_edge_of_time_is_refused(web_door: Door, edge: str) -> None:
    for path in (
        f"/reports?cursor={edge}~x",
        f"/portfolios?cursor={edge}~x",
        f"/alerts/events?since={edge}",
    ):
        answer = await web_door.ask("GET", API + path, status=422)
        assert answer.json()["errors"][0]["field"] in ("cursor", "since")


@pytest.mark.parametrize("day", ["2026-02-30", "0001-01-01", "2026-00-10", "\uff12\uff10\uff12\uff16-01-01"])
async def test_a_cursor_that_only_looks_like_a_day_is_refused(web_door: Door, day: str) -> None:
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    for path in (f"/portfolios/{made}/metrics", "/assets/PETR4/prices", "/macro/sgs:433"):
        answer = await web_door.ask("GET", f"{API}{path}?cursor={day}")
        assert answer.status in (404, 422), (path, answer)
        if answer.status == 422:
            assert answer.json()["errors"][0]["field"] == "cursor"
    answer = await web_door.ask("GET", f"{API}/portfolios/{made}/metrics?cursor={day}", status=422)
    assert answer.json()["errors"][0]["message"].startswith("none of ours")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_day_at_the_edge_of_time_is_a_day(web_door: Door, day: str) -> None:
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    for path in (f"/portfolios/{made}/metrics?since={day}", f"/assets/PETR4/prices?since={day}"):
        answer = await web_door.ask("GET", API + path)
        assert answer.status in (200, 404, 422), (path, answer)


async def test_a_long_portfolio_comes_in_pages_with_all_its_positions(web_door: Door, platform: Settings) -> None:
    from datetime import date
    from decimal import Decimal

    given = [
        Transaction(
            date=date(2020, 1, 1), ticker="PETR4", operation=Operation.BUY, quantity=Decimal(1), price=Decimal(n + 1)
        )
        for n in range(2_500)
    ]
    async with Store.open(platform) as store:
        made, _ = await store.portfolios.create("long", given)
    path, seen = f"{API}/portfolios/{made.id}", 0
    query = ""
    for page in (1000, 1000, 500):
        answer = await web_door.ask("GET", path + query, status=200)
        body = answer.json()
        assert len(body["transactions"]) == page and body["transactions_total"] == 2_500
        assert body["positions"][0]["quantity"] == "2500"
        seen += page
        query = f"?cursor={body['next_cursor']}"
        assert ('rel="next"' in answer.headers.get("Link", "")) == (seen < 2_500)
    assert body["next_cursor"] is None
    short = (await web_door.ask("GET", f"{path}?limit=1", status=200)).json()
    assert len(short["transactions"]) == 1
    after = (await web_door.ask("GET", f"{path}?limit=1&cursor={short['next_cursor']}", status=200)).json()
    assert [t["price"] for t in (short["transactions"] + after["transactions"])] == ["1", "2"]
