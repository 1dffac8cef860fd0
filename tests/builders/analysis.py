"""Analyses for reports, generated: plausible figures from a seed, every part replaceable by keyword."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.models import (
    Analysis,
    Dimension,
    Fact,
    FundamentalAnalysis,
    Reason,
    Recommendation,
    RiskAnalysis,
    SentimentAnalysis,
    TechnicalAnalysis,
    ValuationAnalysis,
)
from invest.domain.analysis.score_models import Alarm, Backtest, ScoreRecord, verdict_of
from invest.domain.analysis.scoring import recommend
from invest.domain.market.bars import Bars
from invest.domain.market.tickers import AssetKind, Market
from invest.domain.maths.cohorts import Interval

NOW = datetime(2026, 3, 31, 21, 40, tzinfo=UTC)


LAST_DAY = date(2026, 3, 31)


# value, own median, sector median, percentile within the sector
COMPANY_FIGURES: dict[str, tuple[float | None, float | None, float | None, float | None]] = {
    "p_l": (5.9, 5.2, 8.4, 0.18),
    "p_vp": (1.38, 1.21, 1.55, 0.44),
    "ev_ebitda": (3.4, 3.1, 4.9, 0.21),
    "roe": (0.242, 0.279, 0.14, 0.88),
    "roic": (0.171, 0.165, 0.102, 0.81),
    "net_margin": (0.216, 0.228, 0.113, 0.84),
    "net_debt_ebitda": (0.9, 0.8, 1.6, 0.29),
    "interest_coverage": (None, None, 5.1, None),
    "revenue_cagr_5y": (0.083, None, 0.091, 0.47),
    "dividend_yield": (0.118, 0.146, 0.062, 0.86),
    "dividend_yield_5y": (0.146, None, 0.058, 0.9),
    "dividends_12m": (5.7421, 6.1, None, None),
    "payout": (0.45, 0.5, 0.38, 0.6),
    "close": (48.67, None, None, None),
    "week52_low": (28.80, None, None, None),
    "week52_high": (50.55, None, None, None),
    "return_1m": (0.081, None, 0.01, 0.7),
    "return_6m": (0.312, None, 0.08, 0.9),
    "return_1y": (0.334, None, 0.12, 0.83),
    "excess_ibov_1y": (0.121, None, None, None),
    "volatility_1y": (0.284, 0.35, 0.31, 0.4),
    "max_drawdown_1y": (-0.213, None, -0.27, 0.7),
    "rsi_14": (63.2, None, None, None),
    "beta_1y": (1.12, None, None, None),
    "revenue": (490_829_000_000.0, None, None, None),
    "net_income": (107_583_000_000.0, None, None, None),
    "revenue_growth_1y": (-0.043, None, 0.03, 0.22),
    "current_ratio": (0.69, 0.9, 1.2, 0.12),
    "turnover_21d": (1_834_000_000.0, None, None, None),
    "news_count_30d": (14, None, None, None),
}


FUND_FIGURES: dict[str, tuple[float | None, float | None, float | None, float | None]] = {
    "p_vp": (0.94, 1.02, 0.91, 0.55),
    "dividend_yield": (0.092, 0.088, 0.104, 0.38),
    "dividend_yield_5y": (0.085, None, 0.09, 0.45),
    "dividend_months_12m": (12, None, 12, 0.5),
    "dividends_12m": (14.52, None, None, None),
    "return_1y": (0.064, None, 0.05, 0.52),
    "volatility_1y": (0.121, 0.14, 0.15, 0.3),
    "max_drawdown_1y": (-0.08, None, -0.12, 0.7),
    "turnover_21d": (9_120_000.0, None, 2_400_000.0, 0.93),
    "week52_low": (142.1, None, None, None),
    "week52_high": (168.4, None, None, None),
}


def sha(text: str) -> str:
    """A hash that stands for a payload's."""
    return hashlib.sha256(text.encode()).hexdigest()


