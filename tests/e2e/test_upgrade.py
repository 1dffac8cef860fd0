"""An upgrade without a stop: the version before fills the servers, then its processes and ours run side by side.

The version before is its own source tree, from the repository's history; `INVEST_TEST_BEFORE` names another revision.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from invest.cli.platform.platform import answer_of, free_port
from invest.engine import Invest, JobState
from invest.settings import load
from invest_sandbox import Sandbox

ROOT = Path(__file__).parents[2]
# The last commit of the version before this one: with each version that is given out it moves on.
BEFORE = os.environ.get("INVEST_TEST_BEFORE", "9f206d2fb927eed7675e007448a65bd56c9a00a4")
QUEUES = ("data_collection", "analysis", "reports")
TICKERS = ("PETR4", "VALE3", "ITUB4", "WEGE3")
JOBS = 40  # delayed jobs of each version, due before, during and after the change
RESTING = "update_news_feed"  # a schedule that is paused
REPEATED: dict[str, Any] = {"json": {"ticker": "WEGE3"}, "headers": {"Idempotency-Key": "one-analysis"}}
STATEMENT = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;"
    "Código de Negociação;Quantidade;Preço;Valor\n"
    "02/03/2020;Compra;Mercado à Vista;-;CORRETORA A;PETR4;100;20,00;2.000,00\n"
)
# Runs in both versions: prints the ids of delayed analyses, of one batch, and of workflows whose later steps wait.
ENQUEUE = """
import asyncio, json, sys
from invest import Invest, chain, chord, group
from invest.jobs.analysis import analyze_asset_async, batch_analyze_assets
from invest.jobs.reports import generate_multi_ai_analysis
tickers, count = json.loads(sys.argv[1]), int(sys.argv[2])
async def main():
    async with Invest.connect() as invest:
        calls = [analyze_asset_async(tickers[n % len(tickers)]).with_options(delay=n * 0.25) for n in range(count)]
        jobs = await invest.enqueue_many(calls)
        batch = await invest.enqueue(batch_analyze_assets(tickers))
        later = [analyze_asset_async(ticker).with_options(delay=2.0 * n) for n, ticker in enumerate(tickers)]
        flows = [
            await invest.enqueue(chord(group(*later), generate_multi_ai_analysis(tickers[1]))),
            await invest.enqueue(chain(later[2], generate_multi_ai_analysis(tickers[2]), later[0])),
        ]
        print(json.dumps([j.id for j in jobs] + [batch.id] + [flow.id for flow in flows]))
asyncio.run(main())
"""


class Version:
    """One version of the platform: its source tree, and its running processes."""

    def __init__(self, tree: Path, environment: dict[str, str], log: Path) -> None:
        self.tree = tree
        self.environment = environment | {
            "PYTHONPATH": str(tree / "src"),
            "INVEST_SETTINGS": str(tree / "settings.toml"),
        }
        self.log = log
        self.processes: list[asyncio.subprocess.Process] = []

    async def run(self, *arguments: str) -> str:
        """A command to its end; what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=self.environment, cwd=self.log.parent,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()[-2000:]
        return out.decode()

    async def start(self, *arguments: str) -> None:
        """A process of the platform that runs until `stop`."""
        with self.log.open("ab") as log:
            self.processes.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "invest", *arguments, env=self.environment, cwd=self.log.parent,
                    stdout=log, stderr=log,
                )
            )  # fmt: skip

    async def start_all(self) -> str:
        """Web and a worker per queue; the web's address."""
        port = free_port()
        await self.start("web", "--port", str(port))
        for queue in QUEUES:
            await self.start("worker", queue)
        await answer_of(f"http://127.0.0.1:{port}/readyz")
        return f"http://127.0.0.1:{port}/api/v1"

    async def enqueue(self) -> list[str]:
        """Queue delayed analyses and a batch; their ids."""
        ids: list[str] = json.loads(await self.run("-c", ENQUEUE, json.dumps(TICKERS), str(JOBS)))
        return ids

    def kill(self, number: int) -> None:
        """SIGKILL one process, in the order they were started."""
        self.processes[number].kill()

    async def stop(self) -> None:
        """SIGTERM to every process, and wait."""
        for process in self.processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await asyncio.gather(*(p.wait() for p in self.processes))
        self.processes.clear()


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The source tree of the release before, from the repository's history."""
    packed = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip("the history of the repository is not here, and with it the release before")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "before", filter="data")
    # Once: four processes that start at the same time would each compile all of it.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(tmp_path / "before" / "src")], check=True)
    return tmp_path / "before"


