"""What an analysis is made from: everything stored of one asset, and the moment it is looked at from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from invest.domain.assets import Asset, CorporateAction, MacroPoint, NewsItem, StatementLine
from invest.domain.bars import Bars
from invest.domain.calendar import market_day
from invest.domain.fundamentals import Fundamentals, fundamentals
from invest.domain.macro import RateCurve
from invest.domain.observations import Consensus
from invest.domain.prices import DAYS_A_YEAR_CRYPTO, SESSIONS_A_YEAR, Prices, usable
from invest.domain.sectors import SectorStats
from invest.domain.statements import Filing, read_filings
from invest.domain.tickers import AssetKind


@dataclass(frozen=True)
class AnalysisInput:
    """Everything stored of one asset, and the moment it is looked at from.

    `filings` may be given in place of `statements` where they were read before; `cdi` as a ready curve and `index` as
    ready prices where many assets share them. `latest` is keyed by the names of `fact_keys` ("close", "market_cap").
    `shares_as_of` dates the asset's number of shares where `now` lies before it: later splits are undone.
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

    @cached_property
    def today(self) -> date:
        """The day in São Paulo at `now`."""
        return market_day(self.now)

    @cached_property
    def prices(self) -> Prices:
        """The asset's usable bars up to today."""
        crypto = self.asset.kind is AssetKind.CRYPTO
        return usable(self.bars.until(self.today), periods=DAYS_A_YEAR_CRYPTO if crypto else SESSIONS_A_YEAR)

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
        return fundamentals(filings, self.now)

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
