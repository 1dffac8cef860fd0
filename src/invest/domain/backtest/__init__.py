"""Backtest of the score: what past scores were worth, with their uncertainty."""

from __future__ import annotations

from invest.domain.backtest.score_panel import ScorePanel, build_score_panel, joined, judged_score
from invest.domain.backtest.score_record import build_score_record, checked_for_future, scored_days

__all__ = [
    "ScorePanel",
    "build_score_panel",
    "build_score_record",
    "checked_for_future",
    "joined",
    "judged_score",
    "scored_days",
]
