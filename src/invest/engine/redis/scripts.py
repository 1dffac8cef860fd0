"""The Lua scripts, one per transition, loaded once and called by their hash."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from invest.engine.redis.fields import lua_table
from invest.engine.redis.keys import lua_constants

Argument = str | bytes | int | float
SHARED = ("base", "ending", "flow")  # what every script begins with


class Script:
    """One script's text and hash."""

    def __init__(self, name: str) -> None:
        folder = files("invest.engine.redis") / "lua"
        parts = [(folder / f"{part}.lua").read_text("utf-8") for part in (*SHARED, name)]
        text = lua_constants() + lua_table() + "".join(parts)
        self.name = name
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, redis: Redis, *argv: Argument) -> Any:
        """Run it; a server that does not know it yet (restart, failover) is given its text."""
        try:
            return await redis.evalsha(self.sha, 0, *argv)  # type: ignore[misc,arg-type] # redis-py: Awaitable | str
        except NoScriptError:
            return await redis.eval(self.text, 0, *argv)  # type: ignore[misc,arg-type] # the same

    def blocking(self, redis: Any, *argv: Argument) -> Any:
        """The same on a synchronous client."""
        try:
            return redis.evalsha(self.sha, 0, *argv)
        except NoScriptError:
            return redis.eval(self.text, 0, *argv)


@cache
def script(name: str) -> Script:
    """The script in ``lua/<name>.lua``."""
    return Script(name)
