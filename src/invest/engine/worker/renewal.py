"""Renewing leases from a thread of its own, so that a job which blocks the event loop keeps its hold and is noticed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from invest.engine.redis import close_blocking_redis, open_blocking_redis, transitions
from invest.engine.worker.execution import SWALLOW_GRACE, Run
from invest.settings import Settings

log = structlog.get_logger("invest.engine")
STUCK = 70  # exit status (EX_SOFTWARE) of a process whose event loop never came back


class Renewal(threading.Thread):
    """Renews what a worker holds every third of a lease, says it is alive, and watches the loop.

    `on_change` is called from this thread with (ids lost, ids asked to stop).
    """

    def __init__(
        self,
        settings: Settings,
        worker: str,
        *,
        held: dict[str, Run],
        heartbeat: Callable[[], bytes],
        on_change: Callable[[list[str], list[str]], None],
        health_keys: list[str],
    ) -> None:
        super().__init__(name="lease-renewal", daemon=True)
        self._settings = settings
        self._worker = worker
        self._held = held
        self._heartbeat = heartbeat
        self._on_change = on_change
        self._health_keys = health_keys
        self._ending = threading.Event()
        self.loop_alive_at = time.monotonic()
        self._warned = False

    def run(self) -> None:
        """Until `finish`."""
        lease = self._settings.engine.lease
        pause = lease / 3
        redis = open_blocking_redis(self._settings, socket_timeout=max(1.0, min(lease / 3, 5.0)))
        try:
            while not self._ending.is_set():
                try:
                    self._renew(redis, lease)
                    pause = lease / 3
                except (RedisError, OSError) as error:
                    log.warning("leases not renewed", worker=self._worker, error=str(error))
                    pause = min(1.0, lease / 6)
                self._watch_loop()
                self._ending.wait(pause)
        finally:
            close_blocking_redis(redis)

    def _renew(self, redis: Any, lease: float) -> None:
        held = [(run.id, run.token) for run in list(self._held.values())]
        beat = self._heartbeat()
        asked_for = transitions.renew(self._worker, round(lease * 1000), round(lease * 3000), beat, held)
        lost, asked = asked_for.blocking(redis)
        with redis.pipeline(transaction=False) as pipe:
            for key in self._health_keys:
                pipe.psetex(key, round(lease * 3000), beat)
            pipe.execute()
        if lost or asked:
            self._on_change(lost, asked)

    def _watch_loop(self) -> None:
        """The loop is dead to all others while a job blocks it: say so, and end a process that will never come back."""
        blocked = time.monotonic() - self.loop_alive_at
        if blocked < max(5.0, self._settings.engine.lease):
            self._warned = False
            return
        runs = list(self._held.values())
        if not self._warned:
            log.warning("event loop blocked", seconds=round(blocked, 1), jobs=[r.name for r in runs][:5])
            self._warned = True
        limits = [r.job.timeout for r in runs if r.job is not None]
        if limits and blocked > min(limits) + 2 * SWALLOW_GRACE:
            log.error("event loop blocked beyond the time limit: ending the process", worker=self._worker)
            os._exit(STUCK)

    def finish(self) -> None:
        """Stop and wait for the thread."""
        self._ending.set()
        if self.is_alive():
            self.join(timeout=10)
