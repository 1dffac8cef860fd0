"""Connections to Redis: one address syntax, limits on everything, a single server or Sentinel."""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import redis as blocking_redis
import structlog
from arq.connections import RedisSettings as ArqRedisSettings
from hiredis import pack_command
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff
from redis.connection import ConnectionPool as BlockingPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry as BlockingRetry

from invest.engine.redis.cluster import (
    BlockingSlotConnection,
    BlockingSSLSlotConnection,
    Places,
    SlotConnection,
    SSLSlotConnection,
)
from invest.engine.redis.prefixed import PrefixedBlockingRedis, PrefixedRedis, prefix_of
from invest.errors import ConfigError, ServerAway
from invest.settings import RedisSettings, Settings

log = structlog.get_logger("invest.engine")
R = TypeVar("R")
T = TypeVar("T")
OLDEST: Final = "7.0"

SCHEMES: Final = ("redis", "rediss", "unix", "sentinel", "sentinels", "cluster", "clusters")
CONNECTION_ERRORS: Final = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError, asyncio.TimeoutError)


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed Redis address."""

    url: str
    scheme: str
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = "mymaster"
    database: int = 0
    username: str | None = None
    password: str | None = None
    path: str = ""

    def __str__(self) -> str:
        """Without the password."""
        where = self.path or ",".join(f"{h}:{p}" for h, p in self.hosts)
        return f"{self.scheme}://{where}"


def parse_address(url: str) -> Address:
    """``redis://``, ``rediss://``, ``unix://path?db=0``, ``sentinel://host:port,host:port/service/db`` or
    ``cluster://host:port,host:port``; ``sentinels://`` and ``clusters://`` with TLS.

    User name and password are URL-decoded. Raises `ConfigError`.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or not rest:
        raise ConfigError(f"REDIS_URL: expected {', '.join(s + '://' for s in SCHEMES)}; got scheme {scheme[:20]!r}")
    try:
        authority, _, tail = rest.partition("/") if scheme != "unix" else ("", "", "")
        credentials, _, places = authority.rpartition("@")
        username, _, password = credentials.partition(":")
        common: dict[str, Any] = {"username": unquote(username) or None, "password": unquote(password) or None}
        if scheme == "unix":
            return _unix_address(url)
        default = 26379 if scheme.startswith("sentinel") else 6379
        hosts = tuple(_host(place, default) for place in places.partition("?")[0].split(",") if place)
        words = [unquote(w) for w in tail.partition("?")[0].split("/") if w]
        if scheme.startswith("sentinel"):
            service = words[0] if words else "mymaster"
            database = int(words[1]) if len(words) > 1 else 0
            return Address(url, scheme, hosts, service=service, database=database, **common)
        return Address(
            url, scheme, hosts or (("localhost", default),), database=int(words[0]) if words else 0, **common
        )
    except ValueError:  # its message may hold a part of the password
        raise ConfigError(
            "REDIS_URL is malformed: port and database are numbers; is a / @ : or # in the password not %-encoded?"
        ) from None


def _unix_address(url: str) -> Address:
    parts = urlsplit(url)
    database = int(parse_qs(parts.query).get("db", ["0"])[0])
    username, password = unquote(parts.username or "") or None, unquote(parts.password or "") or None
    return Address(url, "unix", database=database, username=username, password=password, path=unquote(parts.path))


def _host(place: str, default: int) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        return place.strip("[]"), default
    return host.strip("[]"), int(port)


def address_of(settings: Settings) -> Address:
    """The configured address. Raises `ConfigError` where there is none."""
    url = settings.redis.here.url
    if url is None:
        raise ConfigError(
            'no Redis: set REDIS_URL; beside `invest run`, which brings its own: eval "$(invest config env)"'
        )
    return parse_address(url.get_secret_value())


def open_redis(settings: Settings, *, max_connections: int | None = None) -> Redis:
    """A client with a bounded pool, time limits and a few retries. It connects at first use."""
    given, address = settings.redis.here, address_of(settings)
    options = _options(given, address) | {
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.02), 3),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError, ReadOnlyError],
    }
    limit = max_connections or given.max_connections
    if address.scheme.startswith("sentinel"):
        watch = {"socket_timeout": given.connect_timeout}
        sentinel = Sentinel(list(address.hosts), sentinel_kwargs=watch, **options)  # type: ignore[no-untyped-call] # redis-py
        kind = PrefixedRedis if given.prefix else Redis
        master: Redis = sentinel.master_for(address.service, redis_class=kind, max_connections=limit)
        return _under(given, master)
    pool = BlockingConnectionPool(
        max_connections=limit,
        timeout=math.ceil(given.socket_timeout),
        connection_class=_connection_class(address),
        **options,
    )
    return _under(given, (PrefixedRedis if given.prefix else Redis).from_pool(pool))


def _under(given: RedisSettings, client: R) -> R:
    if isinstance(client, PrefixedRedis | PrefixedBlockingRedis):
        client.prefix = given.tag.encode()
    return client


