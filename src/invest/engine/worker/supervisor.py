"""Keeping worker processes alive: a fixed number, or as many as the queues need."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from redis.exceptions import RedisError

from invest.engine.manage import Invest, QueueStats
from invest.engine.redis import ended
from invest.engine.worker.link import SOCKET, SUPERVISOR, Link
from invest.errors import ConfigError, InvestError
from invest.processes import PARENT, end_all, named_parent, pause_after, signal_to
from invest.settings import Settings

log = structlog.get_logger("invest.engine")
LOOK_EVERY: Final = 2.0
OLD: Final = 30.0  # seconds a job has waited when another process is wanted whatever the depth
SHRINK_AFTER: Final = 30.0  # seconds of too little work before a process is sent home
QUICK_DEATH: Final = 5.0
STARTING: Final = 20.0  # seconds for a process to say that it claims
ANSWER: Final = 0.5  # seconds for a process to say whether it is idle
RANGE: Final = re.compile(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*")
KILL_AFTER: Final = 10.0  # seconds beyond the grace period


def parse_range(text: str) -> tuple[int, int]:
    """``"3,10"`` as (3, 10). Raises `ConfigError`."""
    match = RANGE.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"autoscale {text[:40]!r}: expected MIN,MAX such as 3,10")
    return int(match[1]), int(match[2])


def wanted(stats: Sequence[QueueStats], slots: int, now: int, low: int, high: int) -> int:
    """How many processes the depth and age of the queues ask for; `slots` is what one process runs at once.

    Only what could run counts: jobs that a limit or a pause holds back start no sooner for more processes.
    """
    load = sum((s.waiting if s.runnable is None else s.runnable) + s.active for s in stats)
    count = math.ceil(load / max(1, slots))
    oldest = max((s.oldest_seconds or 0 for s in stats if s.runnable != 0), default=0)
    if oldest > OLD:
        count = max(count, now + 1)
    return max(low, min(high, count))


@dataclass(slots=True)
class Child:
    """One worker process. `up`: it claims; `due`: it has done its share; `leaving`: it finishes what runs and ends."""

    process: asyncio.subprocess.Process
    link: Link | None = None
    born: float = field(default_factory=time.monotonic)
    up: bool = False
    due: bool = False
    leaving: bool = False
    asked: float | None = None  # when it was last asked to leave if it is idle

    def hear(self, word: str) -> None:
        """What its worker says."""
        if word == "up":
            self.up = True
        elif word == "due":
            self.due = True
        elif word == "leaving":
            self.leaving = True

    @property
    def stays(self) -> bool:
        """Whether it counts for what is wanted: one that is due has a successor."""
        return not (self.leaving or self.due)

    def leave(self) -> None:
        """Have it finish what runs, however long that takes, and end."""
        self.leaving = True
        if self.link is not None:
            self.link.say("leave")


class Supervisor:
    """Runs `command` as worker processes; one that ends (recycled, crashed, killed) is replaced."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        settings: Settings,
        queues: Sequence[str],
        processes: int = 1,
        autoscale: tuple[int, int] | None = None,
        slots: int = 10,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._command = list(command)
        self._settings = settings
        self._queues = list(queues)
        self._low, self._high = autoscale or (processes, processes)
        self._slots = slots
        followed = {SUPERVISOR: str(os.getpid()), PARENT: named_parent(settings.engine.grace + KILL_AFTER)}
        self._env = {**(env if env is not None else os.environ), **followed}
        self._children: list[Child] = []
        self._stopping = asyncio.Event()
        self._calm_since: float | None = None
        self._quick_deaths = 0
        self.target = self._low

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [c.process.pid for c in self._children if c.process.returncode is None]

    def stop(self) -> None:
        """End all of them, gracefully."""
        self._stopping.set()

    async def run(self, *, handle_signals: bool = True) -> None:
        """Until SIGTERM or `stop`; then every process has the grace period to end before it is killed."""
        loop = asyncio.get_running_loop()
        if handle_signals:
            for sig in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(sig, self.stop)
        look = asyncio.create_task(self._scale()) if self._low < self._high else None
        try:
            while not self._stopping.is_set():
                await self._keep_up()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), 0.25)
        finally:
            if look is not None:
                await ended(look)
            await end_all([c.process for c in self._children], self._settings.engine.grace + KILL_AFTER)

    async def _keep_up(self) -> None:
        for child in [c for c in self._children if c.process.returncode is not None]:
            self._children.remove(child)
            if child.link is not None:
                child.link.close()
            quick = time.monotonic() - child.born < QUICK_DEATH and child.process.returncode != 0
            self._quick_deaths = self._quick_deaths + 1 if quick else 0
            log.info("worker process ended", pid=child.process.pid, status=child.process.returncode)
        staying = [c for c in self._children if c.stays]
        if len(staying) < self.target and self._quick_deaths:
            await asyncio.sleep(pause_after(self._quick_deaths, first=0.5, longest=10))
        for _ in range(self.target - len(staying)):
            if self._stopping.is_set():
                return
            self._children.append(await self._start())
        self._release_due(staying)
        if len(staying) > self.target:
            self._shrink(staying)

    async def _start(self) -> Child:
        ours, theirs = socket.socketpair()
        with theirs:
            environment = self._env | {SOCKET: str(theirs.fileno())}
            process = await asyncio.create_subprocess_exec(*self._command, env=environment, pass_fds=(theirs.fileno(),))
        child = Child(process)
        child.link = Link(ours, child.hear)
        await child.link.open()
        return child

    def _release_due(self, staying: list[Child]) -> None:
        """Let those that have done their share leave once their successors claim: no slot stands idle meanwhile."""
        if sum(c.up for c in staying) >= min(self.target, len(staying)) and len(staying) >= self.target:
            for child in self._children:
                if child.due and not child.leaving:
                    child.leave()

    def _shrink(self, staying: list[Child]) -> None:
        """One process fewer: one that has not begun, or the first that says it is idle."""
        now = time.monotonic()
        for child in staying:
            if not child.up and now - child.born > STARTING:
                child.leaving = True
                signal_to(child.process, signal.SIGTERM)
                return
        if any(c.asked is not None and now - c.asked < ANSWER for c in staying):
            return
        ready = [c for c in staying if c.up]
        if ready:
            child = min(ready, key=lambda c: c.asked or 0.0)
            child.asked = now
            if child.link is not None:
                child.link.say("leave-if-idle")

    async def _scale(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError, InvestError):
                async with Invest.connect(self._settings) as invest:
                    while True:
                        stats = await invest.inspect.queues()
                        mine = [stats[name] for name in self._queues if name in stats]
                        self._aim(wanted(mine, self._slots, self.target, self._low, self._high))
                        await asyncio.sleep(LOOK_EVERY)
            await asyncio.sleep(LOOK_EVERY)

    def _aim(self, count: int) -> None:
        if count > self.target:
            log.info("scaling up", processes=count)
            self.target, self._calm_since = count, None
        elif count == self.target:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = time.monotonic()
        elif time.monotonic() - self._calm_since >= SHRINK_AFTER:
            self.target, self._calm_since = self.target - 1, time.monotonic()
            log.info("scaling down", processes=self.target)
