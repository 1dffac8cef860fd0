"""Webhooks on completion: signed, retried, remembered over a restart, never to a private address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from aiohttp import web

from invest.api.live import callbacks
from invest.reports.delivery.webhook import verify
from invest.settings import Settings
from tests.integration.api.api_kit import API, Door, open_door, working

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


async def test_a_finished_task_is_told_signed_once(platform: Settings, subscriber: Subscriber) -> None:
    async with open_door(told(platform)) as door, working(platform):
        answer = await door.ask(
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
    monkeypatch.setattr(callbacks, "PAUSES", (0.01, 0.01, 0.01))
    subscriber.failures = 2
    async with open_door(told(platform)) as door, working(platform):
        await door.ask("POST", f"{API}/jobs/door_fail", params={"callback": subscriber.url}, json={}, status=202)
        _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
    assert b"task.failed" in body


async def test_what_is_owed_survives_a_restart_of_the_web_process(platform: Settings, subscriber: Subscriber) -> None:
    async with open_door(told(platform)) as door:
        await door.ask("POST", f"{API}/jobs/door_double", params={"callback": subscriber.url}, json={"number": 1})
    async with open_door(told(platform)), working(platform):
        _, body = await asyncio.wait_for(subscriber.messages.get(), 10)
    assert b"task.succeeded" in body


@pytest.mark.parametrize(
    "url", ["http://example.org/", "ftp://example.org", "https://user@example.org/", "https://", "x", "https://[::1"]
)
async def test_an_address_that_is_none_is_refused_at_the_door(platform: Settings, url: str) -> None:
    async with open_door(told(platform, private=False)) as door:
        answer = await door.ask(
            "POST", f"{API}/jobs/door_double", params={"callback": url}, json={"number": 1}, status=422
        )
        assert answer.json()["errors"][0]["field"] == "callback"


async def test_without_a_secret_no_callback_is_promised(web_door: Door) -> None:
    answer = await web_door.ask(
        "POST", f"{API}/jobs/door_double", params={"callback": "https://example.org/"}, json={"number": 1}, status=422
    )
    assert "WEBHOOK_SECRET" in answer.json()["detail"]