class Line:
    """A connection of a client's pool, held by one task: commands are written at once, answers read in their order.

    redis-py itself takes a connection for each pipeline, looks whether it is clean, and limits each write and each read
    by a timer and a task: for a small exchange that costs more than the exchange. Here one limit counts for all of it,
    and nothing is sent again. After an error the connection is given up; the next `send` takes another.
    """

    def __init__(self, redis: Redis) -> None:
        self.prefix = prefix_of(redis)
        self._pool: Any = redis.connection_pool  # its connections share no public type
        self._connection: Any = None
        self._limit: float | None = None
        self._asked = 0

    @property
    def busy(self) -> bool:
        """Whether answers are to come."""
        return self._asked > 0

    async def send(self, commands: Sequence[Sequence[Any]]) -> None:
        """Write commands. Raises what the connection raises."""
        await self._within_limit(self._write(commands))

    async def receive(self, count: int) -> list[Any]:
        """The answers to the next commands, refusals in their places. Raises what the connection raises."""
        return await self._within_limit(self._read(count))

    async def exchange(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Write commands and read their answers, as `send` and `receive` do, within one limit."""
        await self._take()
        return await self._within_limit(self._exchange(commands))

    async def _exchange(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        await self._write(commands)
        return await self._read(len(commands))

    async def _take(self) -> None:
        if self._connection is None:
            self._connection = await self._pool.get_connection()
            self._limit, self._connection.socket_timeout = self._connection.socket_timeout, None

    async def _write(self, commands: Sequence[Sequence[Any]]) -> None:
        await self._take()
        packed = [pack_command(tuple(command)) for command in commands]  # in C: redis-py's own took most of it
        await self._connection.send_packed_command(packed, check_health=False)
        self._asked += len(commands)

    async def _read(self, count: int) -> list[Any]:
        answers: list[Any] = []
        while len(answers) < count:
            try:
                answers.append(await self._connection.read_response())
            except ResponseError as error:
                answers.append(error)
            self._asked -= 1
        return answers

    async def _within_limit(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._limit):
                return await work
        except TimeoutError as error:
            await self.close(broken=True)
            raise RedisTimeoutError(f"no answer within {self._limit} s") from error
        except BaseException:
            await self.close(broken=True)
            raise

    async def close(self, *, broken: bool = False) -> None:
        """Give the connection back; it is closed where answers are left on it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        broken, self._asked = broken or self._asked > 0, 0
        connection.socket_timeout = self._limit
        try:
            if broken:
                await connection.disconnect(nowait=True)
        finally:
            await self._pool.release(connection)


async def close_redis(redis: Redis) -> None:
    """Close a client, its pool, and its connections to sentinels, which redis-py leaves open."""
    manager = getattr(redis.connection_pool, "sentinel_manager", None)
    for client in [*(manager.sentinels if manager is not None else ()), redis]:
        with contextlib.suppress(RedisError, OSError):
            await client.aclose()
            await client.connection_pool.disconnect()


def close_blocking_redis(redis: blocking_redis.Redis) -> None:
    """The same for a synchronous client."""
    manager = getattr(redis.connection_pool, "sentinel_manager", None)
    for client in [*(manager.sentinels if manager is not None else ()), redis]:
        with contextlib.suppress(RedisError, OSError):
            client.close()
            client.connection_pool.disconnect()


def open_blocking_redis(settings: Settings, *, socket_timeout: float) -> blocking_redis.Redis:
    """A synchronous client, for the thread that renews leases."""
    given, address = settings.redis.here, address_of(settings)
    options = _options(given, address) | {
        "retry": BlockingRetry(ExponentialBackoff(cap=0.2, base=0.02), 1),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
        "socket_timeout": socket_timeout,
    }
    kind = PrefixedBlockingRedis if given.prefix else blocking_redis.Redis
    if address.scheme.startswith("sentinel"):
        from redis.sentinel import Sentinel as BlockingSentinel

        watch = {"socket_timeout": socket_timeout}
        watcher: Any = BlockingSentinel(list(address.hosts), sentinel_kwargs=watch, **options)  # type: ignore[no-untyped-call] # redis-py
        master: blocking_redis.Redis = watcher.master_for(address.service, redis_class=kind)
        return _under(given, master)
    if address.scheme.startswith("cluster"):
        follows = BlockingSSLSlotConnection if address.scheme == "clusters" else BlockingSlotConnection
        return _under(given, kind(connection_pool=BlockingPool(connection_class=follows, **options)))
    if address.scheme == "unix":
        options["unix_socket_path"] = options.pop("path")
    if address.scheme == "rediss":
        options["ssl"] = True
    return _under(given, kind(**options))


def _options(given: RedisSettings, address: Address) -> dict[str, Any]:
    options: dict[str, Any] = {
        "db": address.database,
        "username": address.username,
        "password": address.password,
        "socket_timeout": given.socket_timeout,
        "socket_connect_timeout": given.connect_timeout,
        "health_check_interval": 30,
        "protocol": 2,  # redis-py 8 asks for RESP3, whose messages of subscriptions go another way than `Notices` reads
    }
    if address.scheme == "unix":
        options["path"] = address.path
    elif not address.scheme.startswith("sentinel"):
        options["host"], options["port"] = address.hosts[0]
        options["socket_keepalive"] = True
    if address.scheme.startswith("cluster"):
        options["places"] = _places(given, address)
    if address.scheme in ("rediss", "clusters"):
        options["ssl_cert_reqs"] = given.ssl_cert_reqs
        options["ssl_check_hostname"] = given.ssl_cert_reqs == "required"
    elif address.scheme == "sentinels":
        options |= {"ssl": True, "ssl_cert_reqs": given.ssl_cert_reqs}
    return options


def _places(given: RedisSettings, address: Address) -> Places:
    if not given.prefix:
        raise ConfigError("a cluster needs redis.prefix (such as invest:prod): it puts all keys into one slot")
    if address.database:
        raise ConfigError("REDIS_URL: a cluster has no databases: leave the number away, redis.prefix keeps keys apart")
    return Places(address.hosts, given.tag)


def _connection_class(address: Address) -> type[Any]:
    kinds: dict[str, type[Any]] = {
        "unix": UnixDomainSocketConnection,
        "rediss": SSLConnection,
        "cluster": SlotConnection,
        "clusters": SSLSlotConnection,
    }
    return kinds.get(address.scheme, Connection)


def arq_redis_settings(settings: Settings) -> ArqRedisSettings:
    """The same address for arq's own command, with what its ``from_dsn`` leaves out."""
    given, address = settings.redis.here, address_of(settings)
    if address.scheme.startswith("cluster"):
        raise ConfigError("arq's own command cannot follow a cluster: start workers with `invest worker run`")
    sentinel = address.scheme.startswith("sentinel")
    host: Any = (
        [(h, p) for h, p in address.hosts] if sentinel else address.hosts[0][0] if address.hosts else "localhost"
    )
    return ArqRedisSettings(
        host=host,
        port=address.hosts[0][1] if address.hosts else 6379,
        unix_socket_path=address.path or None,
        database=address.database,
        username=address.username,
        password=address.password,
        ssl=address.scheme in ("rediss", "sentinels"),
        ssl_cert_reqs=given.ssl_cert_reqs,
        ssl_check_hostname=given.ssl_cert_reqs == "required",
        conn_timeout=int(max(1, given.connect_timeout)),
        sentinel=sentinel,
        sentinel_master=address.service,
        retry_on_error=[RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError],
    )


async def check(redis: Redis, settings: Settings) -> None:
    """Ask the server whether it is there and fit. Raises `ServerAway` or `ConfigError`, in one line."""
    address = address_of(settings)
    try:
        await redis.ping()
        facts = await redis.info("server", "memory", "cluster")  # type: ignore[arg-type] # redis-py: a list, starred
    except NoPermissionError:
        return  # a user without INFO: what the server is cannot be asked
    except (TimeoutError, RedisError, OSError, ssl.SSLError) as error:
        message = f"Redis at {address} does not answer: {error or type(error).__name__}; check REDIS_URL"
        raise ServerAway(message, server="Redis") from None
    if problem := unfit(facts, address, settings.redis.here):
        raise ConfigError(f"Redis at {address} {problem}")


def unfit(facts: dict[str, Any], address: Address, given: RedisSettings) -> str:
    """What keeps a server from being used, from its INFO; empty for nothing."""
    version = str(facts.get("redis_version", OLDEST))
    if _numbers(version) < _numbers(OLDEST):
        return f"is of version {version}: the engine needs Redis {OLDEST} or Valkey, or newer"
    if str(facts.get("cluster_enabled", "0")) == "1" and not address.scheme.startswith("cluster"):
        secure = "s" if address.scheme == "rediss" else ""
        needed = "" if given.prefix else " and set redis.prefix, which puts all keys into one slot"
        return f"is a node of a cluster: write cluster{secure}:// in REDIS_URL{needed}"
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and not given.allow_eviction:
        return (
            f"may throw queued jobs away when it is full (maxmemory-policy {policy}): set noeviction there, "
            "or redis.allow_eviction here"
        )
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


async def warn_of_eviction(redis: Redis) -> None:
    """Warn loudly of a server that may throw queued jobs away when it is full (any policy but noeviction)."""
    try:
        policy = (await redis.info("memory")).get("maxmemory_policy", "noeviction")
    except (TimeoutError, RedisError, OSError):
        return
    if policy != "noeviction":
        log.warning("Redis may evict queued jobs: set maxmemory-policy to noeviction", policy=policy)


def is_full(error: BaseException) -> bool:
    """Whether Redis refused because it has no memory (or no disk) left."""
    text = str(error)
    return isinstance(error, OutOfMemoryError) or "OOM command not allowed" in text or "MISCONF" in text
