"""The tax of a portfolio, proposals and new money over HTTP and by the Python client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invest.domain.market import ActionKind, Asset, AssetKind, CorporateAction
from invest.http import Client
from invest.jobs.analysis import measure_and_keep
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]


@pytest.fixture
async def store(platform: Settings, web_door: Door) -> AsyncIterator[Store]:
    """The store behind the door, its schema made by the door's start."""
    async with Store.open(platform) as opened:
        yield opened


def booked(day: str, operation: str, quantity: str, price: str, **more: Any) -> dict[str, Any]:
    return {"date": day, "ticker": "ABCD3", "operation": operation, "quantity": quantity, "price": price, **more}


async def make(door: Door, *transactions: dict[str, Any]) -> str:
    body = {"name": "Carteira", "transactions": transactions}
    return str((await door.ask("POST", f"{API}/portfolios", json=body, status=201)).json()["id"])


async def test_the_worked_month_by_http_csv_and_pdf(web_door: Door) -> None:
    made = await make(
        web_door,
        booked("2025-01-06", "buy", "700", "22.50"),
        booked("2025-04-10", "sell", "700", "30.00", fees="6.00"),
    )
    path = f"{API}/portfolios/{made}/tax"
    told = (await web_door.ask("GET", f"{path}?year=2025", status=200)).json()
    april = told["months"][3]
    assert (april["month"], april["tax"], april["darf"]["amount"]) == ("2025-04", "786.60", "785.55")
    assert april["darf"]["due"] == "2025-05-30"
    (line,) = april["lines"]
    found = (await web_door.ask("GET", f"{API}/portfolios/{made}/transactions", status=200)).json()["items"]
    assert line["transactions"] == [found[1]["id"]]
    await web_door.ask(
        "PUT", f"{path}/opening", status=204,
        json={"paid": [{"period": "2025-04", "amount": "785.55", "paid_on": "2025-05-30"}]},
    )  # fmt: skip
    told = (await web_door.ask("GET", f"{path}?year=2025", status=200)).json()
    assert (told["months"][3]["state"], told["months"][3]["difference"]) == ("paid", "0.00")
    csv = await web_door.ask("GET", f"{path}/file?year=2025", status=200)
    assert "785,55" in csv.body.decode("utf-8-sig")
    pdf = await web_door.ask("GET", f"{path}/file?year=2025&format=pdf", status=200)
    assert pdf.body.startswith(b"%PDF")
    await web_door.ask("GET", f"{path}?year=2099", status=422)


async def test_known_events_are_proposed_confirmed_and_declined(
    web_door: Door, store: Store, platform: Settings
) -> None:
    await store.assets.upsert(Asset(ticker="ABCD3", kind=AssetKind.STOCK, name="Exemplo"))
    told = [
        CorporateAction(
            ticker="ABCD3", kind=kind, last_date_with=date(2025, 3, day), payment_date=date(2025, 4, day),
            amount=Decimal(amount), source="b3", payload="x",
        )
        for kind, day, amount in ((ActionKind.DIVIDEND, 10, "1.00"), (ActionKind.JCP, 11, "0.50"))
    ]  # fmt: skip
    await store.actions.upsert(told)
    made = await make(web_door, booked("2025-01-06", "buy", "100", "10.00"))
    await measure_and_keep(store, platform, made)
    path = f"{API}/portfolios/{made}/proposals"
    found = (await web_door.ask("GET", path, status=200)).items()
    assert [(p["said"], p["transaction"]["price"]) for p in found] == [
        ("ABCD3 dividend 100.00 of 2025-03-10", "1.00000000"),
        ("ABCD3 jcp 42.50 of 2025-03-11", "0.42500000"),
    ]
    chosen = {"keys": [found[0]["key"]]}
    assert (await web_door.ask("POST", f"{path}/confirm", json=chosen, status=200)).json()["counts"]["booked"] == 1
    assert (await web_door.ask("POST", f"{path}/decline", json={"keys": "all"}, status=200)).json() == {"declined": 1}
    await measure_and_keep(store, platform, made)
    assert (await web_door.ask("GET", path, status=200)).items() == []
    csv = "Produto;Pagamento;Tipo de Evento;Instituição;Quantidade;Preço unitário;Valor líquido\n"
    csv += "ABCD3 - EXEMPLO;11/04/2025;Dividendo;A;100;1,00;100,00\n"
    again = await web_door.ask("POST", f"{API}/portfolios/{made}/import", data=csv.encode(), status=200)
    assert again.json()["rows"][0]["reason"] == "confirmed already, of 10/04/2025"


