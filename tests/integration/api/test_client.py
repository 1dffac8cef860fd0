"""`invest.http.Client` against a real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.web import AppRunner, UnixSite

from invest.engine import InvalidArguments, JobCancelled, JobFailed, ResultTimeout
from invest.errors import ConfigError, NotFound, Unreachable
from invest.http import Client, Refused, Rows, blocking
from invest.settings import Settings
from invest.web import create_app
from tests.integration.api.api_kit import Door, door_double, door_fail, door_sleep, open_door, working

pytest_plugins = ["tests.integration.api.api_fixtures"]


async def test_the_same_verbs_as_over_redis(web_door: Door, platform: Settings) -> None:
    async with Client(web_door.url) as invest, working(platform):
        job = await invest.enqueue(door_double(4))
        assert await job.result(timeout=10) == 8
        assert (await job.status()).state == "SUCCESS"
        assert await job.cancel() is False
        by_name = await invest.enqueue("door_double", number=5)
        assert await by_name.result(timeout=10) == 10
        with pytest.raises(JobFailed, match="there is no such thing"):
            await (await invest.enqueue(door_fail())).result(timeout=10)
        slow = await invest.enqueue(door_sleep(30))
        with pytest.raises(ResultTimeout):
            await slow.result(timeout=0.1)
        assert await slow.cancel() is True
        with pytest.raises(JobCancelled):
            await slow.result(timeout=10)


async def test_errors_are_the_platforms_own(web_door: Door) -> None:
    async with Client(web_door.url) as invest:
        with pytest.raises(InvalidArguments, match="number"):
            await invest.enqueue("door_double", number="many")
        with pytest.raises(NotFound):
            await invest.enqueue("no_such_job")
        with pytest.raises(NotFound):
            await invest.job("unknown").status()
        with pytest.raises(NotFound):
            await invest.download("unknown")
        assert await invest.get("/assets", limit=1) == {"items": [], "count": 0, "next_cursor": None}
    with pytest.raises(ConfigError):
        Client("invest.example")
    with pytest.raises(ConfigError):
        await invest.enqueue("door_double", number=1)


async def test_a_job_is_followed_by_its_events(web_door: Door, platform: Settings) -> None:
    async with Client(web_door.url) as invest:
        job = await invest.enqueue(door_sleep(0.2))
        async with working(platform), asyncio.timeout(10):
            kinds = [event.kind async for event in job.events()]
    assert kinds[0] == "status" and kinds[-1] == "succeeded"


async def test_listings_are_read_to_their_end(web_door: Door) -> None:
    async with Client(web_door.url) as invest:
        jobs = [(await invest.enqueue("door_double", number=n)).id for n in range(5)]
        seen = [item["task_id"] async for item in invest.pages("/tasks", state="queued", queue="door", limit=2)]
    assert seen == jobs


async def test_without_a_key_where_one_is_needed_it_says_so(platform: Settings) -> None:
    locked = platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})
    async with open_door(locked) as door, Client(door.url) as invest:
        with pytest.raises(Refused, match="API key") as caught:
            await invest.enqueue("door_double", number=1)
    assert caught.value.status == 401


async def test_a_server_that_is_away_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invest.http.transport.TRIES", 2)
    async with Client("http://127.0.0.1:1") as invest:
        with pytest.raises(Unreachable, match="does not answer"):
            await invest.enqueue("door_double", number=1)


async def test_the_same_without_await_also_beside_a_running_loop(web_door: Door, platform: Settings) -> None:
    def script() -> tuple[int, str, bool, Rows]:
        with blocking(web_door.url) as invest:
            job = invest.enqueue("door_double", number=21)
            result = job.result(timeout=10)
            with pytest.raises(NotFound):
                invest.get("/assets/ABCD3")
            return result, job.status().state, invest.job(job.id).cancel(), invest.rows("/tasks", state="succeeded")

    async with working(platform):
        result, state, cancelled, rows = await asyncio.to_thread(script)
    assert (result, state, cancelled) == (42, "SUCCESS", False)
    assert [row["name"] for row in rows] == ["door_double"]


async def test_rows_are_every_page_of_a_listing(web_door: Door) -> None:
    async with Client(web_door.url) as invest:
        jobs = [(await invest.enqueue("door_double", number=n)).id for n in range(5)]
        rows = await invest.rows("/tasks", state="queued", queue="door", limit=2)
    assert [row["task_id"] for row in rows] == jobs


async def test_a_server_on_a_socket_of_this_machine_is_reached(
    web_door: Door, platform: Settings, tmp_path: Path
) -> None:
    runner = AppRunner(create_app(platform))
    await runner.setup()
    await UnixSite(runner, str(tmp_path / "invest.sock")).start()
    try:
        async with Client(f"unix:{tmp_path}/invest.sock") as invest:
            assert "data_collection" in {queue["name"] for queue in await invest.rows("/queues")}
    finally:
        await runner.cleanup()
