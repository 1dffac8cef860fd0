"""The application: every upstream beneath its name, the sandbox's own endpoints, faults in front of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from invest_sandbox import ai, programmes
from invest_sandbox.context import AI_LATENCY, FAULTS, REQUESTS, SHELF, WORLD
from invest_sandbox.damage import after, before
from invest_sandbox.faults import UPSTREAMS, Fault, FaultBook
from invest_sandbox.shelf import Shelf
from invest_sandbox.upstreams import (
    b3,
    b3_indices,
    bcb,
    brapi,
    brapi_crypto,
    brapi_rates,
    cotahist,
    cvm,
    cvm_etfs,
    cvm_funds,
    fundamentus,
    others,
    rss,
    yahoo,
)
from invest_sandbox.world import World

ROUTES = {
    "cotahist": cotahist.routes,
    "b3": b3.routes,
    "b3_indices": b3_indices.routes,
    "b3_programmes": programmes.routes,
    "cvm": cvm.routes,
    "cvm_funds": cvm_funds.routes,
    "cvm_etfs": cvm_etfs.routes,
    "bcb": bcb.routes,
    "olinda": bcb.olinda_routes,
    "brapi": lambda: [*brapi.routes(), *brapi_crypto.routes(), *brapi_rates.routes()],
    "rss": rss.routes,
    "yahoo": yahoo.routes,
    "fundamentus": fundamentus.routes,
    "google_news": others.google_routes,
    "gdelt": others.gdelt_routes,
    "binance": others.binance_routes,
    "mercado_bitcoin": others.mercado_bitcoin_routes,
}
DEFAULT_LATENCY = {"openai": 0.35, "anthropic": 0.5, "gemini": 0.4, "compatible": 0.3}


def create_app(
    world: World,
    *,
    faults: list[Fault] | None = None,
    ai_latency: dict[str, float] | None = None,
    shelf: Shelf | None = None,
) -> web.Application:
    """The sandbox over `world`. `ai_latency`: seconds by AI (openai, anthropic, gemini, compatible).

    `shelf`: answers already made of this world, for sandboxes that follow one another.
    """
    app = web.Application(middlewares=[sandbox], client_max_size=8 * 2**20)
    app[WORLD] = world
    app[SHELF] = shelf or Shelf()
    app[ai.BATCHES] = ai.Batches()
    app[FAULTS] = FaultBook(world.seed, faults)
    app[REQUESTS] = {}
    app[others.LAST_GDELT] = []
    app[AI_LATENCY] = DEFAULT_LATENCY | (ai_latency or {})
    for name, routes in ROUTES.items():
        app.add_routes(_beneath(f"/{name}", routes()))
    app.add_routes(_beneath("/ai", ai.routes()))
    app.add_routes(
        [
            web.get("/sandbox/info", info),
            web.get("/sandbox/requests", requests),
            web.delete("/sandbox/requests", forget),
            web.get("/sandbox/faults", faults_in_force),
            web.post("/sandbox/faults", add_fault),
            web.delete("/sandbox/faults", lift_faults),
            web.get("/", info),
        ]
    )
    return app


def _beneath(prefix: str, routes: list[web.RouteDef]) -> list[web.RouteDef]:
    return [web.RouteDef(r.method, prefix + r.path, r.handler, r.kwargs) for r in routes]


def upstream_of(path: str) -> str | None:
    """The upstream a path belongs to: its first part, two for the AIs; None for the sandbox's own."""
    parts = path.strip("/").split("/")
    name = "/".join(parts[:2]) if parts[0] == "ai" else parts[0]
    return name if name in UPSTREAMS else None


@web.middleware
async def sandbox(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts, applies the faults in force, stamps the answer."""
    upstream = upstream_of(request.path)
    if upstream is None:
        return _stamped(await _handled(request, handler))
    counts = request.app[REQUESTS].setdefault(upstream, Counter())
    counts["requests"] += 1
    faults = request.app[FAULTS].strike(upstream)
    response = await before(request, faults) if faults else None
    if response is None:
        response = await _handled(request, handler)
        if faults:
            response = await after(request, response, faults)
    counts[str(response.status)] += 1
    for fault in faults:
        counts[f"fault:{fault.kind}"] += 1
    return _stamped(response)


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """aiohttp's own refusals (404 of an unknown path) become answers, so that they are stamped and counted too."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        return web.Response(status=refusal.status, text=refusal.text, headers={"Content-Type": "text/plain"})
    except ValueError as error:  # a number or date in the query that is none
        return web.Response(status=400, text=f"Bad Request: {error}", content_type="text/plain")


def _stamped(response: web.StreamResponse) -> web.StreamResponse:
    if not response.prepared:
        response.headers["X-Sandbox"] = "1"
    return response


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(data), content_type="application/json")


async def info(request: web.Request) -> web.Response:
    """What is served: the instant that is now, the seed, every asset, whether its bars are recorded, and until when."""
    world = request.app[WORLD]
    assets = [
        {
            "ticker": x.ticker,
            "kind": x.kind,
            "name": x.name,
            "real": world.is_real(x.ticker),
            "until": str(world.until(x.ticker)),
        }
        for x in world.listings
    ]
    return _json(
        {
            "sandbox": True,
            "as_of": world.now.isoformat(),
            "today": str(world.today),
            "seed": world.seed,
            "upstreams": list(UPSTREAMS),
            "assets": assets,
        }
    )


async def requests(request: web.Request) -> web.Response:
    """Counts by upstream: requests, statuses, faults that struck."""
    return _json({name: dict(counts) for name, counts in sorted(request.app[REQUESTS].items())})


async def forget(request: web.Request) -> web.Response:
    """Counts from zero again."""
    request.app[REQUESTS].clear()
    return _json({"cleared": True})


async def faults_in_force(request: web.Request) -> web.Response:
    """The faults in force."""
    return _json([f.model_dump(exclude_none=True) for f in request.app[FAULTS].faults])


async def add_fault(request: web.Request) -> web.Response:
    """Puts a fault in force; 422 says what is wrong with it."""
    try:
        fault = Fault.model_validate_json(await request.read())
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
        return _json({"error": problems}, 422)
    if fault.upstream not in (*UPSTREAMS, "ai", "*"):
        return _json({"error": [f"upstream: no {fault.upstream!r}; one of {', '.join(UPSTREAMS)}, ai, *"]}, 422)
    request.app[FAULTS].add(fault)
    return _json(fault.model_dump(exclude_none=True), 201)


async def lift_faults(request: web.Request) -> web.Response:
    """Lifts all faults, or those of ``?upstream=``."""
    return _json({"lifted": request.app[FAULTS].clear(request.query.get("upstream"))})
