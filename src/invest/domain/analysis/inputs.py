"""The input of an analysis: everything stored of one asset, and the moment for which it is analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from invest.domain.analysis.own_multiples import multiple_medians
from invest.domain.analysis.score_models import ScoreRecord
from invest.domain.analysis.sectors import SectorStats
from invest.domain.analysis.valuation import SHARES_OF_UNIT, shares_behind, split_factor
from invest.domain.filings import Filing, Fundamentals, fundamentals_of, read_filings
from invest.domain.market import (
    DAYS_A_YEAR_CRYPTO,
    SESSIONS_A_YEAR,
    ActionKind,
    Asset,
    AssetKind,
    Bars,
    CorporateAction,
    MacroPoint,
    Move,
    NewsItem,
    Prices,
    RateCurve,
    StatementLine,
    market_day,
    tracked_index,
    unexplained_moves,
    usable,
)
from invest.domain.values import Consensus

REMARKED_DAYS = 365  # for which an event that prices are not adjusted for is told


@dataclass(frozen=True)
class AnalysisInput:
    """Everything stored of one asset, and the moment it is looked at from.

    `filings` may be given in place of `statements` where they were read before; `cdi` as a ready curve and `index` as
    ready prices where many assets share them. `latest` is keyed by the names of `fact_keys` ("close", "market_cap").
    `shares_as_of` dates the asset's number of shares where `now` lies before it: later splits are undone.
    `own_index`: of a FII the IFIX, of an ETF the index it follows, in reais; None where it is not stored.
    `backtest` is what the market's score was worth so far: shown beside the score, never part of it.
    """

    asset: Asset
    bars: Bars
    now: datetime
    index: Bars | Prices | None = None
    statements: Sequence[StatementLine] = ()
    actions: Sequence[CorporateAction] = ()
    latest: Mapping[str, Consensus] = field(default_factory=dict)
    news: Sequence[NewsItem] = ()
    cdi: Sequence[MacroPoint] | RateCurve = ()
    peers: SectorStats | None = None
    sandbox: bool = False
    filings: Sequence[Filing] | None = None
    bars_source: str | None = None
    bars_payload: str | None = None
    shares_as_of: date | None = None
    backtest: ScoreRecord | None = None
    own_index: Prices | None = None

    @cached_property
    def today(self) -> date:
        """The day in São Paulo at `now`."""
        return market_day(self.now)

    @property
    def words(self) -> str:
        """What may name the index of an ETF: its name, and the register's words."""
        return f"{self.asset.name or ''} {self.asset.segment or ''}"

    @property
    def follows(self) -> str | None:
        """The index that an ETF follows; None for other kinds, and where nothing names it."""
        return tracked_index(self.asset.ticker, self.words) if self.asset.kind is AssetKind.ETF else None

    @cached_property
    def prices(self) -> Prices:
        """The asset's usable bars up to today, none from before a change of price whose size is unknown."""
        crypto = self.asset.kind is AssetKind.CRYPTO
        bars = self.bars.until(self.today)
        broken = max((move.before for move in self.moves if move.breaks), default=None)
        if broken is not None:
            bars = bars.without_factor(broken)
        return usable(bars, periods=DAYS_A_YEAR_CRYPTO if crypto else SESSIONS_A_YEAR)

    @cached_property
    def moves(self) -> list[Move]:
        """Changes of price that no known event explains."""
        bars = self.bars.until(self.today)
        return unexplained_moves(bars.days, bars.close, self.known_actions)

    @property
    def price_remarks(self) -> list[str]:
        """What a reader of figures over time should know of the prices and events behind them."""
        found = [
            f"{move.words}: "
            + ("no figure reaches back beyond it" if move.breaks else "figures across it are not corrected")
            for move in self.moves
        ]
        year = self.today - timedelta(days=REMARKED_DAYS)
        found += [
            f"{action.label or action.kind.value.replace('_', ' ')} with rights until {action.last_date_with}: "
            "prices are not adjusted for it"
            for action in self.known_actions
            if action.kind in (ActionKind.SUBSCRIPTION, ActionKind.OTHER) and action.last_date_with > year
        ]
        return found

    @cached_property
    def index_prices(self) -> Prices | None:
        """The index's usable bars."""
        return usable(self.index.until(self.today)) if isinstance(self.index, Bars) else self.index

    @cached_property
    def curve(self) -> RateCurve | None:
        """The CDI curve, None without a point."""
        curve = self.cdi if isinstance(self.cdi, RateCurve) else RateCurve.of(self.cdi)
        return curve if len(curve) else None

    @cached_property
    def company(self) -> Fundamentals | None:
        """What the filings received by `now` say."""
        filings = self.filings if self.filings is not None else read_filings(self.statements)
        return fundamentals_of(filings, self.now)

    @cached_property
    def papers(self) -> float | None:
        """Traded papers that stand for the company's shares, as of `now`."""
        papers = shares_behind(self.asset)
        if papers is not None and self.shares_as_of is not None:
            papers /= split_factor(self.actions, self.today, self.shares_as_of)
        return papers

    @cached_property
    def medians(self) -> Mapping[str, float | None]:
        """The asset's own five-year medians: ratios of its yearly reports, multiples the market then paid."""
        company = self.company
        if company is None:
            return {}
        unit = SHARES_OF_UNIT.get(self.asset.ticker, 1) if self.asset.kind is AssetKind.UNIT else 1
        paid = multiple_medians(company, self.prices, self.known_actions, self.papers, self.today, shares_in_one=unit)
        return company.medians | paid

    @cached_property
    def known_actions(self) -> list[CorporateAction]:
        """Corporate actions whose last day with rights has come."""
        return [action for action in self.actions if action.last_date_with <= self.today]

    @cached_property
    def recent_news(self) -> list[NewsItem]:
        """News of the asset published in the thirty days before `now`."""
        start, ticker = self.now - timedelta(days=30), self.asset.ticker
        return [
            item
            for item in self.news
            if start <= (item.published_at or item.fetched_at) <= self.now
            and (not item.tickers or ticker in item.tickers)
        ]


def as_known(given: AnalysisInput) -> AnalysisInput:
    """`given` without anything from after `now`: what a computation at that moment could have read."""
    index, curve = given.index, given.cdi
    if isinstance(index, Bars):
        index = index.until(given.today)
    filings = given.filings if given.filings is not None else read_filings(given.statements)
    return replace(
        given,
        bars=given.bars.until(given.today),
        index=index,
        statements=(),
        filings=tuple(filing for filing in filings if filing.received_on <= given.today),
        actions=tuple(a for a in given.actions if a.last_date_with <= given.today or (a.factor and not a.kind.in_cash)),
        latest={key: held for key, held in given.latest.items() if held.as_of <= given.now},
        news=tuple(item for item in given.news if (item.published_at or item.fetched_at) <= given.now),
        cdi=curve if isinstance(curve, RateCurve) else tuple(p for p in curve if p.day <= given.today),
    )
