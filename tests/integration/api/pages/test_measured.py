"""A portfolio's page shows what its facts give at that moment, and nobody sees another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import aiohttp
import pytest

from invest.api.pages.desk.measured import DRAWINGS
from invest.domain.market import ActionKind, CorporateAction, TickerChange
from invest.domain.portfolios import Operation, Transaction
from invest.settings import Settings
from invest.store import Store
from tests.builders.domain import asset
from tests.integration.api.api_kit import API, Door, open_door
from tests.integration.api.pages.pages_kit import HELD, Visitor, a_portfolio, bars_of

pytest_plugins = ["tests.integration.api.api_fixtures"]
VALUE = "<dt>Value</dt><dd>{}<"


@pytest.fixture
async def visitor(web_door: Door) -> AsyncIterator[Visitor]:
    """A reader on this machine."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(web_door.url, cookie_jar=jar, headers={"Accept-Language": "en"}) as session:
        yield Visitor(session)


async def stored(store: Store, settings: Settings, owner: str = "local") -> str:
    await store.assets.upsert(*(asset(ticker) for ticker in HELD))
    for place, ticker in enumerate(HELD):
        await store.bars.save(bars_of(ticker, seed=place))
    return await a_portfolio(store, settings, owner)


def split(factor: str) -> CorporateAction:
    return CorporateAction(
        ticker="PETR4", kind=ActionKind.SPLIT, last_date_with=date(2025, 6, 2), factor=Decimal(factor),
        source="b3", payload="1" * 64,
    )  # fmt: skip


async def test_what_changed_a_moment_ago_is_on_the_page(visitor: Visitor, web_door: Door, platform: Settings) -> None:
    async with Store.open(platform) as store:
        where = f"/portfolios/{await stored(store, platform)}"
        portfolio_id = where.rpartition("/")[2]
        drawings = web_door.app[DRAWINGS]

        async def shows(value: str) -> str:
            page = await visitor.read(where)
            assert VALUE.format(value) in page, (value, page.partition("<dt>Value")[2][:80])
            return page

        await shows("R$ 9,300.00")
        assert len(drawings) == 1
        await web_door.ask(
            "POST", f"{API}{where}/transactions", status=201,
            json=[{"date": "2026-03-27", "ticker": "PETR4", "operation": "buy", "quantity": "10", "price": "29"}],
        )  # fmt: skip
        await shows("R$ 9,600.00")
        assert "R$ 9,600.00" in await visitor.read("/portfolios"), "the list agrees with the page"
        booked = (await store.portfolios.page(portfolio_id))[-1]
        await store.portfolios.edit(portfolio_id, booked.id or 0, booked.model_copy(update={"quantity": Decimal(20)}))
        await shows("R$ 9,900.00")
        last = bars_of("PETR4", seed=0)[-1]
        await store.bars.save([last._replace(day=date(2026, 4, 1), close=Decimal(31))])
        await shows("R$ 10,020.00")
        await store.bars.save([last._replace(day=date(2026, 4, 1), close=Decimal(32), payload="2" * 64)])
        await shows("R$ 10,140.00")
        await store.actions.upsert([split("2")])
        await shows("R$ 13,340.00")
        await store.actions.upsert([split("3")])
        await shows("R$ 16,540.00")
        await store.actions.remove("PETR4", ActionKind.SPLIT, date(2025, 6, 2), "b3")
        page = await shows("R$ 10,140.00")
        assert "Navegação" not in page
        await store.assets.upsert(asset("PETR4").model_copy(update={"sector": "Navegação"}))
        assert "Navegação" in await visitor.read(where)
        await store.portfolios.set_targets(portfolio_id, {"PETR4": Decimal("0.9")})
        assert "below target" in await visitor.read(where)
        await store.portfolios.rename(portfolio_id, "Viagem")
        assert "<h1>Viagem</h1>" in await visitor.read(where)
        assert len(drawings) == 1, "the older ones are given up"
        await store.portfolios.delete(portfolio_id)
        await visitor.read(where, status=404)


