"""One key's portfolios and everything made of them, asked for with another's key, on every route."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from invest.domain.alerts import AlertEvent, AlertKind
from invest.domain.documents import StoredReport
from invest.domain.job_run import JobRun
from invest.engine import Context, GiveUp, Invest, Queue, Retry, keys, registry
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door, open_door, working

pytest_plugins = ["tests.integration.api.api_fixtures"]
owned = Queue("owned", concurrency=5, timeout=30, soft_timeout=None, retry=Retry(retries=0))


@owned.job(owner={"portfolio_id": "portfolio"})
async def owned_ok(ctx: Context, portfolio_id: str) -> str:
    """Tell the portfolio's secret."""
    return f"secret of {portfolio_id}"


@owned.job(owner={"portfolio_id": "portfolio"})
async def owned_fail(ctx: Context, portfolio_id: str) -> str:
    """Fail for good."""
    raise GiveUp(f"secret of {portfolio_id}")


@owned.job(owner={"portfolio_id": "portfolio"})
async def owned_sleep(ctx: Context, portfolio_id: str) -> str:
    """Run until it is told to stop."""
    await asyncio.sleep(60)
    return portfolio_id


@owned.job(scope="admin")
async def owned_admin(ctx: Context) -> str:
    """Fail for good, for admins."""
    raise GiveUp("no")


@owned.job()
async def owned_free(ctx: Context) -> str:
    """Everybody's."""
    return "free"


@dataclass
class World:
    """What belongs to `mine`, and the headers of three keys."""

    door: Door
    mine: dict[str, str]
    other: dict[str, str]
    admin: dict[str, str]
    ids: dict[str, str]


async def header(platform: Settings, name: str, scope: str) -> tuple[dict[str, str], str]:
    async with Store.open(platform) as store:
        plain, kept = await store.keys.create(name, [scope])
    return {"Authorization": f"Bearer {plain}"}, kept.id


async def report(platform: Settings, report_id: str, portfolio_id: str | None) -> None:
    async with Store.open(platform) as store:
        await store.reports.save(
            StoredReport(
                report_id=report_id,
                report_type="portfolio" if portfolio_id else "asset",
                tickers=("PETR4",),
                portfolio_id=portfolio_id,
                language="pt-BR",
                generated_at=datetime.now(UTC),
                view={"secret": portfolio_id},
                content=f"# secret of {portfolio_id}",
            )
        )


@pytest.fixture
async def world(platform: Settings) -> AsyncIterator[World]:
    """Two tenants and an admin; the first has a portfolio, reports, tasks, a dead letter and a workflow."""
    locked = platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})
    mine, _ = await header(platform, "mine", "write")
    other, _ = await header(platform, "other", "write")
    admin, _ = await header(platform, "admin", "admin")
    async with open_door(locked) as door, working(platform, owned):
        made = await door.ask("POST", f"{API}/portfolios", json={"name": "secret"}, headers=mine, status=201)
        ids = {"portfolio_id": made.json()["id"], "report_id": "rep-mine"}
        await report(platform, "rep-mine", ids["portfolio_id"])
        argument = {"portfolio_id": ids["portfolio_id"]}
        for name in ("owned_ok", "owned_fail", "owned_sleep"):
            ids[name] = await door.queue(name, argument, headers=mine)
        steps = [{"job": "owned_ok", "arguments": argument}]
        body = {"kind": "group", "steps": steps}
        started = await door.ask("POST", f"{API}/workflows", json=body, headers=mine, status=202)
        ids["workflow_id"] = started.json()["task_id"]
        for name in ("owned_ok", "owned_fail", "workflow_id"):
            path = f"{API}/tasks/{ids[name]}/status?wait=20"
            assert (await door.ask("GET", path, headers=mine, status=200)).json()["ready"]
        yield World(door, mine, other, admin, ids)


