"""Tests of a company's soundness from its filings: Piotroski's F-score, Altman's Z, Greenblatt's two ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from invest.domain.filings.filing import Chart
from invest.domain.filings.fundamentals import Period, quotient, total

TESTS = (
    "positive_roa",
    "positive_operating_cash",
    "rising_roa",
    "cash_above_income",
    "falling_leverage",
    "rising_liquidity",
    "no_new_shares",
    "rising_gross_margin",
    "rising_asset_turnover",
)


@dataclass(frozen=True, slots=True)
class Piotroski:
    """Nine binary tests; `score` counts those passed, None unless all nine have data. `tests` maps name to outcome."""

    tests: Mapping[str, bool | None]

    @property
    def known(self) -> int:
        """How many tests have data."""
        return sum(outcome is not None for outcome in self.tests.values())

    @property
    def passed(self) -> int:
        """How many tests are passed."""
        return sum(outcome is True for outcome in self.tests.values())

    @property
    def score(self) -> int | None:
        """0..9, or None where a test lacks data."""
        return self.passed if self.known == len(TESTS) else None


def _above(a: float | None, b: float | None) -> bool | None:
    return a > b if a is not None and b is not None else None


def piotroski(current: Period, previous: Period | None) -> Piotroski | None:
    """Piotroski's F over the twelve months of `current` against those before; None for banks and insurers.

    ROA and turnover are over the closing balance; leverage is long-term debt over assets; new shares are cash raised
    from shareholders in the cash-flow statement.
    """
    if current.chart is not Chart.INDUSTRY:
        return None
    now, then = current.get, (previous.get if previous is not None else _nothing)
    roa = quotient(now("net_income"), now("total_assets"))
    issued = now("issued")
    return Piotroski(
        {
            "positive_roa": _above(roa, 0),
            "positive_operating_cash": _above(now("operating_cash"), 0),
            "rising_roa": _above(roa, quotient(then("net_income"), then("total_assets"))),
            "cash_above_income": _above(now("operating_cash"), now("net_income")),
            "falling_leverage": _above(
                quotient(then("long_debt"), then("total_assets")), quotient(now("long_debt"), now("total_assets"))
            ),
            "rising_liquidity": _above(
                quotient(now("current_assets"), now("current_liabilities")),
                quotient(then("current_assets"), then("current_liabilities")),
            ),
            "no_new_shares": None if issued is None else issued <= 0,
            "rising_gross_margin": _above(
                quotient(now("gross_profit"), now("revenue")), quotient(then("gross_profit"), then("revenue"))
            ),
            "rising_asset_turnover": _above(
                quotient(now("revenue"), now("total_assets")), quotient(then("revenue"), then("total_assets"))
            ),
        }
    )


def _nothing(_: str) -> float | None:
    return None


def altman_z(a: float, b: float, c: float, d: float, e: float) -> float:
    """1.2 A + 1.4 B + 3.3 C + .6 D + .999 E (Altman 1968), from the five ratios."""
    return 1.2 * a + 1.4 * b + 3.3 * c + 0.6 * d + 0.999 * e


def altman(period: Period, market_cap: float | None) -> float | None:
    """Altman's Z of an industrial company; None for banks and insurers or where an amount is missing.

    A working capital, B retained earnings (profit reserves and accumulated result), C EBIT and E revenue over assets;
    D market value over all liabilities.
    """
    if period.chart is not Chart.INDUSTRY:
        return None
    get = period.get
    assets, equity = get("total_assets"), get("equity")
    owed = get("current_liabilities")
    capital = total(get("current_assets"), None if owed is None else -owed)
    kept = total(get("profit_reserves"), get("retained_earnings"))
    liabilities = total(assets, None if equity is None else -equity)
    parts = (
        quotient(capital, assets),
        quotient(kept, assets),
        quotient(get("ebit"), assets),
        quotient(market_cap, liabilities),
        quotient(get("revenue"), assets),
    )
    known = [part for part in parts if part is not None]
    return altman_z(*known) if len(known) == len(parts) else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One company for Greenblatt's list: fractions EBIT/EV and EBIT/capital, daily turnover in BRL."""

    ticker: str
    earnings_yield: float | None
    return_on_capital: float | None
    turnover: float | None
    excluded: bool = False  # financials and utilities


def greenblatt(candidates: Sequence[Candidate], floor: float = 1_000_000) -> dict[str, int]:
    """Combined rank by ticker, 1 the best: rank by earnings yield plus rank by return on capital.

    Left out: financials and utilities, turnover under `floor` BRL a day or unknown, and who lacks a figure. Equal sums
    go by earnings yield, then by ticker.
    """
    kept = [
        (c.ticker, c.earnings_yield, c.return_on_capital)
        for c in candidates
        if not c.excluded
        and c.turnover is not None
        and c.turnover >= floor
        and c.earnings_yield is not None
        and c.return_on_capital is not None
    ]
    by_yield = _ranks({ticker: value for ticker, value, _ in kept})
    by_return = _ranks({ticker: value for ticker, _, value in kept})
    order = sorted(by_yield, key=lambda t: (by_yield[t] + by_return[t], by_yield[t], t))
    return {ticker: place for place, ticker in enumerate(order, 1)}


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    """1 for the highest; equal values share the better rank."""
    ordered = sorted(values.values(), reverse=True)
    return {ticker: ordered.index(value) + 1 for ticker, value in values.items()}
