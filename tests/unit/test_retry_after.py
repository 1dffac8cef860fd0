"""The one reader of Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from invest.retry_after import retry_after

NOW = datetime(2026, 3, 31, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("soon", None),
        ("²", None),
        ("Tue, 31 Mar 2026 12:01:30 GMT", 90.0),
        ("Tue, 31 Mar 2026 12:01:30 -0000", 90.0),
        ("Tue, 31 Mar 2026 11:00:00 GMT", 0.0),
        ("Tue, 99 Mar 2026 12:01:30 GMT", None),
    ],
)
def test_seconds_and_dates_are_read_and_nothing_else(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