async def test_anothers_key_meets_nothing_of_it_on_any_route_that_names_an_id(world: World) -> None:
    description = (await world.door.ask("GET", "/openapi.json", status=200)).json()
    asked = 0
    for path, operations in description["paths"].items():
        names = [n for n in ("portfolio_id", "report_id", "task_id", "workflow_id") if f"{{{n}}}" in path]
        for method, operation in operations.items():
            if not names or operation["x-scope"] == "admin":
                continue
            tasks = ("owned_ok", "owned_fail", "owned_sleep", "workflow_id")
            ids = [world.ids[n] for n in tasks] if names == ["task_id"] else [world.ids[names[0]]]
            for one in ids:
                concrete = re.sub(r"\{[a-z]+_id\}", "1", path.replace(f"{{{names[0]}}}", one))
                said = BODIES.get(path, {})
                answer = await world.door.ask(method.upper(), concrete, headers=world.other, **said)
                assert answer.status == 404, (method, concrete, answer)
                assert b"secret" not in answer.body
                asked += 1
    assert asked >= 30
    await world.door.ask("GET", f"{API}/portfolios/{world.ids['portfolio_id']}", headers=world.mine, status=200)
    status = await world.door.ask("GET", f"{API}/tasks/{world.ids['owned_sleep']}/status", headers=world.mine)
    assert not status.json()["ready"]  # nobody else stopped it


TRANSACTION = {"date": "2026-01-02", "ticker": "PETR4", "operation": "buy", "quantity": "1", "price": "30"}
BOND = {"name": "x", "kind": "cdb", "bought_on": "2025-01-02", "amount": "1", "index": "cdi"}
BODIES: dict[str, dict[str, Any]] = {
    f"{API}/portfolios/{{portfolio_id}}/transactions": {"json": [TRANSACTION]},
    f"{API}/portfolios/{{portfolio_id}}/import": {"data": b"x"},
    f"{API}/portfolios/{{portfolio_id}}/targets": {"json": {"targets": {"PETR4": "0.5"}}},
    f"{API}/portfolios/{{portfolio_id}}/transactions/{{transaction_id}}": {"json": TRANSACTION},
    f"{API}/portfolios/{{portfolio_id}}/name": {"json": {"name": "x"}},
    f"{API}/portfolios/{{portfolio_id}}/merge": {"json": {"portfolio_id": "other"}},
    f"{API}/portfolios/{{portfolio_id}}/fixed-income": {"json": BOND},
    f"{API}/portfolios/{{portfolio_id}}/fixed-income/{{bond_id}}": {"json": BOND},
    f"{API}/portfolios/{{portfolio_id}}/options": {"json": {"auto_confirm": True}},
    f"{API}/portfolios/{{portfolio_id}}/proposals/confirm": {"json": {"keys": "all"}},
    f"{API}/portfolios/{{portfolio_id}}/proposals/decline": {"json": {"keys": "all"}},
    f"{API}/portfolios/{{portfolio_id}}/tax": {"params": {"year": "2025"}},
    f"{API}/portfolios/{{portfolio_id}}/tax/opening": {"json": {}},
    f"{API}/portfolios/{{portfolio_id}}/tax/file": {"params": {"year": "2025"}},
}


WANTED = {f"{API}/data/{name}": {"ticker": "PETR4"} for name in ("calendar", "results")}  # what has no whole


async def test_anothers_key_sees_none_of_it_in_any_list(world: World) -> None:
    description = (await world.door.ask("GET", "/openapi.json", status=200)).json()
    lists = [
        p
        for p, o in description["paths"].items()
        if "{" not in p and "get" in o and o["get"]["x-scope" if o["get"]["security"] else "tags"] == "read"
    ]
    lists = [p for p in lists if p not in (f"{API}/events", "/metrics", f"{API}/workflows")]
    lists += [f"{API}/tasks?state={state}" for state in ("succeeded", "failed", "running")]
    assert len(lists) > 15
    wrong: list[tuple[object, ...]] = []
    named = 0
    for path in lists:
        answer = await world.door.ask("GET", path, headers=world.other, params=WANTED.get(path, {}))
        wrong += [(path, answer.status)] if answer.status != 200 else []
        for name, one in world.ids.items():
            assert one.encode() not in answer.body, (path, name)
        given = description["paths"].get(path, {}).get("get", {}).get("parameters", ())
        for name in [p["name"] for p in given if p["in"] == "query" and p["name"] in world.ids]:
            theirs = await world.door.ask("GET", path, headers=world.other, params={name: world.ids[name]})
            nobodys = await world.door.ask("GET", path, headers=world.other, params={name: "0" * 20})
            alike = theirs.status == nobodys.status and b"secret" not in theirs.body
            empty = theirs.status == 404 or not theirs.json()["items"]
            wrong += [] if alike and empty else [(path, name, theirs.status, nobodys.status)]
            named += 1
    assert not wrong and named