async def test_known_events_confirm_themselves_where_that_is_set(
    web_door: Door, store: Store, platform: Settings
) -> None:
    await store.actions.upsert([
        CorporateAction(ticker="ABCD3", kind=ActionKind.SPLIT, last_date_with=date(2025, 3, 10), factor=Decimal(2),
                        source="b3", payload="x")
    ])  # fmt: skip
    made = await make(web_door, booked("2025-01-06", "buy", "100", "10.00"))
    before = (await web_door.ask("GET", f"{API}/portfolios/{made}", status=200)).json()["positions"]
    assert before[0]["quantity"] == "200"  # known, though nobody booked it
    await web_door.ask("PUT", f"{API}/portfolios/{made}/options", json={"auto_confirm": True}, status=204)
    await measure_and_keep(store, platform, made)
    found = (await web_door.ask("GET", f"{API}/portfolios/{made}", status=200)).json()
    assert [t["operation"] for t in found["transactions"]] == ["buy", "split"]
    assert found["positions"] == before


async def test_the_python_client_speaks_of_portfolios(web_door: Door) -> None:
    made = await make(web_door, booked("2025-01-06", "buy", "100", "10.00"))
    async with Client(web_door.url) as client:
        held = client.portfolio(made)
        await held.book(booked("2025-01-07", "buy", "10", "11.00"))
        rows = [t async for t in held.transactions(limit=1)]
        assert [t["quantity"] for t in rows] == ["100", "10"]
        await held.edit(rows[1]["id"], booked("2025-01-07", "buy", "20", "11.00"))
        await held.rename("Outra")
        assert (await held.show())["name"] == "Outra"
        await held.delete(rows[1]["id"])
        assert (await held.tax(2025))["year"] == 2025
        assert (await held.tax_file(2025, "pdf")).startswith(b"%PDF")
        assert (await held.rebalance("100"))["orders"] == []
        csv = b"date,ticker,operation,quantity,price\n2025-01-09,VALE3,buy,1,60.00\n"
        assert (await held.import_statement(csv))["counts"]["booked"] == 1
        (done,) = await held.imports()
        assert await held.undo(done["id"]) == {"deleted": 1}


async def test_fixed_income_counts_in_value_and_allocation(web_door: Door, store: Store, platform: Settings) -> None:
    made = await make(web_door)
    path = f"{API}/portfolios/{made}/fixed-income"
    agreed = {"name": "CDB 2030", "kind": "cdb", "bought_on": "2024-01-02", "amount": "1000.00", "index": "price",
              "prices": [{"day": "2025-01-02", "value": "1.25"}]}  # fmt: skip
    kept = (await web_door.ask("POST", path, json=agreed, status=201)).json()
    assert kept["value"] == "1250.00"
    metrics = await measure_and_keep(store, platform, made)
    assert (metrics.total_value, metrics.by_class) == (Decimal("1250.00"), {"fixed_income": 1.0})
    assert metrics.twr == pytest.approx(0.25)
    agreed["prices"] = [{"day": "2025-01-02", "value": "1.5"}]
    changed = (await web_door.ask("PUT", f"{path}/{kept['id']}", json=agreed, status=200)).json()
    assert changed["value"] == "1500.00"
    await web_door.ask("POST", path, json={**agreed, "index": "prefixado"}, status=422)
    await web_door.ask("DELETE", f"{path}/{kept['id']}", status=204)
    assert (await web_door.ask("GET", path, status=200)).items() == []
    unknown = await web_door.ask("PUT", f"{path}/{kept['id']}", json=agreed, status=404)
    assert "no fixed income" in unknown.json()["detail"]
