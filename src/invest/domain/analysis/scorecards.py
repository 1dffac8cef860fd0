"""Scorecards: which figures count in a score, their weights, and the value of each from 0 to 10.

A curve is monotone and piecewise linear through its points, flat beyond its ends (docs/scoring.md explains each). The
weights of a stock's parts are the contract's; FIIs, ETFs, BDRs and cryptos have cards of their own, and banks and
insurers a fundamental and valuation part that fits their chart of accounts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from invest.domain.filings import Chart
from invest.domain.market import AssetKind

Curve = tuple[tuple[float, float], ...]
PARTS = ("fundamental", "technical", "valuation", "risk", "sentiment")


@dataclass(frozen=True, slots=True)
class Rule:
    """One figure of a card: its key, its weight within the part, the group it belongs to and its curve."""

    key: str
    weight: float
    group: str
    curve: Curve

    def score(self, value: float) -> float:
        """0..10 for `value`."""
        curve = self.curve
        if value <= curve[0][0]:
            return curve[0][1]
        if value >= curve[-1][0]:
            return curve[-1][1]
        at = bisect_right(curve, (value, 11.0))
        (x0, y0), (x1, y1) = curve[at - 1], curve[at]
        return y0 + (y1 - y0) * (value - x0) / (x1 - x0)


@dataclass(frozen=True, slots=True)
class Card:
    """The weights of the parts and the rules of each."""

    name: str
    weights: Mapping[str, float]
    rules: Mapping[str, tuple[Rule, ...]]


_ROE: Curve = ((0.0, 0.0), (0.05, 3.0), (0.10, 5.0), (0.15, 7.0), (0.25, 10.0))
_GROWTH: Curve = ((-0.15, 0.0), (0.0, 3.0), (0.05, 5.0), (0.12, 7.5), (0.25, 10.0))
_GROWTH_1Y: Curve = ((-0.30, 0.0), (0.0, 4.0), (0.10, 6.0), (0.40, 10.0))
_LIQUIDITY: Curve = ((1e4, 0.0), (1e5, 2.0), (1e6, 5.0), (1e7, 8.0), (1e8, 10.0))
_VOLATILITY: Curve = ((0.12, 10.0), (0.20, 8.0), (0.30, 6.0), (0.45, 3.0), (0.80, 0.0))
_DRAWDOWN: Curve = ((-0.70, 0.0), (-0.40, 3.0), (-0.25, 5.0), (-0.15, 7.5), (-0.05, 10.0))
_DIVIDENDS: Curve = ((0.0, 1.0), (0.03, 4.0), (0.06, 7.0), (0.10, 9.0), (0.14, 10.0))
_EARNINGS_YIELD: Curve = ((0.0, 0.0), (0.04, 2.5), (0.08, 5.0), (0.12, 7.0), (0.20, 10.0))

_PROFITABILITY = (
    Rule("roe", 3, "profitability", _ROE),
    Rule("roic", 3, "profitability", ((0.0, 0.0), (0.06, 4.0), (0.12, 6.5), (0.20, 9.0), (0.30, 10.0))),
    Rule("net_margin", 1.5, "profitability", ((-0.05, 0.0), (0.0, 2.0), (0.05, 4.5), (0.12, 7.0), (0.25, 10.0))),
    Rule("ebitda_margin", 1.5, "profitability", ((0.0, 0.0), (0.08, 3.0), (0.18, 6.0), (0.30, 8.5), (0.50, 10.0))),
)
_GROWING = (
    Rule("revenue_cagr_5y", 2, "growth", _GROWTH),
    Rule("net_income_cagr_5y", 2, "growth", _GROWTH),
    Rule("revenue_growth_1y", 1, "growth", _GROWTH_1Y),
    Rule("net_income_growth_1y", 1, "growth", _GROWTH_1Y),
)
_INDEBTED = (
    Rule("net_debt_ebitda", 3, "debt", ((0.0, 10.0), (1.0, 8.5), (2.0, 6.5), (3.0, 4.0), (4.0, 2.0), (6.0, 0.0))),
    Rule("interest_coverage", 2, "debt", ((0.0, 0.0), (1.0, 2.0), (2.5, 5.0), (5.0, 7.5), (10.0, 10.0))),
    Rule("current_ratio", 1, "debt", ((0.5, 0.0), (1.0, 4.0), (1.5, 7.0), (2.5, 10.0))),
    Rule("equity_assets", 1, "debt", ((0.0, 0.0), (0.15, 3.0), (0.35, 6.0), (0.60, 9.0), (0.80, 10.0))),
)
_EFFICIENT = (
    Rule("cash_conversion", 1, "efficiency", ((0.0, 0.0), (0.6, 4.0), (1.0, 7.0), (1.8, 10.0))),
    Rule("piotroski", 2, "efficiency", ((1.0, 0.0), (4.0, 4.0), (6.0, 6.5), (9.0, 10.0))),
    Rule("roa", 1, "efficiency", ((0.0, 0.0), (0.03, 4.0), (0.07, 7.0), (0.15, 10.0))),
)
_BANKING = (
    Rule("roe", 4, "profitability", _ROE),
    Rule("roa", 2, "profitability", ((0.0, 0.0), (0.006, 3.0), (0.012, 6.0), (0.02, 8.5), (0.03, 10.0))),
    Rule("net_income_cagr_5y", 2, "growth", _GROWTH),
    Rule("net_income_growth_1y", 1, "growth", _GROWTH_1Y),
    Rule("equity_cagr_5y", 1, "growth", _GROWTH),
    Rule("equity_assets", 2, "debt", ((0.03, 0.0), (0.06, 4.0), (0.09, 7.0), (0.14, 10.0))),
)
_TECHNICAL = (
    Rule("distance_sma_200", 2, "trend", ((-0.30, 0.0), (0.0, 5.0), (0.15, 8.0), (0.40, 10.0))),
    Rule("distance_sma_50", 1, "trend", ((-0.15, 0.0), (0.0, 5.0), (0.10, 8.0), (0.20, 10.0))),
    Rule("week52_position", 1, "trend", ((0.0, 1.0), (0.5, 5.0), (1.0, 9.0))),
    Rule("momentum_12_1", 3, "momentum", ((-0.40, 0.0), (0.0, 4.0), (0.12, 6.0), (0.35, 8.5), (0.70, 10.0))),
    Rule("excess_ibov_1y", 1, "momentum", ((-0.40, 0.0), (0.0, 5.0), (0.20, 7.5), (0.50, 10.0))),
    Rule("rsi_14", 1, "momentum", ((20.0, 1.0), (50.0, 5.0), (80.0, 9.0))),
    Rule("obv_change_63d", 1, "volume", ((-25.0, 1.0), (0.0, 5.0), (25.0, 9.0))),
)
_P_VP: Curve = ((0.4, 10.0), (1.0, 8.0), (2.0, 5.5), (4.0, 2.5), (8.0, 0.0))
_VALUE = (
    Rule("earnings_yield", 3, "multiples", _EARNINGS_YIELD),
    Rule("p_vp", 1.5, "multiples", _P_VP),
    Rule("ev_ebitda", 1.5, "multiples", ((2.0, 10.0), (4.0, 8.5), (7.0, 6.0), (11.0, 3.0), (20.0, 0.0))),
    Rule("greenblatt_yield", 1.5, "multiples", ((0.0, 0.0), (0.06, 3.0), (0.12, 6.0), (0.20, 8.5), (0.30, 10.0))),
    Rule("fcf_yield", 1.5, "multiples", ((-0.10, 0.0), (0.0, 2.5), (0.06, 5.5), (0.12, 8.0), (0.20, 10.0))),
    Rule("dividend_yield", 1.5, "dividends", _DIVIDENDS),
    Rule("graham_margin", 1, "models", ((-0.60, 0.0), (-0.20, 3.0), (0.0, 5.0), (0.50, 8.0), (1.0, 10.0))),
)
_BANK_VALUE = (
    Rule("earnings_yield", 3, "multiples", _EARNINGS_YIELD),
    Rule("p_vp", 3, "multiples", ((0.4, 10.0), (0.8, 8.0), (1.3, 5.5), (2.5, 2.5), (4.0, 0.0))),
    Rule("dividend_yield", 2, "dividends", _DIVIDENDS),
    Rule("graham_margin", 1, "models", ((-0.60, 0.0), (-0.20, 3.0), (0.0, 5.0), (0.50, 8.0), (1.0, 10.0))),
)
_RISK = (
    Rule("volatility_1y", 3, "volatility", _VOLATILITY),
    Rule("max_drawdown_1y", 2, "volatility", _DRAWDOWN),
    Rule("turnover_21d", 3, "liquidity", _LIQUIDITY),
    Rule("beta_1y", 1, "volatility", ((0.3, 9.0), (1.0, 6.0), (1.6, 3.0), (2.5, 0.0))),
)
_STOCK_RISK = (
    *_RISK,
    Rule("altman_z", 2, "debt", ((0.5, 0.0), (1.8, 3.5), (3.0, 7.5), (5.0, 10.0))),
)
_NEWS = (Rule("news_tone_30d", 1, "news", ((-1.0, 0.0), (0.0, 5.0), (1.0, 10.0))),)

_FII_INCOME = (
    Rule("dividend_months_12m", 3, "income", ((0.0, 0.0), (6.0, 3.0), (10.0, 6.0), (12.0, 10.0))),
    Rule("dividend_yield_5y", 2, "income", ((0.0, 0.0), (0.05, 3.5), (0.08, 6.0), (0.11, 8.5), (0.15, 10.0))),
)
_FII_VALUE = (
    Rule("p_vp", 3, "multiples", ((0.60, 10.0), (0.85, 8.0), (1.0, 6.0), (1.15, 3.5), (1.5, 0.0))),
    Rule("dividend_yield", 3, "dividends", ((0.0, 0.0), (0.05, 3.0), (0.08, 6.0), (0.11, 8.5), (0.15, 10.0))),
)
_FII_RISK = (
    Rule("turnover_21d", 4, "liquidity", ((1e4, 0.0), (1e5, 2.5), (1e6, 6.0), (5e6, 8.5), (2e7, 10.0))),
    Rule("volatility_1y", 2, "volatility", ((0.05, 10.0), (0.10, 8.0), (0.18, 5.0), (0.30, 2.0), (0.45, 0.0))),
    Rule("max_drawdown_1y", 2, "volatility", ((-0.45, 0.0), (-0.25, 3.0), (-0.12, 6.0), (-0.03, 10.0))),
)
_FUND_TREND = (
    *(rule for rule in _TECHNICAL if rule.group == "trend"),
    Rule("momentum_12_1", 2, "momentum", ((-0.30, 0.0), (0.0, 4.0), (0.12, 6.5), (0.40, 10.0))),
    Rule("excess_ibov_1y", 1, "momentum", ((-0.30, 0.0), (0.0, 5.0), (0.15, 7.5), (0.40, 10.0))),
    Rule("excess_cdi_1y", 1, "momentum", ((-0.30, 0.0), (0.0, 5.0), (0.15, 8.0), (0.35, 10.0))),
)
# A real-estate fund is measured by its own index.
_FII_TREND = tuple(
    Rule("excess_ifix_1y", 1, "momentum", ((-0.20, 0.0), (0.0, 5.0), (0.10, 7.5), (0.25, 10.0)))
    if rule.key == "excess_ibov_1y"
    else rule
    for rule in _FUND_TREND
)
_FUND_RISK = (
    Rule("volatility_1y", 3, "volatility", _VOLATILITY),
    Rule("max_drawdown_1y", 2, "volatility", _DRAWDOWN),
    Rule("turnover_21d", 3, "liquidity", _LIQUIDITY),
    Rule("sharpe_1y", 1, "volatility", ((-1.0, 0.0), (0.0, 4.0), (1.0, 7.5), (2.0, 10.0))),
)
_CRYPTO_TREND = (
    Rule("distance_sma_200", 2, "trend", ((-0.50, 0.0), (0.0, 5.0), (0.50, 8.5), (1.0, 10.0))),
    Rule("momentum_12_1", 3, "momentum", ((-0.60, 0.0), (0.0, 4.0), (0.50, 7.0), (1.5, 10.0))),
    Rule("rsi_14", 1, "momentum", ((20.0, 1.0), (50.0, 5.0), (80.0, 9.0))),
)
_CRYPTO_RISK = (
    Rule("volatility_1y", 3, "volatility", ((0.25, 10.0), (0.45, 7.0), (0.70, 4.0), (1.2, 0.0))),
    Rule("max_drawdown_1y", 2, "volatility", ((-0.85, 0.0), (-0.60, 3.0), (-0.35, 6.0), (-0.15, 10.0))),
    Rule("turnover_21d", 2, "liquidity", ((1e5, 0.0), (1e6, 3.0), (1e7, 6.0), (1e9, 10.0))),
)

_CONTRACT = {"fundamental": 0.35, "technical": 0.25, "valuation": 0.25, "risk": 0.10, "sentiment": 0.05}

STOCK = Card(
    "stock",
    _CONTRACT,
    {
        "fundamental": (*_PROFITABILITY, *_GROWING, *_INDEBTED, *_EFFICIENT),
        "technical": _TECHNICAL,
        "valuation": _VALUE,
        "risk": _STOCK_RISK,
        "sentiment": _NEWS,
    },
)
BANK = Card(
    "bank",
    _CONTRACT,
    {"fundamental": _BANKING, "technical": _TECHNICAL, "valuation": _BANK_VALUE, "risk": _RISK, "sentiment": _NEWS},
)
FII = Card(
    "fii",
    {"fundamental": 0.30, "technical": 0.10, "valuation": 0.30, "risk": 0.25, "sentiment": 0.05},
    {
        "fundamental": _FII_INCOME,
        "technical": _FII_TREND,
        "valuation": _FII_VALUE,
        "risk": _FII_RISK,
        "sentiment": _NEWS,
    },
)
ETF = Card(
    "etf",
    {"technical": 0.50, "risk": 0.45, "sentiment": 0.05},
    {"technical": _FUND_TREND, "risk": _FUND_RISK, "sentiment": _NEWS},
)
BDR = Card(
    "bdr",
    {"technical": 0.45, "valuation": 0.20, "risk": 0.30, "sentiment": 0.05},
    {
        "technical": _FUND_TREND,
        "valuation": (
            Rule("p_l", 2, "multiples", ((5.0, 10.0), (12.0, 7.5), (20.0, 5.0), (35.0, 2.0), (60.0, 0.0))),
            Rule("dividend_yield", 1, "dividends", ((0.0, 2.0), (0.02, 6.0), (0.05, 10.0))),
        ),
        "risk": _FUND_RISK,
        "sentiment": _NEWS,
    },
)
CRYPTO = Card(
    "crypto",
    {"technical": 0.50, "risk": 0.45, "sentiment": 0.05},
    {"technical": _CRYPTO_TREND, "risk": _CRYPTO_RISK, "sentiment": _NEWS},
)
CARDS: Mapping[str, Card] = {card.name: card for card in (STOCK, BANK, FII, ETF, BDR, CRYPTO)}
_CARD_OF_KIND: Mapping[AssetKind, Card] = {
    AssetKind.STOCK: STOCK,
    AssetKind.UNIT: STOCK,
    AssetKind.FII: FII,
    AssetKind.ETF: ETF,
    AssetKind.BDR: BDR,
    AssetKind.CRYPTO: CRYPTO,
}

DIMENSIONS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    # dimension -> (part, groups) it is made of
    "value": (("valuation", ("multiples", "dividends", "models")),),
    "quality": (("fundamental", ("profitability", "efficiency")),),
    "growth": (("fundamental", ("growth",)),),
    "income": (("fundamental", ("income",)),),
    "financial_health": (("fundamental", ("debt",)),),
    "momentum": (("technical", ("trend", "momentum", "volume")),),
    "stability": (("risk", ("volatility",)),),
    "liquidity": (("risk", ("liquidity",)),),
    "news": (("sentiment", ("news",)),),
}


def card_for(kind: AssetKind, chart: Chart | None) -> Card | None:
    """The card of an asset; banks and insurers by their chart of accounts. None for an index or a right."""
    card = _CARD_OF_KIND.get(kind)
    return BANK if card is STOCK and chart in (Chart.BANK, Chart.INSURER) else card
