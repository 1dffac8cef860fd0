"""A platform with something on every page: assets, a ranking, a portfolio, reports, alerts, jobs of every state."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import aiohttp
from multidict import CIMultiDict

from invest.domain.alerts import Alert, AlertEvent, AlertKind
from invest.domain.analysis import rank
from invest.domain.documents import StoredReport
from invest.domain.market import Bar, Market, market_day
from invest.domain.portfolios import Operation, PortfolioInput, Transaction, measure
from invest.engine import JobState
from invest.reports import build_asset_view
from invest.settings import Settings
from invest.store import Store
from tests.builders import analysis as analyses
from tests.builders import evidence
from tests.builders.domain import asset
from tests.builders.reports import asset_data
from tests.integration.api.api_kit import Door, door_fail, door_sum, working

HELD = ("PETR4", "VALE3", "ITUB4")
HTML = {"Accept": "text/html"}
B3_TRADES = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;Código de Negociação;"
    "Quantidade;Preço;Valor\n"
    "02/03/2026;Compra;Mercado à Vista;-;CORRETORA;ABEV3;100;R$ 12,50;R$ 1.250,00\n"
    "03/03/2026;Compra;Mercado Fracionário;-;CORRETORA;WEGE3F;10;R$ 40,00;R$ 400,00\n"
    "04/03/2026;Venda;Mercado à Vista;-;CORRETORA;MGLU3;500;R$ 9,00;R$ 4.500,00\n"
)

B3_POSITION = (
    "Produto;Instituição;Código de Negociação;Quantidade;Preço de Fechamento;Valor Atualizado\n"
    "ABEV3 - AMBEV S/A;CORRETORA;ABEV3;100;R$ 12,00;R$ 1.200,00\n"
    "WEGE3 - WEG S/A;CORRETORA;WEGE3;30;R$ 40,00;R$ 1.200,00\n"
)


@dataclass
class World:
    """What was put in: ids that pages are asked for by."""

    portfolio: str
    report: str
    alert: str
    failed: str
    workflow: str
    done: str


async def fill(door: Door, settings: Settings) -> World:
    """Fill a fresh platform; its jobs are those of the door's tests."""
    async with Store.open(settings) as store:
        made = analyses.several(20)
        await store.assets.upsert(*(asset(a.ticker, sector=a.sector or "") for a in made))
        for place, ticker in enumerate(HELD):
            await store.bars.save(bars_of(ticker, seed=place))
        await store.analyses.save(*made)
        await store.analyses.save_ranking(
            "stocks", rank(made, Market.STOCKS).model_dump(mode="json"), datetime.now(UTC)
        )
        await store.opinions.append(*evidence.opinions())
        portfolio = await a_portfolio(store, settings)
        view = build_asset_view(asset_data())
        report = StoredReport(
            report_id=view.report_id,
            report_type="asset",
            tickers=("PETR4",),
            generated_at=datetime.now(UTC),
            view=view.model_dump(mode="json"),
            content="# PETR4\n",
        )
        await store.reports.save(report)
        alert = Alert(
            id="alert1", kind=AlertKind.PRICE, ticker="PETR4", comparison="<=", level=Decimal(30), owner="local",
            created_at=datetime.now(UTC),
        )  # fmt: skip
        await store.alerts.save(alert)
        event = AlertEvent(
            alert_id="alert1", occasion="close:2026-03-30", ticker="PETR4", kind=AlertKind.PRICE, value=29.5,
            message="PETR4: close <script>alert(1)</script> 29.50 <= 30", fired_at=datetime.now(UTC),
        )  # fmt: skip
        await store.alerts.record([event])
    failed, workflow, done = await some_jobs(door, settings)
    return World(portfolio, report.report_id, alert.id, failed, workflow, done)


def bars_of(ticker: str, *, seed: int, sessions: int = 520) -> list[Bar]:
    """Daily bars as a source would give them."""
    made = analyses.bars(ticker, sessions=sessions, seed=seed, last=30 + seed)
    days: list[date] = made.days.astype("datetime64[D]").astype(object).tolist()
    rows = zip(days, made.close, made.volume, strict=True)
    return [
        Bar(ticker, day, None, None, None, Decimal(str(round(close, 2))), int(volume), None, None, "cotahist", "0" * 64)
        for day, close, volume in rows
    ]


