"""The HTTP server: `create_app` for any aiohttp runner, `serve` for a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable

import structlog
from aiohttp import web

from invest.api.http import ORIGINS, on_prepare
from invest.api.pages import bind_pages, page_of_refusal
from invest.api.routes import health, table
from invest.api.services import SERVICES, open_services
from invest.api.serving import http_handler, outermost
from invest.api.sockets import LOAD, Load, Roster, Runner, Unsent, as_bytes
from invest.engine import ended
from invest.errors import ConfigError
from invest.processes import collect_rarely
from invest.settings import Settings

log = structlog.get_logger("invest.web")
SPARE_FILES = 500  # beside connections: pools, logs, libraries
ROSTER = web.AppKey("roster", Roster)
UNSENT = web.AppKey("unsent", Unsent)
GRACE = 20.0  # seconds for running requests after SIGTERM; a platform kills after 25 to 30


def create_app(settings: Settings) -> web.Application:
    """The application: connects when it starts, answers 503 while Redis or PostgreSQL is away.

    Raises `Unreachable` where no Redis is named at all.
    """
    from invest.engine import registry
    from invest.jobs.declared import declare_all

    declare_all()
    app = web.Application(
        middlewares=[outermost(page_of_refusal)],  # one: each is a coroutine more in every request
        client_max_size=settings.web.max_body_bytes,
    )
    app[LOAD] = Load(settings.web.max_in_flight)
    app[LOAD].alive = as_bytes(health.alive(sandbox=settings.sandbox))
    app[ORIGINS] = tuple(settings.web.cors_origins)
    app[ROSTER] = Roster(
        settings.web.max_connections, settings.web.max_connections_per_peer, settings.web.trusted_proxies
    )
    app[UNSENT] = Unsent(settings.web.max_unsent_bytes)
    app.on_response_prepare.append(on_prepare)
    routes = table.routes(registry)
    for route in routes:
        handler = http_handler(route)
        app.router.add_route(route.method, route.path, handler, name=route.name)
        if route.method == "GET" and not route.output.streams:
            app.router.add_route("HEAD", route.path, handler)
    bind_pages(app, routes)

    async def lifespan(running: web.Application) -> AsyncIterator[None]:
        services = running[SERVICES] = open_services(settings, running[LOAD])
        background = table.background(services)
        yield
        await asyncio.gather(*map(ended, background))
        await services.close()

    async def end_streams(running: web.Application) -> None:
        running[SERVICES].enqueuer.stop_waiting()
        await running[SERVICES].hub.close()

    app.cleanup_ctx.append(lifespan)
    app.on_shutdown.append(end_streams)
    return app


async def start(app: web.Application, host: str, port: int) -> tuple[Runner, int]:
    """Listen; returns the runner (``await runner.cleanup()`` ends it) and the port, which 0 leaves to the system.

    Raises `ConfigError` for an address that cannot be had.
    """
    runner = Runner(app, load=app[LOAD], roster=app[ROSTER], unsent=app[UNSENT], shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        await runner.cleanup()
        reason = error.strerror or str(error)
        raise ConfigError(
            f"cannot listen on {host} port {port}: {reason}; choose another with PORT or --port"
        ) from None
    address = runner.addresses[0]
    return runner, int(address[1])


def serve(settings: Settings, *, host: str | None = None, port: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs. Raises `Unreachable` or `ConfigError`."""
    web_settings = settings.web.model_copy(
        update={"host": host or settings.web.host, "port": settings.web.port if port is None else port}
    )
    chosen = settings.model_copy(update={"web": web_settings})
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(chosen))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def allow_files(wanted: int) -> None:
    """Raise this process's limit of open files so far: systems begin with 1,024, which connections alone exceed."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    best = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < best:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
            soft = best
    if soft != resource.RLIM_INFINITY and soft < wanted:
        log.warning("fewer files may be open than connections are allowed", files=soft, wanted=wanted)


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = create_app(settings)
    allow_files(settings.web.max_connections + SPARE_FILES)
    collect_rarely()
    runner, port = await start(app, settings.web.host, settings.web.port)
    shown = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    log.info("listening", url=f"http://{shown}:{port}", keys=app[SERVICES].keyring.required)
    try:
        await stop.wait()
    finally:
        log.info("stopping")
        await runner.cleanup()
        # Platforms send SIGTERM more than once: the last steps of the interpreter are not to be killed by it.
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
