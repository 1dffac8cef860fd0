"""Liveness, readiness and metrics."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from invest import __version__
from invest.api.http import Reply, route, to_json
from invest.api.request import Request
from invest.api.routes.measures import ai_metrics, source_metrics, store_metrics
from invest.api.sockets import NUMBER
from invest.engine import metrics_text
from invest.errors import ConfigError, Unreachable


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__
    sandbox: bool = Field(description="whether upstreams and AIs are the sandbox")


class Readiness(BaseModel):
    """Whether work can be taken; `checks` says what is wrong, without addresses or passwords.

    Degraded: reads go on, but a server takes no new work or no writes now.
    """

    status: Literal["ready", "degraded", "not ready"]
    checks: dict[str, str]


@route("GET", "/healthz", tag="operations", scope=None, api=False)
async def healthz(request: Request) -> Health:
    """Whether the process answers; asks nothing else."""
    return Health(sandbox=request.services.settings.sandbox)


def alive(*, sandbox: bool) -> web.Response:
    """The answer of /healthz, made once."""
    headers = {"X-Request-Id": NUMBER.decode()}
    return web.Response(body=to_json(Health(sandbox=sandbox)), content_type="application/json", headers=headers)


@route("GET", "/readyz", tag="operations", scope=None, problems=(503,), api=False)
async def readyz(request: Request) -> Reply[Readiness]:
    """Whether Redis and PostgreSQL can be used: 503 while one cannot; an answer is at most a second old."""
    state = await request.services.readiness.state()
    body = Readiness(status=state.verdict, checks=state.checks)
    refused = state.verdict == "not ready"
    return Reply(body, 503 if refused else 200, {"Retry-After": "5"} if refused else {})


@route("GET", "/metrics", tag="operations", scope="read", api=False, media={200: "text/plain"})
async def metrics(request: Request) -> web.Response:
    """Metrics of queues, workers, requests, upstreams, AIs and PostgreSQL's pool, for Prometheus."""
    body = await metrics_text(request.services.invest) + await request.services.meters.text()
    body += (await source_metrics(request)).encode()
    with suppress(Unreachable, ConfigError):  # without PostgreSQL the metrics of queues and upstreams go on
        body += (await ai_metrics(request) + await store_metrics(await request.services.store())).encode()
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


ROUTES = (healthz, readyz, metrics)
