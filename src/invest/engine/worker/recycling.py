"""When a process that has run its share of jobs ends: without idle slots beside a long job.

A supervisor starts the successor first and then tells the process to leave. Without one, the process waits a moment for
an end of what runs; beside what takes longer it claims on, until that has ended, and tries again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

LINGER: Final = 0.5  # seconds without a claim in which what runs may end


class Recycling:
    """Whether this process may still claim. `due` says that its share is done."""

    def __init__(self, running: Mapping[str, Any]) -> None:
        self._running = running
        self._since: float | None = None
        self._stragglers: set[str] = set()
        self.due = False
        self.leaving = False

    def become_due(self) -> bool:
        """Its share is done; True the first time."""
        first, self.due = not self.due, True
        return first

    def leave(self) -> None:
        """Claim no more, finish what runs, however long it takes."""
        self.leaving = True

    @property
    def over(self) -> bool:
        """Whether the process may end now."""
        return (self.due or self.leaving) and not self._running

    def may_claim(self, now: float | None = None) -> bool:
        """Whether another job may be claimed at this moment."""
        if self.leaving:
            return False
        if not self.due:
            return True
        now = time.monotonic() if now is None else now
        if self._stragglers & self._running.keys():
            return True
        if self._stragglers or self._since is None:
            self._since, self._stragglers = now, set()
        if now - self._since < LINGER:
            return False
        self._stragglers = set(self._running)
        return bool(self._stragglers)
