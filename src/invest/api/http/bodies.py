"""How many bytes of request bodies this process holds at once: uploads that are held open cannot fill its memory."""

from __future__ import annotations

from invest.api.http.problems import Problem, unavailable

SHARE = 4  # one caller may hold this part of it


class Bodies:
    """A budget of bytes over all requests, a quarter of it for one caller."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, int] = {}
        self.total = 0

    def take(self, caller: str, size: int) -> None:
        """Count bytes that came. Raises 429 where the caller holds too many, 503 where all do."""
        held = self._held.get(caller, 0) + size
        if held > self._limit // SHARE:
            message = f"more than {self._limit // SHARE} bytes of bodies at once with this key"
            raise Problem(429, message, kind="urn:invest:quota", headers={"Retry-After": "1", "Connection": "close"})
        if self.total + size > self._limit:
            raise unavailable("too many bytes of bodies at once: try again in a moment", after=1)
        self._held[caller] = held
        self.total += size

    def give(self, caller: str, size: int) -> None:
        """They are no longer held."""
        left = self._held.get(caller, 0) - size
        self.total -= size
        if left > 0:
            self._held[caller] = left
        else:
            self._held.pop(caller, None)
