"""Who has written a moment ago: they read from the primary, in every web process, until the replica surely has it."""

from __future__ import annotations

import time
from typing import Final

import structlog

from invest.engine import Client
from invest.errors import InvestError

log = structlog.get_logger("invest.web")
CHANNEL: Final = "invest:web:wrote"  # who: the caller's id
MARGIN: Final = 3.0  # seconds beyond the lag a replica may have
MOST: Final = 10_000  # callers remembered by one process


class RecentWriters:
    """Callers by the time until which they read from the primary. Without a replica it remembers nobody."""

    def __init__(self, client: Client, *, lag: float | None) -> None:
        self._client = client
        self._window = None if lag is None else lag + MARGIN
        self._until: dict[str, float] = {}
        self._listening = False

    @property
    def needed(self) -> bool:
        """Whether anything is read from a replica."""
        return self._window is not None

    async def may_lag(self, caller: str) -> bool:
        """Whether a caller may read what was true a moment ago."""
        if self._window is None:
            return False
        if not self._listening:
            self._listening = True
            await self._client.notices.subscribe(CHANNEL, self._on_message)
        return self._until.get(caller, 0.0) < time.monotonic()

    async def wrote(self, caller: str) -> None:
        """A caller has written, or has seen that his job did: all processes are told before he gets his answer."""
        if self._window is None:
            return
        self._note(caller)
        try:
            await self._client.guarded(self._client.redis.publish(CHANNEL, caller))
        except InvestError as error:
            log.debug("other processes not told of a write", error=str(error))

    def _on_message(self, message: bytes) -> None:
        if message:
            self._note(message.decode("utf-8", "replace"))

    def _note(self, caller: str) -> None:
        now = time.monotonic()
        if len(self._until) >= MOST:
            self._until = {who: until for who, until in self._until.items() if until > now}
        self._until[caller] = now + (self._window or 0.0)
