"""AIs' opinions: the opinion, its faithfulness to facts, pooling, and the track record."""

from __future__ import annotations

from invest.domain.opinions.benchmarks import benchmark_outcomes
from invest.domain.opinions.closed_items import error_correlation, skills
from invest.domain.opinions.closing import CONSENSUS, HORIZONS, Call, calls_of, calls_of_pool, closed_again, resolve_all
from invest.domain.opinions.extremity import learn_extremity
from invest.domain.opinions.faithfulness import BASE_RATE, FigureCheck, check_figures
from invest.domain.opinions.language import language_of
from invest.domain.opinions.opinion import (
    RULES,
    AiConsensus,
    Argument,
    ChangeOfMind,
    KeyFact,
    Objection,
    Opinion,
    OpinionStatus,
    Rating,
    Risk,
    Snapshot,
    SnapshotFact,
    SnapshotNews,
    model_key,
)
from invest.domain.opinions.outcome import Outcome
from invest.domain.opinions.pooling import (
    BUY_FROM,
    RHO,
    SELL_UNTIL,
    Extremity,
    Skill,
    confidence_of,
    pool,
    rated,
    rating_of,
    shrunk,
    whole_percent,
)
from invest.domain.opinions.snapshot import build_snapshot
from invest.domain.opinions.spend import Spend, SpendLine, spend_of
from invest.domain.opinions.stance import speaks_against
from invest.domain.opinions.track_record import TrackLine, TrackRecord, build_track_record
from invest.domain.opinions.untrusted import (
    age_of,
    bounded_by_news,
    clean_excerpt,
    material_news,
    moved_by_news,
    plain_name,
)

__all__ = [
    "BASE_RATE",
    "BUY_FROM",
    "CONSENSUS",
    "HORIZONS",
    "RHO",
    "RULES",
    "SELL_UNTIL",
    "AiConsensus",
    "Argument",
    "Call",
    "ChangeOfMind",
    "Extremity",
    "FigureCheck",
    "KeyFact",
    "Objection",
    "Opinion",
    "OpinionStatus",
    "Outcome",
    "Rating",
    "Risk",
    "Skill",
    "Snapshot",
    "SnapshotFact",
    "SnapshotNews",
    "Spend",
    "SpendLine",
    "TrackLine",
    "TrackRecord",
    "age_of",
    "benchmark_outcomes",
    "bounded_by_news",
    "build_snapshot",
    "build_track_record",
    "calls_of",
    "calls_of_pool",
    "check_figures",
    "clean_excerpt",
    "closed_again",
    "confidence_of",
    "error_correlation",
    "language_of",
    "learn_extremity",
    "material_news",
    "model_key",
    "moved_by_news",
    "plain_name",
    "pool",
    "rated",
    "rating_of",
    "resolve_all",
    "shrunk",
    "skills",
    "speaks_against",
    "spend_of",
    "whole_percent",
]
