"""Rank the assets of a market by score; find those worth a closer look, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import AwareDatetime, Field

from invest.domain.analysis.models import Analysis, Reason, Recommendation, Score
from invest.domain.analysis.scoring import shown_score
from invest.domain.filings import Candidate, greenblatt, plain
from invest.domain.frozen import Frozen
from invest.domain.market import Market

UTILITIES = ("energia eletrica", "utilidade publica", "saneamento", "agua e gas", "utilities", "gas canalizado")
FINANCIALS = ("financeir", "banco", "seguro", "seguridade", "previdencia", "bolsa de valores", "financials")


class RankedAsset(Frozen):
    """One row of a ranking; `position` 1 is the best, equal scores share it."""

    position: int
    ticker: str
    name: str | None
    sector: str | None
    price: float | None
    change_1d: float | None
    overall_score: Score
    recommendation: Recommendation
    coverage: float
    stale: bool
    greenblatt_rank: int | None = Field(default=None, description="Greenblatt's combined rank within the market")


class Ranking(Frozen):
    """A market in order of score. Assets without enough data for a verdict are named, not ranked."""

    market: Market
    ranked_at: AwareDatetime | None
    rows: list[RankedAsset]
    unranked: list[str]
    sandbox: bool = False


class Opportunity(Frozen):
    """An asset whose score reaches the asked one, with what speaks for and against it."""

    ticker: str
    name: str | None
    sector: str | None
    price: float | None
    overall_score: float
    recommendation: Recommendation
    coverage: float
    overall_valuation: str | None
    overall_risk: str | None
    reasons: list[Reason] = Field(description="figures that raised the score, strongest first")
    cautions: list[Reason] = Field(description="figures that lowered it, strongest first")
    analyzed_at: AwareDatetime
    sandbox: bool = False


def _of_market(analyses: Sequence[Analysis], market: Market | None) -> list[Analysis]:
    return [a for a in analyses if market is None or a.kind in market.kinds]


def _judged(analysis: Analysis) -> bool:
    return analysis.overall_score is not None and analysis.recommendation is not Recommendation.INSUFFICIENT_DATA


def _order(analysis: Analysis) -> tuple[float, float, str]:
    return -(_score(analysis) or 0), -analysis.coverage, analysis.ticker


def _score(analysis: Analysis) -> Score:
    """The score as it is shown: analyses stored before scores had one decimal have two."""
    return shown_score(analysis.overall_score)


def rank(analyses: Sequence[Analysis], market: Market) -> Ranking:
    """Rank the assets of `market` among `analyses` by overall score, then coverage, then ticker."""
    members = _of_market(analyses, market)
    ranked = sorted((a for a in members if _judged(a)), key=_order)
    formula = greenblatt_ranks(members) if market is Market.STOCKS else {}
    rows: list[RankedAsset] = []
    for place, analysis in enumerate(ranked, 1):
        tied = bool(rows) and rows[-1].overall_score == _score(analysis)
        rows.append(_row(analysis, rows[-1].position if tied else place, formula.get(analysis.ticker)))
    moments: list[datetime] = [a.analyzed_at for a in members]
    return Ranking(
        market=market,
        ranked_at=max(moments, default=None),
        rows=rows,
        unranked=sorted(a.ticker for a in members if not _judged(a)),
        sandbox=any(a.sandbox for a in members),
    )


def _row(analysis: Analysis, position: int, formula: int | None) -> RankedAsset:
    return RankedAsset(
        position=position,
        ticker=analysis.ticker,
        name=analysis.name,
        sector=analysis.sector,
        price=analysis.price,
        change_1d=analysis.change_1d,
        overall_score=_score(analysis),
        recommendation=analysis.recommendation,
        coverage=analysis.coverage,
        stale=analysis.stale,
        greenblatt_rank=formula,
    )


def greenblatt_ranks(analyses: Sequence[Analysis]) -> Mapping[str, int]:
    """Greenblatt's list over `analyses`: without financials and utilities, liquid papers only, one per issuer."""
    best: dict[str, tuple[float, Candidate]] = {}
    for analysis in analyses:
        facts = {fact.key: fact.value for fact in analysis.facts}
        turnover = facts.get("turnover_21d")
        candidate = Candidate(
            ticker=analysis.ticker,
            earnings_yield=facts.get("greenblatt_yield"),
            return_on_capital=facts.get("greenblatt_return"),
            turnover=turnover,
            excluded=analysis.scorecard == "bank" or _regulated(analysis.sector),
        )
        held = best.get(analysis.ticker[:4])
        if held is None or (turnover or 0) > held[0]:
            best[analysis.ticker[:4]] = (turnover or 0, candidate)
    return greenblatt([candidate for _, candidate in best.values()])


def _regulated(sector: str | None) -> bool:
    words = plain(sector or "")
    return any(word in words for word in (*UTILITIES, *FINANCIALS))


def opportunities(
    analyses: Sequence[Analysis], min_score: float = 7.0, market: Market | None = None, limit: int = 5
) -> list[Opportunity]:
    """Assets that score at least `min_score` on enough and fresh data, best first, with up to `limit` reasons each."""
    found = (a for a in _of_market(analyses, market) if _judged(a) and not a.stale)
    return [_opportunity(a, limit) for a in sorted(found, key=_order) if (_score(a) or 0) >= min_score]


def _opportunity(analysis: Analysis, limit: int) -> Opportunity:
    return Opportunity(
        ticker=analysis.ticker,
        name=analysis.name,
        sector=analysis.sector,
        price=analysis.price,
        overall_score=_score(analysis) or 0.0,
        recommendation=analysis.recommendation,
        coverage=analysis.coverage,
        overall_valuation=analysis.valuation_analysis.overall_valuation,
        overall_risk=analysis.risk_analysis.overall_risk,
        reasons=[reason for reason in analysis.reasons if reason.effect > 0][:limit],
        cautions=[reason for reason in analysis.reasons if reason.effect < 0][:limit],
        analyzed_at=analysis.analyzed_at,
        sandbox=analysis.sandbox,
    )
