"""Web processes and workers restarted one by one while clients post jobs: nobody sees an error, nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from redis.asyncio import Redis

from invest.cli.platform.platform import answer_of, free_port
from invest.engine import keys
from invest.engine.redis.events import parse_event

ROOT = Path(__file__).parents[2]
POSTS = int(os.environ.get("INVEST_TEST_ROLLING_POSTS", "150"))  # accepted at least; a full round may need more
POSTERS = 16
PAUSE = 100 / POSTS  # seconds of a poster between two posts: 24 a second for 150, so that the load outlasts a round
EXIT_LIMIT = 25.0  # seconds from SIGTERM to the end that a platform grants
REPEAT_EVERY = 10  # one post in so many is sent twice at once, with one Idempotency-Key
JOB = "/api/v1/jobs/analyze_asset_async"  # of an asset never collected: one cheap attempt, then a final failure
UNKNOWN = {"ticker": "ZZZZ3"}
FINAL_STATES = {"SUCCESS", "FAILURE", "REVOKED"}
FINAL_EVENTS = {"succeeded", "failed", "cancelled"}


class Answer(NamedTuple):
    """What a client got in the end."""

    status: int
    body: Any


@dataclass
class Instance:
    """A process of the platform that is restarted under the same arguments."""

    arguments: Sequence[str]
    environment: dict[str, str]
    folder: Path
    ready: str = ""  # a web process: the address that says so
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with (self.folder / "processes.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "invest", *self.arguments),
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        if self.ready:
            await answer_of(self.ready)

    async def stop(self) -> int:
        """SIGTERM, then its exit code; killed after the platform's patience, which is a negative one."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), EXIT_LIMIT)
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


@dataclass
class Router:
    """A platform's router: in turn, and to the other instance where a connection is refused or cut."""

    session: aiohttp.ClientSession
    addresses: Sequence[str]
    statuses: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    cut: int = 0
    errors: list[str] = field(default_factory=list)
    _turn: count[int] = field(default_factory=count)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """The first answer that is not 409 (the same request is being worked on elsewhere)."""
        async with asyncio.timeout(60):
            while True:
                answer = await self._try(method, self.addresses[next(self._turn) % len(self.addresses)] + path, options)
                if answer is not None and answer.status != 409:
                    return answer
                await asyncio.sleep(0.02)

    async def _try(self, method: str, url: str, options: dict[str, Any]) -> Answer | None:
        try:
            async with self.session.request(method, url, **options) as response:
                body = await response.json(content_type=None)
        except aiohttp.ClientConnectorError:
            self.refused += 1
            return None
        except aiohttp.ClientConnectionError:
            self.cut += 1
            return None
        self.statuses[response.status] += 1
        if response.status >= 500:
            self.errors.append(f"{response.status} {url}: {body}")
        return Answer(response.status, body)


@dataclass
class Load:
    """Clients that post until they are told to stop; `accepted` maps each Idempotency-Key to its task's id."""

    router: Router
    accepted: dict[str, str] = field(default_factory=dict)
    twice: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: count[int] = field(default_factory=count)

    async def poster(self) -> None:
        while not self.done.is_set():
            number = next(self._numbers)
            copies = 2 if number % REPEAT_EVERY == 0 else 1
            key = f"rolling-{number}"
            ids = await asyncio.gather(*(self._post(key) for _ in range(copies)))
            assert len(set(ids)) == 1, f"{key} gave two jobs: {ids}"
            self.accepted[key] = ids[0]
            self.twice += copies - 1
            await asyncio.sleep(PAUSE)

    async def _post(self, key: str) -> str:
        answer = await self.router.ask("POST", JOB, json=UNKNOWN, headers={"Idempotency-Key": key})
        assert answer.status == 202, answer
        return str(answer.body["task_id"])

    async def watcher(self, task_id: str) -> int:
        """Long-polls a task until it is cancelled; how often it was answered before."""
        for answers in count():
            answer = await self.router.ask("GET", f"/api/v1/tasks/{task_id}/status", params={"wait": "60"})
            assert answer.status == 200, answer
            if answer.body["state"] in FINAL_STATES:
                assert self.done.is_set(), answer
                return answers
        raise AssertionError("unreachable")


