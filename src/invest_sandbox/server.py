"""Runs the sandbox: inside an event loop as `Sandbox`, or as a program of its own through `main`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from aiohttp import web

from invest.errors import Unreachable
from invest_sandbox.app import create_app
from invest_sandbox.context import WORLD
from invest_sandbox.faults import Fault
from invest_sandbox.world import World

HOST = "127.0.0.1"  # loopback only, always: it answers for others and checks no one


class Sandbox:
    """A running sandbox: `url`, its `world` and the `app` behind it."""

    def __init__(self, url: str, world: World, app: web.Application) -> None:
        self.url = url
        self.world = world
        self.app = app

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        assets: int = 1000,
        seed: int = 7,
        bars: Path | None = None,
        as_of: date | None = None,
        port: int = 0,
        *,
        faults: list[Fault] | None = None,
        ai_latency: dict[str, float] | None = None,
    ) -> AsyncIterator[Sandbox]:
        """Serves on loopback until the block ends; port 0 takes a free one.

        Raises `ConfigError` for bars that cannot be read and `Unreachable` for a port that is taken.
        """
        world = await asyncio.to_thread(World, assets, seed, bars, as_of)
        async with cls.serve(create_app(world, faults=faults, ai_latency=ai_latency), port) as running:
            yield running

    @classmethod
    @asynccontextmanager
    async def serve(cls, app: web.Application, port: int = 0) -> AsyncIterator[Sandbox]:
        """Serves what `create_app` made, on loopback until the block ends. Raises as `start` does for the port."""
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port, backlog=1024)
            try:
                await site.start()
            except OSError as error:
                raise Unreachable(f"port {port} on {HOST} cannot be taken: {error.strerror}; choose another") from None
            bound = runner.addresses[0][1]
            yield cls(f"http://{HOST}:{bound}", app[WORLD], app)
        finally:
            await runner.cleanup()


def main(
    port: int = 8900,
    assets: int = 1000,
    seed: int = 7,
    bars: Path | None = None,
    as_of: date | None = None,
    *,
    faults: list[Fault] | None = None,
    ai_latency: dict[str, float] | None = None,
    ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM. `ready` is called once, with the sandbox, when it answers."""

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stop.set)
        async with Sandbox.start(assets, seed, bars, as_of, port, faults=faults, ai_latency=ai_latency) as running:
            if ready:
                ready(running)
            await stop.wait()

    try:
        import uvloop
    except ImportError:  # not there on Windows
        asyncio.run(serve())
    else:
        uvloop.run(serve())
