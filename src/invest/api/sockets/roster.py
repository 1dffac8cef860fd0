"""Which connections are open, from where, and which of them are idle: the longest idle ones make room for others.

A connection is idle while it waits for a request or for the rest of a head; it is busy from the end of a head until
the answer has been sent. A client that holds connections open loses its own idle ones first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from invest.api.sockets.addresses import Networks


class Held(Protocol):
    """What the roster asks of a connection."""

    def force_close(self) -> None:
        """End it at once."""


@dataclass(slots=True)
class _Peer:
    """The connections of one address: how many, and the idle ones, the longest idle first."""

    count: int = 0
    idle: dict[Held, None] = field(default_factory=dict)


class Roster:
    """Counts connections; above `limit` in all, or `per_peer` from one address, the longest idle ones are ended."""

    def __init__(self, limit: int, per_peer: int, trusted: Sequence[str] = ()) -> None:
        self._limit = limit
        self._per_peer = per_peer
        self._trusted = Networks(trusted)
        self._peers: dict[str, _Peer] = {}
        self._where: dict[Held, str] = {}
        self._idle: dict[Held, None] = {}

    def __len__(self) -> int:
        return len(self._where)

    def add(self, connection: Held, peer: str) -> bool:
        """Take in a connection, which is idle at first; False where it must be refused: nobody else is idle."""
        own = self._peers.setdefault(peer, _Peer())
        self._where[connection] = peer
        own.count += 1
        crowded = own.count > self._per_peer and peer not in self._trusted
        if crowded and not self._end_longest_idle(own.idle):
            return False
        if len(self._where) > self._limit and not self._end_longest_idle(self._idle):
            return False
        self.rest(connection)
        return True

    def rest(self, connection: Held) -> None:
        """It waits for a request from now on."""
        peer = self._where.get(connection)
        if peer is not None and connection not in self._idle:
            self._idle[connection] = None
            self._peers[peer].idle[connection] = None

    def work(self, connection: Held) -> None:
        """It has a request to answer."""
        peer = self._where.get(connection)
        if peer is not None and self._idle.pop(connection, True) is None:
            del self._peers[peer].idle[connection]

    def remove(self, connection: Held) -> None:
        """It has ended."""
        self.work(connection)
        peer = self._where.pop(connection, None)
        if peer is None:
            return
        own = self._peers[peer]
        own.count -= 1
        if not own.count:
            del self._peers[peer]

    def _end_longest_idle(self, idle: dict[Held, None]) -> bool:
        connection = next(iter(idle), None)
        if connection is None:
            return False
        self.remove(connection)
        connection.force_close()
        return True
