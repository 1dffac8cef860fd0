"""Counters a worker gathers and adds to Redis every few seconds, so that any process can show the metrics of all."""

from __future__ import annotations

import bisect
import time
from typing import Final

from redis.asyncio import Redis

from invest.engine.redis import TIME_BUCKETS, keys
from invest.engine.worker.execution import Run

FLUSH_EVERY: Final = 5.0


class Stats:
    """Deltas since the last flush, by job name: outcomes, and histograms of run and wait time."""

    def __init__(self) -> None:
        self._deltas: dict[str, dict[str, float]] = {}
        self._flushed = time.monotonic()

    def _add(self, name: str, field: str, amount: float = 1) -> None:
        own = self._deltas.setdefault(name, {})
        own[field] = own.get(field, 0) + amount

    def lease_lost(self, name: str) -> None:
        """A lease was lost while its job ran here."""
        self._add(name, "lease_lost")

    def ended(self, run: Run) -> None:
        """A delivery ended."""
        if run.verdict is None:
            return
        name = run.job.name if run.job is not None else "unknown"
        self._add(name, "outcome:" + run.verdict.action)
        self._observe(name, "run", run.ended - run.started)
        if run.delivery == 1:
            self._observe(name, "wait", max(0.0, (run.started_ms - run.enqueued_ms) / 1000))

    def _observe(self, name: str, what: str, seconds: float) -> None:
        self._add(name, f"{what}:{bisect.bisect_left(TIME_BUCKETS, seconds)}")
        self._add(name, f"{what}_sum", seconds)

    def due(self, now: float) -> dict[str, dict[str, float]]:
        """The deltas, taken, once every few seconds; empty otherwise."""
        if not self._deltas or now - self._flushed < FLUSH_EVERY:
            return {}
        self._flushed = time.monotonic()
        taken, self._deltas = self._deltas, {}
        return taken

    async def flush(self, redis: Redis, rows: dict[str, dict[str, float]]) -> None:
        """Add them to Redis; should that fail, they are kept for the next time."""
        if not rows:
            return
        try:
            async with redis.pipeline(transaction=False) as pipe:
                for name, fields in rows.items():
                    for field, amount in fields.items():
                        pipe.hincrbyfloat(keys.STATS + name, field, amount)
                await pipe.execute()
        except Exception:
            for name, fields in rows.items():
                for field, amount in fields.items():
                    self._add(name, field, amount)
            raise
