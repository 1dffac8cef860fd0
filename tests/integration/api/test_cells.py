"""A web server over three cells: what an operator asks is about all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from invest.engine import Invest, JobState, cell_of, cell_settings, chord
from invest.errors import ServerAway
from invest.settings import Settings
from tests.integration.api.api_kit import (
    API,
    Door,
    door_double,
    door_fail,
    door_sleep,
    door_sum,
    open_door,
    working,
)
from tests.integration.api.test_cli_remote import Remote
from tests.integration.engine.engine_kit import until

pytest_plugins = ["tests.integration.api.api_fixtures"]
NAMES = ("home", "a", "b")


@pytest.fixture
def known(platform: Settings) -> Settings:
    cells = {"a": {"prefix": "over:a"}, "b": {"prefix": "over:b"}}
    given = platform.redis.model_dump() | {"prefix": "over:home", "cells": cells, "spread": "owner"}
    return platform.model_copy(update={"redis": type(platform.redis).model_validate(given)})


@pytest.fixture
async def web_door(known: Settings) -> AsyncIterator[Door]:
    async with open_door(known) as door:
        yield door


def owners(settings: Settings) -> dict[str, str]:
    """For each cell somebody whose jobs belong there."""
    return {name: next(f"o{n}" for n in range(99) if cell_of(settings, "door", f"o{n}") == name) for name in NAMES}


async def ended_in_each(known: Settings, invest: Invest) -> dict[str, list[str]]:
    """In each cell two jobs that succeeded, one that failed and one that waits; their ids by kind, the oldest first."""
    made: dict[str, list[str]] = {"done": [], "failed": [], "waiting": []}
    for round_number in range(2):
        for who in owners(known).values():
            made["done"].append((await invest.enqueue(door_double(round_number), caller=who)).id)
    for who in owners(known).values():
        made["failed"].append((await invest.enqueue(door_fail(), caller=who)).id)
    for own in cell_settings(known).values():
        async with working(own), Invest.connect(own) as one:

            async def idle(invest: Invest = one) -> bool:
                stats = (await invest.inspect.queues())["door"]
                return not stats.waiting and not stats.active

            await until(idle)
    for who in owners(known).values():
        made["waiting"].append((await invest.enqueue(door_double(5).with_options(delay=600), caller=who)).id)
    return made


async def test_lists_figures_and_actions_are_about_all_cells(web_door: Door, known: Settings) -> None:
    async with Invest.connect(known) as invest:
        made = await ended_in_each(known, invest)
        seen, cursor = [], ""
        while True:  # two a page: the order of all cells is one
            answer = await web_door.ask(
                "GET", f"{API}/tasks?state=SUCCESS&limit=2&cursor={cursor}".removesuffix("&cursor=")
            )
            seen += [item["task_id"] for item in answer.items()]
            if not (cursor := answer.json()["next_cursor"] or ""):
                break
        assert sorted(seen) == sorted(made["done"]) and len(seen) == len(set(seen))
        ends = [end for job_id in seen if (end := (await invest.status(job_id)).finished_at)]
        assert len(ends) == 6 and ends == sorted(ends, reverse=True), "the newest first, whichever cell has them"
        queue = next(q for q in (await web_door.ask("GET", f"{API}/queues")).items() if q["name"] == "door")
        assert (queue["scheduled"], queue["dead"], queue["done"]) == (3, 3, 6)
        glance = await invest.inspect.glance({JobState.SUCCEEDED: 4})
        assert glance.counts[JobState.SUCCEEDED] == 6 and len(glance.ids[JobState.SUCCEEDED]) == 4
        letters = (await web_door.ask("GET", f"{API}/dead-letters")).items()
        assert {letter["task_id"] for letter in letters} == set(made["failed"])
        text = (await web_door.ask("GET", "/metrics")).body.decode()
        for name in NAMES:
            assert f'invest_queue_jobs{{cell="{name}",queue="door",state="dead"}} 1.0' in text
            assert f'invest_cell_up{{cell="{name}"}} 1.0' in text
        first, second, third = made["failed"]
        replayed = await web_door.ask("POST", f"{API}/dead-letters/{second}/replay", status=202)
        assert (await invest.status(replayed.json()["task_id"])).replay_of == second
        await web_door.ask("DELETE", f"{API}/dead-letters/{third}", status=204)
        assert {letter["task_id"] for letter in (await web_door.ask("GET", f"{API}/dead-letters")).items()} == {first}
        done = (await web_door.ask("POST", f"{API}/dead-letters/replay")).json()
        assert done["ids"] == [first]
        assert await invest.pause("door") is True and await invest.pause("door") is False
        assert (await invest.inspect.queues())["door"].paused
        for own in cell_settings(known).values():
            async with Invest.connect(own) as one:
                assert (await one.inspect.queues())["door"].paused, "each cell holds its own back"
                assert (await one.inspect.queues())["door"].done == 2, "a chosen cell is looked at alone"
        assert await invest.resume("door") is True
        assert await invest.purge("door") == 5, "three that waited for their time, two that were replayed"


async def test_workflows_and_workers_of_all_cells(web_door: Door, known: Settings) -> None:
    async with Invest.connect(known) as invest:
        flows = [
            (await invest.enqueue(chord([door_double(1), door_double(2)], door_sum()), caller=who)).id
            for who in owners(known).values()
        ]
        shown = (await web_door.ask("GET", f"{API}/workflows?limit=2")).items()
        assert [item["task_id"] for item in shown] == flows[:0:-1]
        assert await invest.workflows.count() == 3
        for flow in flows:
            steps = (await web_door.ask("GET", f"{API}/workflows/{flow}")).json()["steps"]
            assert len(steps) >= 3
        async with working(cell_settings(known)["b"]):
            await until(invest.inspect.workers)
            found = (await web_door.ask("GET", f"{API}/workers")).items()
            assert [worker["cell"] for worker in found] == ["b"]


async def test_one_cell_is_chosen_over_http_and_by_the_command_line(
    web_door: Door, known: Settings, tmp_path: Path
) -> None:
    async with Invest.connect(known) as invest:
        made = await ended_in_each(known, invest)
    cell_of_failed = dict(zip(NAMES, made["failed"], strict=True))
    for name in NAMES:
        chosen = f"cell={name}"
        (letter,) = (await web_door.ask("GET", f"{API}/dead-letters?{chosen}")).items()
        assert letter["task_id"] == cell_of_failed[name]
        done = (await web_door.ask("GET", f"{API}/tasks?state=SUCCESS&{chosen}")).items()
        assert len(done) == 2 and {item["task_id"] for item in done} <= set(made["done"])
        queue = next(q for q in (await web_door.ask("GET", f"{API}/queues?{chosen}")).items() if q["name"] == "door")
        assert (queue["scheduled"], queue["dead"], queue["done"]) == (1, 1, 2)
        assert (await web_door.ask("GET", f"{API}/workflows?{chosen}")).items() == []
    await web_door.ask("POST", f"{API}/queues/door/pause?cell=a", status=204)
    invest_verb = Remote(tmp_path, web_door.url, None)
    paused = {
        name: (await invest_verb("--cell", name, "queue", "stats", "--json")).json()["door"]["paused"] for name in NAMES
    }
    assert paused == {"home": False, "a": True, "b": False}
    assert (await invest_verb("dlq", "ls", "-q", "--cell", "b")).out.split() == [cell_of_failed["b"]]
    assert (await invest_verb("queue", "purge", "door", "--yes", "--cell", "b", "--json")).json()["cancelled"] == 1
    done = (await web_door.ask("POST", f"{API}/dead-letters/discard?cell=home")).json()
    assert done["ids"] == [cell_of_failed["home"]]
    left = {letter["task_id"] for letter in (await web_door.ask("GET", f"{API}/dead-letters")).items()}
    assert left == {cell_of_failed["a"], cell_of_failed["b"]}
    problem = (await web_door.ask("GET", f"{API}/queues?cell=north", status=422)).json()
    assert problem["detail"] == "cell: no cell 'north': there are home, a, b"
    assert "there are home, a, b" in (await invest_verb("worker", "ls", "--cell", "north", code=2)).err


async def test_where_there_is_one_cell_it_is_home(platform: Settings) -> None:
    async with open_door(platform) as door:
        assert (await door.ask("GET", f"{API}/queues?cell=home")).items() == (
            await door.ask("GET", f"{API}/queues")
        ).items()
        problem = (await door.ask("GET", f"{API}/workers?cell=a", status=422)).json()
        assert problem["detail"] == "cell: no cell 'a': there is home"


async def test_events_of_all_cells_arrive_and_are_resumed_after(web_door: Door, known: Settings) -> None:
    async with Invest.connect(known) as invest:
        async with web_door.session.get(f"{API}/events") as response:
            first = [(await invest.enqueue(door_double(1), caller=who)).id for who in owners(known).values()]
            seen = await read_until(response, first)
            last_id = [line[4:] for line in seen.splitlines() if line.startswith("id: ")][-1]
        assert [part.partition("=")[0] for part in last_id.split(",")[1:]] == ["a", "b"]
        missed = [(await invest.enqueue(door_double(2), caller=who)).id for who in owners(known).values()]
        async with web_door.session.get(f"{API}/events", headers={"Last-Event-ID": last_id}) as response:
            seen = await read_until(response, missed)
        assert not any(job in seen for job in first), "nothing twice"
        async with web_door.session.get(f"{API}/events", headers={"Last-Event-ID": last_id.split(",")[0]}) as response:
            assert missed[0] in await read_until(response, missed[:1]), "an id of before the other cells were named"
        job = await invest.enqueue(door_sleep(0.2), caller=owners(known)["b"])
        stream = web_door.session.get(f"{API}/tasks/{job.id}/events")
        async with stream as response, working(cell_settings(known)["b"]), asyncio.timeout(20):
            text = (await response.read()).decode()
        kinds = [line[7:] for line in text.splitlines() if line.startswith("event: ")]
        assert kinds[0] == "status" and kinds[-1] == "succeeded" and "progress" in kinds


async def read_until(response: aiohttp.ClientResponse, ids: list[str]) -> str:
    """The stream until each of the jobs was in it."""
    seen = ""
    async with asyncio.timeout(20):
        async for raw in response.content:
            seen += raw.decode()
            if all(job in seen for job in ids):
                return seen
    raise AssertionError(f"the stream ended before {ids}: {seen}")


async def test_a_cell_that_is_away_is_named_and_the_rest_is_measured(known: Settings) -> None:
    cells = {"a": {"prefix": "over:a"}, "gone": {"url": "redis://127.0.0.1:1/0", "prefix": "x"}}
    given = known.redis.model_dump() | {"cells": cells}
    partly = known.model_copy(update={"redis": type(known.redis).model_validate(given)})
    async with open_door(partly) as door:
        text = (await door.ask("GET", "/metrics", status=200)).body.decode()
        assert 'invest_cell_up{cell="gone"} 0.0' in text and 'invest_cell_up{cell="home"} 1.0' in text
        assert 'invest_queue_jobs{cell="a",queue="door",state="dead"} 0.0' in text
        ready = (await door.ask("GET", "/readyz", status=200)).json()
        assert ready["status"] == "degraded" and "does not answer" in ready["checks"]["redis of gone"]
        problem = (await door.ask("GET", f"{API}/queues", status=503)).json()
        assert "Redis of cell gone" in problem["detail"]
        cells_seen = {cell["name"]: cell["alive"] for cell in (await door.ask("GET", f"{API}/cells")).items()}
        assert cells_seen == {"home": True, "a": True, "gone": False}
        async with door.session.get(f"{API}/events") as response, Invest.connect(partly) as invest:
            with pytest.raises(ServerAway, match="--cell NAME"):
                await invest.inspect.queues()
            who = next(f"o{n}" for n in range(99) if cell_of(partly, "door", f"o{n}") == "a")
            job = await invest.enqueue(door_double(1), caller=who)
            assert job.id in await read_until(response, [job.id])
