"""Admission of requests to hosts: grants from the gate, shared by the calls of one process."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from datetime import UTC, datetime

from invest.sources.client.gate import Admission, Gate, Limits, budget_key
from invest.sources.client.retry import jittered
from invest.sources.errors import BreakerOpen, BudgetSpent, Busy

PAUSES = 5
PROBE_EARLY = 0.5  # seconds by which this process' clock may be behind the gate's when it lets a probe through
IN_CALL_WAIT = 30.0  # a longer Retry-After is waited for outside the call: the error carries it


class Admissions:
    """What this process may still send to each host. One call at a time asks the gate, the others share its grant."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._granted: dict[str, tuple[int, float]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.failing: set[str] = set()
        self._closed: dict[str, float] = {}

    def drop(self, host: str) -> None:
        """Forget the grant of a host that failed."""
        self._granted.pop(host, None)

    def close(self, host: str, seconds: float) -> None:
        """Note for how long the gate says the host stays closed: calls that wait for a slot must not go then."""
        if seconds > 0:
            self._closed[host] = time.monotonic() + seconds - PROBE_EARLY

    def check(self, source: str, host: str) -> None:
        """Raises `BreakerOpen` where the host was closed after a call was admitted and before its turn came."""
        left = self._closed.get(host, 0.0) - time.monotonic()
        if left > 0:
            raise BreakerOpen(source, f"not asked for {left:.0f} s: it failed or asked to wait", left)

    async def admit(self, source: str, host: str, limits: Limits) -> None:
        """Wait for leave to send one request. Raises `BreakerOpen`, `Busy` or `BudgetSpent`."""
        if self._take(host):
            return
        async with self._asking[host]:
            if self._take(host):
                return
            admission = await self._ask(source, host, limits)
        if admission.wait > 0:
            await asyncio.sleep(admission.wait)

    def _take(self, host: str) -> bool:
        """Use one request of the grant this process holds, if there is one."""
        left, until = self._granted.get(host, (0, 0.0))
        if left <= 0 or time.monotonic() >= until:
            return False
        self._granted[host] = (left - 1, until)
        return True

    async def _ask(self, source: str, host: str, limits: Limits) -> Admission:
        """Ask for a grant, use one of it and keep the rest."""
        admission = await self._answer(source, host, limits)
        match admission.verdict:
            case "open":
                reason = f"not asked for {admission.wait:.0f} s: it failed or asked to wait"
                raise BreakerOpen(source, reason, admission.wait)
            case "busy":
                raise Busy(source, f"its rate allows the next call in {admission.wait:.0f} s", admission.wait)
            case "budget":
                raise BudgetSpent(source, f"the month's {limits.budget} requests are spent")
        self._granted[host] = (admission.n - 1, time.monotonic() + admission.wait + 0.1)
        if admission.failures:
            self.failing.add(host)
        return admission

    async def _answer(self, source: str, host: str, limits: Limits) -> Admission:
        """The gate's answer; a short pause that the host asked for is waited out."""
        key = budget_key(source, datetime.now(UTC))
        for _ in range(PAUSES):
            answer = await self._gate.admit(host, limits, key)
            paused = answer.verdict == "open" and answer.failures < limits.failures
            if not paused or answer.wait > IN_CALL_WAIT:
                break
            await asyncio.sleep(answer.wait + jittered(0.05, 0))
        return answer