@asynccontextmanager
async def versions(
    before: Path, redis_url: str, database_url: str, folder: Path, sandbox: Sandbox
) -> AsyncIterator[tuple[Version, Version]]:
    """The release before and this one over the same servers; every process ends with the block."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("INVEST_", "PYTEST"))}
    shared = {
        **kept, "REDIS_URL": redis_url, "DATABASE_URL": database_url, "INVEST_SANDBOX_URL": sandbox.url,
        "INVEST_AS_OF": sandbox.world.now.isoformat(), "INVEST_DATA_DIR": str(folder / "data"),
        "INVEST_LOGGING__LEVEL": "WARNING", "INVEST_AI__NIGHTLY": '["PETR4"]',
        "INVEST_AI__PROVIDERS__ANTHROPIC__BATCH": "true",
    }  # fmt: skip
    old, new = Version(before, shared, folder / "old.log"), Version(ROOT, shared, folder / "new.log")
    try:
        yield old, new
    finally:
        await old.stop()
        await new.stop()


async def ended(invest: Invest, ids: Sequence[str]) -> dict[str, JobState]:
    """The final state of each job."""
    async with asyncio.timeout(120):
        for job_id in ids:
            while not (await invest.status(job_id)).final:  # noqa: ASYNC110 - jobs of another process
                await asyncio.sleep(0.2)
    return {job_id: (await invest.status(job_id)).state for job_id in ids}


async def post(session: aiohttp.ClientSession, path: str, **how: Any) -> Any:
    """What a POST answered, which must have been taken."""
    async with session.post(path, **how) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def fill(old: Version, address: str) -> str:
    """Assets, a portfolio with a booked statement; the portfolio's id."""
    async with aiohttp.ClientSession() as session:
        tickers = {"tickers": list(TICKERS)}
        batch = await post(session, f"{address}/assets/async/batch-collect", json=tickers["tickers"])
        async with asyncio.timeout(120):
            state = ""
            while state not in ("SUCCESS", "FAILURE"):
                async with session.get(f"{address}/tasks/{batch['task_id']}/status?wait=20") as answer:
                    state = (await answer.json())["state"]
        assert state == "SUCCESS"
        made = await post(session, f"{address}/portfolios", json={"name": "Aposentadoria"})
        portfolio = str(made["id"])
        headers = {"Content-Type": "text/csv"}
        await post(
            session, f"{address}/portfolios/{portfolio}/import?accept=all", data=STATEMENT.encode(), headers=headers
        )
    return portfolio


async def counts(database_url: str) -> dict[str, int]:
    """Rows of the tables that must survive."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = ("bar", "consensus", "portfolio_transaction", "raw_payload", "statement_line", "corporate_action")
        return {t: await connection.fetchval(f"SELECT count(*) FROM {t}") for t in tables}
    finally:
        await connection.close()


@dataclass(frozen=True)
class Left:
    """What the version before leaves half done or behind it."""

    questions: int  # of the AIs' batch that is under way
    repeated: str  # the task of a request that may be repeated
    assets: list[str]  # of the first page of a list
    next_page: str


async def leave_behind(session: aiohttp.ClientSession, api: str) -> Left:
    """An AI batch under way, a schedule that rests, an answer that is kept for its repeats, a page of a list."""
    asked = await post(session, f"{api}/jobs/ask_ais_nightly?wait=60", json={})
    assert asked["result"]["batches"] == 1, asked
    async with session.post(f"{api}/schedules/{RESTING}/pause") as paused:
        assert paused.status == 204, await paused.text()
    repeated = await post(session, f"{api}/jobs/analyze_asset_async", **REPEATED)
    async with session.get(f"{api}/assets?limit=2") as page:
        first = await page.json()
    tickers = [asset["ticker"] for asset in first["items"]]
    return Left(asked["result"]["questions"], repeated["task_id"], tickers, first["next_cursor"])


async def take_up(session: aiohttp.ClientSession, api: str, left: Left, database_url: str) -> None:
    """The new version goes on with each of them."""
    repeated = await post(session, f"{api}/jobs/analyze_asset_async", **REPEATED)
    assert repeated["task_id"] == left.repeated
    async with session.get(f"{api}/assets?limit=2&cursor={left.next_page}") as page:
        assert page.status == 200, await page.text()
        assert not {asset["ticker"] for asset in (await page.json())["items"]} & set(left.assets)
    async with session.get(f"{api}/schedules") as listed:
        schedules = {one["name"]: one for one in (await listed.json())["items"]}
    assert schedules[RESTING]["paused"] is True
    assert not any(one["error"] for one in schedules.values()), schedules
    for _ in range(3):  # the vendor says twice that it is still at work
        await post(session, f"{api}/jobs/collect_ais_nightly?wait=60", json={})
    connection = await asyncpg.connect(database_url)
    try:
        paid = await connection.fetchval("SELECT count(*) FROM ai_call WHERE purpose = 'batch'")
    finally:
        await connection.close()
    assert paid == left.questions


@pytest.mark.slow
async def test_old_and_new_processes_share_their_servers_and_nothing_is_lost(
    before: Path, redis_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    async with (
        Sandbox.start(assets=20) as sandbox,
        versions(before, redis_url, empty_database_url, tmp_path, sandbox) as (old, new),
        aiohttp.ClientSession() as session,
    ):
        await old.run("-m", "invest", "db", "migrate")
        old_api = await old.start_all()
        portfolio = await fill(old, old_api)
        held = await counts(empty_database_url)
        assert all(held.values()), held
        left = await leave_behind(session, old_api)
        ids, _ = await asyncio.gather(old.enqueue(), new.run("-m", "invest", "db", "migrate"))  # while the old ones run
        new_api = await new.start_all()
        for more in await asyncio.gather(new.enqueue(), old.enqueue()):  # an old client for new workers as well
            ids += more
        old.kill(1 + QUEUES.index("analysis"))  # this worker dies amid its jobs, the others end as they should
        await old.stop()

        settings = load(redis={"url": redis_url}, database={"url": empty_database_url}, _env_file=None)
        async with Invest.connect(settings) as invest:
            states = await ended(invest, ids)
            assert set(states.values()) == {JobState.SUCCEEDED}, states
            queues = await invest.inspect.queues()
            assert sum(q.dead for q in queues.values()) == 0
        after = await counts(empty_database_url)
        assert {name: after[name] >= rows for name, rows in held.items()} == dict.fromkeys(held, True), (held, after)
        await take_up(session, new_api, left, empty_database_url)
        async with session.get(f"{new_api}/portfolios/{portfolio}") as answer:
            assert answer.status == 200, await answer.text()
            found = await answer.json()
        assert found["name"] == "Aposentadoria"
        async with session.get(f"{new_api.removesuffix('/api/v1')}/portfolios/{portfolio}") as page:
            assert page.status == 200 and "Aposentadoria" in await page.text()
