"""The audit log: one line per change, with who, what, on what, and in which request."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog

from invest.api.http import LazyStore
from invest.errors import InvestError

log = structlog.get_logger("invest.audit")
MAX_WAITING = 10_000


class Auditor:
    """Writes to the log at once and to PostgreSQL behind the answer, in order."""

    def __init__(self, stores: LazyStore) -> None:
        self._stores = stores
        self._lines: asyncio.Queue[tuple[str, str, str, dict[str, Any], str]] = asyncio.Queue(MAX_WAITING)
        self._task: asyncio.Task[None] | None = None

    def line(self, actor: str, action: str, subject: str, detail: dict[str, Any], *, request_id: str) -> None:
        """Leave a line; `detail` must hold no secret."""
        log.info("audit", action=action, subject=subject, caller=actor, request_id=request_id, **detail)
        with contextlib.suppress(asyncio.QueueFull):  # the log has it
            self._lines.put_nowait((actor, action, subject, detail, request_id))
        if self._task is None:
            self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while True:
            actor, action, subject, detail, request_id = await self._lines.get()
            try:
                store = await self._stores.get()
                await store.audit.append(actor, action, subject, detail=detail, request_id=request_id)
            except (InvestError, ValueError) as error:
                log.warning("audit line not stored", action=action, subject=subject, error=str(error))
            finally:
                self._lines.task_done()

    async def close(self) -> None:
        """Write what waits, for at most five seconds."""
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lines.join(), 5)
            self._task.cancel()
