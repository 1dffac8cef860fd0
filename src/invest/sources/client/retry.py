"""Classify a failed GET: retry (and after what wait) or final."""

from __future__ import annotations

import random

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transient(Exception):
    """A try that failed in a way another try may mend."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


def jittered(backoff: float, attempt: int) -> float:
    """A random wait up to `backoff` doubled per `attempt` (full jitter), in seconds."""
    return random.uniform(0, backoff * 2**attempt)  # noqa: S311 -- spreading load, not guarding a secret
