"""How many bytes of answers wait for clients that are slow to take them: they cannot fill the memory of a process."""

from __future__ import annotations

from invest.api.sockets.roster import Held


class Unsent:
    """A budget over all connections; beyond it those of the address that holds most are ended, the longest slow first.

    A connection that is alone may hold more: its answer is as long as it is.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[Held, tuple[str, int]] = {}
        self._peers: dict[str, int] = {}
        self.total = 0

    def add(self, connection: Held, peer: str, size: int) -> None:
        """A client does not take what is written: `size` bytes wait for it."""
        self.remove(connection)
        self._held[connection] = (peer, size)
        self._peers[peer] = self._peers.get(peer, 0) + size
        self.total += size
        while self.total > self._limit and len(self._held) > 1:
            most = max(self._peers, key=self._peers.__getitem__)
            slowest = next(one for one, (where, _) in self._held.items() if where == most)
            self.remove(slowest)
            slowest.force_close()

    def remove(self, connection: Held) -> None:
        """It took them, or it has ended."""
        peer, size = self._held.pop(connection, ("", 0))
        self.total -= size
        left = self._peers.get(peer, 0) - size
        if left > 0:
            self._peers[peer] = left
        else:
            self._peers.pop(peer, None)
