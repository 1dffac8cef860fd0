"""The one reader of ``Retry-After``, for every client of the platform."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait: a number of seconds or an HTTP date (RFC 9110, 10.2.3).

    None where it is absent or unreadable (NaN and infinity are). A date without a zone is in UTC. `now` is aware.

    >>> retry_after("120"), retry_after("nan"), retry_after("soon")
    (120.0, None, None)
    """
    text = (value or "").strip()
    if not text:
        return None
    try:
        seconds = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return _until(text, now or datetime.now(UTC))
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
