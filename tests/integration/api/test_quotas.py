"""What one key may use of what all share: stored things, jobs, kept answers, bodies held in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from invest.api.access import admission
from invest.api.http.bodies import Bodies
from invest.api.http.problems import Problem
from invest.api.services import SERVICES
from invest.engine import Context, GiveUp, Invest, Resources
from invest.http import Client
from invest.jobs import callers
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Answer, Door, door, open_door, working

pytest_plugins = ["tests.integration.api.api_fixtures"]
TRANSACTION = {"date": "2026-01-02", "ticker": "PETR4", "operation": "buy", "quantity": "1", "price": "30"}


def limited(platform: Settings, **quotas: Any) -> Settings:
    """Keys on, and these quotas."""
    update = {"web": platform.web.model_copy(update={"auth": "on"})}
    return platform.model_copy(update=update | {"quotas": platform.quotas.model_copy(update=quotas)})


async def key(platform: Settings, scope: str = "write") -> tuple[dict[str, str], str]:
    async with Store.open(platform) as store:
        plain, kept = await store.keys.create("one", [scope])
    return {"X-Api-Key": plain}, kept.id


async def refused(door_: Door, method: str, path: str, word: str, **options: Any) -> None:
    answer = await door_.ask(method, API + path, status=429, **options)
    assert answer.json()["type"] == "urn:invest:quota" and word in answer.json()["detail"], answer.json()


async def test_portfolios_transactions_and_alerts_have_a_limit_per_key(platform: Settings) -> None:
    quotas = {"portfolios": 3, "transactions": 10, "alerts": 2}
    mine, _ = await key(platform)
    other, _ = await key(platform)
    async with open_door(limited(platform, **quotas)) as web:
        answers = await asyncio.gather(
            *(web.ask("POST", f"{API}/portfolios", json={"name": "p"}, headers=mine) for _ in range(8))
        )
        assert sorted(a.status for a in answers) == [201] * 3 + [429] * 5
        made = next(a for a in answers if a.status == 201).json()["id"]
        path = f"/portfolios/{made}/transactions"
        days = [TRANSACTION | {"date": f"2026-01-{n:02}"} for n in range(1, 12)]
        await refused(web, "POST", path, "transactions", json=days, headers=mine)
        await web.ask("POST", API + path, json=days[:10], headers=mine, status=201)
        csv = b"data;ativo;operacao;quantidade;preco\n02/02/2026;VALE3;compra;1;10,00\n"
        await refused(web, "POST", f"/portfolios/{made}/import", "transactions", data=csv, headers=mine)
        wish = {"kind": "dividend", "ticker": "VALE3"}
        for _ in range(2):
            await web.ask("POST", f"{API}/alerts", json=wish, headers=mine, status=201)
        await refused(web, "POST", "/alerts", "alerts", json=wish, headers=mine)
        await web.ask("POST", f"{API}/alerts", json=wish, headers=other, status=201)
        await web.ask("DELETE", f"{API}/portfolios/{made}", headers=mine, status=204)
        await web.ask("POST", f"{API}/portfolios", json={"name": "p"}, headers=mine, status=201)


async def test_a_key_sees_its_own_quotas_and_nobody_elses(platform: Settings) -> None:
    reader, reader_id = await key(platform, "read")
    writer, writer_id = await key(platform)
    admin, admin_id = await key(platform, "admin")
    async with open_door(limited(platform, portfolios=3)) as web:
        await web.ask("POST", f"{API}/portfolios", json={"name": "p"}, headers=writer, status=201)
        await web.queue("door_double", {"number": 1}, headers=writer)

        async def seen(whose: str, headers: dict[str, str]) -> dict[str, tuple[float, float]]:
            answer = await web.ask("GET", f"{API}/keys/{whose}/quotas", headers=headers, status=200)
            return {one["quota"]: (one["used"], one["limit"]) for one in answer.items()}

        own = await seen("me", writer)
        assert own["portfolios"] == (1, 3) and own["queued_jobs"][0] == 1 and len(own) == 8
        assert (await seen("me", reader))["portfolios"] == (0, 3)
        assert await seen(writer_id, admin) == own
        for mine, other in ((reader, writer_id), (writer, reader_id), (writer, writer_id)):
            await web.ask("GET", f"{API}/keys/{other}/quotas", headers=mine, status=403)
        assert await seen("me", admin) == await seen(admin_id, admin)
        assert {limit for _, limit in (await seen("me", admin)).values()} == {0}
        await web.ask("GET", f"{API}/keys/me/quotas", status=401)
        async with Client(web.url, key=writer["X-Api-Key"]) as client:
            assert {one["quota"]: (one["used"], one["limit"]) for one in await client.quotas()} == own


async def test_unfinished_jobs_have_a_limit_and_ended_ones_make_room(platform: Settings) -> None:
    mine, _ = await key(platform)
    admin, _ = await key(platform, "admin")
    async with open_door(limited(platform, queued_jobs=5, delayed_jobs=2)) as web:

        async def once_more() -> Answer:
            return await web.ask("POST", f"{API}/jobs/door_double", json={"number": 7}, headers=mine)

        for number in range(5):
            await web.queue("door_double", {"number": number}, headers=mine)
        await refused(web, "POST", "/jobs/door_double", "unfinished", json={"number": 6}, headers=mine)
        steps = {"kind": "group", "steps": [{"job": "door_double", "arguments": {"number": 1}}]}
        await refused(web, "POST", "/workflows", "unfinished", json=steps, headers=mine)
        await web.queue("door_double", {"number": 6}, headers=admin)
        async with working(platform, door):
            async with asyncio.timeout(20):
                while (await once_more()).status == 429:  # noqa: ASYNC110 - asks the server
                    await asyncio.sleep(0.05)
            tickers = ["PETR4", "VALE3", "ITUB4", "BBAS3", "WEGE3", "ABEV3"]
            await refused(web, "POST", "/assets/async/batch-collect", "unfinished", json=tickers, headers=mine)
        for number in (1, 2):
            await web.queue("door_double", {"number": number}, params={"delay": "3600"}, headers=mine)
        late = {"json": {"number": 3}, "params": {"delay": "3600"}, "headers": mine}
        await refused(web, "POST", "/jobs/door_double", "delayed", **late)


async def test_kept_answers_are_short_and_bounded(platform: Settings) -> None:
    mine, _ = await key(platform)
    many = [TRANSACTION | {"date": f"20{10 + n % 15}-01-{1 + n % 28:02}", "price": str(n + 1)} for n in range(400)]
    async with open_door(limited(platform, kept_answer_bytes=2_000)) as web:
        body = {"name": "long", "transactions": many}
        first = await web.ask(
            "POST", f"{API}/portfolios", json=body, headers=mine | {"Idempotency-Key": "a"}, status=201
        )
        assert len(first.body) > admission.MAX_KEPT
        again = await web.ask(
            "POST", f"{API}/portfolios", json=body, headers=mine | {"Idempotency-Key": "a"}, status=409
        )
        assert again.json()["type"] == "urn:invest:answer-not-kept"
        assert again.headers["Location"] == first.headers["Location"]
        for number in range(6):
            answer = await web.ask(
                "POST", f"{API}/portfolios", json={"name": "x"}, headers=mine | {"Idempotency-Key": f"b{number}"}
            )
        assert answer.status == 429 and answer.json()["type"] == "urn:invest:quota"
        await web.ask("POST", f"{API}/portfolios", json={"name": "x"}, headers=mine, status=201)


async def test_a_key_used_again_after_its_answer_was_forgotten_makes_a_new_thing(web_door: Door) -> None:
    repeat = {"Idempotency-Key": "again"}
    path = f"{API}/portfolios"
    first = await web_door.ask("POST", path, json={"name": "first"}, headers=repeat, status=201)
    same = await web_door.ask("POST", path, json={"name": "first"}, headers=repeat, status=201)
    assert same.json() == first.json() and same.headers["Idempotency-Replayed"] == "true"
    await web_door.ask("POST", path, json={"name": "second"}, headers=repeat, status=422)
    redis = web_door.app[SERVICES].invest.redis
    marks = [name async for name in redis.scan_iter("invest:web:idem:*")]
    assert len(marks) == 2 and all([0 < await redis.ttl(name) <= admission.KEEP for name in marks])
    await redis.delete(*marks)  # as after 24 hours
    later = await web_door.ask("POST", path, json={"name": "second"}, headers=repeat, status=201)
    assert later.json()["name"] == "second" and later.json()["id"] != first.json()["id"]


async def test_a_repeat_whose_answer_was_lost_makes_no_second_thing(web_door: Door) -> None:
    repeat = {"Idempotency-Key": "lost"}
    first = await web_door.ask("POST", f"{API}/portfolios", json={"name": "one"}, headers=repeat, status=201)
    redis = web_door.app[SERVICES].invest.redis
    [mark] = [name async for name in redis.scan_iter("invest:web:idem:*") if not name.endswith(b":name")]
    await redis.delete(mark)  # the process died before it kept its answer
    again = await web_door.ask("POST", f"{API}/portfolios", json={"name": "one"}, headers=repeat, status=201)
    assert again.json()["id"] == first.json()["id"]


async def test_nothing_is_read_for_a_portfolio_that_is_not_ones_own(platform: Settings) -> None:
    mine, _ = await key(platform)
    async with open_door(limited(platform)) as web:
        port = int(web.url.rsplit(":", 1)[1])
        for extra in ("", "Idempotency-Key: k\r\n"):
            for path in ("import", "transactions"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                head = (
                    f"POST {API}/portfolios/none/{path} HTTP/1.1\r\nHost: localhost\r\n"
                    f"X-Api-Key: {mine['X-Api-Key']}\r\n{extra}"
                    f"Content-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
                )
                writer.write(head.encode() + b"[")
                answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
                assert b" 404 " in answer, answer
                writer.close()
        assert web.app[SERVICES].bodies.total == 0


def test_bodies_in_flight_have_a_budget_and_a_share_per_caller() -> None:
    bodies = Bodies(100)
    bodies.take("a", 25)
    with pytest.raises(Problem) as one:
        bodies.take("a", 1)
    assert one.value.status == 429
    for caller in "bcd":
        bodies.take(caller, 25)
    with pytest.raises(Problem) as all_:
        bodies.take("e", 1)
    assert all_.value.status == 503 and bodies.total == 100
    for caller in "abcd":
        bodies.give(caller, 25)
    assert bodies.total == 0


async def test_what_a_body_took_is_given_back_whatever_came_of_it(web_door: Door) -> None:
    for data in (b"{", b"[]", b'{"name": "p"}', b"x" * 1_000_000):
        await web_door.ask("POST", f"{API}/portfolios", data=data, headers={"Content-Type": "application/json"})
    assert web_door.app[SERVICES].bodies.total == 0


async def test_a_key_spends_its_ai_money_of_the_day_and_mails_of_the_hour_and_no_more(platform: Settings) -> None:
    _, key_id = await key(platform)
    _, admin_id = await key(platform, "admin")
    settings = limited(platform, ai_usd_per_day=1.0, mails_per_hour=2)
    async with Store.open(platform) as store, Invest.connect(settings) as invest:
        held = Resources()
        held.add(settings, Settings)
        held.add(store)

        def context(caller: str | None) -> Context:
            return Context(job_id="j", name="n", queue="q", caller=caller, resources=held, invest=invest)

        ctx = context(key_id)
        await callers.may_ask(ctx)
        await invest.redis.incrby(callers.ai_key(key_id, datetime.now(UTC).date()), 1_200_000)  # as its calls book it
        assert await callers.ai_spent(invest.redis, key_id) == Decimal("1.2")
        with pytest.raises(GiveUp, match=r"US\$ 1.00 a day"):
            await callers.may_ask(ctx)
        for _ in range(2):
            await callers.count_mail(ctx)
        with pytest.raises(Exception, match="2 mails an hour") as late:
            await callers.count_mail(ctx)
        assert 0 < getattr(late.value, "retry_after", 0) <= 3600
        assert await callers.mails_sent(invest.redis, key_id) == 2
        for free in (context(None), context(admin_id), context("local")):
            await callers.may_ask(free)
            for _ in range(3):
                await callers.count_mail(free)


async def test_requests_are_counted_by_the_process_itself_while_redis_is_away(settings: Any, database_url: str) -> None:
    dead = settings(
        redis={"url": "redis://127.0.0.1:1/0"},
        database={"url": database_url},
        web={"rate_limit": 0.1, "rate_burst": 3},
    )
    async with open_door(dead) as web:
        statuses = [(await web.ask("GET", f"{API}/portfolios")).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
