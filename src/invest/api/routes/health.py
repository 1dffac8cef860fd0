"""Liveness, readiness and metrics."""

from __future__ import annotations

import asyncio
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from invest import __version__
from invest.api.http.routing import Reply, route
from invest.api.request import Request
from invest.engine import metrics_text
from invest.errors import InvestError

CHECK_SECONDS = 3.0


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__
    sandbox: bool = Field(description="whether upstreams and AIs are the sandbox")


class Readiness(BaseModel):
    """Whether work can be taken; `checks` says what is wrong, without addresses or passwords."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


@route("GET", "/healthz", tag="operations", scope=None, api=False)
async def healthz(request: Request) -> Health:
    """Whether the process answers; asks nothing else."""
    return Health(sandbox=request.services.settings.sandbox)


@route("GET", "/readyz", tag="operations", scope=None, problems=(503,), api=False)
async def readyz(request: Request) -> Reply[Readiness]:
    """Whether Redis and PostgreSQL answer: 503 while one does not."""
    redis, postgres = await asyncio.gather(_redis(request), _postgres(request))
    ready = redis == postgres == "ok"
    body = Readiness(status="ready" if ready else "not ready", checks={"redis": redis, "postgresql": postgres})
    return Reply(body, 200 if ready else 503, {} if ready else {"Retry-After": "5"})


async def _redis(request: Request) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await request.services.invest.redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        return f"does not answer ({type(error).__name__})"
    return "ok"


async def _postgres(request: Request) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await (await request.services.store()).ready()
    except InvestError as error:
        lacks_schema = "migrate" in str(error)
        return "has no schema: run `invest db migrate`" if lacks_schema else "does not answer"
    except TimeoutError:
        return "does not answer in time"
    return "ok"


@route("GET", "/metrics", tag="operations", scope="read", api=False, media={200: "text/plain"})
async def metrics(request: Request) -> web.Response:
    """Metrics of all queues and workers for Prometheus."""
    body = await metrics_text(request.services.invest)
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


ROUTES = (healthz, readyz, metrics)