async def test_alerts_are_seen_made_and_deleted_with_their_owners_key_alone(world: World) -> None:
    ask = world.door.ask
    wish = {"kind": "dividend", "portfolio_id": world.ids["portfolio_id"]}
    await ask("POST", f"{API}/alerts", json=wish, headers=world.other, status=404)
    made = (await ask("POST", f"{API}/alerts", json=wish, headers=world.mine, status=201)).json()
    alone = {"kind": "dividend", "ticker": "VALE3"}
    mine = (await ask("POST", f"{API}/alerts", json=alone, headers=world.mine, status=201)).json()
    theirs = (await ask("POST", f"{API}/alerts", json=alone, headers=world.other, status=201)).json()
    for who, seen in (
        (world.mine, {made["id"], mine["id"]}),
        (world.other, {theirs["id"]}),
        (world.admin, {made["id"], mine["id"], theirs["id"]}),
    ):
        listed = (await ask("GET", f"{API}/alerts", headers=who, status=200)).items()
        assert {alert["id"] for alert in listed} == seen and all(alert["owner"] for alert in listed)
    of_one = f"?portfolio_id={world.ids['portfolio_id']}"
    for path in (f"/alerts{of_one}", f"/alerts/events{of_one}"):
        await ask("GET", API + path, headers=world.other, status=404)
        await ask("GET", API + path, headers=world.mine, status=200)
    for one in (made, mine):
        await ask("DELETE", f"{API}/alerts/{one['id']}", headers=world.other, status=404)
        await ask("DELETE", f"{API}/alerts/{one['id']}", headers=world.mine, status=204)


async def test_what_an_alert_was_told_of_is_its_owners_alone(world: World, platform: Settings) -> None:
    body = {"kind": "dividend", "ticker": "VALE3"}
    made = (await world.door.ask("POST", f"{API}/alerts", json=body, headers=world.mine, status=201)).json()
    event = AlertEvent(
        alert_id=made["id"],
        occasion="o",
        ticker="VALE3",
        kind=AlertKind.DIVIDEND,
        message="m",
        fired_at=datetime.now(UTC),
    )
    async with Store.open(platform) as store:
        assert await store.alerts.record([event])
    for who, count in ((world.mine, 1), (world.other, 0), (world.admin, 1)):
        assert len((await world.door.ask("GET", f"{API}/alerts/events", headers=who, status=200)).items()) == count


async def test_a_rotated_key_keeps_its_alerts(world: World, platform: Settings) -> None:
    body = {"kind": "dividend", "ticker": "VALE3"}
    made = (await world.door.ask("POST", f"{API}/alerts", json=body, headers=world.mine, status=201)).json()
    async with Store.open(platform) as store:
        rotated = await store.keys.rotate(made["owner"])
    assert rotated is not None
    listed = await world.door.ask("GET", f"{API}/alerts", headers={"X-Api-Key": rotated[0]}, status=200)
    assert [alert["id"] for alert in listed.items()] == [made["id"]]


async def test_a_job_beyond_a_keys_scope_is_started_shown_and_run_again_by_nobody_below(world: World) -> None:
    ask, name = world.door.ask, "owned_admin"
    await ask("POST", f"{API}/jobs/{name}", headers=world.mine, status=403)
    steps = {"kind": "chain", "steps": [{"job": "owned_free"}, {"job": name}]}
    await ask("POST", f"{API}/workflows", json=steps, headers=world.mine, status=403)
    queued = (await ask("POST", f"{API}/jobs/{name}", headers=world.admin, status=202)).json()["task_id"]
    await ask("GET", f"{API}/tasks/{queued}/status?wait=20", headers=world.admin, status=200)
    await ask("POST", f"{API}/dead-letters/{queued}/replay", headers=world.mine, status=403)
    await ask("DELETE", f"{API}/tasks/{queued}", headers=world.mine, status=403)
    whole = (await ask("POST", f"{API}/workflows", json=steps, headers=world.admin, status=202)).json()["task_id"]
    await ask("GET", f"{API}/tasks/{whole}/status?wait=20", headers=world.admin, status=200)
    await ask("POST", f"{API}/workflows/{whole}/retry", headers=world.mine, status=403)
    await ask("POST", f"{API}/jobs/cleanup_old_data", json={"days_to_keep": 90}, headers=world.mine, status=403)
    await ask("POST", f"{API}/schedules/cleanup_old_data/run", headers=world.mine, status=403)
    await ask("POST", f"{API}/jobs/cleanup_old_data", json={"days_to_keep": 29}, headers=world.admin, status=422)
    await ask("POST", f"{API}/jobs/cleanup_old_data", json={"days_to_keep": 30}, headers=world.admin, status=202)


