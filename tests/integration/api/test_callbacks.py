"""Webhooks on completion: signed, retried, remembered over a restart, never to a private address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from aiohttp import web

from invest.api.live.callbacks import OWED
from invest.domain.job_run import JobRun
from invest.engine import Invest, Resources, Retry, Worker
from invest.jobs.queues import REPORTS
from invest.jobs.reports import callbacks, tell_callback
from invest.reports.delivery.webhook import verify
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door, door, door_double, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]

SECRET = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class Subscriber:
    """A loopback server that takes messages, after refusing the first few."""

    def __init__(self) -> None:
        self.failures = 0
        self.messages: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.failures > 0:
            self.failures -= 1
            return web.Response(status=503)
        await self.messages.put((dict(request.headers), body))
        return web.Response()


@pytest.fixture
async def subscriber() -> AsyncIterator[Subscriber]:
    """A running subscriber."""
    found = Subscriber()
    app = web.Application()
    app.router.add_post("/hook", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield found
    await runner.cleanup()


def told(platform: Settings, *, private: bool = True) -> Settings:
    """Settings with a secret; `private` lets callbacks go to loopback."""
    return platform.model_copy(
        update={
            "web": platform.web.model_copy(update={"webhook_private": private}),
            "delivery": platform.delivery.model_validate({"webhook_secret": SECRET}),
        }
    )


@asynccontextmanager
async def telling(settings: Settings) -> AsyncIterator[Worker]:
    """A worker of the door's queue and of the one that tells, ended gracefully."""

    @asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[Resources]:
        async with Store.open(settings) as store:
            held = Resources()
            held.add(settings, Settings)
            held.add(store)
            yield held

    worker = Worker((door, REPORTS), settings=settings, resources=resources, handle_signals=False)
    task = asyncio.create_task(worker.main())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(task, 30)


async def test_a_finished_task_is_told_signed_once(platform: Settings, subscriber: Subscriber) -> None:
    async with open_door(told(platform)) as web, telling(told(platform)):
        answer = await web.ask(
            "POST", f"{API}/jobs/door_double", params={"callback": subscriber.url}, json={"number": 1}, status=202
        )
        headers, body = await asyncio.wait_for(subscriber.messages.get(), 10)
    assert verify(SECRET, headers, body, datetime.now(UTC))
    assert not verify(SECRET, headers, body + b" ", datetime.now(UTC))
    message: dict[str, Any] = orjson.loads(body)
    assert message["type"] == "task.succeeded" and message["data"]["task_id"] == answer.json()["task_id"]
    assert subscriber.messages.empty()


async def test_a_subscriber_that_is_away_is_told_later(
    platform: Settings, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell_callback, "retry", Retry(retries=5, delay=0.01))
    subscriber.failures = 2
    async with open_door(told(platform)) as web, telling(told(platform)):
        await web.ask("POST", f"{API}/jobs/door_fail", params={"callback": subscriber.url}, json={}, status=202)
        _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
    assert b"task.failed" in body


async def test_what_is_owed_survives_a_restart_of_the_web_process(platform: Settings, subscriber: Subscriber) -> None:
    async with open_door(told(platform)) as web:
        await web.ask("POST", f"{API}/jobs/door_double", params={"callback": subscriber.url}, json={"number": 1})
    async with open_door(told(platform)), telling(told(platform)):
        _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
    assert b"task.succeeded" in body


@pytest.mark.parametrize(
    "url", ["http://example.org/", "ftp://example.org", "https://user@example.org/", "https://", "x", "https://[::1"]
)
async def test_an_address_that_is_none_is_refused_at_the_door(platform: Settings, url: str) -> None:
    async with open_door(told(platform, private=False)) as web:
        answer = await web.ask(
            "POST", f"{API}/jobs/door_double", params={"callback": url}, json={"number": 1}, status=422
        )
        assert answer.json()["errors"][0]["field"] == "callback"


