"""Data for every kind of report, every part replaceable by keyword; one name for all builders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from invest.domain.analysis.comparison import compare
from invest.domain.analysis.history import History, MonthReturn, MultiplePoint, YearReturn
from invest.domain.analysis.models import Analysis
from invest.domain.filings.filing import Chart
from invest.domain.filings.results import Result
from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.domain.portfolios.allocation import Trade
from invest.domain.portfolios.income import Announced
from invest.domain.portfolios.returns import PeriodReturn
from invest.reports.data import (
    AssetReportData,
    ComparisonReportData,
    MarketReportData,
    PortfolioReportData,
    PositionRow,
    WeeklyReportData,
)
from tests.builders.analysis import (
    CHECKLIST,
    COMPANY_FIGURES,
    DIMENSIONS,
    EFFECTS,
    FUND_FIGURES,
    LAST_DAY,
    NOW,
    TICKERS,
    analysis,
    bare,
    bars,
    facts_of,
    fund,
    no_bars,
    reasons_of,
    score_record,
    several,
    sha,
)
from tests.builders.evidence import (
    actions,
    ai_consensus,
    news,
    opinion,
    opinions,
    outcomes,
    payloads,
    quality,
    track_record,
)

__all__ = [
    "CHECKLIST",
    "COMPANY_FIGURES",
    "DIMENSIONS",
    "EFFECTS",
    "FUND_FIGURES",
    "LAST_DAY",
    "NOW",
    "TICKERS",
    "actions",
    "ai_consensus",
    "analysis",
    "asset",
    "asset_data",
    "bare",
    "bars",
    "comparison_data",
    "facts_of",
    "fund",
    "history",
    "market_data",
    "news",
    "no_bars",
    "opinion",
    "opinions",
    "outcomes",
    "payloads",
    "portfolio_data",
    "quality",
    "reasons_of",
    "result",
    "score_record",
    "several",
    "sha",
    "track_record",
    "weekly_data",
]


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
        "asset": asset(),
        "history": history(),
        "peers": several(4)[1:],
    }
    return AssetReportData(**(fields | changes))


def asset(ticker: str = "PETR4", **changes: Any) -> Asset:
    """Who the asset is."""
    fields: dict[str, Any] = {
        "ticker": ticker,
        "kind": AssetKind.STOCK,
        "name": "PETROBRAS",
        "cnpj": "33000167000101",
        "cvm_code": 9512,
        "isin": "BRPETRACNPR6",
        "sector": "Petróleo. Gás e Biocombustíveis",
        "segment": "Petróleo. Gás e Biocombustíveis / Exploração. Refino e Distribuição",
    }
    return Asset(**(fields | changes))


def result(end: date, revenue: float | None = 100e9, **changes: float | None) -> Result:
    """One year or quarter, BRL: EBITDA 30 %, net income 20 % of revenue."""
    fields: dict[str, float | None] = {
        "revenue": revenue,
        "ebitda": None if revenue is None else revenue * 0.3,
        "net_income": None if revenue is None else revenue * 0.2,
        "net_debt": 60e9,
        "equity": 400e9,
    }
    return Result(end=end, **(fields | changes))


def history(**changes: Any) -> History:
    """Six years, six quarters, five years of month ends, three calendar years."""
    ends = [date(2021 + (m // 12), m % 12 + 1, 28) for m in range(3, 63)]
    fields: dict[str, Any] = {
        "chart": Chart.INDUSTRY,
        "years": tuple(result(date(y, 12, 31), 400e9 + 30e9 * (y - 2020)) for y in range(2020, 2026)),
        "quarters": tuple(
            result(date(y, m, d), 110e9 + 3e9 * m)
            for y in (2024, 2025)
            for m, d in ((3, 31), (6, 30), (9, 30), (12, 31))
        ),
        "multiples": tuple(
            MultiplePoint(day, 4 + (i % 17) / 5, 1 + (i % 11) / 10, 0.05 + (i % 7) / 100) for i, day in enumerate(ends)
        ),
        "months": tuple(
            MonthReturn(y, m, ((y * 12 + m) % 9 - 4) / 100)
            for y in (2024, 2025, 2026)
            for m in range(1, 13)
            if (y, m) <= (2026, 3)
        ),
        "calendar_years": (
            YearReturn(2024, 0.021, -0.104),
            YearReturn(2025, 0.133, 0.34),
            YearReturn(2026, 0.08, 0.16),
        ),
        "results_due": date(2026, 5, 15),
    }
    return History(**(fields | changes))


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
            "cdi_return": 0.121, "ibov_return": 0.133, "excess_cdi": 0.042,
            "max_drawdown": -0.142, "sharpe_ratio": 0.41, "beta": 0.93, "var_95": -0.019, "cvar_95": -0.027,
            "dividend_yield": 0.061, "dividends_12m": 4812.33,
        },
        "gain": (total * Decimal("0.19")).quantize(Decimal("0.01")),
        "contributions": contributions([p.ticker for p in positions], 0.168),
        "periods": periods(),
        "announced": [announced()] if positions else [],
        "dividends_projected": Decimal("5021.10"),
        "dividends_projected_net": Decimal("4790.22"),
        "rebalancing": [order(positions[0].weight or 0.0)] if positions else [],
        "curve_days": days,
        "curves": curves,
        "dividends_by_month": [
            (date(2025 + (3 + i) // 12, (3 + i) % 12 + 1, 1), Decimal(120 + 37 * i)) for i in range(12)
        ],
        "payloads": payloads(),
    }  # fmt: skip
    return PortfolioReportData(**(fields | changes))


def contributions(tickers: Sequence[str], total: float) -> dict[str, float]:
    """Parts that sum to `total`, the first one against it."""
    if not tickers:
        return {}
    rest = {ticker: total * 1.25 / max(1, len(tickers) - 1) for ticker in tickers[1:]}
    return {tickers[0]: total - sum(rest.values()), **rest}


def periods() -> list[PeriodReturn]:
    """Fifteen months, two years, twelve months and the whole."""
    months = [
        PeriodReturn(
            label=f"{y}-{m:02d}",
            start=date(y, m, 1),
            end=date(y, m, 28),
            portfolio=(m % 5 - 2) / 100,
            ibov=0.01,
            cdi=0.009,
        )
        for y in (2025, 2026)
        for m in range(1, 13)
        if (y, m) <= (2026, 3)
    ]
    years = [
        PeriodReturn(
            label=str(y), start=date(y, 1, 1), end=min(date(y, 12, 31), LAST_DAY), portfolio=0.08, ibov=0.12, cdi=0.11
        )
        for y in (2025, 2026)
    ]
    return [*months, *years, PeriodReturn(label="12m", start=date(2025, 3, 31), end=LAST_DAY, portfolio=0.11)]


def announced(**changes: Any) -> Announced:
    """A payment of JCP to come."""
    fields: dict[str, Any] = {
        "ticker": "ITUB4",
        "kind": "jcp",
        "last_date_with": date(2026, 3, 30),
        "payment_date": date(2026, 4, 20),
        "per_share": Decimal("0.3489"),
        "quantity": Decimal(600),
        "amount": Decimal("209.34"),
        "net": Decimal("172.71"),
    }
    return Announced(**(fields | changes))


def order(weight: float = 0.308) -> Trade:
    """A sale towards a target."""
    return Trade(ticker="PETR4", side="sell", quantity=Decimal(100), price=Decimal("48.67"), amount=Decimal("4867.00"),
                 weight=weight, target=0.2)  # fmt: skip


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
        "contributions": contributions([p.ticker for p in portfolio.positions], 0.0123),
        "coming": [
            actions()[-2].model_copy(update={"last_date_with": date(2026, 4, 2), "payment_date": date(2026, 4, 9)})
        ],
        "results_due": {"VALE3": date(2026, 4, 8)},
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