def facts_of(figures: Mapping[str, tuple[float | None, float | None, float | None, float | None]]) -> list[Fact]:
    """Facts f01, f02, … in the order of `figures`."""
    return [
        Fact(
            id=f"f{i:02d}",
            key=key,
            value=value,
            unit=FACT_KEYS[key].unit,
            as_of=LAST_DAY,
            source=("cotahist", "cvm", "brapi")[i % 3] if value is not None else None,
            payload=sha(f"payload {i % 5}") if value is not None and i % 3 != 2 else None,
            own_median=own,
            sector_median=sector,
            sector_percentile=percentile,
        )
        for i, (key, (value, own, sector, percentile)) in enumerate(figures.items(), start=1)
    ]


def bars(ticker: str = "PETR4", sessions: int = 520, last: float = 48.67, seed: int = 7, holes: int = 0) -> Bars:
    """A walk that ends at `last` on `LAST_DAY`, on weekdays; `holes` takes that many sessions out of the middle."""
    rng = np.random.default_rng(seed)
    days = np.array([d for i in range(sessions * 2) if (d := LAST_DAY - timedelta(days=i)).weekday() < 5][:sessions])
    steps = rng.normal(0.0006, 0.017, sessions)
    close = np.exp(np.cumsum(steps))
    close = close / close[-1] * last
    volume = rng.lognormal(17, 0.45, sessions).round()
    keep = np.ones(sessions, dtype=bool)
    if holes:
        middle = sessions - 130
        keep[middle : middle + holes] = False
    column = close[keep]
    return Bars(
        ticker,
        np.sort(days.astype("datetime64[D]"))[keep],
        column * 0.995,
        column * 1.01,
        column * 0.99,
        column,
        volume[keep],
        volume[keep] * column,
        np.ones(int(keep.sum())),
    )


def no_bars(ticker: str = "PETR4") -> Bars:
    """No session at all."""
    return Bars.from_rows(ticker, [])


def _check(name: str, key: str, value: float | None, threshold: float | None, passed: bool | None) -> dict[str, Any]:
    return {"check": name, "key": key, "value": value, "threshold": threshold, "passed": passed}


CHECKLIST: list[dict[str, Any]] = [
    _check("earns_money", "net_income", 107_583e6, 0.0, True),
    _check("debt_within_reach", "net_debt_ebitda", 0.9, 3.0, True),
    _check("interest_covered", "interest_coverage", None, 2.0, None),
    _check("short_term_covered", "current_ratio", 0.69, 1.0, False),
    _check("traded_daily", "turnover_21d", 1.834e9, 1e6, True),
    _check("calm_price", "volatility_1y", 0.284, 0.45, True),
    _check("shallow_fall", "max_drawdown_1y", -0.213, -0.4, True),
    _check("fresh_prices", "close", None, None, True),
]


DIMENSIONS: tuple[tuple[str, float | None, float | None], ...] = (
    ("value", 8.2, 5.7),
    ("quality", 7.4, 6.2),
    ("growth", 4.3, 5.0),
    ("financial_health", 7.9, 5.2),
    ("momentum", 6.6, 5.0),
    ("stability", 6.1, 5.4),
    ("liquidity", 9.8, 6.0),
    ("news", 5.1, 5.0),
)


EFFECTS: tuple[tuple[str, float], ...] = (
    ("p_l", 0.61), ("roe", 0.44), ("return_1y", 0.31), ("dividend_yield", 0.22), ("current_ratio", -0.34),
    ("revenue_growth_1y", -0.28), ("p_vp", 0.02),
)  # fmt: skip


def reasons_of(facts: Sequence[Fact]) -> list[Reason]:
    """Effects on the score of those of `EFFECTS` that are among `facts`."""
    by_key = {f.key: f for f in facts}
    return [
        Reason(part="fundamental", key=key, fact_id=f.id, value=f.value or 0.0, score=5 + 5 * effect, effect=effect)
        for key, effect in EFFECTS
        if (f := by_key.get(key)) is not None
    ]


