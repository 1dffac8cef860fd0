"""Alerts over HTTP: made, refused, listed, fired by the job's rules, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from invest.domain.alerts import AlertEvent, AlertKind
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

PRICE = {"kind": "price", "ticker": "PETR4", "comparison": "<=", "level": "30.00"}


async def test_an_alert_is_made_listed_and_deleted_with_what_it_fired(web_door: Door, platform: Settings) -> None:
    made = (await web_door.ask("POST", f"{API}/alerts", json=PRICE, status=201)).json()
    assert (made["kind"], made["ticker"], made["level"], made["active"]) == ("price", "PETR4", "30.00", True)
    assert [a["id"] for a in (await web_door.ask("GET", f"{API}/alerts", status=200)).items()] == [made["id"]]
    now = datetime.now(UTC)
    fired = AlertEvent(
        alert_id=made["id"], occasion="2026-03-31", ticker="PETR4", kind=AlertKind.PRICE, message="m", fired_at=now
    )
    async with Store.open(platform) as store:
        await store.alerts.record([fired])
    events = (await web_door.ask("GET", f"{API}/alerts/events", status=200)).items()
    assert [e["occasion"] for e in events] == ["2026-03-31"]
    later = (now + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert (await web_door.ask("GET", f"{API}/alerts/events?since={later}", status=200)).items() == []
    await web_door.ask("DELETE", f"{API}/alerts/{made['id']}", status=204)
    await web_door.ask("DELETE", f"{API}/alerts/{made['id']}", status=404)
    assert (await web_door.ask("GET", f"{API}/alerts/events", status=200)).items() == []


async def test_a_repeated_request_with_the_same_key_makes_one_alert(web_door: Door) -> None:
    headers = {"Idempotency-Key": "alert-1"}
    for _ in range(2):
        await web_door.ask("POST", f"{API}/alerts", json=PRICE, headers=headers, status=201)
    assert len((await web_door.ask("GET", f"{API}/alerts", status=200)).items()) == 1


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"kind": "price", "ticker": "PETR4"}, 422, "needs comparison and level"),
        ({"kind": "news"}, 422, "watches a ticker or a portfolio"),
        ({"kind": "indicator", "ticker": "PETR4", "field": "pl", "comparison": "<", "level": "5"}, 422, "no figure"),
        ({"kind": "indicator", "ticker": "PETR4", "comparison": "<", "level": "5"}, 422, "no figure"),
        ({**PRICE, "level": "NaN"}, 422, "level"),
        ({**PRICE, "comparison": "=="}, 422, "comparison"),
        ({"kind": "dividend", "portfolio_id": "absent"}, 404, "no portfolio absent"),
    ],
)
async def test_an_alert_that_could_never_fire_is_refused(
    web_door: Door, body: dict[str, str], status: int, said: str
) -> None:
    answer = await web_door.ask("POST", f"{API}/alerts", json=body, status=status)
    assert said in answer.json()["detail"]
    assert (await web_door.ask("GET", f"{API}/alerts", status=200)).items() == []


async def test_the_targets_of_a_portfolio_are_replaced_whole_or_not_at_all(web_door: Door) -> None:
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    path = f"{API}/portfolios/{made}"
    await web_door.ask("PUT", f"{path}/targets", json={"targets": {"PETR4": "0.6", "VALE3": "0.4"}}, status=204)
    wrong = await web_door.ask("PUT", f"{path}/targets", json={"targets": {"PETR4": "0.6", "VALE3": "0.5"}}, status=422)
    assert "more than 1" in wrong.json()["detail"]
    found = (await web_door.ask("GET", path, status=200)).json()["targets"]
    assert {ticker: float(weight) for ticker, weight in found.items()} == {"PETR4": 0.6, "VALE3": 0.4}
    await web_door.ask("PUT", f"{API}/portfolios/absent/targets", json={"targets": {}}, status=404)