async def test_a_job_that_is_not_declared_here_is_for_admins_alone(world: World, platform: Settings) -> None:
    run = JobRun(id="old", state="succeeded", name="gone", args={"kwargs": {"portfolio": "x"}}, event_id="1-1")
    async with Store.open(platform) as store:
        await store.jobs.upsert([run])
    listed = await world.door.ask("GET", f"{API}/history?name=gone", headers=world.mine, status=200)
    assert listed.json()["items"] == []
    assert (await world.door.ask("GET", f"{API}/history?name=gone", headers=world.admin, status=200)).json()["items"]


OWNED_WORDS = {
    "portfolio",
    "portfolios",
    "report",
    "reports",
    "alert",
    "alerts",
    "transaction",
    "transactions",
    "channel",
}
OWNED_MODELS = {"AlertEvent", "Alert", "PortfolioMetrics", "Portfolio", "Transaction", "ScheduledReport", "ImportPlan"}


def test_every_declared_job_says_whose_what_it_takes_and_gives() -> None:
    declare_all()
    jobs = [job for job in registry.jobs() if job.fn.__module__.startswith("invest.")]
    assert len(jobs) > 25
    for job in jobs:
        named = {p.name for p in job.signature.parameters if set(p.name.split("_")) & OWNED_WORDS}
        declared = set(job.owner) if isinstance(job.owner, Mapping) else set()
        if job.owner == "everybody":
            continue
        assert named == declared - {"task_id"}, f"{job.name} takes {named} and declares {declared}"
        shapes = job.signature.result_schema.get("$defs", {})
        shows = set(shapes) | {job.signature.result_schema.get("title", "")}
        assert declared or not shows & OWNED_MODELS, f"{job.name} is everybody's and shows {shows & OWNED_MODELS}"


async def test_what_everybodys_alerts_fired_is_in_no_result_that_a_key_sees(world: World, platform: Settings) -> None:
    """As the platform runs it every ten minutes; its result names the alerts of all."""
    ask = world.door.ask
    for path in ("/jobs/evaluate_alerts", "/schedules/evaluate_alerts/run"):
        await ask("POST", API + path, headers=world.mine, status=403)
    async with Invest.connect(platform) as invest:
        await invest.enqueue(registry.job("evaluate_alerts")().with_options(id="evaluated"))
    for path in ("/tasks/evaluated/status", "/tasks/evaluated/timeline"):
        await ask("GET", API + path, headers=world.other, status=404)
        await ask("GET", API + path, headers=world.admin, status=200)
    listed = await ask("GET", f"{API}/tasks?state=queued", headers=world.other, status=200)
    assert b"evaluated" not in listed.body


async def test_anothers_key_starts_no_job_over_it(world: World) -> None:
    portfolio, report_id = world.ids["portfolio_id"], world.ids["report_id"]
    for path, body in (
        (f"/reports/async/portfolio?portfolio_id={portfolio}", None),
        ("/jobs/calculate_portfolio_metrics", {"portfolio_id": portfolio}),
        ("/jobs/schedule_weekly_reports", {"portfolio_ids": [portfolio]}),
        ("/jobs/export_report_async", {"report_id": report_id}),
        ("/jobs/batch_export_reports", {"report_ids": ["none", report_id]}),
        ("/jobs/deliver_report", {"report_id": report_id}),
        ("/workflows", {"kind": "chain", "steps": [{"job": "owned_ok", "arguments": {"portfolio_id": portfolio}}]}),
    ):
        await world.door.ask("POST", API + path, json=body, headers=world.other, status=404)
        await world.door.ask("POST", API + path, json=body, headers=world.mine, status=202)


async def test_what_is_over_everybodys_portfolios_needs_an_admin(world: World) -> None:
    for path in (
        "/jobs/schedule_weekly_reports",
        "/jobs/analyze_all_portfolios",
        "/schedules/analyze_all_portfolios/run",
    ):
        await world.door.ask("POST", API + path, headers=world.mine, status=403)
        queued = (await world.door.ask("POST", API + path, headers=world.admin, status=202)).json()["task_id"]
        await world.door.ask("GET", f"{API}/tasks/{queued}/status", headers=world.mine, status=404)


