"""Classify a failed GET: retry (and after what wait) or final."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transient(Exception):
    """A try that failed in a way another try may mend."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds a ``Retry-After`` header asks for: a number or an HTTP date. None where absent or unreadable.

    >>> retry_after("120", datetime(2026, 1, 2, tzinfo=UTC))
    120.0
    """
    if not value:
        return None
    text = value.strip()
    try:
        return max(0.0, float(text)) if text.replace(".", "", 1).isdigit() else _until(text, now)
    except (ValueError, TypeError, OverflowError):
        return None


def _until(text: str, now: datetime) -> float:
    then = parsedate_to_datetime(text)
    return max(0.0, ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds())


def jittered(backoff: float, attempt: int) -> float:
    """A random wait up to `backoff` doubled per `attempt` (full jitter), in seconds."""
    return random.uniform(0, backoff * 2**attempt)  # noqa: S311 -- spreading load, not guarding a secret
