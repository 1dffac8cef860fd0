"""Portfolios over HTTP."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest

from invest.settings import Settings
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

BUY = {"date": "2025-01-02", "ticker": "PETR4", "operation": "buy", "quantity": "100", "price": "31.42"}


async def make(door: Door, *transactions: dict[str, Any], **options: Any) -> str:
    body = {"name": "Aposentadoria", "transactions": transactions}
    answer = await door.ask("POST", f"{API}/portfolios", json=body, status=201, **options)
    assert answer.headers["Location"] == f"{API}/portfolios/{answer.json()['id']}"
    return str(answer.json()["id"])


async def test_a_portfolio_is_created_read_listed_and_deleted(web_door: Door) -> None:
    made = await make(web_door, BUY)
    found = (await web_door.ask("GET", f"{API}/portfolios/{made}", status=200)).json()
    assert found["name"] == "Aposentadoria"
    assert (found["transactions"][0]["quantity"], found["transactions"][0]["price"]) == ("100", "31.42")
    listing = (await web_door.ask("GET", f"{API}/portfolios", status=200)).json()
    assert [(p["id"], p["transactions"]) for p in listing["items"]] == [(made, 1)]
    await web_door.ask("DELETE", f"{API}/portfolios/{made}", status=204)
    await web_door.ask("DELETE", f"{API}/portfolios/{made}", status=404)
    await web_door.ask("GET", f"{API}/portfolios/{made}", status=404)


async def test_a_portfolio_shows_the_positions_its_transactions_leave(web_door: Door) -> None:
    more = {**BUY, "date": "2025-01-20", "price": "40.00"}
    sell = {**BUY, "date": "2025-02-03", "operation": "sell", "quantity": "50"}
    gone = [{**BUY, "ticker": "VALE3"}, {**sell, "ticker": "VALE3", "quantity": BUY["quantity"]}]
    made = await make(web_door, BUY, more, sell, *gone)
    (held,) = (await web_door.ask("GET", f"{API}/portfolios/{made}", status=200)).json()["positions"]
    average = (Decimal(BUY["price"]) + 40) / 2
    assert (held["ticker"], Decimal(held["quantity"])) == ("PETR4", 2 * Decimal(BUY["quantity"]) - 50)
    assert Decimal(held["average_price"]) == average
    assert Decimal(held["cost"]) == average * Decimal(held["quantity"])


async def test_a_statement_may_be_larger_than_json(web_door: Door, platform: Settings) -> None:
    made = await make(web_door)
    row = b"2025-01-02,PETR4,buy,100,31.42" + b" " * 970 + b"\n"
    csv = b"date,ticker,operation,quantity,price\n" + row * 1_200
    assert platform.web.max_body_bytes < len(csv) < platform.web.max_file_bytes
    path = f"{API}/portfolios/{made}/import?dry_run=true"
    counts = (await web_door.ask("POST", path, data=io.BytesIO(csv), status=200)).json()["counts"]
    assert sum(counts.values()) == 1_200
    await web_door.ask("POST", path, data=io.BytesIO(csv * 9), status=413)


async def test_a_repeated_creation_with_the_same_key_makes_one_portfolio(web_door: Door) -> None:
    key = {"Idempotency-Key": "mine"}
    assert await make(web_door, BUY, headers=key) == await make(web_door, BUY, headers=key)
    assert (await web_door.ask("GET", f"{API}/portfolios", status=200)).json()["count"] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "1e30"}, "quantity"),
        ({"quantity": "1.123456789"}, "quantity"),
        ({"price": "-0.01"}, "price"),
        ({"operation": "steal"}, "operation"),
        ({"ticker": "X"}, "ticker"),
        ({"date": "31/02/2025"}, "date"),
        ({"date": 5}, "date"),
        ({"surprise": 1}, "surprise"),
        ({"note": "x" * 501}, "note"),
        ({"note": "a\x00b"}, "body"),
    ],
)
async def test_a_wrong_transaction_is_named_and_nothing_is_kept(
    web_door: Door, change: dict[str, Any], field: str
) -> None:
    body = {"name": "P", "transactions": [BUY, {**BUY, **change}]}
    answer = await web_door.ask("POST", f"{API}/portfolios", json=body, status=422)
    assert any(error["field"].split(".")[-1] == field for error in answer.json()["errors"]), answer.json()
    assert (await web_door.ask("GET", f"{API}/portfolios", status=200)).json()["count"] == 0


async def test_selling_more_than_is_held_books_nothing(web_door: Door) -> None:
    made = await make(web_door, BUY)
    sell = {**BUY, "date": "2025-02-03", "operation": "sell", "quantity": "500"}
    more = {**BUY, "date": "2025-01-20"}
    answer = await web_door.ask("POST", f"{API}/portfolios/{made}/transactions", json=[more, sell], status=422)
    assert answer.json()["errors"][0]["field"] == "transactions.1"
    found = (await web_door.ask("GET", f"{API}/portfolios/{made}", status=200)).json()
    assert len(found["transactions"]) == 1
    booked = await web_door.ask("POST", f"{API}/portfolios/{made}/transactions", json=[more], status=201)
    assert booked.json()["counts"] == {"booked": 1, "duplicate": 0, "refused": 0}
    again = await web_door.ask("POST", f"{API}/portfolios/{made}/transactions", json=[more], status=201)
    assert again.json()["counts"] == {"booked": 0, "duplicate": 1, "refused": 0}


async def test_a_statement_is_imported_once_however_often_it_is_sent(web_door: Door) -> None:
    made = await make(web_door)
    csv = "date,ticker,operation,quantity,price\n2025-01-02,PETR4,buy,100,31.42\n2025-01-03,NOPE,buy,1,1\n"
    path = f"{API}/portfolios/{made}/import"
    plan = (await web_door.ask("POST", f"{path}?dry_run=true", data=csv, status=200)).json()
    assert plan["dry_run"] and plan["counts"] == {"booked": 1, "duplicate": 0, "refused": 1}
    assert (await web_door.ask("POST", path, data=csv, status=200)).json()["counts"]["booked"] == 1
    assert (await web_door.ask("POST", path, data=csv, status=200)).json()["counts"]["duplicate"] == 1
    refused = await web_door.ask("POST", path, data=b"PK\x03\x04....", status=422)
    assert "the workbook is damaged" in refused.json()["detail"]
    await web_door.ask("POST", f"{API}/portfolios/unknown/import", data=csv, status=404)
