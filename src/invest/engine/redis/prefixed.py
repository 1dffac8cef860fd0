"""Clients whose keys and channels all begin with a deployment's prefix, ``{name}:``; its braces make them one slot.

Code names keys as `engine.redis.keys` does. A command that is not known here is refused: it could name a key of
somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import redis as blocking_redis
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.client import Pipeline as BlockingPipeline

Arguments = tuple[Any, ...]


def _words(text: str) -> list[str]:
    return text.split()


_NONE: Final = _words(
    "ACL AUTH CLIENT CLUSTER COMMAND CONFIG DBSIZE DISCARD ECHO EXEC FUNCTION HELLO INFO LASTSAVE MULTI PING ROLE "
    "SCRIPT SELECT TIME UNWATCH WAIT WAITAOF"
)
_FIRST: Final = _words(
    "DECR DECRBY DUMP EXPIRE EXPIREAT EXPIRETIME GET GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HGET HGETALL "
    "HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET HMSET HSCAN HSET HSETNX HSTRLEN HVALS INCR INCRBY INCRBYFLOAT LINDEX "
    "LLEN LPOP LPUSH LRANGE LREM LSET LTRIM PERSIST PEXPIRE PEXPIREAT PSETEX PTTL PUBLISH RESTORE RPOP RPUSH SADD "
    "SCARD SET SETEX SETNX SETRANGE SISMEMBER SMEMBERS SMISMEMBER SPOP SPUBLISH SRANDMEMBER SREM SSCAN STRLEN TTL "
    "TYPE XACK XADD XAUTOCLAIM XCLAIM XDEL XLEN XPENDING XRANGE XREVRANGE XTRIM ZADD ZCARD ZCOUNT ZINCRBY ZMSCORE "
    "ZPOPMAX ZPOPMIN ZRANGE ZRANGEBYSCORE ZRANK ZREM ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYSCORE "
    "ZREVRANK ZSCAN ZSCORE"
)
_ALL: Final = _words("DEL EXISTS MGET RENAME RENAMENX TOUCH UNLINK WATCH")
_SECOND: Final = _words("MEMORY OBJECT XGROUP XINFO")  # a word of the command's own comes before the key


def prefix_of(redis: Any) -> bytes:
    """What the keys of a client begin with; nothing for one without a prefix."""
    prefix: bytes = getattr(redis, "prefix", b"")
    return prefix


def _bytes(key: Any) -> bytes:
    return key.encode("utf-8", "surrogateescape") if isinstance(key, str) else bytes(key)


def _same(prefix: bytes, args: Arguments) -> Arguments:
    return args


def _first(prefix: bytes, args: Arguments) -> Arguments:
    return (args[0], prefix + _bytes(args[1]), *args[2:])


def _second(prefix: bytes, args: Arguments) -> Arguments:
    if " " in args[0]:  # redis-py sends some of them with the word in the name
        return _first(prefix, args)
    return (args[0], args[1], prefix + _bytes(args[2]), *args[3:])


def _all(prefix: bytes, args: Arguments) -> Arguments:
    return (args[0], *(prefix + _bytes(key) for key in args[1:]))


def _script(prefix: bytes, args: Arguments) -> Arguments:
    last = 3 + int(args[2])
    return (*args[:3], *(prefix + _bytes(key) for key in args[3:last]), *args[last:])


def _streams(prefix: bytes, args: Arguments) -> Arguments:
    first = 4 if args[0] == "XREADGROUP" else 1  # a group and its reader may have any names
    words = [_bytes(word).upper() if isinstance(word, str | bytes) else word for word in args]
    start = words.index(b"STREAMS", first) + 1
    end = start + (len(args) - start) // 2
    return (*args[:start], *(prefix + _bytes(key) for key in args[start:end]), *args[end:])


def _scan(prefix: bytes, args: Arguments) -> Arguments:
    words = [_bytes(word).upper() if isinstance(word, str | bytes) else word for word in args]
    if b"MATCH" not in words:
        return (*args, "MATCH", prefix + b"*")
    at = words.index(b"MATCH") + 1
    return (*args[:at], prefix + _bytes(args[at]), *args[at + 1 :])


_PLACED: Final[dict[str, Callable[[bytes, Arguments], Arguments]]] = {
    **dict.fromkeys(_NONE, _same),
    **dict.fromkeys(_FIRST, _first),
    **dict.fromkeys(_ALL, _all),
    **dict.fromkeys(_SECOND, _second),
    **dict.fromkeys(("EVAL", "EVALSHA", "FCALL", "FCALL_RO"), _script),
    **dict.fromkeys(("XREAD", "XREADGROUP"), _streams),
    "SCAN": _scan,
}


def under(prefix: bytes, args: Arguments) -> Arguments:
    """A command with its keys under `prefix`. Raises TypeError for one whose keys are not known."""
    placed = _PLACED.get(args[0]) or _PLACED.get(str(args[0]).partition(" ")[0].upper())
    if placed is None:
        raise TypeError(f"{str(args[0])[:30]}: where its keys are is not known, so it cannot go under a prefix")
    return placed(prefix, args)


def _stripped(prefix: bytes, command: Any, answer: Any) -> Any:
    """An answer that names keys, without the prefix."""
    if command == "SCAN":
        cursor, names = answer
        return cursor, [name.removeprefix(prefix) for name in names]
    if command in ("XREAD", "XREADGROUP") and isinstance(answer, list):
        return [[name.removeprefix(prefix), rows] for name, rows in answer]
    return answer


class PrefixedPipeline(Pipeline):
    """A pipeline under a prefix."""

    prefix = b""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Add a command."""
        return super().execute_command(*under(self.prefix, args), **options)


class PrefixedRedis(Redis):
    """An asynchronous client under a prefix."""

    prefix = b""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command; see `under`."""
        answer = await super().execute_command(*under(self.prefix, args), **options)  # type: ignore[no-untyped-call] # redis-py
        return _stripped(self.prefix, args[0], answer)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> PrefixedPipeline:
        """A pipeline under the same prefix; commands that answer with keys have no place in it."""
        pipe = PrefixedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe.prefix = self.prefix
        return pipe

    def pubsub(self, **kwargs: Any) -> Any:
        """Not to be had: `Notices` listens under a prefix."""
        raise TypeError("a client under a prefix listens through Notices")


class PrefixedBlockingPipeline(BlockingPipeline):
    """A synchronous pipeline under a prefix."""

    prefix = b""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Add a command."""
        return super().execute_command(*under(self.prefix, args), **options)  # type: ignore[no-untyped-call] # redis-py


class PrefixedBlockingRedis(blocking_redis.Redis):
    """A synchronous client under a prefix."""

    prefix = b""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command; see `under`."""
        answer = super().execute_command(*under(self.prefix, args), **options)  # type: ignore[no-untyped-call] # redis-py
        return _stripped(self.prefix, args[0], answer)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> PrefixedBlockingPipeline:
        """A pipeline under the same prefix."""
        options = (self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe = PrefixedBlockingPipeline(*options)  # type: ignore[no-untyped-call] # redis-py
        pipe.prefix = self.prefix
        return pipe
