"""The contract's sections of an analysis, built from figures and scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.models import (
    FundamentalAnalysis,
    RiskAnalysis,
    SentimentAnalysis,
    ValuationAnalysis,
)
from invest.domain.analysis.scoring import Verdict, shown_score
from invest.domain.filings import Chart, Fundamentals
from invest.domain.frozen import bare

Figures = Mapping[str, float | None]
LEVELS = ("low", "medium", "high")
TONE_BAND = 0.15

_KEYS = {
    group: tuple(key for key, entry in FACT_KEYS.items() if entry.group == group)
    for group in ("profitability", "growth", "debt", "efficiency", "valuation", "models", "dividends", "quality")
}


def _pick(figures: Figures, *groups: str) -> dict[str, Any]:
    return {key: figures.get(key) for group in groups for key in _KEYS[group]}


def fundamental_section(figures: Figures, verdict: Verdict) -> FundamentalAnalysis:
    """Profitability, growth, debt and efficiency, each with its own score."""

    def group(name: str, *more: str) -> dict[str, Any]:
        return _pick(figures, name, *more) | {f"{name}_score": shown_score(verdict.group("fundamental", name))}

    return bare(
        FundamentalAnalysis,
        profitability=group("profitability"),
        growth=group("growth"),
        debt=group("debt"),
        efficiency=group("efficiency", "quality"),
        overall_score=shown_score(verdict.parts.get("fundamental")),
    )


def valuation_section(figures: Figures, verdict: Verdict) -> ValuationAnalysis:
    """Multiples, models and dividends; in words: 6.5 and above undervalued, below 4 overvalued, between them fair."""
    score = shown_score(verdict.parts.get("valuation"))
    words = None if score is None else "undervalued" if score >= 6.5 else "overvalued" if score < 4 else "fair"
    return bare(
        ValuationAnalysis,
        multiples=_pick(figures, "valuation"),
        models=_pick(figures, "models"),
        dividends=_pick(figures, "dividends"),
        score=score,
        overall_valuation=words,
    )


def sentiment_section(figures: Figures, verdict: Verdict) -> SentimentAnalysis:
    """Tone of thirty days of news: beyond 0.15 either way it is positive or negative."""
    tone, count = _printed(figures, "news_tone_30d"), figures.get("news_count_30d")
    words = None if tone is None else "positive" if tone > TONE_BAND else "negative" if tone < -TONE_BAND else "neutral"
    score = verdict.parts.get("sentiment")
    return bare(SentimentAnalysis, sentiment=words, score=shown_score(score), news_count=int(count or 0))


def _printed(figures: Figures, key: str) -> float | None:
    """The figure as a reader sees it: a word beside 25,0 % may not follow from 25.04 %."""
    return FACT_KEYS[key].as_printed(figures.get(key))


def _level(value: float | None, low: float, high: float) -> str | None:
    """`low` up to the first bound, `high` beyond the second."""
    if value is None:
        return None
    return "low" if value <= low else "medium" if value <= high else "high"


def debt_risk(figures: Figures, chart: Chart | None) -> str | None:
    """By net debt over EBITDA: to 1.5 low, to 3 medium; net debt without EBITDA is high. Banks: equity over assets."""
    if chart in (Chart.BANK, Chart.INSURER):
        share = _printed(figures, "equity_assets")
        return _level(None if share is None else -share, -0.09, -0.06)
    net_debt, ebitda = figures.get("net_debt"), figures.get("ebitda")
    if net_debt is not None and net_debt <= 0:
        return "low"
    if net_debt is not None and ebitda is not None and ebitda <= 0:
        return "high"
    return _level(_printed(figures, "net_debt_ebitda"), 1.5, 3.0)


def liquidity_risk(figures: Figures) -> str | None:
    """By daily turnover: from 10 million BRL low, from 1 million medium, else high."""
    turnover = _printed(figures, "turnover_21d")
    return _level(None if turnover is None else -turnover, -1e7, -1e6)


def risk_section(figures: Figures, verdict: Verdict, company: Fundamentals | None, *, stale: bool) -> RiskAnalysis:
    """Risk by kind; overall it is the mean of the kinds that have data, never below medium with one of them high."""
    chart = company.chart if company else None
    debt, liquidity = debt_risk(figures, chart), liquidity_risk(figures)
    volatility = _level(_printed(figures, "volatility_1y"), 0.25, 0.45)
    known = [LEVELS.index(level) for level in (debt, volatility, liquidity) if level is not None]
    overall = None
    if known:
        overall = LEVELS[max(round(sum(known) / len(known)), int(max(known) == 2))]
    return bare(
        RiskAnalysis,
        debt_risk=debt,
        volatility_risk=volatility,
        liquidity_risk=liquidity,
        overall_risk=overall,
        score=shown_score(verdict.parts.get("risk")),
        checklist=_checklist(figures, stale=stale, financial=chart in (Chart.BANK, Chart.INSURER)),
    )


_CHECKS: tuple[tuple[str, str, float, bool], ...] = (
    # name, figure, threshold, whether above it is the good side
    ("earns_money", "net_income", 0.0, True),
    ("positive_equity", "equity", 0.0, True),
    ("cash_from_operations", "operating_cash_flow", 0.0, True),
    ("debt_within_reach", "net_debt_ebitda", 3.0, False),
    ("interest_covered", "interest_coverage", 2.0, True),
    ("short_term_covered", "current_ratio", 1.0, True),
    ("far_from_distress", "altman_z", 1.8, True),
    ("sound_by_piotroski", "piotroski", 4.0, True),
    ("traded_daily", "turnover_21d", 1e6, True),
    ("calm_price", "volatility_1y", 0.45, False),
    ("shallow_fall", "max_drawdown_1y", -0.40, True),
)


# Banks and insurers borrow to lend: their cash flow, debt and current ratio say nothing of this kind.
_NOT_OF_FINANCIALS = frozenset(
    ("cash_from_operations", "debt_within_reach", "interest_covered", "short_term_covered", "far_from_distress",
     "sound_by_piotroski")
)  # fmt: skip


def _checklist(figures: Figures, *, stale: bool, financial: bool) -> list[dict[str, Any]]:
    """Named yes/no questions; `passed` is null where the figure is missing."""
    rows: list[dict[str, Any]] = []
    for name, key, threshold, above in _CHECKS:
        if financial and name in _NOT_OF_FINANCIALS:
            continue
        value, shown = figures.get(key), _printed(figures, key)
        passed = None if shown is None else (shown > threshold) is above
        rows.append({"check": name, "key": key, "value": value, "threshold": threshold, "passed": passed})
    rows.append({"check": "fresh_prices", "key": "close", "value": None, "threshold": None, "passed": not stale})
    return rows
