"""The world one sandbox serves: a seed, a day that is today, and everything that follows from them, made when asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np

from invest.errors import ConfigError
from invest_sandbox.world.bars import IndexTemper, announced, index_series, invent, market_returns, other_index
from invest_sandbox.world.books import Books
from invest_sandbox.world.listings import Company, Former, Listing
from invest_sandbox.world.macro import Macro
from invest_sandbox.world.profile import Profile, profile
from invest_sandbox.world.recorded import read_bars
from invest_sandbox.world.roster import roster
from invest_sandbox.world.series import Days, Floats, Series
from invest_sandbox.world.sessions import after_close, is_session, last_session, sessions

YEARS = 8  # of invented history, whole years before this one
KEPT = 200  # invented series held in memory; the rest are made again in about a millisecond
INDEX = "^BVSP"
TEMPERS = {
    "IFIX": IndexTemper(0.2, 0.002, 0.00025, 3_400.0),
    "IBXX": IndexTemper(0.99, 0.0008, 0.0, 55_000.0),
    "IBXL": IndexTemper(1.0, 0.0012, 0.0, 21_000.0),
    "SMLL": IndexTemper(1.15, 0.005, -0.0001, 2_100.0),
    "IDIV": IndexTemper(0.85, 0.003, 0.0002, 9_200.0),
    "IFNC": IndexTemper(1.05, 0.005, 0.0001, 14_500.0),
    "BDRX": IndexTemper(0.3, 0.01, 0.0005, 21_500.0),
}


class World:
    """Papers, companies and their series. Thread-safe; equal arguments give equal worlds.

    `bars`: a CSV of recorded series (see `recorded`). `as_of`: the last session that is known; by default the newest
    of the recorded bars, else the newest session that has closed. `former`: the codes that
    papers had before.
    """

    def __init__(
        self,
        assets: int = 1000,
        seed: int = 7,
        bars: Path | None = None,
        as_of: date | None = None,
        *,
        former: Mapping[str, Former] | None = None,
    ) -> None:
        if assets < 1:
            raise ConfigError(f"assets is {assets}; a world needs at least 1")
        self.seed = seed
        self.recorded = read_bars(bars) if bars else {}
        newest = max((s.days[-1].astype(date) for s in self.recorded.values()), default=None)
        self.today: date = as_of or newest or last_session()
        if not is_session(self.today):
            raise ConfigError(f"as_of {self.today} is no trading day of B3")
        self.listings = roster(seed, assets, self.recorded)
        self.by_ticker: dict[str, Listing] = {x.ticker: x for x in self.listings}
        self.former = dict(former or {})
        if unknown := self.former.keys() - self.by_ticker.keys():
            raise ConfigError(f"no paper {', '.join(sorted(unknown))} that could have had another code")
        self._series: OrderedDict[str, Series] = OrderedDict()
        self._books: dict[str, Books] = {}
        self._lock = Lock()

    @cached_property
    def days(self) -> Days:
        """Every session of the world, up to today."""
        return sessions(date(self.today.year - YEARS, 1, 1), self.today)

    @cached_property
    def market(self) -> Floats:
        """Daily log returns of the index on `days`: recorded where there are bars of ^BVSP, else invented."""
        returns = market_returns(self.seed, self.days)
        if INDEX in self.recorded:
            real = self.recorded[INDEX]
            steps = np.append(0.0, np.diff(np.log(real.close)))
            at = np.searchsorted(real.days, self.days)
            known = (at < len(real)) & (real.days[np.minimum(at, len(real) - 1)] == self.days)
            returns = np.where(known, steps[np.minimum(at, len(real) - 1)], returns)
        return returns

    @cached_property
    def round_the_clock(self) -> tuple[Days, Floats]:
        """Every calendar day and the index's return on it, nothing where B3 is closed: what cryptos trade on."""
        days = np.arange(self.days[0], self.days[-1] + np.timedelta64(1, "D"))
        returns = np.zeros(len(days))
        returns[np.searchsorted(days, self.days)] = self.market
        return days, returns

    @cached_property
    def index(self) -> Series:
        """The series of ^BVSP."""
        return self.recorded.get(INDEX) or index_series(self.seed, self.days)

    def index_of(self, code: str) -> Series | None:
        """The series of an index of B3 by its code there, IBOV first of all; None for what is none of them."""
        if code == "IBOV":
            return self.index
        temper = TEMPERS.get(code)
        return other_index(self.seed, code, self.days, self.market, temper) if temper else None

    @cached_property
    def companies(self) -> tuple[Company, ...]:
        """Every issuer registered with CVM, once."""
        return tuple({x.issuer: x.company for x in self.listings if x.company}.values())

    @cached_property
    def by_issuer(self) -> dict[str, tuple[Listing, ...]]:
        """The papers of each issuer, by its four letters."""
        out: dict[str, tuple[Listing, ...]] = {}
        for listing in self.listings:
            out[listing.issuer] = (*out.get(listing.issuer, ()), listing)
        return out

    @cached_property
    def macro(self) -> Macro:
        """Macro series."""
        return Macro(self.seed, self.today)

    @property
    def now(self) -> datetime:
        """The instant at which today's session is fully published."""
        return after_close(self.today)

    def profile(self, issuer: str) -> Profile:
        """What price, dividends and statements of `issuer` are made from."""
        return profile(self.seed, issuer)

    def books(self, issuer: str) -> Books | None:
        """The accounts of `issuer`, tied to its market value today; None for what is no company."""
        if issuer not in self._books:
            papers = self.by_issuer.get(issuer, ())
            if not papers or not papers[0].company:
                return None
            first = papers[0]
            value = float(self.series(first.ticker).close[-1]) * first.shares
            last = self.today.year - 1
            company = first.company
            assert company is not None
            self._books[issuer] = Books(
                self.seed, company, self.profile(issuer), value=value, last=last, first=last - YEARS + 1
            )
        return self._books[issuer]

    def shares_on(self, company: Company, day: date) -> tuple[int, int]:
        """Common and preferred shares of `company` on `day`: today's, less what later splits have added."""
        times = 1.0
        for action in self.series(self.by_issuer[company.issuer][0].ticker).actions:
            if not action.in_cash and action.last_with >= day:
                times *= action.factor
        return round(company.common / times), round(company.preferred / times)

    def series(self, ticker: str) -> Series:
        """The daily bars of `ticker`. Raises KeyError when it is not listed."""
        if ticker == INDEX:
            return self.index
        if ticker in self.recorded and ticker not in self.by_ticker:
            return self.recorded[ticker]
        with self._lock:
            if found := self._series.get(ticker):
                self._series.move_to_end(ticker)
                return found
        listing = self.by_ticker[ticker]
        days, market = self.round_the_clock if listing.kind == "crypto" else (self.days, self.market)
        profile = self.profile(listing.issuer)
        known = self.recorded.get(ticker)
        made = known if known is not None else invent(self.seed, listing, profile, days, market)
        if made.days[-1].astype(date) == self.today:
            coming = announced(self.seed, listing, profile, self.today, float(made.close[-1]))
            made = replace(made, actions=(*made.actions, *coming))
        with self._lock:
            self._series[ticker] = made
            if len(self._series) > KEPT:
                self._series.popitem(last=False)
        return made

    def until(self, ticker: str) -> date:
        """The newest day of the bars of `ticker`: today, or earlier where a recording ends."""
        if ticker in self.recorded:
            day: date = self.recorded[ticker].days[-1].astype(date)
            return day
        return self.today

    def is_real(self, ticker: str) -> bool:
        """Whether the bars of `ticker` are recorded ones."""
        return ticker in self.recorded
