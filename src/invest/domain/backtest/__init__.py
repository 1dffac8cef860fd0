"""Backtest of the score: what past scores were worth, with their uncertainty."""

from __future__ import annotations

from invest.domain.backtest.score_panel import Panel, joined, judged_score, score_panel
from invest.domain.backtest.score_record import checked_for_future, score_record, scored_days

__all__ = ["Panel", "checked_for_future", "joined", "judged_score", "score_panel", "score_record", "scored_days"]