async def test_without_a_secret_no_callback_is_promised(web_door: Door) -> None:
    answer = await web_door.ask(
        "POST", f"{API}/jobs/door_double", params={"callback": "https://example.org/"}, json={"number": 1}, status=422
    )
    assert "WEBHOOK_SECRET" in answer.json()["detail"]


async def test_every_address_of_a_job_that_several_asked_for_is_told(
    platform: Settings, subscriber: Subscriber
) -> None:
    async with open_door(told(platform)) as web:
        path = f"{API}/assets/async/update-prices"
        first = await web.ask("POST", path, params={"callback": subscriber.url + "?a"}, status=202)
        second = await web.ask("POST", path, params={"callback": subscriber.url + "?b"}, status=202)
        assert first.json()["task_id"] == second.json()["task_id"]
        await web.ask("POST", path, params={"callback": subscriber.url + "?b"}, status=202)
        await web.ask("DELETE", f"{API}/tasks/{first.json()['task_id']}", status=200)
        async with telling(told(platform)):
            for _ in range(2):
                _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
                assert b"task.cancelled" in body
            await asyncio.sleep(0.5)
    assert subscriber.messages.empty()


async def test_a_task_that_has_ended_already_is_told_at_once_also_from_the_history(
    platform: Settings, subscriber: Subscriber
) -> None:
    settings = told(platform)
    async with Invest.connect(settings) as invest, Store.open(settings) as store, telling(settings):
        done = await invest.enqueue(door_double(1))
        await done.result(timeout=10)
        await invest.enqueue_after(done.id, callbacks.telling(done.id, subscriber.url, None))
        _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
        assert b"task.succeeded" in body
        now = datetime.now(UTC)
        await store.jobs.upsert([JobRun(id="old", state="failed", name="n", finished_at=now, event_id="1-1")])
        await invest.enqueue_after("old", callbacks.telling("old", subscriber.url, None))
        _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
        assert b"task.failed" in body


async def test_a_workflow_tells_when_its_whole_has_ended(platform: Settings, subscriber: Subscriber) -> None:
    steps = [{"job": "door_double", "arguments": {"number": n}} for n in range(3)]
    async with open_door(told(platform)) as web, telling(told(platform)):
        body = {"kind": "group", "steps": steps}
        answer = await web.ask("POST", f"{API}/workflows", params={"callback": subscriber.url}, json=body, status=202)
        _, message = await asyncio.wait_for(subscriber.messages.get(), 10)
    assert orjson.loads(message)["data"]["task_id"] == answer.json()["task_id"]


async def test_what_an_older_version_owed_is_told(platform: Settings, subscriber: Subscriber) -> None:
    settings = told(platform)
    async with Invest.connect(settings) as invest:
        job = await invest.enqueue(door_double(1))
        await invest.redis.hset(OWED, job.id, subscriber.url)  # type: ignore[misc] # redis-py: Awaitable | int
        async with open_door(settings), telling(settings):
            _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
            assert b"task.succeeded" in body
        assert not await invest.redis.exists(OWED)


async def test_a_callback_that_is_never_taken_is_a_dead_letter_for_its_keys_owner(
    platform: Settings, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell_callback, "retry", Retry(retries=1, delay=0.01))
    subscriber.failures = 100
    async with open_door(told(platform)) as web, telling(told(platform)):
        arguments = {"params": {"callback": subscriber.url}, "json": {"number": 1}, "status": 202}
        await web.ask("POST", f"{API}/jobs/door_double", **arguments)  # type: ignore[arg-type] # mixed values
        async with asyncio.timeout(20):
            while not (found := (await web.ask("GET", f"{API}/dead-letters", status=200)).json()["items"]):  # noqa: ASYNC110 - asks the server
                await asyncio.sleep(0.05)
        subscriber.failures = 0
        assert found[0]["name"] == "tell_callback"
        await web.ask("POST", f"{API}/dead-letters/{found[0]['task_id']}/replay", status=202)
        _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
        assert b"task.succeeded" in body
