"""Admission to a host: rate, monthly budget and circuit breaker, in this process or shared through Redis.

`LocalGate` is the rule in Python; `RedisGate` runs the same rule as Lua scripts on Redis' clock, so that all workers
share one bucket and one breaker, and falls back to a `LocalGate` of its own while Redis does not answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Protocol, cast

import structlog
from redis.exceptions import RedisError
from yarl import URL

log = structlog.get_logger(__name__)

PREFIX = "invest:source:"
Outcome = Literal["ok", "fail", "pause"]
Verdict = Literal["ok", "open", "busy", "budget"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard one host may be asked, and when its breaker opens. Seconds throughout."""

    rate: float
    burst: int
    budget: int | None = None
    max_wait: float = 120.0
    failures: int = 5
    open_for: float = 60.0
    open_max: float = 1800.0
    probe: float = 30.0

    @property
    def grant(self) -> int:
        """Calls admitted at once: fast hosts are granted 50 ms worth, so Redis is not asked for each of them."""
        return max(1, min(self.burst, int(self.rate * 0.05)))


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer of a gate: go after `wait` seconds (for `n` calls), or don't for `wait` seconds and why."""

    verdict: Verdict
    wait: float = 0.0
    failures: int = 0
    n: int = 1


class Gate(Protocol):
    """Admits calls to hosts and learns how they ended."""

    async def admit(self, host: str, limits: Limits, budget_key: str) -> Admission:
        """Whether, and after how long, the next call to `host` may go."""

    async def report(self, host: str, limits: Limits, outcome: Outcome, pause: float = 0.0) -> float:
        """Tell how a call ended; returns for how many seconds the host stays closed."""


@dataclass(slots=True)
class _State:
    tat: float = 0.0
    until: float = 0.0
    fails: int = 0
    opens: int = 0
    probe: float = 0.0


@dataclass(slots=True)
class LocalGate:
    """The gate of one process; `clock` is monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    _hosts: dict[str, _State] = field(default_factory=dict)
    _spent: dict[str, int] = field(default_factory=dict)

    async def admit(self, host: str, limits: Limits, budget_key: str) -> Admission:
        """See `Gate.admit`."""
        state, now = self._hosts.setdefault(host, _State()), self.clock()
        if now < state.until:
            return Admission("open", state.until - now, state.fails)
        probing = state.fails >= limits.failures
        if probing and now < state.probe:
            return Admission("open", state.probe - now, state.fails)
        n = 1 if probing else limits.grant
        spent = self._spent.get(budget_key, 0)
        if limits.budget is not None and spent + n > limits.budget:
            return Admission("budget", 0, state.fails)
        interval = 1 / limits.rate
        tat = max(state.tat, now) + n * interval
        wait = max(0.0, tat - limits.burst * interval - now)
        if wait > limits.max_wait:
            return Admission("busy", wait, state.fails)
        state.tat = tat
        if probing:
            state.probe = now + limits.probe
        if limits.budget is not None:
            self._spent[budget_key] = spent + n
        return Admission("ok", wait, state.fails, n)

    async def report(self, host: str, limits: Limits, outcome: Outcome, pause: float = 0.0) -> float:
        """See `Gate.report`."""
        state, now = self._hosts.setdefault(host, _State()), self.clock()
        if outcome == "ok":
            state.fails, state.opens, state.probe = 0, 0, 0.0
            return 0.0
        if outcome == "pause":
            state.until = max(state.until, now + pause)
            return state.until - now
        state.fails += 1
        state.probe = 0.0
        if state.fails < limits.failures or now < state.until:
            return max(0.0, state.until - now) if state.fails >= limits.failures else 0.0
        state.opens += 1
        span = min(limits.open_for * 2.0 ** (state.opens - 1), limits.open_max)
        state.until = now + span
        return span


@cache
def _script(name: str) -> str:
    return files("invest.sources.client").joinpath(name).read_text("utf-8")


class RedisGate:
    """The gate of all workers. `redis` is a `redis.asyncio.Redis`."""

    def __init__(self, redis: Any) -> None:
        self._admit = redis.register_script(_script("gate.lua"))
        self._report = redis.register_script(_script("verdict.lua"))
        self._fallback = LocalGate()
        self._warned = 0.0

    async def admit(self, host: str, limits: Limits, budget_key: str) -> Admission:
        """See `Gate.admit`."""
        budget = -1 if limits.budget is None else limits.budget
        argv = [1000 / limits.rate, limits.burst, limits.grant, limits.max_wait * 1000, budget]
        argv += [limits.failures, limits.probe * 1000]
        try:
            answer = await self._admit(keys=[PREFIX + "host:" + host, PREFIX + "budget:" + budget_key], args=argv)
        except (RedisError, OSError) as error:
            self._warn(error)
            return await self._fallback.admit(host, limits, budget_key)
        verdict = cast(Verdict, answer[0].decode() if isinstance(answer[0], bytes) else answer[0])
        n = int(answer[3]) if len(answer) > 3 else 1
        return Admission(verdict, int(answer[1]) / 1000, int(answer[2]), n)

    async def report(self, host: str, limits: Limits, outcome: Outcome, pause: float = 0.0) -> float:
        """See `Gate.report`."""
        argv = [outcome, limits.failures, limits.open_for * 1000, limits.open_max * 1000, pause * 1000]
        try:
            closed: int = await self._report(keys=[PREFIX + "host:" + host], args=argv)
            return closed / 1000
        except (RedisError, OSError) as error:
            self._warn(error)
            return await self._fallback.report(host, limits, outcome, pause)

    def _warn(self, error: Exception) -> None:
        if time.monotonic() - self._warned > 60:
            self._warned = time.monotonic()
            log.warning("source limits are this process's own while Redis does not answer", error=type(error).__name__)


def host_of(source: str, url: URL, *, sandbox: bool) -> str:
    """Whose limits and breaker a call of `url` has; in the sandbox, where all share one host, each upstream its own."""
    return f"{source}@{url.host}:{url.port}" if sandbox else f"{url.host}:{url.port}"


def host_key(source: str, base_url: str, *, sandbox: bool) -> str:
    """Where Redis holds the limits and the breaker of a source's own host."""
    return PREFIX + "host:" + host_of(source, URL(base_url), sandbox=sandbox)


def budget_key(source: str, now: datetime) -> str:
    """The counter of `source` for the month of `now`."""
    return f"{source}:{now.astimezone(UTC):%Y-%m}"
