"""Connections to one slot of a Redis Cluster: to the node that serves it now, and after a failover to the next.

All keys of a deployment lie in the slot of its prefix, so a connection never needs a second node. Which one it is, the
cluster's nodes say (``CLUSTER SLOTS``); who finds that it has moved (``MOVED``) or is gone asks again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from redis.asyncio.connection import Connection, SSLConnection
from redis.connection import Connection as BlockingConnection
from redis.connection import SSLConnection as BlockingSSLConnection
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

Node = tuple[str, int]
ELSEWHERE: Final = ("MOVED ", "ASK ", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "READONLY")
MOST_NODES: Final = 100  # remembered, of those that the cluster named


class Places:
    """Where one slot is, as the connections of one client learn it."""

    def __init__(self, seeds: Sequence[Node], tag: str) -> None:
        self._seeds = list(seeds)
        self._named: list[Node] = []
        self._gone: Node | None = None
        self.slot = key_slot(tag.encode())
        self.primary: Node | None = None

    def to_ask(self) -> list[Node]:
        """The nodes to ask, one that did not answer last."""
        return sorted(dict.fromkeys([*self._named, *self._seeds]), key=lambda node: node == self._gone)

    def learn(self, asked: Node, answer: Any) -> Node:
        """The slot's primary from the answer of ``CLUSTER SLOTS``. Raises `RedisConnectionError` if it has none."""
        found: Node | None = None
        for low, high, *nodes in answer:
            places = [(_text(host) or asked[0], int(port)) for host, port, *_ in nodes]
            self._named = list(dict.fromkeys([*places, *self._named]))[:MOST_NODES]
            if low <= self.slot <= high:
                found = places[0]
        if found is None:
            raise RedisConnectionError(f"no node of the cluster serves slot {self.slot}")
        self.primary = found
        return found

    def forget(self) -> None:
        """The primary does not answer: whoever connects next asks where it is."""
        self._gone, self.primary = self.primary or self._gone, None

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Around reading an answer. One that sends elsewhere becomes a `RedisConnectionError`: then one tries again."""
        try:
            yield
        except ResponseError as error:
            redirection = str(error)
            if not redirection.startswith(ELSEWHERE) and type(error).__name__ != "ReadOnlyError":
                raise
            self.forget()
            if redirection.startswith("MOVED "):
                host, _, port = redirection.rsplit(maxsplit=1)[-1].rpartition(":")
                if host:
                    self.primary = (host, int(port))
            raise RedisConnectionError(f"the cluster is changing: {redirection[:100]}") from error
        except (RedisConnectionError, RedisTimeoutError, OSError):
            self.forget()
            raise


def _text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw or "")


class _Follows(Connection):
    """A connection to the primary of its slot."""

    plain: type[Connection] = Connection

    def __init__(self, *, places: Places, **options: Any) -> None:
        super().__init__(**options)
        self._places = places
        self._asking = options

    async def _connect(self) -> None:
        self.host, self.port = self._places.primary or await self._find()
        with self._places.following():
            await super()._connect()  # type: ignore[no-untyped-call] # redis-py

    async def _find(self) -> Node:
        problem: Exception = RedisConnectionError("no node of the cluster is known")
        for node in self._places.to_ask():
            asker: Any = self.plain(**{**self._asking, "host": node[0], "port": node[1]})
            try:
                await asker.connect()
                await asker.send_command("CLUSTER", "SLOTS")
                return self._places.learn(node, await asker.read_response())
            except (RedisError, OSError, TimeoutError) as error:
                problem = error
            finally:
                with contextlib.suppress(RedisError, OSError):
                    await asker.disconnect()
        raise RedisConnectionError(f"no node of the cluster tells where slot {self._places.slot} is: {problem}")

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """An answer; one that sends elsewhere closes the connection, and the next goes there."""
        try:
            with self._places.following():
                return await super().read_response(*args, **options)
        except RedisConnectionError:
            await self.disconnect(nowait=True)
            raise


class SlotConnection(_Follows):
    """Without TLS."""


class SSLSlotConnection(_Follows, SSLConnection):
    """With TLS."""

    plain = SSLConnection


class _BlockingFollows(BlockingConnection):
    """The same, synchronous."""

    plain: type[BlockingConnection] = BlockingConnection

    def __init__(self, *, places: Places, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call] # redis-py
        self._places = places
        self._asking = options

    def _connect(self) -> Any:
        self.host, self.port = self._places.primary or self._find()
        with self._places.following():
            return super()._connect()  # type: ignore[no-untyped-call] # redis-py

    def _find(self) -> Node:
        problem: Exception = RedisConnectionError("no node of the cluster is known")
        for node in self._places.to_ask():
            asker: Any = self.plain(**{**self._asking, "host": node[0], "port": node[1]})
            try:
                asker.connect()
                asker.send_command("CLUSTER", "SLOTS")
                return self._places.learn(node, asker.read_response())
            except (RedisError, OSError) as error:
                problem = error
            finally:
                with contextlib.suppress(RedisError, OSError):
                    asker.disconnect()
        raise RedisConnectionError(f"no node of the cluster tells where slot {self._places.slot} is: {problem}")

    def read_response(self, *args: Any, **options: Any) -> Any:
        """An answer; one that sends elsewhere closes the connection, and the next goes there."""
        try:
            with self._places.following():
                return super().read_response(*args, **options)  # type: ignore[no-untyped-call] # redis-py
        except RedisConnectionError:
            self.disconnect()  # type: ignore[no-untyped-call] # redis-py
            raise


class BlockingSlotConnection(_BlockingFollows):
    """Without TLS, synchronous."""


class BlockingSSLSlotConnection(_BlockingFollows, BlockingSSLConnection):
    """With TLS, synchronous."""

    plain = BlockingSSLConnection
