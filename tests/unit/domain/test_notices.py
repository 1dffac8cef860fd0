"""Quiet hours by a person's own clock, and what of an address is private."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from pydantic import ValidationError

from invest.domain.notices import Quiet

NIGHT = Quiet(since=time(22), until=time(7))  # in São Paulo: UTC-3
NOON = Quiet(since=time(12), until=time(13), zone="UTC")


@pytest.mark.parametrize(
    ("quiet", "now", "ends"),
    [
        (NIGHT, "2026-03-02T00:59", None),  # 21:59 there
        (NIGHT, "2026-03-02T01:00", "2026-03-02T10:00"),
        (NIGHT, "2026-03-02T09:59", "2026-03-02T10:00"),
        (NIGHT, "2026-03-02T10:00", None),
        (NOON, "2026-03-02T12:30", "2026-03-02T13:00"),
        (NOON, "2026-03-02T13:00", None),
    ],
)
def test_quiet_hours_begin_and_end_by_the_clock_of_their_zone(quiet: Quiet, now: str, ends: str | None) -> None:
    found = quiet.ends(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (None if ends is None else datetime.fromisoformat(ends).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "22:00", "until": "22:00"},
        {"since": "22:00", "until": "07:00", "zone": "Mars/Olympus"},
        {"since": "22:00", "until": "07:00", "zone": "../etc/passwd"},
        {"since": "22:00+00:00", "until": "07:00"},
        {"since": "25:00", "until": "07:00"},
    ],
)
def test_quiet_hours_without_sense_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Quiet.model_validate(wrong)
