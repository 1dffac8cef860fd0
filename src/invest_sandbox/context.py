"""What every handler finds in the application and the request."""

from __future__ import annotations

from collections import Counter
from datetime import date

from aiohttp import web

from invest_sandbox.faults import FaultBook
from invest_sandbox.shelf import Shelf
from invest_sandbox.world import World

WORLD = web.AppKey("world", World)
SHELF = web.AppKey("shelf", Shelf)
FAULTS = web.AppKey("faults", FaultBook)
REQUESTS: web.AppKey[dict[str, Counter[str]]] = web.AppKey("requests", dict)
AI_LATENCY: web.AppKey[dict[str, float]] = web.AppKey("ai_latency", dict)

AI_FAULTS: web.RequestKey[tuple[str, ...]] = web.RequestKey("ai_faults", tuple)  # how the AI misbehaves this time
TODAY = web.RequestKey("today", date)  # the last day this answer may know of
INJECTION = web.RequestKey("injection", bool)  # whether feeds carry attempts on a reader's model


def world_of(request: web.Request) -> World:
    """The world served."""
    return request.app[WORLD]


def today_of(request: web.Request) -> date:
    """The newest session this answer may know of: the world's, or an older one under a fault of kind "stale"."""
    day: date = request.get(TODAY, request.app[WORLD].today)
    return day
