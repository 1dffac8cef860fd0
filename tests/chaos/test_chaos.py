"""A short form of ``python -m bench.chaos``."""

from __future__ import annotations

import pytest
from bench.chaos import run


@pytest.mark.slow
async def test_nothing_is_lost_and_nothing_happens_twice_under_kills_freezes_and_restarts() -> None:
    report = await run(kills=24, lease=0.7, seed=11, workers=3, patience=60)
    assert report.clean, report
    assert (report.kills, report.redis_restarts, report.postgres_restarts) == (24, 3, 5)
    assert report.freezes >= 3 and report.jobs > 100
    assert (report.redis_emptied, report.redis_freezes) == (2, 2) and report.postgres_away_s > 1
