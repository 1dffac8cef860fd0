"""Analysis of one asset: figures, technical picture, valuation, scores, ranking and the evidence behind them."""

from __future__ import annotations

from invest.domain.analysis.asset_analysis import analyse
from invest.domain.analysis.comparison import Comparison, Criterion, compare
from invest.domain.analysis.evidence import fund_values, gather
from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.history import (
    History,
    MonthIncome,
    MonthReturn,
    MultiplePoint,
    YearReturn,
    ends_month,
    follows_ibov,
    history_of,
    is_asked,
)
from invest.domain.analysis.inputs import AnalysisInput, as_known
from invest.domain.analysis.models import (
    Analysis,
    Fact,
    Reason,
    Recommendation,
    RiskAnalysis,
    SentimentAnalysis,
    Withheld,
)
from invest.domain.analysis.ranking import opportunities, rank
from invest.domain.analysis.score_models import Alarm, Backtest, ScoreRecord, verdict_of
from invest.domain.analysis.scorecards import card_for
from invest.domain.analysis.scoring import Verdict, judge, recommend, shown_score
from invest.domain.analysis.sections import TONE_BAND
from invest.domain.analysis.sectors import SectorStats, all_sector_stats
from invest.domain.analysis.valuation import shares_behind

__all__ = [
    "FACT_KEYS",
    "TONE_BAND",
    "Alarm",
    "Analysis",
    "AnalysisInput",
    "Backtest",
    "Comparison",
    "Criterion",
    "Fact",
    "History",
    "MonthIncome",
    "MonthReturn",
    "MultiplePoint",
    "Reason",
    "Recommendation",
    "RiskAnalysis",
    "ScoreRecord",
    "SectorStats",
    "SentimentAnalysis",
    "Verdict",
    "Withheld",
    "YearReturn",
    "all_sector_stats",
    "analyse",
    "as_known",
    "card_for",
    "compare",
    "ends_month",
    "follows_ibov",
    "fund_values",
    "gather",
    "history_of",
    "is_asked",
    "judge",
    "opportunities",
    "rank",
    "recommend",
    "shares_behind",
    "shown_score",
    "verdict_of",
]