async def test_every_fact_behind_the_figures_gives_them_another_version(platform: Settings) -> None:
    async with Store.open(platform) as store:
        own = await stored(store, platform)
        other = await a_portfolio(store, platform, "another")

        async def version(of: str = own) -> str:
            return await store.portfolios.version(of, prices=("^BVSP",), series=("sgs:12",))

        before, elsewhere = await version(), await version(other)
        assert before == await version() and before != elsewhere
        await store.assets.rename(TickerChange(old="PETR4", new="PETR9", changed_on=date(2026, 4, 2), source="b3"))
        assert before != (renamed := await version())
        await store.bars.save(bars_of("PETR9", seed=3, sessions=5))
        assert renamed != (priced := await version()), "prices of the successor's code count"
        await store.bars.save(bars_of("^BVSP", seed=4, sessions=5))
        assert priced != (compared := await version()), "so do those of the index"
        await store.bars.save(bars_of("ABEV3", seed=5, sessions=5))
        assert compared == await version(), "those of an asset that nobody holds do not"
        elsewhere = await version(other)
        await store.portfolios.set_options(own, {"auto_confirm": True})
        await store.portfolios.add(own, [Transaction(
            date=date(2026, 3, 3), ticker="ABEV3", operation=Operation.BUY, quantity=Decimal(1), price=Decimal(9)
        )])  # fmt: skip
        assert compared != await version() and elsewhere == await version(other)


async def test_what_is_kept_of_a_portfolio_is_shown_to_its_owner_alone(platform: Settings) -> None:
    asked = platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})
    async with open_door(asked) as door, Store.open(platform) as store:
        key, owner = await store.keys.create("owner", ["read"])
        stranger, _ = await store.keys.create("stranger", ["write"])
        where = f"/portfolios/{await stored(store, platform, owner.id)}"
        async with aiohttp.ClientSession(door.url, headers={"Accept": "text/html"}) as session:
            for given, status in ((key, 200), (stranger, 404), (key, 200)):
                async with session.get(where, cookies={"invest_key": given}) as got:
                    assert got.status == status
                    assert ("Aposentadoria" in await got.text()) is (status == 200)
        assert len(door.app[DRAWINGS]) == 1


async def test_the_tax_box_names_the_darf_its_day_and_what_is_below_the_minimum(
    visitor: Visitor, platform: Settings
) -> None:
    async with Store.open(platform) as store:
        where = f"/portfolios/{await stored(store, platform)}"
        portfolio_id = where.rpartition("/")[2]
        assert "none is open" in await visitor.read(where)
        trades = [
            Transaction(date=day, ticker="VALE3", operation=operation, quantity=Decimal(quantity), price=Decimal(price))
            for day, operation, quantity, price in (
                (date(2025, 2, 3), Operation.BUY, "2000", "20"),
                (date(2025, 3, 5), Operation.SELL, "1000", "30"),  # 30,000 of shares: taxed
            )
        ]
        await store.portfolios.add(portfolio_id, trades)
        box = (await visitor.read(where)).partition('data-part="tax"')[2].partition("</section>")[0]
        # The average cost of 2,100 shares is 20: 15 % of 10,000, less 0.005 % of the sale withheld.
        assert "DARF 6015" in box and "Mar 2025" in box and "R$ 1,498.50" in box
        assert "was due on 30 Apr 2025" in box and "Below R$ 10" not in box
        paid = {"paid": [{"period": "2025-03", "amount": "1498.50", "paid_on": "2025-04-30"}]}
        await store.portfolios.set_options(portfolio_id, {"tax": paid | {"darf_below_minimum": "4.00"}})
        box = (await visitor.read(where)).partition('data-part="tax"')[2].partition("</section>")[0]
        assert "R$ 4.00" in box
