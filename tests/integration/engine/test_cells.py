"""One deployment over three prefixes: work goes where it belongs, is found wherever it is, is restored there alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from invest.engine import (
    Invest,
    JobState,
    Projector,
    cell_of,
    cell_settings,
    chord,
    home_settings,
    registry,
    shared_redis,
)
from invest.engine.worker.scheduler import Scheduler
from invest.errors import ConfigError, NotFound
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from invest.workers.history import history_sink, keep_whole, restore_lost, stored_cell
from tests.integration.engine.engine_kit import (
    drained,
    kit,
    kit_add,
    kit_hang,
    kit_sum,
    other,
    other_echo,
    until,
    until_state,
    working,
)

Make = Callable[..., Settings]
CELLS = {"a": {"prefix": "deploy:a"}, "b": {"prefix": "deploy:b"}}


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url, "prefix": "deploy:home", "cells": CELLS}, engine={"lease": 2, "grace": 1})


def test_where_work_belongs_is_the_same_for_all_and_even(known: Settings) -> None:
    queues = [f"queue{n}" for n in range(300)]
    counts = {name: [cell_of(known, q, None) for q in queues].count(name) for name in ("home", "a", "b")}
    assert all(70 < count < 130 for count in counts.values()), counts
    more = known.model_copy(
        update={"redis": known.redis.model_copy(update={"cells": {**known.redis.cells, "c": None}})}
    )
    moved = [q for q in queues if cell_of(more, q, None) != cell_of(known, q, None)]
    assert {cell_of(more, q, None) for q in moved} == {"c"}, "a new cell takes work, and nothing else moves"
    owners = known.model_copy(update={"redis": known.redis.model_copy(update={"spread": "owner"})})
    assert cell_of(owners, "kit", None) == "home"
    assert len({cell_of(owners, "kit", f"owner{n}") for n in range(30)}) == 3


@pytest.mark.parametrize("spread", ["queue", "owner"])
async def test_work_goes_to_its_cell_and_is_found_wherever_it_is(known: Settings, redis_url: str, spread: str) -> None:
    known = known.model_copy(update={"redis": known.redis.model_copy(update={"spread": spread})})
    callers = [f"caller{n}" for n in range(12)]
    async with Invest.connect(known) as invest:
        jobs = [await invest.enqueue(kit_add(n, 1), caller=who) for n, who in enumerate(callers)]
        many = await invest.enqueue_many([kit_add(1, 1), other_echo("x"), kit_add(2, 1)])
        flow = await invest.enqueue(chord([kit_add(n, 0) for n in range(4)], kit_sum()), caller="caller1")
        for job, who in zip(jobs, callers, strict=True):
            name = cell_of(known, "kit", who)
            with redis.Redis.from_url(redis_url) as client:
                assert client.exists(f"{{deploy:{name}}}:invest:job:{job.id}"), name
        follower = await invest.enqueue_after(jobs[3].id, kit_add(5, 5))
        for own in cell_settings(known).values():
            await drained(own, [kit, other])
        assert [await job.result(5) for job in jobs] == [n + 1 for n in range(12)]
        assert [await job.result(5) for job in many] == [2, "x", 3]
        assert await flow.result(5) == 6
        assert await follower.result(5) == 10
        for job_id in [job.id for job in jobs] + [job.id for job in many] + [flow.id]:
            assert (await invest.status(job_id)).state is JobState.SUCCEEDED
            assert await invest.cancel(job_id) is False
            await invest.wait(job_id, 5)
        with pytest.raises(NotFound):
            await invest.status("nobody")
        shown = await invest.list_cells()
        assert [cell.name for cell in shown] == ["home", "a", "b"]
        assert all(cell.alive and cell.prefix == f"deploy:{cell.name}" for cell in shown)
        if spread == "queue":
            assert "kit" in next(c for c in shown if c.name == cell_of(known, "kit", None)).queues


async def test_a_job_of_one_cell_queues_work_for_another_and_shares_what_all_share(known: Settings) -> None:
    for own in cell_settings(known).values():
        async with Invest.connect(own) as invest:
            assert (await invest.enqueue(kit_add(1, 1).with_options(id="one"))).new is (own.redis.cell == "home")
            await shared_redis(invest).incr("invest:quota:test")
    async with Invest.connect(home_settings(known)) as invest:
        assert await invest.redis.get("invest:quota:test") == b"3"


async def test_a_running_job_is_cancelled_in_its_cell_and_a_cell_that_is_away_is_told(
    known: Settings, settings: Make
) -> None:
    name = cell_of(known, "kit", None)
    async with Invest.connect(known) as invest, working(cell_settings(known)[name]):
        job = await invest.enqueue(kit_hang())
        await until_state(job, JobState.RUNNING)
        assert await invest.cancel(job.id)
        await until_state(job, JobState.CANCELLED)
    given = known.redis.model_dump() | {"cells": {"gone": {"url": "redis://127.0.0.1:1/0", "prefix": "x"}}}
    async with Invest.connect(settings(redis=given)) as invest:
        home, gone = await invest.list_cells()
        assert (home.alive, gone.alive, gone.waiting) == (True, False, None)
        assert gone.error and "does not answer" in gone.error


async def test_each_cron_line_ticks_in_one_cell(known: Settings) -> None:

    declare_all()
    names: list[str] = []
    for own in cell_settings(known).values():
        async with Invest.connect(own) as invest:
            names += [line.job.name for line in Scheduler(invest, registry.queues())._lines]
    assert sorted(names) == sorted(job.name for job in registry.jobs() if job.cron)


async def test_a_cell_that_was_lost_gets_its_own_jobs_back_and_no_others(
    known: Settings, database_url: str, redis_url: str
) -> None:
    known = known.model_copy(update={"redis": known.redis.model_copy(update={"spread": "owner"})})
    callers = {name: next(f"o{n}" for n in range(99) if cell_of(known, "kit", f"o{n}") == name) for name in ("a", "b")}
    async with Invest.connect(known) as invest, Store.open(database_url) as store:
        jobs = {name: await invest.enqueue_many([kit_add(n, 1).with_options(caller=who) for n in range(3)])
                for name, who in callers.items()}  # fmt: skip
        assert invest.cells is not None
        clients = {name: Invest(invest.cells.get(name).redis, own) for name, own in cell_settings(known).items()}
        sinks = [
            asyncio.create_task(Projector(one, history_sink(store, stored_cell(one.settings))).run())
            for one in clients.values()
        ]

        async def known_all() -> bool:
            return len(await store.jobs.unfinished(cell="a")) == len(await store.jobs.unfinished(cell="b")) == 3

        await until(known_all)
        assert await store.jobs.unfinished() == []
        with redis.Redis.from_url(redis_url) as client:
            client.delete(*client.scan_iter("{deploy:a}:*"))
        assert await restore_lost(clients["b"], store) == 0
        assert await restore_lost(clients["home"], store) == 0
        keeping = asyncio.create_task(keep_whole(clients["a"], store))
        await until(lambda: clients["a"].redis.exists(f"invest:job:{jobs['a'][2].id}"))
        assert (await clients["a"].inspect.queues())["kit"].waiting == 3
        assert (await clients["b"].inspect.queues())["kit"].waiting == 3
        for task in (*sinks, keeping):
            task.cancel()
        await asyncio.gather(*sinks, keeping, return_exceptions=True)


async def test_one_command_works_for_all_cells_or_for_the_one_that_it_names(
    settings: Make, redis_url: str, database_url: str, tmp_path: Path
) -> None:
    known = settings(redis={"url": redis_url, "prefix": "deploy:home", "cells": CELLS, "spread": "owner"})
    file = tmp_path / "settings.toml"
    file.write_text(
        '[redis]\nprefix = "deploy:home"\nspread = "owner"\n'
        '[redis.cells.a]\nprefix = "deploy:a"\n[redis.cells.b]\nprefix = "deploy:b"\n'
    )
    environment = os.environ | {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "INVEST_SETTINGS": str(file),
        "INVEST_APP": "tests.integration.engine.engine_kit:kit", "INVEST_DATA_DIR": str(tmp_path),
    }  # fmt: skip

    def work(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "invest", "worker", "run", "kit", "--burst", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    async with Invest.connect(known) as invest:
        jobs = {}
        for name in ("home", "a", "b"):
            who = next(f"o{n}" for n in range(99) if cell_of(known, "kit", f"o{n}") == name)
            jobs[name] = await invest.enqueue(kit_add(1, 1), caller=who)
        done = await asyncio.to_thread(work, "--cell", "a")
        assert done.returncode == 0, done.stderr
        states = {name: (await job.status()).state for name, job in jobs.items()}
        assert states == {"home": JobState.QUEUED, "a": JobState.SUCCEEDED, "b": JobState.QUEUED}
        done = await asyncio.to_thread(work)
        assert done.returncode == 0, done.stderr
        assert {(await job.status()).state for job in jobs.values()} == {JobState.SUCCEEDED}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cells": {"a": {"prefix": "x"}}}, "each cell needs a prefix"),
        ({"prefix": "x", "cells": {"a": {"prefix": "x"}}}, "they would be the same"),
        ({"prefix": "x", "cells": {"home": {"prefix": "y"}}}, "no name for one"),
        ({"prefix": "x", "cells": {"a": {"prefix": "y"}}, "cell": "c"}, "there is no cell 'c'; there are home, a"),
    ],
)
def test_cells_that_cannot_be_are_refused(settings: Make, given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(redis=given)
