"""The floor of the API benchmark: an aiohttp handler that does one Redis round trip and nothing else.

python -m bench.api_bare REDIS_URL PORT
"""

from __future__ import annotations

import asyncio
import sys
import uuid

import uvloop
from aiohttp import web
from redis.asyncio import Redis

REDIS = web.AppKey("redis", Redis)


async def push(request: web.Request) -> web.Response:
    """One LPUSH."""
    await request.app[REDIS].lpush("bare", uuid.uuid4().hex)  # type: ignore[misc] # redis-py: Awaitable | int
    return web.json_response({"status": "queued"}, status=202)


async def main(url: str, port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app[REDIS] = Redis.from_url(url)
    app.router.add_post("/push", push)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main(sys.argv[1], int(sys.argv[2])))