async def test_an_admin_sees_everybodys(world: World) -> None:
    listed = (await world.door.ask("GET", f"{API}/portfolios", headers=world.admin, status=200)).json()["items"]
    assert [p["id"] for p in listed] == [world.ids["portfolio_id"]] and listed[0]["owner"]
    for path in (
        f"/portfolios/{world.ids['portfolio_id']}",
        f"/reports/{world.ids['report_id']}",
        f"/tasks/{world.ids['owned_ok']}/status",
        f"/workflows/{world.ids['workflow_id']}",
        f"/dead-letters/{world.ids['owned_fail']}",
    ):
        await world.door.ask("GET", API + path, headers=world.admin, status=200)


async def test_a_report_of_everybodys_is_deleted_by_an_admin_alone(world: World, platform: Settings) -> None:
    await report(platform, "rep-shared", None)
    await world.door.ask("GET", f"{API}/reports/rep-shared", headers=world.other, status=200)
    await world.door.ask("DELETE", f"{API}/reports/rep-shared", headers=world.other, status=403)
    await world.door.ask("DELETE", f"{API}/reports/rep-shared", headers=world.admin, status=204)
    await world.door.ask("DELETE", f"{API}/reports/{world.ids['report_id']}", headers=world.mine, status=204)


async def test_a_dead_letter_is_not_turned_into_a_job_over_anothers_portfolio(world: World) -> None:
    made = await world.door.ask("POST", f"{API}/portfolios", json={"name": "own"}, headers=world.other, status=201)
    own = await world.door.queue("owned_fail", {"portfolio_id": made.json()["id"]}, headers=world.other)
    await world.door.ask("GET", f"{API}/tasks/{own}/status?wait=20", headers=world.other, status=200)
    body = {"arguments": {"portfolio_id": world.ids["portfolio_id"]}}
    await world.door.ask("POST", f"{API}/dead-letters/{own}/replay", json=body, headers=world.other, status=404)
    await world.door.ask("POST", f"{API}/dead-letters/{own}/replay", headers=world.other, status=202)


async def test_a_rotated_key_keeps_its_portfolios_and_the_old_one_is_useless(world: World, platform: Settings) -> None:
    async with Store.open(platform) as store:
        [old] = [k for k in await store.keys.list() if k.name == "mine"]
        made = await store.keys.rotate(old.id)
        assert made is not None and await store.keys.rotate(old.id) is None
        plain, fresh = made
        assert (fresh.name, fresh.scopes, fresh.revoked_at) == (old.name, old.scopes, None)
        old_plain = world.mine["Authorization"].removeprefix("Bearer ")
        assert await store.keys.verify(old_plain) is None
    headers = {"X-Api-Key": plain}
    await world.door.ask("GET", f"{API}/portfolios/{world.ids['portfolio_id']}", headers=headers, status=200)
    await world.door.ask("GET", f"{API}/tasks/{world.ids['owned_ok']}/status", headers=headers, status=200)


async def test_a_finished_job_whose_arguments_redis_forgot_is_known_by_its_history(
    world: World, platform: Settings
) -> None:
    done = world.ids["owned_ok"]
    path = f"{API}/tasks/{done}/status"
    assert platform.redis.url is not None
    async with Redis.from_url(platform.redis.url.get_secret_value()) as redis:
        assert await redis.delete(keys.ARQ_RESULT + done) == 1
    await world.door.ask("GET", path, headers=world.admin, status=200)
    await world.door.ask("GET", path, headers=world.mine, status=404)  # nothing says any more whose it was
    known = {"args": [], "kwargs": {"portfolio_id": world.ids["portfolio_id"]}}
    async with Store.open(platform) as store:
        await store.jobs.upsert([JobRun(id=done, state="succeeded", name="owned_ok", args=known, event_id="1-1")])
    await world.door.ask("GET", path, headers=world.mine, status=200)
    await world.door.ask("GET", path, headers=world.other, status=404)
    listed = await world.door.ask("GET", f"{API}/history", headers=world.mine, status=200)
    assert [run["id"] for run in listed.json()["items"]] == [done]
    hidden = await world.door.ask("GET", f"{API}/history", headers=world.other, status=200)
    assert hidden.json()["items"] == []