def score_record(alarms: Sequence[Alarm] = ()) -> ScoreRecord:
    """A market's backtest: better than chance at 30 days, not so at 90, too short at 180."""
    results = (
        _backtest(30, Interval(cohorts=20, mean=0.06, low=0.02, high=0.10, standing="above"), (-0.005, 0.012), alarms),
        _backtest(90, Interval(cohorts=9, mean=0.02, low=-0.05, high=0.09, standing="chance"), (0.001, 0.006), alarms),
        _backtest(180, Interval(cohorts=2, mean=0.01, low=-0.3, high=0.3, standing="collecting"), None, alarms),
    )
    return ScoreRecord(
        market=Market.STOCKS,
        computed_at=NOW,
        as_of=LAST_DAY,
        step_days=35,
        assets=120,
        ended=7,
        checked=36,
        horizons=list(results),
        verdicts=[verdict_of(result) for result in results],
    )


def _backtest(horizon: int, ic: Interval, outer: tuple[float, float] | None, alarms: Sequence[Alarm]) -> Backtest:
    spread = None if outer is None else outer[1] - outer[0]
    middle: list[float | None] = [None, None, None]
    return Backtest(
        horizon_days=horizon,
        days=50,
        assets=110.0,
        first=date(2021, 4, 1),
        last=date(2026, 2, 20),
        ic_mean=ic.mean,
        ic_std=0.1,
        icir=0.2,
        ic_by_day=[],
        quantile_returns=[None] * 5 if outer is None else [outer[0], *middle, outer[1]],
        spread=spread,
        turnover=None if outer is None else 0.6,
        cost_per_side=0.0015,
        spread_net=None if spread is None else spread - 4 * 0.0015 * 0.6,
        rank_autocorrelation=0.8,
        ic=ic,
        significant=ic.standing == "above",
        spread_interval=ic,
        p_shuffled=0.4,
        alarms=list(alarms),
    )


def analysis(ticker: str = "PETR4", **changes: Any) -> Analysis:
    """An analysis of a company with everything known but one figure."""
    fields: dict[str, Any] = {
        "analysis_id": f"a-{ticker}",
        "ticker": ticker,
        "kind": AssetKind.STOCK,
        "name": "Petróleo Brasileiro S.A. Petrobras",
        "sector": "Petróleo, gás e biocombustíveis",
        "analyzed_at": NOW,
        "as_of": NOW,
        "price": 48.67,
        "change_1d": -0.0201,
        "fundamental_analysis": FundamentalAnalysis(
            profitability={"roe": 0.242, "profitability_score": 8.2},
            growth={"revenue_cagr_5y": 0.083, "growth_score": 4.3},
            debt={"net_debt_ebitda": 0.9, "debt_score": 7.9},
            efficiency={"asset_turnover": 0.4, "efficiency_score": 5.8},
            overall_score=7.4,
        ),
        "technical_analysis": TechnicalAnalysis(
            trend={"sma_50": 40.53},
            momentum={"rsi_14": 63.2},
            support_resistance={},
            volume_analysis={},
            volatility={"volatility_1y": 0.284},
            overall_score=6.6,
        ),
        "valuation_analysis": ValuationAnalysis(
            multiples={"p_l": 5.9},
            models={"graham_price": 80.1},
            dividends={},
            score=8.2,
            overall_valuation="undervalued",
        ),
        "risk_analysis": RiskAnalysis(
            debt_risk="low",
            volatility_risk="medium",
            liquidity_risk="low",
            overall_risk="low",
            score=7.0,
            checklist=CHECKLIST,
        ),
        "sentiment_analysis": SentimentAnalysis(sentiment="neutral", score=5.1, news_count=14),
        "overall_score": 7.1,
        "coverage": 0.96,
        "missing": ["interest_coverage"],
        "recommendation": Recommendation.BUY,
        "facts": facts_of(COMPANY_FIGURES),
        "sources": ["cotahist", "cvm", "brapi", "bcb"],
        "scorecard": "stock",
        "dimensions": [Dimension(name=n, score=s, sector_median=m) for n, s, m in DIMENSIONS],
    }
    fields |= changes
    if "reasons" not in fields:
        fields["reasons"] = reasons_of(fields["facts"])
    return Analysis(**fields)


