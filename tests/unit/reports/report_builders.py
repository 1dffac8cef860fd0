"""Data for reports, generated: plausible figures from a seed, every part replaceable by keyword."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from invest.domain.analysis import (
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
from invest.domain.assets import ActionKind, CorporateAction, NewsItem
from invest.domain.bars import Bars
from invest.domain.collection import SourceOutcome
from invest.domain.comparison import compare
from invest.domain.fact_keys import FACT_KEYS
from invest.domain.observations import Basis, Consensus, RawPayload, Rejected
from invest.domain.opinion import AiConsensus, Argument, KeyFact, Opinion, OpinionStatus, Rating, Risk
from invest.domain.scoring import recommend
from invest.domain.tickers import AssetKind
from invest.reports.data import (
    AssetReportData,
    ComparisonReportData,
    MarketReportData,
    PortfolioReportData,
    PositionRow,
    TrackRow,
    WeeklyReportData,
)

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
    fields.setdefault("reasons", reasons_of(fields["facts"]))
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


def opinion(provider: str, p: float | None, **changes: Any) -> Opinion:
    """A valid opinion where `p` is given, else an abstention."""
    rating = None if p is None else Rating.BUY if p >= 0.55 else Rating.SELL if p <= 0.45 else Rating.HOLD
    target = None if p is None else round(40 + 18 * p, 2)
    fields: dict[str, Any] = {
        "opinion_id": f"o-{provider}",
        "ticker": "PETR4",
        "provider": provider,
        "model": {"openai": "gpt-5.1-2026-01-15", "anthropic": "claude-sonnet-4-5-20250929"}.get(
            provider, f"{provider}-1"
        ),
        "status": OpinionStatus.OK if p is not None else OpinionStatus.TIMEOUT,
        "reason": None if p is not None else "no answer within 60 s",
        "key_facts": (KeyFact(fact_id="f04", reading="favourable"),),
        "arguments_for": (
            Argument(text=f"O fluxo de caixa livre cobre os dividendos ({provider}).", fact_ids=("f10", "f04")),
            Argument(text="Múltiplos abaixo do setor.", fact_ids=("f01", "f03")),
        ),
        "arguments_against": (Argument(text="Os dividendos caem pelo segundo ano.", fact_ids=("f10",)),),
        "risks": (Risk(kind="governance", severity="high", text="Intervenção na política de preços."),),
        "p_beat_180d": p,
        "price_p50": target,
        "target": target,
        "summary": "Múltiplos baixos e dívida contida.",
        "rating": rating,
        "confidence": None if p is None else abs(p - 0.5) * 2,
        "figures_checked": 12,
        "prompt_hash": sha(f"prompt {provider}"),
        "data_hash": sha("data"),
        "asked_at": NOW,
        "seconds": 3.21,
        "tokens_in": 4120,
        "tokens_out": 812,
        "cost_usd": Decimal("0.0231"),
    }
    if p is None:
        fields |= {"arguments_for": (), "arguments_against": (), "risks": (), "tokens_in": None, "tokens_out": None}
        fields |= {"cost_usd": None, "summary": "", "model": None}
    return Opinion(**(fields | changes))


def opinions() -> list[Opinion]:
    """Four answers and one time-out."""
    return [
        opinion("openai", 0.70),
        opinion("anthropic", 0.62),
        opinion("gemini", 0.52),
        opinion("rules", 0.58, model="rules-1", cost_usd=None, tokens_in=None, tokens_out=None, seconds=0.01),
        opinion("deepseek", None),
    ]


def ai_consensus(answers: Sequence[Opinion] | None = None, **changes: Any) -> AiConsensus:
    """A pooled verdict of `opinions()`."""
    answers = opinions() if answers is None else answers
    valid = [o for o in answers if o.valid]
    fields: dict[str, Any] = {
        "ticker": "PETR4",
        "asked": len(answers),
        "answered": len(valid),
        "quorum": True,
        "probability": 0.588,
        "rating": Rating.BUY,
        "agreement": 0.567,
        "independent_votes": 1.6,
        "fragile": False,
        "target": 51.85,
        "bull_case": tuple(o.arguments_for[0] for o in valid[:3] if o.arguments_for),
        "bear_case": tuple(o.arguments_against[0] for o in valid[:2] if o.arguments_against),
        "dissent": ("gemini",),
        "headline": f"{len(valid)} of {len(answers)} answered",
    }
    return AiConsensus(**(fields | changes))


def actions(ticker: str = "PETR4") -> list[CorporateAction]:
    """Five years of payments and one split."""
    paid = [
        CorporateAction(
            ticker=ticker,
            kind=ActionKind.DIVIDEND if month % 2 else ActionKind.JCP,
            last_date_with=date(year, month, 21),
            payment_date=date(year, month, 28) if year < 2026 else None,
            amount=Decimal("0.4107") + Decimal(month + year - 2021) / 20,
            source="b3",
            payload=sha("actions"),
        )
        for year in range(2021, 2027)
        for month in ((2, 5, 8, 11) if year < 2026 else (2,))
    ]
    split = CorporateAction(
        ticker=ticker,
        kind=ActionKind.SPLIT,
        last_date_with=date(2025, 6, 2),
        factor=Decimal(2),
        source="b3",
        payload=sha("x"),
    )
    return [*paid, split]


def news(count: int = 8, title: str = "Petrobras anuncia plano de investimentos para 2026-2030") -> list[NewsItem]:
    """Items of the last days, newest last."""
    return [
        NewsItem(
            id=sha(f"news {i}"),
            title=title if i % 2 else "Petróleo fecha em queda com estoques maiores nos Estados Unidos",
            link=f"https://news.example/{i}",
            outlet=("InfoMoney", "Agência Brasil", "Valor")[i % 3],
            published_at=NOW - timedelta(days=count - i),
            fetched_at=NOW,
            source="rss",
            payload=sha("feed"),
            tickers=("PETR4",),
            sentiment=(0.6, -0.5, 0.0, None)[i % 4],
        )
        for i in range(count)
    ]


def quality() -> list[Consensus]:
    """Fields with several sources, one with a rejected value, one with a single source."""

    def field(name: str, value: str, unit: str, n: int, **changes: Any) -> Consensus:
        fields: dict[str, Any] = {
            "ticker": "PETR4",
            "field": name,
            "value": Decimal(value),
            "basis": Basis.SPOT,
            "unit": unit,
            "as_of": NOW,
            "source": "cotahist",
            "payload": sha("payload 1"),
            "sources": ("cotahist", "brapi", "yahoo")[:n],
            "n": n,
            "agreement": 1.0,
            "confidence": 0.9,
        }
        return Consensus(**(fields | changes))

    rejected = Rejected(
        source="brapi", value=Decimal("590"), reason="unit error: about 100 times what the others say", payload=sha("r")
    )
    return [
        field("close", "48.67", "BRL", 3),
        field("p_l", "5.9", "x", 3, agreement=2 / 3, rejected=(rejected,)),
        field("roe", "0.242", "fraction", 2),
        field("shares_outstanding", "13044496930", "count", 1),
    ]


def payloads() -> list[RawPayload]:
    """What the facts cite and a few more."""
    return [
        RawPayload(
            sha256=sha(f"payload {i}"),
            source=("cotahist", "cvm", "brapi", "bcb")[i % 4],
            url=f"https://source.example/{i}",
            fetched_at=NOW - timedelta(minutes=i),
            status=200,
            size=1000 + i,
        )
        for i in range(14)
    ]


def outcomes() -> list[SourceOutcome]:
    """One source that failed."""
    return [SourceOutcome(source="fundamentus", status="failed", reason="HTTP 503 em 3 tentativas")]


def track_record() -> list[TrackRow]:
    """A ranked AI, one collecting, a benchmark."""
    return [
        TrackRow(
            analyst="anthropic", horizon_days=180, closed=142, cohorts=9, status="ranked", brier=0.236, skill=0.056,
            skill_low=0.011, skill_high=0.101, hit_rate=0.61, base_rate=0.52,
        ),
        TrackRow(
            analyst="always_50", horizon_days=180, closed=142, cohorts=9, status="ranked", brier=0.25, skill=0.0,
            skill_low=0.0, skill_high=0.0, base_rate=0.52, benchmark=True,
        ),
        TrackRow(analyst="openai", horizon_days=180, closed=12, cohorts=2, status="collecting", brier=0.24),
    ]  # fmt: skip


def asset_data(**changes: Any) -> AssetReportData:
    """A full report's data."""
    fields: dict[str, Any] = {
        "report_id": "r_01KAZ3",
        "generated_at": NOW,
        "ai_provider": "openai",
        "analysis": analysis(),
        "bars": bars(),
        "opinions": opinions(),
        "ai_consensus": ai_consensus(),
        "actions": actions(),
        "news": news(),
        "track_record": track_record(),
        "quality": quality(),
        "payloads": payloads(),
        "outcomes": outcomes(),
    }
    return AssetReportData(**(fields | changes))


