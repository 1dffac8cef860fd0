"""Callbacks: ``?callback=https://…`` on a POST that starts a job. Telling is a job too, released by the task's end.

So every address is told, whatever becomes of the web process that took it, by as many callers as asked, with the
retries and dead letters that jobs have. A message may come twice, with the same `webhook-id`.
"""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

from invest.api.http import invalid
from invest.engine import Invest
from invest.errors import InvestError
from invest.jobs.reports import telling
from invest.reports import DeliveryRefused, check_url

log = structlog.get_logger("invest.web")
OWED = "invest:web:callbacks"  # hash task id -> address, as versions before this one kept them
MAX_URL = 2_000


class Callbacks:
    """Registers addresses that are called when a task ends."""

    def __init__(self, invest: Invest) -> None:
        self._invest = invest
        self._secret = invest.settings.delivery.webhook_secret
        self._private = invest.settings.web.webhook_private

    def check(self, url: str) -> None:
        """Refuse an address that can never be called. Raises 422."""
        if self._secret is None:
            raise invalid("callback", "this server has no WEBHOOK_SECRET to sign messages with")
        if len(url) > MAX_URL:
            raise invalid("callback", f"longer than {MAX_URL} characters")
        try:
            check_url(url, allow_private=self._private)
        except DeliveryRefused as error:
            raise invalid("callback", str(error)) from None

    async def owe(self, task_id: str, url: str, caller: str | None) -> None:
        """Call `url` once the task has ended."""
        await self._invest.enqueue_after(task_id, telling(task_id, url, caller))

    async def adopt(self) -> None:
        """Make jobs of what an older version left behind; runs once when this process starts."""
        try:
            owed: dict[bytes, bytes] = await self._invest.redis.hgetall(OWED)  # type: ignore[misc] # Awaitable | dict
            for task_id, url in owed.items():
                await self.owe(task_id.decode(), url.decode(), None)
                await self._invest.redis.hdel(OWED, task_id.decode())  # type: ignore[misc] # Awaitable | int
        except (RedisError, OSError, InvestError) as error:
            log.warning("callbacks of an older version left for the next start", error=str(error))
