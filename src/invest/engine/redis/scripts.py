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
from invest.engine.redis.keys import ROOT, lua_constants
from invest.engine.redis.prefixed import prefix_of

Argument = str | bytes | int | float
SHARED: Final = ("base", "ending", "flow")  # what the others are built on
FREEING: Final = frozenset(  # those that go on when Redis is full: work that runs must end, and what is not wanted go
    ("cancel", "claim", "discard", "finish", "forget", "look", "pace", "proceed", "purge", "renew", "sweep")
)
PREFIX: Final = "invest_"
MANY: Final = 16  # libraries of other releases on one server, before they are removed


class Library:
    """The text of all scripts, and the name under which a server knows it: another text has another name."""

    def __init__(self, body: str | None = None, prefix: bytes = b"") -> None:
        self.body = _body(prefix.decode()) if body is None else body
        self.mark = _hash(self.body.encode())
        self.family = PREFIX + (_hash(prefix) + "_" if prefix else "")
        self.name = self.family + self.mark
        entries = "".join(_entry(name, self.mark) for name in _names())
        self.text = f"#!lua name={self.name}\n{self.body}{entries}"

    async def load(self, redis: Redis) -> None:
        """Have the server know it."""
        try:
            await _awaited(redis.function_load(self.text))
        except ResponseError as error:
            if "already exists" not in str(error):
                raise
        for name in self._to_remove(await _awaited(redis.function_list(self.family + "*"))):
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
        every = [row[row.index(b"library_name") + 1].decode() for row in known]
        names = [name for name in every if "_" not in name.removeprefix(self.family)]  # not those of other prefixes
        return [name for name in names if name != self.name] if len(names) > MANY else []


class Script:
    """One script. Key names are part of the text, so each prefix has a library of its own, made once."""

    def __init__(self, name: str, plain: Library) -> None:
        self.name = name
        self.library = plain
        self._functions: dict[bytes, str] = {}

    def function(self, prefix: bytes) -> str:
        """The name of its function for a prefix."""
        found = self._functions.get(prefix)
        if found is None:
            found = self._functions[prefix] = f"{self.name}_{self.under(prefix).mark}"
        return found

    def under(self, prefix: bytes) -> Library:
        """The library that has it for a prefix."""
        return library(prefix) if prefix else self.library

    async def __call__(self, redis: Redis, *argv: Argument) -> Any:
        """Run it; a server that does not know it yet (restart, failover) is given the library."""
        prefix = prefix_of(redis)
        try:
            return await self._call(redis, prefix, argv)
        except ResponseError as error:
            if not is_unknown(error):
                raise
        await self.under(prefix).load(redis)
        return await self._call(redis, prefix, argv)

    async def _call(self, redis: Redis, prefix: bytes, argv: Sequence[Argument]) -> Any:
        return await _awaited(redis.fcall(self.function(prefix), 1, ROOT, *argv))  # type: ignore[arg-type] # redis-py: a list, starred

    def blocking(self, redis: Any, *argv: Argument) -> Any:
        """The same on a synchronous client."""
        prefix = prefix_of(redis)
        try:
            return redis.fcall(self.function(prefix), 1, ROOT, *argv)
        except ResponseError as error:
            if not is_unknown(error):
                raise
        self.under(prefix).load_blocking(redis)
        return redis.fcall(self.function(prefix), 1, ROOT, *argv)


def is_unknown(error: object) -> bool:
    """Whether a server refused a script because it does not know it."""
    return isinstance(error, ResponseError) and "Function not found" in str(error)


def _names() -> list[str]:
    found = (part.name.removesuffix(".lua") for part in _folder().iterdir() if part.name.endswith(".lua"))
    return sorted(set(found) - set(SHARED))


def _folder() -> Any:
    return files("invest.engine.redis") / "lua"


def _hash(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]


def _body(prefix: str) -> str:
    def text(part: str) -> str:
        return str((_folder() / f"{part}.lua").read_text("utf-8"))

    scripts = "".join(f"SCRIPTS.{name} = (function()\n{text(name)}end)()\n" for name in _names())
    shared = "".join(text(part) for part in SHARED)
    return f"{lua_constants(prefix)}{lua_table()}{shared}local SCRIPTS = {{}}\n{scripts}"


def _entry(name: str, mark: str) -> str:
    flags = "'allow-oom'" if name in FREEING else ""
    call = f"function(_, argv) begin(); return SCRIPTS.{name}(argv) end"
    return f"redis.register_function{{function_name='{name}_{mark}', flags={{{flags}}}, callback={call}}}\n"


async def _awaited(answer: Awaitable[Any] | Any) -> Any:
    """redis-py types what one class gives to both its clients as Awaitable | str."""
    return await answer


@cache
def library(prefix: bytes = b"") -> Library:
    """The scripts of this release, with the key names of a prefix."""
    return Library(prefix=prefix)


@cache
def script(name: str) -> Script:
    """The script in ``lua/<name>.lua``."""
    return Script(name, library())
