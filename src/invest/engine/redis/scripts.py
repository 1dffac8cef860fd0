"""The Lua scripts, one per transition: functions of one library, which a server reads once.

A script that is sent by its hash is run from its top at every call: defining what the scripts share took more of the
server's time than most of them need for their work (some 40 us a call on the machine of the benchmarks).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from invest.engine.redis.fields import lua_table
from invest.engine.redis.keys import lua_constants

Argument = str | bytes | int | float
SHARED: Final = ("base", "ending", "flow")  # what the others are built on
FREEING: Final = frozenset(  # those that go on when Redis is full: work that runs must end, and what is not wanted go
    ("cancel", "claim", "discard", "finish", "forget", "look", "pace", "proceed", "purge", "renew", "sweep")
)
PREFIX: Final = "invest_"
MANY: Final = 16  # libraries of other releases on one server, before they are removed


class Library:
    """The text of all scripts, and the name under which a server knows it: another text has another name."""

    def __init__(self, body: str | None = None) -> None:
        self.body = _body() if body is None else body
        self.mark = hashlib.sha1(self.body.encode(), usedforsecurity=False).hexdigest()[:12]
        self.name = PREFIX + self.mark
        entries = "".join(_entry(name, self.mark) for name in _names())
        self.text = f"#!lua name={self.name}\n{self.body}{entries}"

    async def load(self, redis: Redis) -> None:
        """Have the server know it."""
        try:
            await _awaited(redis.function_load(self.text))
        except ResponseError as error:
            if "already exists" not in str(error):
                raise
        for name in self._to_remove(await _awaited(redis.function_list(PREFIX + "*"))):
            await _awaited(redis.function_delete(name))

    def load_blocking(self, redis: Any) -> None:
        """The same on a synchronous client, which removes nothing."""
        try:
            redis.function_load(self.text)
        except ResponseError as error:
            if "already exists" not in str(error):
                raise

    def _to_remove(self, known: list[Any]) -> list[str]:
        """Libraries of other releases once there are many; a release that still runs loads its own again."""
        names = [row[row.index(b"library_name") + 1].decode() for row in known]
        return [name for name in names if name != self.name] if len(names) > MANY else []


class Script:
    """One script: the name of its function, and the library that has it."""

    def __init__(self, name: str, library: Library) -> None:
        self.name = name
        self.library = library
        self.function = f"{name}_{library.mark}"

    async def __call__(self, redis: Redis, *argv: Argument) -> Any:
        """Run it; a server that does not know it yet (restart, failover) is given the library."""
        try:
            return await self._call(redis, argv)
        except ResponseError as error:
            if not is_unknown(error):
                raise
        await self.library.load(redis)
        return await self._call(redis, argv)

    async def _call(self, redis: Redis, argv: Sequence[Argument]) -> Any:
        return await _awaited(redis.fcall(self.function, 0, *argv))  # type: ignore[arg-type] # redis-py: a list, starred

    def blocking(self, redis: Any, *argv: Argument) -> Any:
        """The same on a synchronous client."""
        try:
            return redis.fcall(self.function, 0, *argv)
        except ResponseError as error:
            if not is_unknown(error):
                raise
        self.library.load_blocking(redis)
        return redis.fcall(self.function, 0, *argv)


def is_unknown(error: object) -> bool:
    """Whether a server refused a script because it does not know it."""
    return isinstance(error, ResponseError) and "Function not found" in str(error)


def _names() -> list[str]:
    found = (part.name.removesuffix(".lua") for part in _folder().iterdir() if part.name.endswith(".lua"))
    return sorted(set(found) - set(SHARED))


def _folder() -> Any:
    return files("invest.engine.redis") / "lua"


def _body() -> str:
    def text(part: str) -> str:
        return str((_folder() / f"{part}.lua").read_text("utf-8"))

    scripts = "".join(f"SCRIPTS.{name} = (function()\n{text(name)}end)()\n" for name in _names())
    shared = "".join(text(part) for part in SHARED)
    return f"{lua_constants()}{lua_table()}{shared}local SCRIPTS = {{}}\n{scripts}"


def _entry(name: str, mark: str) -> str:
    flags = "'allow-oom'" if name in FREEING else ""
    call = f"function(_, argv) begin(); return SCRIPTS.{name}(argv) end"
    return f"redis.register_function{{function_name='{name}_{mark}', flags={{{flags}}}, callback={call}}}\n"


async def _awaited(answer: Awaitable[Any] | Any) -> Any:
    """redis-py types what one class gives to both its clients as Awaitable | str."""
    return await answer


@cache
def library() -> Library:
    """The scripts of this release."""
    return Library()


@cache
def script(name: str) -> Script:
    """The script in ``lua/<name>.lua``."""
    return Script(name, library())
