"""Lists are pages with opaque cursors; filters and items speak one language; prices in three media types."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from invest.api.http import openapi
from invest.api.routes import table
from invest.domain.market import ActionKind, Asset, AssetKind, Bar, CorporateAction, NewsItem
from invest.engine import registry
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door, working

pytest_plugins = ["tests.integration.api.api_fixtures"]
PRICES = f"{API}/assets/PETR4/prices"
FIRST = date(2026, 3, 2)


async def stock(platform: Settings, bars: int = 5) -> None:
    """PETR4 with a split of 2:1 after the third session, and two more assets."""
    days = [FIRST + timedelta(days=n) for n in range(bars)]
    async with Store.open(platform) as store:
        await store.assets.upsert(
            Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras"),
            Asset(ticker="PETR3", kind=AssetKind.STOCK, name="Petrobras"),
            Asset(ticker="PETX11", kind=AssetKind.FII, name="Petra Imoveis"),
        )
        await store.bars.save([
            Bar("PETR4", day, Decimal("30"), Decimal("31"), Decimal("29"),
                Decimal("30.40") if n < 3 else Decimal("15.20"), 100, Decimal("3040"), 7, "b3", "0" * 64)
            for n, day in enumerate(days)
        ])  # fmt: skip
        split = {"kind": ActionKind.SPLIT, "last_date_with": days[2], "factor": Decimal(2)}
        await store.actions.upsert([CorporateAction(ticker="PETR4", source="b3", payload="x", **split)])


async def walked(door: Door, path: str, **query: str) -> list[Any]:
    """All entries of a list, a page of two at a time, by its `Link` headers; each cursor is opaque."""
    found: list[Any] = []
    answer = await door.ask("GET", path, params={"limit": "2", **query}, status=200)
    while True:
        found += answer.items()
        cursor, link = answer.json()["next_cursor"], answer.headers.get("Link")
        assert (cursor is None) == (link is None)
        if link is None:
            return found
        assert re.fullmatch(r"c_[A-Za-z0-9_-]+", cursor) and len(answer.items()) == 2
        answer = await door.ask("GET", link[1:].partition(">")[0], status=200)


def test_every_list_is_a_page_and_every_new_thing_has_an_address_that_is_read() -> None:
    declare_all()
    whole = openapi.document(table.routes(registry))
    schemas = whole["components"]["schemas"]
    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                assert schema.get("type") != "array", (method, path, "a bare array")
                if "Page" in schema.get("$ref", "")[-4:]:
                    page = schemas[schema["$ref"].rpartition("/")[2]]["properties"]
                    assert {"items", "count", "next_cursor"} <= set(page)
                    names = {p["name"]: p for p in operation["parameters"]}
                    assert {"limit", "cursor"} <= set(names) and "pattern" not in names["cursor"]["schema"]
                    assert "Link" in answer["headers"]
                if status == "201":
                    assert "Location" in answer["headers"]
    assert set(schemas["TaskStatus"]["properties"]["state"]["enum"]) == set(_enum(whole, "/tasks", "state"))
    assert set(_enum(whole, "/tasks", "phase")) == set(schemas["TaskStatus"]["properties"]["phase"]["enum"])
    assert _enum(whole, "/history", "state") == _enum(whole, "/tasks", "state")


def _enum(whole: dict[str, Any], path: str, name: str) -> list[str]:
    parameters = whole["paths"][API + path]["get"]["parameters"]
    return list(next(p["schema"]["enum"] for p in parameters if p["name"] == name))


async def test_a_list_is_walked_without_loss_while_it_grows(web_door: Door, platform: Settings) -> None:
    moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
    await stock(platform)
    async with Store.open(platform) as store:
        await store.news.upsert([
            NewsItem(id=f"{n}", title=f"headline {n}", outlet="o", published_at=moment, fetched_at=moment, source="s",
                     payload="p", tickers=("PETR4",))
            for n in range(5)
        ])  # fmt: skip
    for path in ("/news", "/assets/PETR4/news"):
        assert sorted(item["id"] for item in await walked(web_door, API + path)) == list("01234"), "all of one instant"
    assert [a["ticker"] for a in await walked(web_door, f"{API}/assets", search="petr")] == ["PETR3", "PETR4", "PETX11"]
    found = await walked(web_door, f"{API}/assets", search="petr", kind="fii")
    assert [a["ticker"] for a in found] == ["PETX11"]
    jobs = [job["name"] for job in await walked(web_door, f"{API}/jobs")]
    assert len(jobs) == len(set(jobs)) > 20
    wish = {"kind": "price", "ticker": "PETR4", "comparison": "<=", "level": "30.00"}
    made = [(await web_door.ask("POST", f"{API}/alerts", json=wish, status=201)).json()["id"] for _ in range(5)]
    first = await web_door.ask("GET", f"{API}/alerts?limit=2", status=200)
    await web_door.ask("DELETE", f"{API}/alerts/{made[0]}", status=204)
    rest = await web_door.ask("GET", first.headers["Link"][1:].partition(">")[0], status=200)
    assert [a["id"] for a in first.items() + rest.items()] == made[:4], "one before the page went: none is left out"
    strange = first.json()["next_cursor"][:-2] + "AA"
    for path in ("/alerts", "/news", "/tasks", "/portfolios", "/audit", "/assets/PETR4/prices"):
        refused = await web_door.ask("GET", f"{API}{path}?cursor={strange}", status=422)
        assert refused.json()["errors"][0]["field"] == "cursor"


async def test_filters_and_items_name_states_alike(web_door: Door, platform: Settings) -> None:
    waits = await web_door.queue("door_double", {"number": 1})
    later = (await web_door.ask("POST", f"{API}/jobs/door_double?delay=900", json={"number": 2}, status=202)).json()
    pending = await walked(web_door, f"{API}/tasks", state="PENDING")
    assert [(t["task_id"], t["phase"]) for t in pending] == [(waits, "queued"), (later["task_id"], "scheduled")]
    for state in ("PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"):
        for path in ("/tasks", "/history"):
            assert {item["state"] for item in await walked(web_door, API + path, state=state)} <= {state}
    for query in ({"phase": "scheduled"}, {"state": "scheduled"}):
        assert [t["task_id"] for t in await walked(web_door, f"{API}/tasks", **query)] == [later["task_id"]]
    await web_door.ask("GET", f"{API}/tasks?state=PENDING&phase=queued", status=422)
    await web_door.ask("GET", f"{API}/tasks?state=sleeping", status=422)
    whole = (await web_door.ask("GET", f"{API}/tasks/{waits}", status=200)).json()
    status = (await web_door.ask("GET", f"{API}/tasks/{waits}/status", status=200)).json()
    assert whole.items() >= status.items() and whole["priority"] == 0


async def test_a_dead_letter_has_one_shape_and_its_error_is_a_problem(web_door: Door, platform: Settings) -> None:
    async with working(platform):
        task = await web_door.queue("door_fail")
        status = (await web_door.ask("GET", f"{API}/tasks/{task}/status?wait=10", status=200)).json()
    (listed,) = (await web_door.ask("GET", f"{API}/dead-letters", status=200)).items()
    alone = (await web_door.ask("GET", f"{API}/dead-letters/{task}", status=200)).json()
    as_task = (await web_door.ask("GET", f"{API}/tasks/{task}", status=200)).json()
    assert listed == alone == as_task
    assert status["problem"] == alone["problem"] == alone["history"][0]["problem"] | {"title": "Task failed"}
    assert status["problem"] == {
        "type": "urn:invest:task:give-up", "title": "Task failed", "status": 500, "error_type": "GiveUp",
        "detail": "there is no such thing", "instance": f"{API}/tasks/{task}",
    }  # fmt: skip


async def test_prices_of_some_days_as_json_csv_and_parquet(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    bars = await walked(web_door, PRICES)
    assert [b["close"] for b in bars] == ["15.20", "15.20", "30.40", "30.40", "30.40"] and bars[0]["factor"] is None
    days = await walked(web_door, PRICES, since="2026-03-03", until="2026-03-05")
    assert [b["day"] for b in days] == ["2026-03-05", "2026-03-04", "2026-03-03"]
    adjusted = await walked(web_door, PRICES, adjusted="true")
    assert [Decimal(b["close"]) for b in adjusted] == [Decimal("15.20")] * 5
    assert [Decimal(b["factor"]) for b in adjusted] == [1, 1, Decimal("0.5"), Decimal("0.5"), Decimal("0.5")]
    assert adjusted[-1]["volume"] == 100, "volumes are as traded"
    text = await web_door.ask("GET", f"{PRICES}?limit=2", headers={"Accept": "text/csv"}, status=200)
    rows = list(csv.DictReader(io.StringIO(text.body.decode())))
    assert [row["close"] for row in rows] == ["15.20", "15.20"] and rows[0]["factor"] == ""
    assert text.headers["Content-Type"].startswith("text/csv") and 'rel="next"' in text.headers["Link"]
    for accept, kind in (
        ("*/*", "json"),
        ("text/html;q=.9, application/json;q=.2, text/*;q=.1", "json"),
        ("application/json;q=0, */*", "csv"),
        ("text/csv;q=0.5,application/json;q=0.4", "csv"),
    ):
        answer = await web_door.ask("GET", PRICES, headers={"Accept": accept}, status=200)
        assert kind in answer.headers["Content-Type"] and answer.headers["Vary"] == "Accept"
    refused = await web_door.ask("GET", PRICES, headers={"Accept": "image/png"}, status=406)
    assert "text/csv" in refused.json()["detail"]
    await web_door.ask("GET", f"{PRICES}?since=2026-03-05&until=2026-03-03", status=422)


async def test_parquet_holds_exact_decimals_or_its_lack_is_said(
    web_door: Door, platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stock(platform)
    wanted = {"Accept": "application/vnd.apache.parquet"}
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        lacking = await web_door.ask("GET", PRICES, headers=wanted, status=406)
    assert "invest[parquet]" in lacking.json()["detail"]
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra parquet is not installed")
    answer = await web_door.ask("GET", f"{PRICES}?adjusted=true", headers=wanted, status=200)
    read = parquet.read_table(io.BytesIO(answer.body)).to_pylist()
    assert read[0]["day"] == FIRST + timedelta(days=4) and read[0]["close"] == Decimal("15.200000")
    assert (read[-1]["factor"], read[-1]["volume"], read[-1]["source"]) == (0.5, 100, "b3")


async def test_names_are_changed_and_new_things_are_read_where_they_are_said_to_be(
    web_door: Door, platform: Settings
) -> None:
    await stock(platform)
    bought = {"date": "2026-03-02", "ticker": "PETR4", "operation": "buy", "quantity": "100", "price": "30"}
    bond = {"name": "CDB", "kind": "cdb", "bought_on": "2025-01-02", "amount": "1", "index": "cdi"}
    event = {"kind": "dividend", "last_date_with": "2026-03-03", "amount": "1.00"}
    wish = {"kind": "price", "ticker": "PETR4", "comparison": "<=", "level": "30.00"}
    portfolio = (
        f"{API}/portfolios/"
        + (await web_door.ask("POST", f"{API}/portfolios", json={"name": "old"}, status=201)).json()["id"]
    )
    for path, body in (
        (f"{API}/portfolios", {"name": "another"}), (f"{portfolio}/transactions", [bought]),
        (f"{portfolio}/fixed-income", bond), (f"{API}/alerts", wish), (f"{API}/assets/PETR4/events", event),
        (f"{API}/keys", {"name": "phone"}),
    ):  # fmt: skip
        made = await web_door.ask("POST", path, json=body, status=201)
        read = (await web_door.ask("GET", made.headers["Location"], status=200)).json()
        assert "items" in read or read.get("id") == made.json().get("id")
    booked = (await web_door.ask("GET", f"{portfolio}/transactions", status=200)).items()[0]
    assert (await web_door.ask("GET", f"{portfolio}/transactions/{booked['id']}", status=200)).json() == booked
    changed = (
        await web_door.ask("PATCH", portfolio, json={"name": "new", "targets": {"PETR4": "0.5"}}, status=200)
    ).json()
    assert (changed["name"], changed["targets"]) == ("new", {"PETR4": "0.5"})
    again = (await web_door.ask("PATCH", portfolio, json={"auto_confirm": True}, status=200)).json()
    assert again["name"] == "new", "what is left out stays"
    await web_door.ask("PATCH", portfolio, json={"name": " "}, status=422)
    await web_door.ask("PATCH", portfolio, json={"owner": "me"}, status=422)
    (alert,) = (await web_door.ask("GET", f"{API}/alerts", status=200)).items()
    path = f"{API}/alerts/{alert['id']}"
    assert (await web_door.ask("PATCH", path, json={"level": "28.5"}, status=200)).json()["level"] == "28.5"
    (key,) = (await web_door.ask("GET", f"{API}/keys", status=200)).items()
    renamed = await web_door.ask("PATCH", f"{API}/keys/{key['id']}", json={"name": "tablet"}, status=200)
    assert renamed.json()["name"] == "tablet" and renamed.json()["id"] == key["id"]
    await web_door.ask("PATCH", f"{API}/keys/nothing", json={"name": "x"}, status=404)
