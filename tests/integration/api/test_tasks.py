"""Following tasks over HTTP: status, waiting, cancelling, repeating safely, streams of events."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest

from invest.api.live import hub
from invest.engine import Invest
from invest.settings import Settings
from tests.integration.api.api_kit import API, Door, open_door, runs, working

pytest_plugins = ["tests.integration.api.api_fixtures"]


async def test_a_finished_task_shows_its_result_timings_and_links(web_door: Door, platform: Settings) -> None:
    async with working(platform):
        task = await web_door.queue("door_double", {"number": 21})
        answer = await web_door.ask("GET", f"{API}/tasks/{task}/status?wait=10", status=200)
    status = answer.json()
    assert (status["state"], status["ready"], status["successful"], status["failed"]) == ("SUCCESS", True, True, False)
    assert status["result"] == 42 and status["error"] is None
    assert status["timings"]["finished_at"] >= status["timings"]["started_at"] >= status["timings"]["enqueued_at"]
    assert status["links"]["self"] == f"{API}/tasks/{task}/status" and "cancel" not in status["links"]


async def test_an_unchanged_status_is_304_by_its_etag(web_door: Door) -> None:
    task = await web_door.queue("door_sleep")
    first = await web_door.ask("GET", f"{API}/tasks/{task}/status", status=200)
    assert first.json()["state"] == "PENDING" and first.headers["Retry-After"]
    match = {"If-None-Match": first.headers["ETag"]}
    again = await web_door.ask("GET", f"{API}/tasks/{task}/status", headers=match, status=304)
    assert again.body == b"" and again.headers["ETag"] == first.headers["ETag"]
    await web_door.ask("DELETE", f"{API}/tasks/{task}", status=200)
    changed = await web_door.ask("GET", f"{API}/tasks/{task}/status", headers=match, status=200)
    assert changed.json()["state"] == "REVOKED"


@pytest.mark.parametrize("how", ["query", "header"])
async def test_a_client_may_wait_for_the_result_of_its_post(web_door: Door, platform: Settings, how: str) -> None:
    options: dict[str, Any] = {"params": {"wait": "10"}} if how == "query" else {"headers": {"Prefer": "wait=10"}}
    async with working(platform):
        answer = await web_door.ask("POST", f"{API}/jobs/door_double", json={"number": 2}, status=200, **options)
    assert answer.json()["result"] == 4
    assert answer.headers["Preference-Applied"] == "wait=10" and answer.headers["Location"]


async def test_waiting_ends_with_202_when_the_time_is_over(web_door: Door) -> None:
    answer = await web_door.ask("POST", f"{API}/jobs/door_sleep", params={"wait": "0.1"}, json={}, status=202)
    assert answer.json()["status"] == "queued"
    await web_door.ask("POST", f"{API}/jobs/door_sleep", params={"wait": "3600"}, json={}, status=422)
    await web_door.ask("POST", f"{API}/jobs/door_sleep", params={"wait": "nan"}, json={}, status=422)


async def test_a_failed_task_says_why_without_a_traceback(web_door: Door, platform: Settings) -> None:
    async with working(platform):
        task = await web_door.queue("door_fail")
        answer = await web_door.ask("GET", f"{API}/tasks/{task}/status?wait=10", status=200)
        letters = await web_door.ask("GET", f"{API}/dead-letters", status=200)
        again = await web_door.ask("POST", f"{API}/dead-letters/{task}/replay", status=202)
        await web_door.ask("GET", f"{API}/tasks/{again.json()['task_id']}/status?wait=10", status=200)
    status = answer.json()
    assert (status["state"], status["failed"], status["error_type"]) == ("FAILURE", True, "GiveUp")
    assert status["error"] == "there is no such thing" and "Traceback" not in answer.body.decode()
    assert [item["task_id"] for item in letters.json()["items"]] == [task]
    await web_door.ask("POST", f"{API}/dead-letters/{task}/replay", status=404)


async def test_cancel_tells_the_truth(web_door: Door, platform: Settings) -> None:
    waiting = await web_door.queue("door_sleep")
    answer = await web_door.ask("DELETE", f"{API}/tasks/{waiting}", status=200)
    assert answer.json()["status"] == "cancelled"
    await web_door.ask("DELETE", f"{API}/tasks/{waiting}", status=409)
    await web_door.ask("DELETE", f"{API}/tasks/unknown", status=404)
    async with working(platform):
        running = await web_door.queue("door_sleep")
        active: list[Any] = []
        stats: dict[str, Any] = {}
        while not active or not stats["queues"]["door"]["active"]:  # its worker tells the two one after the other
            active = (await web_door.ask("GET", f"{API}/tasks/active", status=200)).json()["active_tasks"]
            stats = (await web_door.ask("GET", f"{API}/tasks/queue/stats", status=200)).json()
        assert (active[0]["task_id"], active[0]["name"]) == (running, "door_sleep") and active[0]["worker"]
        assert stats["active_tasks"] == 1 and stats["workers"] == 1 and stats["queues"]["door"]["active"] == 1
        await web_door.ask("DELETE", f"{API}/tasks/{running}", status=200)
        status = await web_door.ask("GET", f"{API}/tasks/{running}/status?wait=10", status=200)
    assert status.json()["state"] == "REVOKED"


async def test_lists_page_on_with_a_link_until_the_last_page(web_door: Door) -> None:
    tasks = [await web_door.queue("door_double", {"number": n}) for n in range(5)]
    seen: list[str] = []
    path = f"{API}/tasks?state=queued&queue=door&limit=2"
    for _ in range(5):
        answer = await web_door.ask("GET", path, status=200)
        seen += [item["task_id"] for item in answer.json()["items"]]
        link = answer.headers.get("Link")
        if link is None:
            break
        assert link.endswith('; rel="next"')
        path = link[1:].partition(">")[0]
    assert sorted(seen) == sorted(tasks)
    made = [task[:12] for task in seen]  # the millisecond: two may share one
    assert made == sorted(made)


async def test_a_chord_runs_its_callback_once_over_http(web_door: Door, platform: Settings) -> None:
    steps = [{"job": "door_double", "arguments": {"number": n}} for n in (1, 2, 3)]
    body = {"kind": "chord", "steps": steps, "callback": {"job": "door_sum"}}
    async with working(platform):
        answer = await web_door.ask("POST", f"{API}/workflows?wait=10", json=body, status=200)
        assert answer.json()["result"] == 12
        view = await web_door.ask("GET", f"{API}/workflows/{answer.json()['task_id']}", status=200)
    assert [s["state"] for s in view.json()["steps"]] == ["SUCCESS"] * 4
    await web_door.ask("POST", f"{API}/workflows", json={**body, "callback": None}, status=422)
    await web_door.ask("POST", f"{API}/workflows", json={"kind": "chain", "steps": []}, status=422)
    await web_door.ask("POST", f"{API}/workflows", json={"kind": "chain", "steps": [{"job": "nope"}]}, status=422)


async def test_the_same_idempotency_key_two_hundred_times_at_once_is_one_job(
    web_door: Door, platform: Settings
) -> None:
    async def post() -> tuple[int, str | None]:
        path = f"{API}/jobs/door_double"
        answer = await web_door.ask("POST", path, json={"number": 5}, headers={"Idempotency-Key": "order-1"})
        return answer.status, answer.json().get("task_id")

    answers = await asyncio.gather(*(post() for _ in range(200)))
    assert set(Counter(status for status, _ in answers)) <= {202, 409}
    assert len({task for _, task in answers if task}) == 1
    status, task = await post()
    assert status == 202 and task in {t for _, t in answers}
    async with Invest.connect(platform) as invest:
        assert len(await invest.redis.keys("arq:job:*")) == 1


async def test_an_idempotency_key_belongs_to_one_request(web_door: Door) -> None:
    path, key = f"{API}/jobs/door_double", {"Idempotency-Key": "k"}
    first = await web_door.ask("POST", path, json={"number": 5}, headers=key, status=202)
    again = await web_door.ask("POST", path, json={"number": 5}, headers=key, status=202)
    assert again.body == first.body and again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    other = await web_door.ask("POST", path, json={"number": 6}, headers=key, status=422)
    assert other.json()["type"] == "urn:invest:idempotency-key-reused"
    await web_door.ask("POST", path, json={"number": 5}, headers={"Idempotency-Key": "a b"}, status=422)
    refused = await web_door.ask("POST", path, json={}, headers={"Idempotency-Key": "bad"}, status=422)
    repeat = await web_door.ask("POST", path, json={}, headers={"Idempotency-Key": "bad"}, status=422)
    assert repeat.json() == refused.json()


async def lines_of(response: aiohttp.ClientResponse, until: str) -> list[str]:
    """The `event:` names of a stream, up to one of them."""
    found: list[str] = []
    async with asyncio.timeout(10):
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                found.append(line[7:])
                if found[-1] == until:
                    return found
    return found


async def test_a_tasks_events_arrive_as_they_happen_and_the_stream_ends(web_door: Door, platform: Settings) -> None:
    task = await web_door.queue("door_sleep", {"seconds": 0.3})
    async with web_door.session.get(f"{API}/tasks/{task}/events") as response:
        assert response.status == 200 and response.content_type == "text/event-stream"
        async with working(platform):
            events = await lines_of(response, "nothing")
    assert events[0] == "status" and events[-1] == "succeeded"
    assert {"started", "progress"} <= set(events)
    async with web_door.session.get(f"{API}/tasks/{task}/events") as response:
        assert await lines_of(response, "nothing") == ["status", "succeeded"]
    async with web_door.session.get(f"{API}/tasks/{task}/events", headers={"Last-Event-ID": "1-0"}) as response:
        assert response.status == 204


async def test_a_stream_resumes_after_the_last_event_it_saw(web_door: Door) -> None:
    async with web_door.session.get(f"{API}/events") as response:
        first = await web_door.queue("door_double", {"number": 1})
        last_id, body = "", ""
        async with asyncio.timeout(10):
            async for raw in response.content:
                body += raw.decode()
                if raw.startswith(b"id: "):
                    last_id = raw.decode()[4:].strip()
                if first in body:
                    break
    missed = [await web_door.queue("door_double", {"number": n}) for n in range(3)]
    async with web_door.session.get(f"{API}/events", headers={"Last-Event-ID": last_id}) as response:
        seen = ""
        async with asyncio.timeout(10):
            async for raw in response.content:
                seen += raw.decode()
                if missed[-1] in seen:
                    break
    assert all(task in seen for task in missed) and first not in seen
    await web_door.ask("GET", f"{API}/events", headers={"Last-Event-ID": "abc"}, status=422)


async def test_an_idle_stream_has_a_heartbeat(web_door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT", 0.05)
    async with web_door.session.get(f"{API}/events") as response, asyncio.timeout(5):
        async for raw in response.content:
            if raw.startswith(b": heartbeat"):
                break


async def test_streams_end_when_the_server_stops(platform: Settings) -> None:
    async with aiohttp.ClientSession() as session:
        async with open_door(platform) as door:
            response = await session.get(f"{door.url}{API}/events")
            await response.content.readline()
        async with asyncio.timeout(5):
            rest = await response.content.read()
        assert b"event" not in rest
        response.close()


async def test_those_who_wait_are_answered_when_the_server_stops(platform: Settings) -> None:
    async with aiohttp.ClientSession() as session:
        async with open_door(platform) as door:
            url = f"{door.url}{API}/jobs/door_sleep?wait=60"
            waiting = asyncio.create_task(session.post(url, json={}))
            async with Invest.connect(platform) as invest:
                while not await invest.redis.keys("arq:job:*"):  # noqa: ASYNC110 - asks Redis
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            response = await waiting
    assert response.status == 202


async def test_jobs_arrive_once_each_under_many_posts_at_once(web_door: Door, platform: Settings) -> None:
    runs.clear()
    async with working(platform):
        tasks = await asyncio.gather(*(web_door.queue("door_double", {"number": n}) for n in range(300)))
        async with Invest.connect(platform) as invest:
            results = await asyncio.gather(*(invest.wait(task, 20) for task in tasks))
    assert results == [2 * n for n in range(300)]
    assert sorted(number for _, number in runs) == list(range(300))