def comparison_data(analyses: Sequence[Analysis] | None = None, **changes: Any) -> ComparisonReportData:
    """A comparison of `analyses`, each with bars of its own."""
    analyses = list(analyses) if analyses is not None else several(4)
    fields: dict[str, Any] = {
        "report_id": "r_01KAZ4",
        "generated_at": NOW,
        "ai_provider": "openai",
        "analyses": analyses,
        "comparison": compare(analyses, compared_at=NOW),
        "bars": {a.ticker: bars(a.ticker, last=a.price or 10.0, seed=i) for i, a in enumerate(analyses)},
        "ai_consensus": {a.ticker: ai_consensus(ticker=a.ticker) for a in analyses[:3]},
        "payloads": payloads(),
    }
    return ComparisonReportData(**(fields | changes))


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


def portfolio_data(count: int = 6, **changes: Any) -> PortfolioReportData:
    """A portfolio of `count` companies with performance and dividends."""
    analyses = several(count)
    rng = np.random.default_rng(11)
    quantities = [Decimal(int(q) * 100) for q in rng.integers(1, 20, count)]
    values = [(Decimal(str(a.price)) * q).quantize(Decimal("0.01")) for a, q in zip(analyses, quantities, strict=True)]
    total = sum(values, Decimal(0))
    positions = [
        PositionRow(
            ticker=a.ticker,
            name=a.name,
            sector=("Petróleo e gás", "Mineração", "Bancos")[i % 3],
            quantity=q,
            average_price=Decimal(str(round((a.price or 0) * 0.84, 2))),
            price=Decimal(str(a.price)),
            value=v,
            cost=(v * Decimal("0.84")).quantize(Decimal("0.01")),
            weight=float(v / total),
            result=float(rng.normal(0.1, 0.3)),
            analysis=a,
        )
        for i, (a, q, v) in enumerate(zip(analyses, quantities, values, strict=True))
    ]
    column = bars(seed=5)
    days = [date.fromisoformat(str(d)) for d in column.days[-250:]]
    curves = {
        name: [round(float(v / c.adjusted[-250] * 100), 3) for v in c.adjusted[-250:]]
        for name, c in (("portfolio", column), ("IBOV", bars(seed=8)), ("CDI", bars(seed=9)))
    }
    fields: dict[str, Any] = {
        "report_id": "r_01KAZ5",
        "generated_at": NOW,
        "portfolio_id": "p1",
        "name": "Aposentadoria",
        "as_of": LAST_DAY,
        "positions": positions,
        "total_value": total if positions else None,
        "total_invested": (total * Decimal("0.84")).quantize(Decimal("0.01")),
        "metrics": {
            "return_percent": 0.19, "xirr": 0.142, "twr": 0.168, "excess_ibov": 0.031, "volatility": 0.187,
            "max_drawdown": -0.142, "sharpe_ratio": 0.41, "beta": 0.93, "var_95": -0.019, "cvar_95": -0.027,
            "dividend_yield": 0.061, "dividends_12m": 4812.33,
        },
        "curve_days": days,
        "curves": curves,
        "dividends_by_month": [
            (date(2025 + (3 + i) // 12, (3 + i) % 12 + 1, 1), Decimal(120 + 37 * i)) for i in range(12)
        ],
        "payloads": payloads(),
    }  # fmt: skip
    return PortfolioReportData(**(fields | changes))


def weekly_data(**changes: Any) -> WeeklyReportData:
    """A week of `portfolio_data`."""
    portfolio = changes.pop("portfolio", None) or portfolio_data()
    rng = np.random.default_rng(13)
    fields: dict[str, Any] = {
        "report_id": "r_01KAZ6",
        "generated_at": NOW,
        "portfolio": portfolio,
        "week_start": date(2026, 3, 23),
        "week_end": date(2026, 3, 27),
        "week_return": 0.0123,
        "index_return": 0.0081,
        "week_returns": {p.ticker: round(float(rng.normal(0.005, 0.03)), 4) for p in portfolio.positions},
        "changes": [("VALE3", "hold", "buy"), ("MGLU3", "hold", "sell")],
        "payments": actions()[-3:-1],
        "news": news(4),
    }
    return WeeklyReportData(**(fields | changes))


def market_data(count: int = 20, **changes: Any) -> MarketReportData:
    """A market of `count` companies."""
    analyses = several(count)
    fields: dict[str, Any] = {
        "report_id": "r_01KAZ7",
        "generated_at": NOW,
        "market": "stocks",
        "as_of": NOW,
        "analyses": [
            a.model_copy(update={"sector": ("Bancos", "Mineração", "Varejo")[i % 3]}) for i, a in enumerate(analyses)
        ],
        "bars": {a.ticker: bars(a.ticker, last=a.price or 10.0, seed=i) for i, a in enumerate(analyses)},
        "index": bars("^BVSP", last=187_461.84, seed=21),
        "macro": [
            ("selic_target", 0.1475, LAST_DAY, "bcb"),
            ("ipca_12m", 0.0381, date(2026, 2, 28), "bcb"),
            ("usd_brl", 5.2194, LAST_DAY, "bcb"),
        ],
        "news": news(6),
        "payloads": payloads(),
    }
    return MarketReportData(**(fields | changes))
