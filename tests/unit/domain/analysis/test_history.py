"""An asset's past: calendar months, years, multiples at month ends, monthly income, the dollar, results."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from invest.domain.analysis.asset_analysis import analyse
from invest.domain.analysis.history import History, ends_month, history_of, month_returns, year_returns
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.filings.results import next_quarter_end
from invest.domain.market.assets import MacroPoint
from invest.domain.market.prices import Prices, usable
from invest.domain.market.tickers import AssetKind
from tests.builders import domain as build


def prices(*closes: tuple[str, float]) -> Prices:
    days = np.array([day for day, _ in closes], dtype="datetime64[D]")
    return usable(build.of_closes(np.array([close for _, close in closes]), days=days))


def given(**changes: object) -> AnalysisInput:
    fields: dict[str, object] = {
        "asset": build.asset(),
        "bars": build.bars(),
        "now": build.NOW,
        "statements": build.six_years(),
        "actions": build.quarterly_dividends(),
    }
    return AnalysisInput(**(fields | changes))  # type: ignore[arg-type]


def test_a_month_is_a_calendar_month() -> None:
    known = prices(("2025-12-30", 100.0), ("2026-01-05", 90.0), ("2026-01-30", 110.0), ("2026-02-27", 99.0),
                   ("2026-03-17", 108.9))  # fmt: skip
    months = list(month_returns(known))
    assert [(m.year, m.month, round(m.value, 12), m.whole) for m in months] == [
        (2026, 1, 0.1, True), (2026, 2, -0.1, True), (2026, 3, 0.1, False),
    ]  # fmt: skip


def test_a_month_without_sessions_breaks_the_row() -> None:
    known = prices(("2025-12-30", 100.0), ("2026-01-30", 110.0), ("2026-03-31", 121.0))
    assert [(m.year, m.month) for m in month_returns(known)] == [(2026, 1)]


def test_a_year_runs_from_the_last_close_of_the_year_before() -> None:
    known = prices(("2024-12-30", 100.0), ("2025-12-30", 120.0), ("2026-03-31", 132.0))
    index = prices(("2024-12-30", 1000.0), ("2025-12-30", 1100.0), ("2026-03-31", 1045.0))
    years = list(year_returns(known, index))
    assert [(y.year, round(y.value, 12), round(y.ibov or 0, 12)) for y in years] == [
        (2025, 0.2, 0.1),
        (2026, 0.1, -0.05),
    ]


@pytest.mark.parametrize(
    ("day", "over"),
    [(date(2026, 3, 31), True), (date(2026, 1, 30), True), (date(2026, 1, 29), False), (date(2026, 2, 27), True)],
)
def test_a_month_is_over_with_its_last_weekday(day: date, over: bool) -> None:
    assert ends_month(day) is over


def test_the_last_month_ends_multiples_are_those_of_the_analysis() -> None:
    inputs = given()
    facts, last = build.facts_of(analyse(inputs)), history_of(inputs).multiples[-1]
    assert last.p_l == pytest.approx(facts["p_l"], rel=1e-12)
    assert last.p_vp == pytest.approx(facts["p_vp"], rel=1e-12)
    assert last.dividend_yield == pytest.approx(facts["dividend_yield"], rel=1e-12)


def test_results_by_year_are_the_accounts_as_filed() -> None:
    history = history_of(given())
    filed = {line.period_end: float(line.value) for line in build.six_years() if line.account == "3.01"}
    assert {r.end: r.revenue for r in history.years} == pytest.approx({d: filed[d] for d in sorted(filed)[-6:]})
    assert all(
        r.net_margin == pytest.approx(r.net_income / r.revenue) for r in history.years if r.revenue and r.net_income
    )


def test_the_return_in_dollars_is_the_return_over_the_dollars() -> None:
    dollar = [
        MacroPoint(series="sgs:1", day=day, value=Decimal(rate), source="bcb", payload=build.PAYLOAD)
        for day, rate in ((date(2025, 3, 31), "5.00"), (date(2026, 3, 31), "5.50"))
    ]
    inputs = given()
    history, total = history_of(inputs, dollar), build.facts_of(analyse(inputs))["return_1y"]
    assert total is not None
    assert history.dollar_change_1y == pytest.approx(0.1)
    assert history.dollar_return_1y == pytest.approx((1 + total) / 1.1 - 1)


def test_a_funds_income_is_told_month_by_month() -> None:
    paid = [build.dividend("0.80", date(2026, month, 27)) for month in (1, 2, 3)]
    inputs = given(asset=build.asset(kind=AssetKind.FII), actions=paid, statements=())
    incomes = history_of(inputs).incomes
    assert [(i.month, i.amount) for i in incomes] == [(date(2026, m, 1), 0.8) for m in (1, 2, 3)]
    price = inputs.prices.raw_close_on(date(2026, 3, 27))
    assert price is not None
    assert incomes[-1].part == pytest.approx(0.8 / price)


def test_nothing_known_is_an_empty_past() -> None:
    empty = history_of(given(bars=build.of_closes(np.array([])), statements=(), actions=()))
    assert empty == History()


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2025, 12, 31), date(2026, 3, 31)),
        (date(2026, 3, 31), date(2026, 6, 30)),
        (date(2026, 5, 2), date(2026, 6, 30)),
    ],
)
def test_the_next_quarter_is_that_of_the_calendar(day: date, end: date) -> None:
    assert next_quarter_end(day) == end