async def a_portfolio(store: Store, settings: Settings, owner: str = "local") -> str:
    """A portfolio of three assets with its metrics computed."""
    booked = [
        Transaction(date=day, ticker=ticker, operation=operation, quantity=Decimal(100), price=Decimal(price))
        for day, ticker, operation, price in (
            (date(2025, 1, 6), "PETR4", Operation.BUY, "20"),
            (date(2025, 1, 7), "VALE3", Operation.BUY, "20"),
            (date(2025, 1, 8), "ITUB4", Operation.BUY, "20"),
            (date(2026, 3, 2), "ITUB4", Operation.DIVIDEND, "0.5"),
        )
    ]
    targets = {"PETR4": Decimal("0.2"), "VALE3": Decimal("0.5")}
    made, _ = await store.portfolios.create("Aposentadoria", booked, targets=targets, owner=owner)
    now = datetime(2026, 3, 31, 21, tzinfo=UTC)
    bars = await store.bars.read_many(HELD)
    assets = await store.assets.get_many(HELD)
    metrics = measure(PortfolioInput(portfolio=made, now=now, bars=bars, assets=assets))
    await store.portfolios.save_snapshot(made.id, market_day(now), now, metrics)
    return made.id


async def some_jobs(door: Door, settings: Settings) -> tuple[str, str, str]:
    """(a dead letter, a workflow with a failed step, a finished job), all ended."""
    async with working(settings):
        done = await door.queue("door_double", {"number": 21})
        failed = await door.queue("door_fail")
        for _ in range(3):
            await door.queue("door_fail")
        steps = [{"job": "door_double", "arguments": {"number": n}} for n in range(6)]
        answer = await door.ask(
            "POST",
            "/api/v1/workflows",
            json={"kind": "chord", "steps": [*steps, {"job": door_fail.name}], "callback": {"job": door_sum.name}},
            status=202,
        )
        workflow = str(answer.json()["task_id"])
        for task in (done, failed, workflow):
            await ended(door, task)
    return failed, workflow, done


async def ended(door: Door, task_id: str) -> str:
    """Wait until a job has ended; its state."""
    for _ in range(200):
        state = str((await door.ask("GET", f"/api/v1/tasks/{task_id}/status")).json()["state"])
        if state in (JobState.SUCCEEDED.contract, JobState.FAILED.contract, JobState.CANCELLED.contract):
            return state
        await asyncio.sleep(0.05)
    raise AssertionError(f"{task_id} did not end")


def addresses(world: World) -> list[str]:
    """Every page that is read; of those with one path the last one shows most."""
    return [
        "/", "/portfolios", f"/portfolios/{world.portfolio}", f"/portfolios/{world.portfolio}/import",
        f"/portfolios/{world.portfolio}/targets", "/assets", "/assets?search=petr", "/assets/PETR4",
        "/assets/WEGE3", "/compare", "/compare?tickers=PETR4+VALE3", "/rankings", "/rankings?market=fiis",
        "/rankings?min_score=5&sort=-score", f"/portfolios/{world.portfolio}/tax?year=2026", "/opportunities",
        "/reports",
        f"/reports/{world.report}", f"/reports/wait/{world.failed}", "/alerts", "/track-record", "/quality",
        "/quality?ticker=PETR4", "/delistings", "/search", "/search?q=nothing-like-it", "/search?q=companhia", "/ops",
        "/ops/jobs", "/ops/jobs?state=failed", "/ops/jobs?text=door&span=hour", f"/ops/jobs/{world.failed}",
        f"/ops/jobs/{world.workflow}", f"/ops/jobs/{world.done}", f"/ops/jobs/{world.failed}/replay",
        "/ops/workflows", "/ops/dead-letters", "/ops/schedules", "/ops/queues", "/ops/workers",
        "/ops/upstreams", "/ops/ais", "/ops/enqueue", "/ops/enqueue/door_double",
        "/ops/enqueue/collect_asset_data_async", "/ops/keys",
        "/ops/channels",
    ]  # fmt: skip


@dataclass
class Visitor:
    """A browser without scripts: keeps cookies, fills in forms with the token of the page before."""

    session: aiohttp.ClientSession

    async def read(self, path: str, *, status: int = 200, **options: Any) -> str:
        """A page as text."""
        async with self.session.get(path, headers=HTML, allow_redirects=options.pop("follow", True), **options) as got:
            text = await got.text()
            assert got.status == status, (path, got.status, text[-1500:])
            return text

    async def send(
        self,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        token: str | None = None,
        status: int = 303,
        **headers: str,
    ) -> tuple[str, CIMultiDict[str]]:
        """Post a form; (body, headers)."""
        given = token if token is not None else await self.token()
        data = {"form_token": given, **(fields or {})}
        async with self.session.post(path, data=data, headers={**HTML, **headers}, allow_redirects=False) as got:
            text = await got.text()
            assert got.status == status, (path, got.status, text[-1500:])
            return text, got.headers.copy()

    async def token(self) -> str:
        """The token of this browser's forms."""
        text = await self.read("/search")
        return text.partition('name="form_token" value="')[2].partition('"')[0]
