"""What a report is made of, gathered by its job from the store, the analysis and the opinions. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from invest.domain.analysis import Analysis, Comparison, History
from invest.domain.market import Asset, Bars, CorporateAction, Delisting, FundPortfolio, NewsItem, Programme
from invest.domain.opinions import AiConsensus, Argument, Opinion
from invest.domain.portfolios import Announced, PeriodReturn, Trade
from invest.domain.taxes import TaxYear
from invest.domain.values import Consensus, RawPayload, SourceOutcome

LIVE: Final = "live"  # the id of what a page shows now: nothing is kept under it, and no text names it


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRow:
    """One analyst's (or benchmark's) record over one horizon; fractions 0..1, null where it is not known yet.

    `status`: `collecting` under three closed cohorts, `interval` from three to seven, `ranked` from eight on.
    """

    analyst: str
    horizon_days: int
    closed: int
    cohorts: int
    status: Literal["collecting", "interval", "ranked"]
    brier: float | None = None
    skill: float | None = None
    skill_low: float | None = None
    skill_high: float | None = None
    hit_rate: float | None = None
    base_rate: float | None = None
    excess: float | None = None
    benchmark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """What every report needs. `cost_usd` null: the sum over the opinions."""

    report_id: str
    generated_at: datetime
    language: str = "pt-BR"
    sandbox: bool = False
    ai_provider: str | None = None
    payloads: Sequence[RawPayload] = ()
    outcomes: Sequence[SourceOutcome] = ()
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetReportData(ReportData):
    """One asset. `bars` may go back as far as is stored; the chart takes the last twelve months.

    `objection`: the strongest counter-argument, shown and never voted. `quality`: the consensus of each field.
    `benchmark`: what the local rules make of the same facts, without a vote.
    `asset`: who it is; `history`: its past; `peers`: the newest analyses of others of its kind and sector;
    `holdings`: what a fund holds by its newest quarterly report; `programme`: what a receipt stands for; `delisting`:
    how it ended, where it trades no more.
    """

    analysis: Analysis
    bars: Bars
    opinions: Sequence[Opinion] = ()
    ai_consensus: AiConsensus | None = None
    objection: Argument | None = None
    objection_by: str | None = None
    benchmark: Opinion | None = None
    actions: Sequence[CorporateAction] = ()
    news: Sequence[NewsItem] = ()
    track_record: Sequence[TrackRow] = ()
    quality: Sequence[Consensus] = ()
    asset: Asset | None = None
    history: History = field(default_factory=History)
    peers: Sequence[Analysis] = ()
    holdings: FundPortfolio | None = None
    programme: Programme | None = None
    delisting: Delisting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReportData(ReportData):
    """Two assets or more: their analyses, how `compare` ranked them, and what the AIs make of each, by ticker."""

    analyses: Sequence[Analysis]
    comparison: Comparison
    bars: Mapping[str, Bars] = field(default_factory=dict)
    ai_consensus: Mapping[str, AiConsensus] = field(default_factory=dict)
    opinions: Sequence[Opinion] = ()
    benchmarks: Sequence[Opinion] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """One holding today, BRL; `weight` a fraction of the portfolio, null figures where no price is known."""

    ticker: str
    name: str | None = None
    sector: str | None = None
    kind: str | None = None
    quantity: Decimal
    average_price: Decimal | None
    price: Decimal | None
    value: Decimal | None
    cost: Decimal | None
    weight: float | None
    result: float | None = None
    dividends_12m: Decimal | None = None
    analysis: Analysis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioReportData(ReportData):
    """One portfolio at one day. `metrics` by name (fractions, BRL as Decimal) as the portfolio job computed them.

    `gain`: all gains in BRL: unrealised, realised and income, less fees. `contributions` sum to the time-weighted
    return; `periods` are calendar months and years beside their benchmarks.

    `curve`: total value rebased by time-weighted return, one point per session, with benchmarks on the same days.
    """

    portfolio_id: str
    name: str
    as_of: date
    positions: Sequence[PositionRow]
    total_value: Decimal | None
    total_invested: Decimal | None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    gain: Decimal | None = None
    contributions: Mapping[str, float] = field(default_factory=dict)
    periods: Sequence[PeriodReturn] = ()
    rebalancing: Sequence[Trade] = ()
    announced: Sequence[Announced] = ()
    tax: TaxYear | None = None
    receivables: Decimal = Decimal(0)
    income_not_booked: Decimal = Decimal(0)
    dividends_projected: Decimal | None = None
    dividends_projected_net: Decimal | None = None
    week_contributions: Mapping[str, float] = field(default_factory=dict)
    curve_days: Sequence[date] = ()
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    dividends_by_month: Sequence[tuple[date, Decimal]] = ()
    include_recommendations: bool = True
    missing_prices: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketReportData(ReportData):
    """One market: analyses of its assets in any order, the index beside them, and figures of the economy.

    `macro`: (name, value, day, source); fractions a year, or R$ where the name ends in `_brl`. `index_name`: IFIX for
    a market of FIIs where that index is stored, else IBOV.
    """

    market: str
    as_of: datetime
    analyses: Sequence[Analysis]
    bars: Mapping[str, Bars] = field(default_factory=dict)
    index: Bars | None = None
    index_name: str = "IBOV"
    macro: Sequence[tuple[str, float, date, str]] = ()
    news: Sequence[NewsItem] = ()
    top_n: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyReportData(ReportData):
    """One portfolio's week: the portfolio at its end, what moved, what was paid, what was written.

    `week_returns`: by ticker, fraction over the week. `changes`: (ticker, recommendation before, after).
    `contributions`: what each asset added to the week's return; they sum to it. `coming`: events of what is held.
    """

    portfolio: PortfolioReportData
    week_start: date
    week_end: date
    week_return: float | None
    index_return: float | None
    week_returns: Mapping[str, float | None] = field(default_factory=dict)
    contributions: Mapping[str, float] = field(default_factory=dict)
    coming: Sequence[CorporateAction] = ()
    results_due: Mapping[str, date] = field(default_factory=dict)
    changes: Sequence[tuple[str, str, str]] = ()
    payments: Sequence[CorporateAction] = ()
    news: Sequence[NewsItem] = ()
