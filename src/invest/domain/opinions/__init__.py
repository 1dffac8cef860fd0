"""AIs' opinions: the opinion, its faithfulness to facts, pooling, and the track record."""

from __future__ import annotations

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
    undated,
)
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
    shrunk_like,
    whole_percent,
)
from invest.domain.opinions.snapshot import build_snapshot
from invest.domain.opinions.spend import Spend, SpendLine, spend_of
from invest.domain.opinions.stance import speaks_against
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
    "RHO",
    "RULES",
    "SELL_UNTIL",
    "AiConsensus",
    "Argument",
    "ChangeOfMind",
    "Extremity",
    "FigureCheck",
    "KeyFact",
    "Objection",
    "Opinion",
    "OpinionStatus",
    "Rating",
    "Risk",
    "Skill",
    "Snapshot",
    "SnapshotFact",
    "SnapshotNews",
    "Spend",
    "SpendLine",
    "age_of",
    "bounded_by_news",
    "build_snapshot",
    "check_figures",
    "clean_excerpt",
    "confidence_of",
    "language_of",
    "material_news",
    "model_key",
    "moved_by_news",
    "plain_name",
    "pool",
    "rated",
    "rating_of",
    "shrunk",
    "shrunk_like",
    "speaks_against",
    "spend_of",
    "undated",
    "whole_percent",
]
