"""The track record of the analysts: outcomes of opinions, scores, benchmarks, what they say of skill."""

from __future__ import annotations

from invest.domain.track_record.benchmarks import benchmark_outcomes
from invest.domain.track_record.closed_items import error_correlation, skills
from invest.domain.track_record.closing import (
    CONSENSUS,
    HORIZONS,
    Call,
    calls_of,
    calls_of_pool,
    closed_again,
    resolve_all,
)
from invest.domain.track_record.extremity import learn_extremity
from invest.domain.track_record.outcome import Outcome
from invest.domain.track_record.record import TrackLine, TrackRecord, build_track_record
from invest.domain.track_record.scores import brier, rank_correlation

__all__ = [
    "CONSENSUS",
    "HORIZONS",
    "Call",
    "Outcome",
    "TrackLine",
    "TrackRecord",
    "benchmark_outcomes",
    "brier",
    "build_track_record",
    "calls_of",
    "calls_of_pool",
    "closed_again",
    "error_correlation",
    "learn_extremity",
    "rank_correlation",
    "resolve_all",
    "skills",
]