def fund(ticker: str = "HGLG11", **changes: Any) -> Analysis:
    """An analysis of a real-estate fund."""
    fields: dict[str, Any] = {
        "kind": AssetKind.FII,
        "name": "CSHG Logística FII",
        "sector": "Logística",
        "price": 158.2,
        "facts": facts_of(FUND_FIGURES),
        "missing": [],
        "scorecard": "fii",
        "dimensions": [
            Dimension(name=n, score=s, sector_median=m)
            for n, s, m in (
                ("value", 6.4, 6.0),
                ("income", 8.1, 6.9),
                ("momentum", 5.2, 5.0),
                ("stability", 8.0, 7.1),
                ("liquidity", 8.8, 6.0),
            )
        ],
        "fundamental_analysis": FundamentalAnalysis(
            profitability={}, growth={}, debt={}, efficiency={}, overall_score=6.9
        ),
    }
    return analysis(ticker, **(fields | changes))


def bare(ticker: str = "XPTO3", **changes: Any) -> Analysis:
    """An analysis of an asset of which nearly nothing is known."""
    empty: dict[str, Any] = {
        "name": None,
        "sector": None,
        "price": None,
        "change_1d": None,
        "fundamental_analysis": FundamentalAnalysis(
            profitability={}, growth={}, debt={}, efficiency={}, overall_score=None
        ),
        "technical_analysis": TechnicalAnalysis(
            trend={}, momentum={}, support_resistance={}, volume_analysis={}, volatility={}, overall_score=None
        ),
        "valuation_analysis": ValuationAnalysis(
            multiples={}, models={}, dividends={}, score=None, overall_valuation=None
        ),
        "risk_analysis": RiskAnalysis(
            debt_risk=None, volatility_risk=None, liquidity_risk=None, overall_risk=None, score=None
        ),
        "sentiment_analysis": SentimentAnalysis(sentiment=None, score=None, news_count=0),
        "overall_score": None,
        "coverage": 0.0,
        "missing": ["p_l", "p_vp", "roe", "net_margin", "net_debt_ebitda", "dividend_yield", "volatility_1y"],
        "recommendation": Recommendation.INSUFFICIENT_DATA,
        "facts": [],
        "sources": ["brapi"],
        "dimensions": [],
    }
    return analysis(ticker, **(empty | changes))


TICKERS = (
    "PETR4", "VALE3", "ITUB4", "WEGE3", "BBAS3", "ABEV3", "MGLU3", "RENT3", "SUZB3", "EQTL3",
    "RADL3", "PRIO3", "GGBR4", "VIVT3", "CSAN3", "LREN3", "EMBR3", "TOTS3", "HAPV3", "CPLE6",
)  # fmt: skip


def several(count: int, seed: int = 3) -> list[Analysis]:
    """Companies with figures of their own."""
    rng = np.random.default_rng(seed)
    made = []
    for ticker in TICKERS[:count]:
        figures = {
            key: (None if value is None else round(value * float(rng.uniform(0.5, 1.6)), 4), own, median, percentile)
            for key, (value, own, median, percentile) in COMPANY_FIGURES.items()
        }
        score = round(float(rng.uniform(2.5, 8.6)), 1)
        made.append(
            analysis(
                ticker,
                name=f"Companhia {ticker[:4].title()} S.A.",
                price=round(float(rng.uniform(4, 90)), 2),
                change_1d=round(float(rng.normal(0, 0.02)), 4),
                overall_score=score,
                recommendation=recommend(score, 0.96),
                facts=facts_of(figures),
            )
        )
    return made
