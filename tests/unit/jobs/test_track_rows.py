"""Rows of the AIs' record as reports print them: who has no rank is not called ranked."""

from __future__ import annotations

import pytest

from invest.domain.track_record import TrackLine
from invest.jobs.analysis.track_record import row_of


@pytest.mark.parametrize(
    ("status", "alarm", "printed"),
    [
        ("ranked", None, "ranked"),
        ("ranked", "too good to be true: look for a leak", "interval"),
        ("selective", None, "interval"),
        ("interval", None, "interval"),
        ("collecting", None, "collecting"),
    ],
)
def test_only_a_line_that_may_have_a_rank_is_called_ranked(status: str, alarm: str | None, printed: str) -> None:
    fields = {"analyst": "openai", "provider": "openai", "horizon_days": 90, "closed": 40, "cohorts": 9}
    figures = {"brier": 0.2, "log_score": 0.6, "skill": 0.2, "coverage": 1.0}
    line = TrackLine.model_validate({**fields, **figures, "status": status, "alarm": alarm})
    assert row_of(line).status == printed
