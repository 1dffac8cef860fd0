"""How an asset came to where it stands: results, multiples at month ends, calendar months, income, the dollar.

Pure, and point in time like the analysis: nothing after `AnalysisInput.now` is read but events already announced.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.models import Analysis
from invest.domain.analysis.valuation import EARNED, before_twelve_months, dividends_per_share, split_factor
from invest.domain.filings import (
    Chart,
    Fundamentals,
    Result,
    fundamentals_of,
    next_results,
    own_equity,
    results_by_quarter,
    results_by_year,
)
from invest.domain.market import (
    MARKET_ZONE,
    YEAR,
    AssetKind,
    CorporateAction,
    MacroPoint,
    Prices,
    asked_index,
)

MULTIPLE_MONTHS = 60
INCOME_MONTHS = 24
REPORTED = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class MultiplePoint:
    """What the market paid on one day: unadjusted close by what was then known of earnings, equity and dividends."""

    day: date
    p_l: float | None
    p_vp: float | None
    dividend_yield: float | None


@dataclass(frozen=True, slots=True)
class MonthReturn:
    """Return of one calendar month, from the last close of the month before; `whole` unless the month still runs."""

    year: int
    month: int
    value: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class YearReturn:
    """Return of one calendar year (of this one so far) of the asset and of an index (the IBOV) over the same closes."""

    year: int
    value: float
    ibov: float | None


@dataclass(frozen=True, slots=True)
class MonthIncome:
    """Cash per share whose rights fell into one month, BRL, and its part of the close of the last day with rights."""

    month: date
    amount: float
    part: float | None


@dataclass(frozen=True, slots=True)
class History:
    """Everything a report shows of the past beside the analysis of today; empty tuples where nothing is known."""

    chart: Chart | None = None
    years: tuple[Result, ...] = ()
    quarters: tuple[Result, ...] = ()
    multiples: tuple[MultiplePoint, ...] = ()
    months: tuple[MonthReturn, ...] = ()
    calendar_years: tuple[YearReturn, ...] = ()
    incomes: tuple[MonthIncome, ...] = ()
    index: str | None = None  # that an ETF follows
    own_years: tuple[YearReturn, ...] = ()  # beside the index of its own: the IFIX, or what an ETF follows, in reais
    dollar: float | None = None  # BRL, on the last session
    dollar_change_1y: float | None = None
    dollar_return_1y: float | None = None
    results_due: date | None = None


def history_of(
    given: AnalysisInput, dollar: Sequence[MacroPoint] = (), worths: Mapping[date, float] | None = None
) -> History:
    """The past of `given.asset`. `dollar`: BRL for one US dollar by day (BCB SGS 1).

    `worths`: of a fund, what a unit was worth by the last day of each month that it reported.
    """
    company, kind = given.company, given.asset.kind
    change = _dollar_change(dollar, given.prices)
    total = _over(given.prices.close_before(YEAR), given.prices)
    return History(
        chart=company.chart if company else None,
        years=results_by_year(company) if company else (),
        quarters=results_by_quarter(company) if company else (),
        multiples=tuple(_multiples(given, worths or {})) if kind is not AssetKind.CRYPTO else (),
        months=tuple(month_returns(given.prices)),
        calendar_years=tuple(year_returns(given.prices, given.index_prices)),
        incomes=tuple(_incomes(given)) if kind is AssetKind.FII else (),
        index=given.follows,
        own_years=tuple(year_returns(given.prices, given.own_index)) if given.own_index is not None else (),
        dollar=_rate(dollar, given.prices.last_day) if given.prices.last_day is not None else None,
        dollar_change_1y=change,
        dollar_return_1y=None if change is None or total is None else (1 + total) / (1 + change) - 1,
        results_due=next_results(company, given.today) if company else None,
    )


def follows_ibov(analysis: Analysis) -> bool:
    """Whether the asset follows the very index that the others are measured by: it can neither beat nor lag it."""
    if analysis.kind is not AssetKind.ETF:
        return False
    return asked_index(analysis.ticker, analysis.kind, f"{analysis.name or ''} {analysis.follows or ''}") is None


def is_asked(analysis: Analysis) -> bool:
    """Whether it is asked if the asset beats an index: not of an index, nor of what follows the very one."""
    return analysis.kind is not AssetKind.INDEX and not follows_ibov(analysis)


def month_ends(prices: Prices) -> list[int]:
    """Index of the last session of every month, ascending; the last one may lie within a running month."""
    if not len(prices):
        return []
    months = prices.days.astype("datetime64[M]").astype(np.int64)
    return [*np.flatnonzero(np.diff(months)).tolist(), len(prices) - 1]


def month_returns(prices: Prices) -> Iterator[MonthReturn]:
    """Adjusted close of each month's last session by that of the month before; a month without sessions breaks the row.

    The month in which the history begins has no base and is left out.
    """
    ends = month_ends(prices)
    for before, end in itertools.pairwise(ends):
        day, base = prices.days[end].astype(date), prices.days[before].astype(date)
        if (day.year - base.year) * 12 + day.month - base.month == 1:
            value = float(prices.close[end] / prices.close[before] - 1)
            yield MonthReturn(day.year, day.month, value, whole=end + 1 < len(prices) or ends_month(day))


def year_returns(prices: Prices, index: Prices | None) -> Iterator[YearReturn]:
    """From the last close of the year before; the first year of the history has no base and is left out."""
    if not len(prices):
        return
    years = prices.days.astype("datetime64[Y]").astype(np.int64)
    ends = [*np.flatnonzero(np.diff(years)).tolist(), len(prices) - 1]
    for before, end in itertools.pairwise(ends):
        first, last = prices.days[before].astype(date), prices.days[end].astype(date)
        if last.year - first.year != 1:
            continue
        then, now = (index.raw_close_on(first), index.raw_close_on(last)) if index is not None else (None, None)
        value = float(prices.close[end] / prices.close[before] - 1)
        yield YearReturn(last.year, value, now / then - 1 if then and now else None)


def ends_month(day: date) -> bool:
    """Whether no weekday of its month follows `day`: the month is over though no session of the next one is known."""
    after = (day + timedelta(days=n) for n in range(1, 8))
    return all(d.month != day.month or d.weekday() >= 5 for d in after)


def _multiples(given: AnalysisInput, worths: Mapping[date, float]) -> Iterator[MultiplePoint]:
    prices, papers = given.prices, given.papers
    known = _KnownCompany(given)
    by_month = {(day.year, day.month): worth for day, worth in worths.items() if worth > 0}
    first = min((a.last_date_with for a in given.known_actions if a.kind in EARNED), default=None)
    for at in month_ends(prices)[-MULTIPLE_MONTHS:]:
        day: date = prices.days[at].astype(date)
        price, company = float(prices.raw_close[at]), known.on(day)
        then = papers / split_factor(given.actions, day, given.today) if papers else None
        income = company.current.get("net_income") if company else None
        equity = own_equity(company.current) if company else None
        worth = by_month.get((day.year, day.month)) or _newest_before(worths, day)
        # A year that begins before the first payment on record may lack what was paid before it.
        whole = first is not None and first <= day - timedelta(days=YEAR)
        paid = dividends_per_share(given.actions, _income_since(given, day), day) if whole else None
        yield MultiplePoint(
            day=day,
            p_l=_multiple(price, income, then),
            p_vp=price / worth if worth else _multiple(price, equity, then),
            dividend_yield=None if paid is None else paid / price,
        )


def _income_since(given: AnalysisInput, day: date) -> date:
    """The day after which income counts as that of twelve months: of a fund whole months, as it pays monthly."""
    monthly = given.asset.kind is AssetKind.FII
    return before_twelve_months(given.actions, day) if monthly else day - timedelta(days=YEAR)


def _newest_before(worths: Mapping[date, float], day: date) -> float | None:
    """What a unit was last said to be worth, at most 100 days before: a month is reported weeks after its end."""
    known = [when for when in worths if when <= day <= when + REPORTED and worths[when] > 0]
    return worths[max(known)] if known else None


class _KnownCompany:
    """The company as its filings showed it on a day; computed anew only where a filing came in since the last day."""

    def __init__(self, given: AnalysisInput) -> None:
        self._filings = given.company.filings if given.company else ()
        if given.filings is not None:
            self._filings = tuple(given.filings)
        self._received = sorted({f.received_on for f in self._filings})
        self._held: dict[int, Fundamentals | None] = {}

    def on(self, day: date) -> Fundamentals | None:
        """As known at the end of `day`."""
        count = sum(received <= day for received in self._received)
        if count not in self._held:
            evening = datetime.combine(day, time(23, 0), MARKET_ZONE)
            self._held[count] = fundamentals_of(self._filings, evening) if count else None
        return self._held[count]


def _multiple(price: float, amount: float | None, papers: float | None) -> float | None:
    """Price by an amount per paper; None where the amount is not above zero."""
    return price * papers / amount if amount is not None and amount > 0 and papers else None


def _incomes(given: AnalysisInput) -> Iterator[MonthIncome]:
    """Month by month over the last two years, from the first month that paid; months that paid nothing are zero."""
    sums: dict[date, list[CorporateAction]] = {}
    for action in given.known_actions:
        if action.kind in EARNED and action.amount:
            sums.setdefault(action.last_date_with.replace(day=1), []).append(action)
    month = _months_before(given.today.replace(day=1), INCOME_MONTHS - 1)
    month = max(month, min(sums, default=given.today))
    while month <= given.today and sums:
        paid = sums.get(month, [])
        amount = sum(float(a.amount or 0) for a in paid)
        price = given.prices.raw_close_on(max(a.last_date_with for a in paid)) if paid else None
        if paid or (month.year, month.month) != (given.today.year, given.today.month):
            yield MonthIncome(month, amount, amount / price if price else (0.0 if not paid else None))
        month = (month + timedelta(days=32)).replace(day=1)


def _months_before(first: date, count: int) -> date:
    months = first.year * 12 + first.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def _over(base: float | None, prices: Prices) -> float | None:
    return float(prices.close[-1]) / base - 1 if base else None


def _dollar_change(dollar: Sequence[MacroPoint], prices: Prices) -> float | None:
    """How much dearer the dollar became over the twelve months to the last session, a fraction."""
    last = prices.last_day
    if last is None:
        return None
    now, then = _rate(dollar, last), _rate(dollar, last - timedelta(days=YEAR))
    return now / then - 1 if now and then else None


def _rate(dollar: Sequence[MacroPoint], day: date) -> float | None:
    """The rate of `day` or of the last day before it, at most ten days old."""
    known = [p for p in dollar if day - timedelta(days=10) <= p.day <= day]
    return float(max(known, key=lambda p: p.day).value) if known else None
