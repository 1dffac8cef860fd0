"""`invest run`: servers, sandbox where asked for, web and one worker per queue, under one supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from invest.cli.output import announce
from invest.cli.platform.local import environment_of, local_settings, sandbox_named
from invest.cli.platform.supervise import Family, family, until_signal
from invest.errors import Unreachable
from invest.settings import Settings

QUEUES = ("data_collection", "analysis", "reports")
START_LIMIT = 120.0  # seconds for a child to answer: a slow machine imports for half a minute
MARKET = 100  # assets that the upstreams of `invest run --sandbox` know


@dataclass(frozen=True)
class World:
    """A running sandbox: its address, its day and its assets."""

    url: str
    as_of: datetime
    assets: list[dict[str, Any]]


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answer_of(url: str, limit: float = START_LIMIT) -> Any:
    """The JSON that `url` answers once its server is up; raises `Unreachable` after `limit` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(url) as response:
                    if response.status == 200:
                        return await response.json(content_type=None)
            if loop.time() > end:
                raise Unreachable(f"{url} did not answer within {limit:.0f} s; see the log lines above")
            await asyncio.sleep(0.05)


async def start_sandbox(members: Family, *, assets: int, bars: Path | None, ai_latency: float = 0.0) -> World:
    """Start the sandbox as a child and wait until it answers."""
    port = free_port()
    arguments = ["sandbox", "--port", str(port), "--assets", str(assets), "--ai-latency", str(ai_latency)]
    if bars:
        arguments += ["--bars", str(bars)]
    await members.start("sandbox", *arguments)
    url = f"http://127.0.0.1:{port}"
    info = await answer_of(f"{url}/sandbox/info")
    return World(url, datetime.fromisoformat(info["as_of"]), info["assets"])


def recorded_bars() -> Path | None:
    """The recorded real bars beside the checkout (or in INVEST_SAMPLES), where they exist."""
    roots = [os.environ.get("INVEST_SAMPLES"), "../shared/samples"]
    paths = (Path(r) / "yahoo" / "b3_daily_ohlcv.csv.gz" for r in roots if r)
    return next((p for p in paths if p.is_file()), None)


@contextlib.asynccontextmanager
async def running_platform(
    settings: Settings,
    members: Family,
    *,
    host: str,
    port: int,
) -> AsyncIterator[str]:
    """Migrate, start web and workers, wait until the web says it is ready; yields its URL."""
    from invest.jobs.declared import added_queues
    from invest.store import migrate

    await migrate(settings)
    members.environment = {**members.environment, **environment_of(settings)}
    await members.start("web", "web", "--host", host, "--port", str(port))
    for queue in (*QUEUES, *(queue.name for queue in added_queues() if queue.name not in QUEUES)):
        await members.start(queue, "worker", queue, "--child")
    url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - compared, not bound
    await answer_of(f"{url}/readyz")
    yield url


def skipped_upstreams(settings: Settings) -> list[str]:
    """Upstreams and AIs that are enabled and lack their key, each named once."""
    lines = []
    brapi = settings.source("brapi")
    if brapi.enabled and not brapi.token:
        lines.append("brapi: no BRAPI_TOKEN, so only PETR4, VALE3, MGLU3 and ITUB4 come from it")
    for name, provider in settings.ai.providers.items():
        if provider.enabled and provider.kind not in ("rules", "openai_compatible") and not provider.api_key:
            lines.append(f"{name}: no key, so it abstains")
    return lines


async def run_platform(*, host: str | None, port: int | None, sandbox: bool, bars: Path | None) -> None:
    """Everything on this machine until SIGTERM or Ctrl-C."""
    with contextlib.ExitStack() as stack:
        settings = stack.enter_context(local_settings(beside=False))
        async with family(environment_of(settings)) as members:
            if sandbox:
                world = await start_sandbox(members, assets=MARKET, bars=bars or recorded_bars())
                used = settings.model_copy(update={"sandbox_url": world.url, "as_of": world.as_of})
                announce(f"sandbox: {len(world.assets)} assets as of {world.as_of:%Y-%m-%d} at {world.url}")
                stack.enter_context(sandbox_named(used))
            else:
                used = settings
                for line in skipped_upstreams(settings):
                    announce(f"skipped: {line}")
            address = host or settings.web.host
            listening = settings.web.port if port is None else port
            async with running_platform(used, members, host=address, port=listening) as url:
                announce(f"invest is up: {url} (API at {url}/api/v1, Ctrl-C ends it)")
                await until_signal()
                announce("ending: workers finish what they run (25 s at most)")
