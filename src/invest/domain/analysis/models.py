"""Results of analysis, in the shapes of the contract (section 4). Missing is null; scores run 0..10."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field

from invest.domain.analysis.score_models import ScoreRecord
from invest.domain.frozen import Frozen
from invest.domain.market import AssetKind

Score = float | None


class Recommendation(StrEnum):
    """Verdict of the quantitative score: 8 strong buy, 6.5 buy, 4 hold, 2 sell, below strong sell."""

    STRONG_BUY = "strong_buy"
    BUY = "buy"
    HOLD = "hold"
    SELL = "sell"
    STRONG_SELL = "strong_sell"
    INSUFFICIENT_DATA = "insufficient_data"


class Withheld(StrEnum):
    """Why an analysis gives no verdict."""

    OUTDATED_PRICES = "outdated_prices"  # the newest is more than thirty days old, or there is none
    COVERAGE = "coverage"  # under 60 % of the scorecard's weight has data
    NO_SCORECARD = "no_scorecard"  # an index or a right is not judged


class Fact(Frozen):
    """One number a report may print: where it comes from and how it compares.

    `value` is in the unit named by `unit`: "BRL", "fraction" (.242 = 24.2 %), "x" (a multiple), "count",
    "index" (a plain number such as RSI or beta), "score"; `fact_keys` holds names and printing for every key.
    """

    id: str = Field(description="stable within a snapshot: f01, f02, …")
    key: str = Field(description="p_l, roe, net_margin, close, volatility_1y, …")
    value: float | None
    unit: str
    as_of: date | None = None
    source: str | None = None
    payload: str | None = None
    own_median: float | None = Field(default=None, description="the asset's own five-year median")
    sector_median: float | None = None
    sector_percentile: float | None = Field(default=None, description="0..1 within the sector, by raw value")
    stale: bool = False


class FundamentalAnalysis(Frozen):
    """Groups of named figures; `*_score` within each group 0..10 or null."""

    profitability: dict[str, Any]
    growth: dict[str, Any]
    debt: dict[str, Any]
    efficiency: dict[str, Any]
    overall_score: Score


class TechnicalAnalysis(Frozen):
    """Figures from adjusted daily bars."""

    trend: dict[str, Any]
    momentum: dict[str, Any]
    support_resistance: dict[str, Any]
    volume_analysis: dict[str, Any]
    volatility: dict[str, Any]
    overall_score: Score


class ValuationAnalysis(Frozen):
    """Multiples and fair-value models; `overall_valuation` in words (undervalued, fair, overvalued) or null."""

    multiples: dict[str, Any]
    models: dict[str, Any]
    dividends: dict[str, Any]
    score: Score
    overall_valuation: str | None


class RiskAnalysis(Frozen):
    """Risk by kind (low, medium, high or null); `score` is 10 for the safest."""

    debt_risk: str | None
    volatility_risk: str | None
    liquidity_risk: str | None
    overall_risk: str | None
    score: Score
    checklist: list[dict[str, Any]] = Field(default_factory=list)


class SentimentAnalysis(Frozen):
    """Tone of recent news: `sentiment` in positive, neutral, negative or null without news."""

    sentiment: str | None
    score: Score
    news_count: int


class Dimension(Frozen):
    """One bar of the report: a side of the asset scored 0..10, beside its sector's median where peers are known."""

    name: str = Field(description="value, quality, growth, financial_health, momentum, news, …")
    score: Score
    sector_median: Score = None


class Reason(Frozen):
    """What one figure did to the overall score."""

    part: str = Field(description="fundamental, technical, valuation, risk or sentiment")
    key: str
    fact_id: str | None
    value: float
    score: float = Field(description="0..10 by the scorecard's table")
    effect: float = Field(description="points of the overall score above (+) or below (-) a neutral 5")


class Analysis(Frozen):
    """Everything computed of one asset from what is stored, point in time."""

    analysis_id: str
    ticker: str
    kind: AssetKind
    name: str | None = None
    sector: str | None = None
    analyzed_at: AwareDatetime
    as_of: AwareDatetime = Field(description="the newest data used")
    price: float | None
    change_1d: float | None = Field(description="fraction")
    fundamental_analysis: FundamentalAnalysis
    technical_analysis: TechnicalAnalysis
    valuation_analysis: ValuationAnalysis
    risk_analysis: RiskAnalysis
    sentiment_analysis: SentimentAnalysis
    overall_score: Score
    coverage: float = Field(ge=0, le=1, description="share of the scorecard's weight that has data")
    missing: list[str] = Field(default_factory=list, description="keys of the scorecard without data")
    recommendation: Recommendation
    withheld: Withheld | None = Field(default=None, description="why there is no verdict, where there is none")
    facts: list[Fact]
    sources: list[str]
    stale: bool = False
    sandbox: bool = False
    scorecard: str | None = Field(default=None, description="stock, bank, fii, etf, bdr or crypto; null: none applies")
    dimensions: list[Dimension] = Field(default_factory=list)
    reasons: list[Reason] = Field(default_factory=list, description="strongest effect first")
    windows_beaten_180d: tuple[int, int] | None = Field(
        default=None, description="of the past windows of 180 days: (beat the index, counted)"
    )
    base_rate_180d: float | None = Field(default=None, description="how often its peers and itself beat the index")
    index_label: str = Field(default="IBOV", description="the index of these two and of the AIs' probabilities")
    follows: str | None = Field(
        default=None, description="the index that an ETF follows, by its code, its name or CVM's register"
    )
    backtest: ScoreRecord | None = Field(default=None, description="what this market's score was worth so far")
    remarks: list[str] = Field(
        default_factory=list, description="what limits figures over time: unexplained prices, restated statements"
    )
    ai: dict[str, Any] | None = Field(default=None, description="multi-AI block where include_ai was asked for")
