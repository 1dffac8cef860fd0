"""Events and questions over HTTP."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from invest.domain.market.assets import Asset
from invest.domain.market.bars import Bar
from invest.domain.market.tickers import AssetKind
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

PATH = f"{API}/assets/AMER3"


async def stock(platform: Settings) -> None:
    """A paper that lost 77 % in a day."""
    closes = {date(2023, 1, 11): Decimal(12), date(2023, 1, 12): Decimal("2.72")}
    rows = [Bar("AMER3", day, p, p, p, p, 100, None, None, "cotahist", "p") for day, p in closes.items()]
    async with Store.open(platform) as store:
        await store.assets.upsert(Asset(ticker="AMER3", kind=AssetKind.STOCK))
        await store.bars.save(rows)


async def test_an_event_is_booked_shown_and_taken_back(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    body = {"kind": "spin_off", "last_date_with": "2023-01-11", "price_factor": "0.25"}
    made = (await web_door.ask("POST", f"{PATH}/events", json=body, status=201)).json()
    assert (made["source"], made["price_factor"]) == ("owner", "0.25")
    (shown,) = (await web_door.ask("GET", f"{PATH}/actions", status=200)).items()
    assert (shown["kind"], shown["last_date_with"]) == ("spin_off", "2023-01-11")
    await web_door.ask("DELETE", f"{PATH}/events/spin_off/2023-01-11", status=204)
    await web_door.ask("DELETE", f"{PATH}/events/spin_off/2023-01-11", status=404)
    assert (await web_door.ask("GET", f"{PATH}/actions", status=200)).items() == []


async def test_a_question_is_listed_and_answered_once(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    path = f"{API}/data/questions?ticker=AMER3&since=2020-01-01"
    (asked,) = (await web_door.ask("GET", path, status=200)).items()
    assert (asked["kind"], asked["day"], asked["breaks"]) == ("move", "2023-01-11", False)
    body = {"kind": "move", "day": asked["day"], "answer": "the fraud became known"}
    await web_door.ask("POST", f"{PATH}/answers", json=body, status=204)
    assert (await web_door.ask("GET", path, status=200)).items() == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"kind": "spin_off", "last_date_with": "2023-01-11"}, 422, "give price_factor"),
        ({"kind": "split", "last_date_with": "2023-01-11", "factor": "0.5"}, 422, "above 1"),
        (
            {"kind": "spin_off", "last_date_with": "2023-01-11", "other": "NEWX3", "ratio": "1"},
            422,
            "no close of NEWX3",
        ),
        ({"kind": "never", "last_date_with": "2023-01-11"}, 422, "kind"),
    ],
)
async def test_an_event_without_sense_is_refused(
    web_door: Door, platform: Settings, body: dict[str, str], status: int, said: str
) -> None:
    await stock(platform)
    answer = await web_door.ask("POST", f"{PATH}/events", json=body, status=status)
    assert said in answer.body.decode()


async def test_the_calendar_of_an_asset_and_of_a_portfolio(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    body = {"kind": "dividend", "last_date_with": "2023-01-11", "amount": "0.5", "payment_date": "2023-02-01"}
    await web_door.ask("POST", f"{PATH}/events", json=body, status=201)
    days = "since=2023-01-01&until=2023-03-01"
    (entry,) = (await web_door.ask("GET", f"{API}/data/calendar?ticker=AMER3&{days}", status=200)).items()
    assert (entry["ex_date"], entry["payment_date"], entry["stage"]) == ("2023-01-12", "2023-02-01", "done")
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    assert (await web_door.ask("GET", f"{API}/data/calendar?portfolio_id={made}&{days}", status=200)).items() == []
    await web_door.ask("GET", f"{API}/data/calendar?portfolio_id=absent", status=404)
    await web_door.ask("GET", f"{API}/data/calendar", status=422)
