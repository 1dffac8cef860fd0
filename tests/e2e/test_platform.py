"""The whole platform as a user runs it: `invest run` with the sandbox, driven over HTTP alone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from invest.cli.platform.platform import answer_of, free_port

ROOT = Path(__file__).parents[2]
DONE = {"SUCCESS", "FAILURE", "REVOKED"}


def environment(redis_url: str, database_url: str, folder: Path) -> dict[str, str]:
    """A process environment with these servers and nothing of the machine's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("INVEST_", "PYTEST"))}
    named = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "INVEST_DATA_DIR": str(folder / "data"),
        "INVEST_SETTINGS": str(ROOT / "settings.toml"),
    }
    return {**kept, **named}


@asynccontextmanager
async def platform(env: dict[str, str], folder: Path) -> AsyncIterator[str]:
    """`invest run --sandbox` until the block ends; its URL."""
    port = free_port()
    log = (folder / "run.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "invest", "run", "--sandbox", "--port", str(port)),
        env=env,
        cwd=folder,
        stdout=log,
        stderr=log,
    )
    try:
        await answer_of(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 40)
        log.close()


async def finished(session: aiohttp.ClientSession, location: str) -> dict[str, Any]:
    """The status of a task once it is final, by long polling."""
    async with asyncio.timeout(60):
        while True:
            async with session.get(location, params={"wait": "20"}) as response:
                status: dict[str, Any] = await response.json()
            if status["state"] in DONE:
                return status


async def run_task(session: aiohttp.ClientSession, path: str, **request: Any) -> Any:
    """Post, expect 202, wait, expect success; the result."""
    async with session.post(f"/api/v1{path}", **request) as response:
        assert response.status == 202, await response.text()
        location = response.headers["Location"]
    status = await finished(session, location)
    assert status["state"] == "SUCCESS", status
    return status["result"]


async def example_output(name: str, env: dict[str, str]) -> str:
    """What an example prints, as a user runs it beside a running platform."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples" / name)),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def refused(session: aiohttp.ClientSession, ticker: str) -> None:
    """The door turns a code away that every source was asked for in vain, once the news has reached it."""
    async with asyncio.timeout(10):
        while True:
            async with session.post("/api/v1/assets/async/collect", params={"ticker": ticker}) as response:
                if response.status == 422:
                    assert "no source knows" in (await response.json())["detail"]
                    return
            await asyncio.sleep(0.2)


async def unknown_asset(session: aiohttp.ClientSession, ticker: str) -> None:
    """A code that no source knows fails, and is refused from then on."""
    asked = {"ticker": ticker, "force_update": "true"}
    async with session.post("/api/v1/assets/async/collect", params=asked) as response:
        assert response.status == 202
        location = response.headers["Location"]
    failed = await finished(session, location)
    assert failed["state"] == "FAILURE"
    assert ticker in failed["error"]
    await refused(session, ticker)


@pytest.mark.slow
async def test_an_asset_goes_from_upstream_bytes_to_a_downloaded_report_over_http(
    redis_url: str, database_url: str, tmp_path: Path
) -> None:
    env = environment(redis_url, database_url, tmp_path)
    async with platform(env, tmp_path) as url, aiohttp.ClientSession(url) as session:
        batch = await run_task(session, "/assets/async/batch-collect", json=["PETR4", "VALE3", "HGLG11"])
        assert (batch["total_count"], batch["success_count"], batch["failed_count"]) == (3, 3, 0)
        assert all(r["sources_count"] >= 2 for r in batch["results"])

        analysis = await run_task(session, "/analysis/async/analyze", params={"ticker": "petr4"})
        assert analysis["ticker"] == "PETR4"
        assert 0 <= analysis["overall_score"] <= 10
        assert analysis["coverage"] >= 0.6
        assert analysis["sandbox"] is True

        multi = await run_task(session, "/reports/async/multi-ai", params={"ticker": "PETR4"})
        assert set(multi["providers"]) == {"openai", "anthropic", "gemini"}
        assert multi["consensus"]["quorum"] is True
        report_id = multi["report_id"]

        async with session.get(f"/api/v1/reports/{report_id}/export", params={"format": "pdf"}) as response:
            assert response.status in (200, 404), await response.text()

        one, many, over_http, _ = await asyncio.gather(
            example_output("analyse_one.py", env),
            example_output("many_at_once.py", env),
            example_output("over_http.py", {**env, "API_URL": url}),
            unknown_asset(session, "ZZZZ3"),
        )
        assert "4 " in one and "HGLG11" in many and "PETR4" in over_http

        async with session.get("/api/v1/tasks/queue/stats") as response:
            stats = await response.json()
        assert stats["workers"] == 3
        assert stats["queues"]["data_collection"]["dead"] >= 1
