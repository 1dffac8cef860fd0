"""Webhooks on completion: ``?callback=https://…`` on a POST that starts a job, sent signed (Standard Webhooks).

What is owed stands in Redis until it was taken or refused for good, so a restart forgets nobody; several web processes
share the work by a lease per task. A message may come twice, with the same `webhook-id`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.exceptions import RedisError

from invest.api.http.problems import invalid
from invest.engine import Invest, JobCancelled, JobFailed, ResultExpired, ended
from invest.errors import InvestError, NotFound
from invest.reports import DeliveryFailed, DeliveryRefused, check_url, post_webhook

log = structlog.get_logger("invest.web")
OWED = "invest:web:callbacks"  # hash task id -> address
LEASE = "invest:web:callback:"  # + task id
LEASE_SECONDS = 300
PAUSES = (1.0, 5.0, 30.0, 120.0)  # seconds between tries
MAX_OWED = 5_000  # tasks one process follows at once
MAX_URL = 2_000


class Callbacks:
    """Follows tasks somebody wants to be told of."""

    def __init__(self, invest: Invest) -> None:
        self._invest = invest
        self._secret = invest.settings.delivery.webhook_secret
        self._private = invest.settings.web.webhook_private
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def check(self, url: str) -> None:
        """Refuse an address that can never be told. Raises 422."""
        if self._secret is None:
            raise invalid("callback", "this server has no WEBHOOK_SECRET to sign messages with")
        if len(url) > MAX_URL:
            raise invalid("callback", f"longer than {MAX_URL} characters")
        try:
            check_url(url, allow_private=self._private)
        except DeliveryRefused as error:
            raise invalid("callback", str(error)) from None

    async def owe(self, task_id: str, url: str) -> None:
        """Tell `url` when the task is finished."""
        await self._invest.redis.hset(OWED, task_id, url)  # type: ignore[misc] # redis-py: Awaitable | int
        self._follow(task_id, url)

    async def adopt(self) -> None:
        """Follow what other processes left behind; runs once when this one starts."""
        with suppress(RedisError, OSError):
            owed: dict[bytes, bytes] = await self._invest.redis.hgetall(OWED)  # type: ignore[misc] # Awaitable | dict
            for task_id, url in owed.items():
                self._follow(task_id.decode(), url.decode())

    def _follow(self, task_id: str, url: str) -> None:
        if task_id not in self._tasks and len(self._tasks) < MAX_OWED:
            task = self._tasks[task_id] = asyncio.create_task(self._tell(task_id, url))
            task.add_done_callback(lambda _: self._tasks.pop(task_id, None))

    async def _tell(self, task_id: str, url: str) -> None:
        try:
            with suppress(JobFailed, JobCancelled, ResultExpired):
                await self._invest.wait(task_id)
            if not await self._invest.redis.set(LEASE + task_id, b"1", nx=True, ex=LEASE_SECONDS):
                return  # another process tells it
            await self._send(task_id, url)
        except NotFound:
            log.info("callback dropped: the task is gone", task_id=task_id)
        except (RedisError, OSError, InvestError) as error:
            log.warning("callback left for later", task_id=task_id, error=str(error))
            return
        await self._invest.redis.hdel(OWED, task_id)  # type: ignore[misc] # redis-py: Awaitable | int

    async def _send(self, task_id: str, url: str) -> None:
        event = await self._event(task_id)
        assert self._secret is not None
        for pause in (*PAUSES, 0.0):
            now = datetime.now(UTC)
            try:
                secret = self._secret.get_secret_value()
                await post_webhook(url, secret, f"msg_{task_id}", event, now=now, allow_private=self._private)
            except DeliveryRefused as error:
                log.warning("callback refused", task_id=task_id, error=str(error))
                return
            except DeliveryFailed as error:
                log.info("callback failed", task_id=task_id, error=str(error))
                await asyncio.sleep(min(error.retry_after or pause, LEASE_SECONDS / 3))
            else:
                log.info("callback taken", task_id=task_id)
                return

    async def _event(self, task_id: str) -> dict[str, Any]:
        """What a subscriber is told: where the task ended and where to read it; not the result itself."""
        status = await self._invest.status(task_id)
        return {
            "type": f"task.{status.state.value}",
            "timestamp": (status.finished_at or datetime.now(UTC)).isoformat(),
            "data": {
                "task_id": status.id,
                "name": status.name,
                "state": status.state.contract,
                "error": status.error.message if status.error else None,
                "status_url": f"/api/v1/tasks/{status.id}/status",
                "sandbox": self._invest.settings.sandbox,
            },
        }

    async def close(self) -> None:
        """Stop following; what is owed stays in Redis."""
        await asyncio.gather(*map(ended, tuple(self._tasks.values())))
