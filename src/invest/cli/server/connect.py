"""One connection per verb: the API of a server, of this process, or the engine and the store themselves."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from invest.cli.platform.local import local_settings
from invest.cli.server.target import Target, chosen_cell, target
from invest.errors import ConfigError

if TYPE_CHECKING:
    from invest.http import Client
    from invest.settings import Settings

T = TypeVar("T")


def with_api(work: Callable[[Client], Awaitable[T]]) -> T:
    """Run `work` with a client of the HTTP API: the named server's, or this process's over this machine's servers.

    The second listens on a socket in a folder that only this account can open, for as long as `work` runs.
    """
    import asyncio

    if chosen := target():
        return asyncio.run(_remote(chosen, work))
    with local_settings() as settings:
        return asyncio.run(_inside(settings, work))


async def _remote(chosen: Target, work: Callable[[Client], Awaitable[T]]) -> T:
    from invest.http import Client

    async with Client(chosen.url, key=chosen.key) as client:
        return await work(client)


async def _inside(settings: Settings, work: Callable[[Client], Awaitable[T]]) -> T:
    async with served_here(settings) as client:
        return await work(client)


@asynccontextmanager
async def served_here(settings: Settings) -> AsyncIterator[Client]:
    """The API in this process, without keys: the person who runs the command has the servers' passwords already."""
    import structlog
    from aiohttp.web import AppRunner, UnixSite

    from invest.http import Client
    from invest.web import create_app

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    open_here = settings.web.model_copy(update={"host": "127.0.0.1", "auth": "auto", "cors_origins": []})
    silent = settings.logging.model_copy(update={"level": "ERROR"})
    runner = AppRunner(create_app(settings.model_copy(update={"web": open_here, "logging": silent})), access_log=None)
    with tempfile.TemporaryDirectory(prefix="invest-cli-") as folder:
        socket = Path(folder) / "api.sock"
        await runner.setup()
        try:
            await UnixSite(runner, str(socket)).start()
            async with Client(f"unix:{socket}") as client:
                yield client
        finally:
            await runner.cleanup()


def with_platform(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run `work` with the engine: this machine's `Invest`, or the same verbs of the named server over HTTP."""
    import asyncio

    if chosen := target():
        from invest.cli.server.remote import RemoteInvest

        return asyncio.run(_remote(chosen, lambda client: work(RemoteInvest(client, chosen_cell()))))
    from invest.engine import Invest
    from invest.jobs.declared import declare_all

    declare_all()

    async def connected() -> T:
        async with Invest.connect(settings) as invest:
            return await work(invest)

    with local_settings() as settings:
        return asyncio.run(connected())


def is_remote(invest: Any) -> bool:
    """Whether what `with_platform` gave speaks to a server over HTTP."""
    from invest.cli.server.remote import RemoteInvest

    return isinstance(invest, RemoteInvest)


def with_store(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run `work` with an open `Store` of this machine. Raises `ConfigError` where a server is named instead."""
    import asyncio
    import logging

    refuse_remote()
    from invest.store import Store

    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # a lost server is told by our own errors, in a sentence

    async def opened() -> T:
        async with Store.open(settings) as store:
            return await work(store)

    with local_settings() as settings:
        return asyncio.run(opened())


def refuse_remote() -> None:
    """Raise `ConfigError` where a server is named: the verb works on the database itself."""
    if chosen := target():
        raise ConfigError(f"this verb works on the database itself, not through {chosen.url}: set INVEST_URL= for it")


def remote_or(over_http: Callable[[Client], Awaitable[T]], here: Callable[[], T]) -> T:
    """`over_http` where a server is named, else `here`."""
    import asyncio

    chosen = target()
    return asyncio.run(_remote(chosen, over_http)) if chosen else here()
