"""Compare several assets: rank them by each criterion, name the winner of each and overall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.models import Analysis, Recommendation, Score
from invest.domain.frozen import Frozen
from invest.domain.market import AssetKind

GOOD = (Recommendation.STRONG_BUY, Recommendation.BUY)


class Criterion(StrEnum):
    """What assets are compared by: scores (higher wins) and figures (the better side of `fact_keys` wins)."""

    OVERALL_SCORE = "overall_score"
    FUNDAMENTALS = "fundamentals"
    VALUATION = "valuation"
    TECHNICAL = "technical"
    RISK = "risk"
    SENTIMENT = "sentiment"
    P_L = "p_l"
    P_VP = "p_vp"
    EV_EBITDA = "ev_ebitda"
    DIVIDEND_YIELD = "dividend_yield"
    ROE = "roe"
    ROIC = "roic"
    NET_MARGIN = "net_margin"
    REVENUE_CAGR_5Y = "revenue_cagr_5y"
    NET_DEBT_EBITDA = "net_debt_ebitda"
    PIOTROSKI = "piotroski"
    RETURN_1Y = "return_1y"
    MOMENTUM_12_1 = "momentum_12_1"
    VOLATILITY_1Y = "volatility_1y"
    MAX_DRAWDOWN_1Y = "max_drawdown_1y"
    TURNOVER_21D = "turnover_21d"


DEFAULT = (
    Criterion.OVERALL_SCORE,
    Criterion.FUNDAMENTALS,
    Criterion.VALUATION,
    Criterion.TECHNICAL,
    Criterion.RISK,
    Criterion.P_L,
    Criterion.P_VP,
    Criterion.DIVIDEND_YIELD,
    Criterion.ROE,
    Criterion.NET_DEBT_EBITDA,
    Criterion.RETURN_1Y,
    Criterion.VOLATILITY_1Y,
)
_SCORES: dict[Criterion, Callable[[Analysis], Score]] = {
    Criterion.OVERALL_SCORE: lambda a: a.overall_score,
    Criterion.FUNDAMENTALS: lambda a: a.fundamental_analysis.overall_score,
    Criterion.VALUATION: lambda a: a.valuation_analysis.score,
    Criterion.TECHNICAL: lambda a: a.technical_analysis.overall_score,
    Criterion.RISK: lambda a: a.risk_analysis.score,
    Criterion.SENTIMENT: lambda a: a.sentiment_analysis.score,
}


class Placed(Frozen):
    """An asset and its value by one criterion."""

    ticker: str
    value: float


class Winner(Frozen):
    """The best asset of the whole; nulls where none has enough data."""

    ticker: str | None
    score: Score


class ComparedAsset(Frozen):
    """One column of a comparison; `values` by criterion, null where missing."""

    ticker: str
    kind: AssetKind
    name: str | None
    sector: str | None
    price: float | None
    overall_score: Score
    recommendation: Recommendation
    coverage: float
    stale: bool
    values: dict[str, float | None]


class Comparison(Frozen):
    """The contract's comparison, with a winner of each criterion."""

    compared_at: AwareDatetime
    total_assets: int
    assets: list[ComparedAsset]
    criteria: list[str]
    rankings: dict[str, list[str]] = Field(
        description="by_overall_score, by_fundamentals, by_valuation and by_<criterion>: tickers, best first"
    )
    winners: dict[str, Placed | None] = Field(description="best asset of each criterion; null where no asset has it")
    best_opportunities: list[str] = Field(description="rated buy or better, best first, at most three")
    winner: Winner
    mixed_kinds: bool = Field(description="assets of different kinds: their scores come from different cards")
    sandbox: bool = False


def value_of(analysis: Analysis, criterion: Criterion) -> float | None:
    """The asset's value by `criterion`; None where it is missing."""
    if criterion in _SCORES:
        return _SCORES[criterion](analysis)
    return next((fact.value for fact in analysis.facts if fact.key == criterion.value), None)


def higher_wins(criterion: Criterion) -> bool:
    """Whether the larger value is the better one."""
    return criterion in _SCORES or FACT_KEYS[criterion.value].better != -1


def compare(
    analyses: Sequence[Analysis], criteria: Sequence[Criterion] | None = None, *, compared_at: datetime
) -> Comparison:
    """Compare `analyses` by `criteria` (the usual ones where None). Equal values go by overall score, then by ticker.

    The winner of the whole is the highest overall score among assets with enough data for a verdict.
    """
    chosen = list(dict.fromkeys(criteria or DEFAULT))
    always = (Criterion.OVERALL_SCORE, Criterion.FUNDAMENTALS, Criterion.VALUATION)
    rankings = {c: _ranked(analyses, c) for c in dict.fromkeys((*always, *chosen))}
    judged = [a for a in analyses if a.recommendation is not Recommendation.INSUFFICIENT_DATA]
    best = _ranked(judged, Criterion.OVERALL_SCORE)
    good = {a.ticker for a in judged if a.recommendation in GOOD and not a.stale}
    return Comparison(
        compared_at=compared_at,
        total_assets=len(analyses),
        assets=[_column(analysis, chosen) for analysis in analyses],
        criteria=[c.value for c in chosen],
        rankings={f"by_{c.value}": [p.ticker for p in placed] for c, placed in rankings.items()},
        winners={c.value: rankings[c][0] if rankings[c] else None for c in chosen},
        best_opportunities=[p.ticker for p in best if p.ticker in good][:3],
        winner=Winner(ticker=best[0].ticker, score=best[0].value) if best else Winner(ticker=None, score=None),
        mixed_kinds=len({a.scorecard for a in analyses}) > 1,
        sandbox=any(a.sandbox for a in analyses),
    )


def _column(analysis: Analysis, criteria: Sequence[Criterion]) -> ComparedAsset:
    return ComparedAsset(
        ticker=analysis.ticker,
        kind=analysis.kind,
        name=analysis.name,
        sector=analysis.sector,
        price=analysis.price,
        overall_score=analysis.overall_score,
        recommendation=analysis.recommendation,
        coverage=analysis.coverage,
        stale=analysis.stale,
        values={c.value: value_of(analysis, c) for c in criteria},
    )


def _ranked(analyses: Sequence[Analysis], criterion: Criterion) -> list[Placed]:
    sign = -1 if higher_wins(criterion) else 1
    known = [(a, value) for a in analyses if (value := value_of(a, criterion)) is not None]
    known.sort(key=lambda pair: (sign * pair[1], -(pair[0].overall_score or 0), pair[0].ticker))
    return [Placed(ticker=a.ticker, value=value) for a, value in known]
