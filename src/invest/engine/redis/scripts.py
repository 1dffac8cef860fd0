"""The Lua scripts, one per transition, loaded once and called by their hash."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from invest.engine.redis.fields import lua_table
from invest.engine.redis.keys import ROOT, lua_constants
from invest.engine.redis.prefixed import prefix_of

Argument = str | bytes | int | float
SHARED = ("base", "ending", "flow")  # what every script begins with


class Form:
    """A script's text and hash for one prefix."""

    __slots__ = ("sha", "text")

    def __init__(self, name: str, prefix: bytes) -> None:
        folder = files("invest.engine.redis") / "lua"
        parts = [(folder / f"{part}.lua").read_text("utf-8") for part in (*SHARED, name)]
        self.text = lua_constants(prefix.decode()) + lua_table() + "".join(parts)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Script:
    """One script; its key names are part of its text, so that each prefix has a form of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._forms: dict[bytes, Form] = {}

    def under(self, prefix: bytes) -> Form:
        """Its form for a prefix, made once."""
        form = self._forms.get(prefix)
        if form is None:
            form = self._forms[prefix] = Form(self.name, prefix)
        return form

    async def __call__(self, redis: Redis, *argv: Argument) -> Any:
        """Run it; a server that does not know it yet (restart, failover) is given its text."""
        form = self.under(prefix_of(redis))
        try:
            return await redis.evalsha(form.sha, 1, ROOT, *argv)  # type: ignore[misc,arg-type] # redis-py: Awaitable | str
        except NoScriptError:
            return await redis.eval(form.text, 1, ROOT, *argv)  # type: ignore[misc,arg-type] # the same

    def blocking(self, redis: Any, *argv: Argument) -> Any:
        """The same on a synchronous client."""
        form = self.under(prefix_of(redis))
        try:
            return redis.evalsha(form.sha, 1, ROOT, *argv)
        except NoScriptError:
            return redis.eval(form.text, 1, ROOT, *argv)


@cache
def script(name: str) -> Script:
    """The script in ``lua/<name>.lua``."""
    return Script(name)