async def roll(instances: Sequence[Instance], load: Load) -> list[int]:
    """Restart all, one by one, again and again until enough was posted; the exit codes."""
    codes: list[int] = []
    while not codes or len(load.accepted) < POSTS:
        for instance in instances:
            codes.append(await instance.stop())
            await instance.start()
    return codes


@asynccontextmanager
async def running(env: dict[str, str], folder: Path, ports: Sequence[int]) -> AsyncIterator[list[Instance]]:
    """Web processes on `ports` and as many workers of the queue `analysis`."""
    webs = [Instance(("web", "--port", str(port)), env, folder, f"http://127.0.0.1:{port}/readyz") for port in ports]
    workers = [Instance(("worker", "analysis"), env, folder) for _ in ports]
    instances = [instance for pair in zip(webs, workers, strict=True) for instance in pair]
    try:
        await asyncio.gather(*(i.start() for i in instances))
        yield instances
    finally:
        await asyncio.gather(*(i.stop() for i in instances if i.process))


def environment(redis_url: str, database_url: str, folder: Path) -> dict[str, str]:
    """These servers, nothing of the machine's own settings, and no rate limit in the way."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("INVEST_", "PYTEST"))}
    named = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "INVEST_DATA_DIR": str(folder / "data"),
        "INVEST_SETTINGS": str(ROOT / "settings.toml"),
        "INVEST_WEB__RATE_LIMIT": "100000",
        "INVEST_WEB__RATE_BURST": "100000",
    }
    return {**kept, **named}


async def final_states(router: Router, ids: Sequence[str]) -> Counter[str]:
    """How many tasks are in which state, each asked for by its id and waited for."""
    gate = asyncio.Semaphore(POSTERS)

    async def state(task_id: str) -> str:
        async with gate:
            answer = await router.ask("GET", f"/api/v1/tasks/{task_id}/status", params={"wait": "20"})
        assert answer.status == 200, answer
        return str(answer.body["state"])

    return Counter(await asyncio.gather(*(state(i) for i in ids)))


async def events_of(redis_url: str, name: str) -> tuple[Counter[str], Counter[str]]:
    """How often each task of this name was queued, and how often it came to an end."""
    queued: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    async with Redis.from_url(redis_url) as redis:
        for raw_id, fields in await redis.xrange(keys.EVENTS):
            event = parse_event(raw_id, fields)
            if event.name == name and event.kind == "queued":
                queued[event.job_id] += 1
            elif event.name == name and event.kind in FINAL_EVENTS:
                ended[event.job_id] += 1
    return queued, ended


@pytest.mark.slow
async def test_a_rolling_restart_under_load_shows_no_error_and_loses_no_job(
    redis_url: str, database_url: str, tmp_path: Path
) -> None:
    env = environment(redis_url, database_url, tmp_path)
    ports = (free_port(), free_port())
    started = time.monotonic()
    async with running(env, tmp_path, ports) as instances, aiohttp.ClientSession() as session:
        router = Router(session, [f"http://127.0.0.1:{port}" for port in ports])
        load = Load(router)
        later = (await router.ask("POST", JOB, json=UNKNOWN, params={"delay": "3600"})).body["task_id"]
        async with asyncio.TaskGroup() as clients:
            watching = clients.create_task(load.watcher(later))
            for _ in range(POSTERS):
                clients.create_task(load.poster())
            codes = await roll(instances, load)
            load.done.set()
            assert (await router.ask("DELETE", f"/api/v1/tasks/{later}")).status < 300  # ends the watcher's poll
        ids = list(load.accepted.values())
        states = await final_states(router, ids)
        queued, ended = await events_of(redis_url, "analyze_asset_async")

    seen = f"{len(ids)} accepted, {len(codes)} restarts, {dict(router.statuses)}, {dict(states)}"
    seen += f", {router.refused} connections refused, {router.cut} cut"
    sys.stderr.write(f"{seen}, {time.monotonic() - started:.1f} s\n")
    assert router.errors == []
    assert codes == [0] * len(codes), seen
    assert len(ids) >= POSTS and load.twice > 0
    assert watching.result() >= 1, "who waits on a process that ends is answered, not cut"
    assert len(set(ids)) == len(ids)
    assert states == {"FAILURE": len(ids)}, seen
    assert set(queued) == {*ids, later}
    assert ended == Counter([*ids, later]), "every accepted task ended, and ended once"
