"""Figures across a restatement or a change of basis say so; ROE and P/VP are measured on one equity."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from invest.domain.filings.filing import Chart, Filing
from invest.domain.filings.fundamentals import Period, fundamentals_of, own_equity, ratios

NOW = datetime(2026, 11, 27, tzinfo=UTC)
Spans = dict[tuple[date, date], float]


def filing(form: str, end: date, spans: Spans, *, consolidated: bool = True, chart: Chart = Chart.INDUSTRY) -> Filing:
    """One filing with revenue (and a tenth of it as net income) by span."""
    return Filing(
        form=form,
        reference_date=end,
        received_on=end + timedelta(days=45),
        version=1,
        consolidated=consolidated,
        chart=chart,
        balance={"equity": 100.0, "minority": 20.0},
        flows={span: {"revenue": value, "net_income": value / 10} for span, value in spans.items()},
    )


def year(number: int, revenue: float, **more: object) -> Filing:
    made = filing("DFP", date(number, 12, 31), {(date(number, 1, 1), date(number, 12, 31)): revenue})
    return replace(made, **more)  # type: ignore[arg-type]  # fields of a filing


FIRST = (date(2025, 1, 1), date(2025, 3, 31))
HALF = (date(2025, 1, 1), date(2025, 6, 30))
SECOND = (date(2025, 4, 1), date(2025, 6, 30))


def half_year(first: float, second: float, to_date: float) -> list[Filing]:
    """The first two quarters of 2025 after a year of 1,000."""
    return [
        year(2024, 1000.0),
        filing("ITR", date(2025, 3, 31), {FIRST: first}),
        filing("ITR", date(2025, 6, 30), {HALF: to_date, SECOND: second}),
    ]


def test_a_restated_quarter_is_told() -> None:
    company = fundamentals_of(half_year(250.0, 260.0, 470.0), NOW)  # the first quarter is now 210
    assert company is not None
    revenue = [text for text in company.remarks if text.startswith("revenue before 2025-04-01 was restated")]
    assert revenue
    assert "was filed as 260" in revenue[0]
    assert "gives 220" in revenue[0]


def test_quarters_that_add_up_have_no_remark() -> None:
    company = fundamentals_of(half_year(250.0, 260.0, 510.0), NOW)
    assert company is not None
    assert company.remarks == ()


def test_a_change_from_individual_to_consolidated_statements_is_told() -> None:
    company = fundamentals_of([year(2022, 900.0, consolidated=False), year(2023, 950.0), year(2024, 1000.0)], NOW)
    assert company is not None
    (text,) = company.remarks
    assert text.startswith("statements up to 2022-12-31 are individual, from 2023-12-31 on consolidated")


@pytest.mark.parametrize(
    ("individual", "words"),
    [
        ((2015, 2024), "statements up to 2023-12-31 are consolidated, from 2024-12-31 on individual"),  # older ones too
        ((2022,), "statements up to 2022-12-31 are individual, from 2023-12-31 on consolidated"),  # one in between
    ],
)
def test_a_change_of_basis_amid_others_is_told(individual: tuple[int, ...], words: str) -> None:
    years = (2015, 2020, 2021, 2022, 2023, 2024)
    company = fundamentals_of([year(y, 900.0, consolidated=y not in individual) for y in years], NOW)
    assert company is not None
    (text,) = company.remarks
    assert text.startswith(words)


def test_individual_statements_beside_consolidated_ones_are_no_change() -> None:
    filings = [year(y, 900.0, consolidated=basis) for y in (2022, 2023, 2024) for basis in (True, False)]
    company = fundamentals_of(filings, NOW)
    assert company is not None
    assert company.remarks == ()


def test_a_change_of_chart_is_told() -> None:
    company = fundamentals_of([year(2023, 950.0), year(2024, 1000.0, chart=Chart.BANK)], NOW)
    assert company is not None
    assert "the chart of accounts changed from industry to bank" in company.remarks[0]


def test_what_was_not_received_yet_is_not_told() -> None:
    early = datetime(2025, 4, 20, tzinfo=UTC)
    company = fundamentals_of(half_year(250.0, 260.0, 470.0), early)
    assert company is not None
    assert company.remarks == ()


def test_roe_is_measured_on_the_equity_of_the_parent() -> None:
    company = fundamentals_of([year(2024, 1000.0)], NOW)
    assert company is not None
    assert own_equity(company.current) == 80.0
    assert company.ratios["roe"] == pytest.approx(100.0 / 80.0)


def test_an_income_of_all_shareholders_is_measured_on_the_equity_of_all() -> None:
    flows: dict[str, float] = {"revenue": 500.0, "net_income": 100.0, "net_income_total": 100.0}
    balance = {"equity": 1000.0, "minority": 100.0, "total_assets": 2000.0}
    for parent, expected in ((None, 0.1), (0.0, 0.1), (90.0, 90.0 / 900)):
        more = {} if parent is None else {"net_income_parent": parent, "net_income": parent or 100.0}
        period = Period(date(2025, 12, 31), flows | more, balance, Chart.INDUSTRY)
        assert ratios(period)["roe"] == pytest.approx(expected)


def test_an_eighteen_month_year_is_no_fiscal_year() -> None:
    long = filing("DFP", date(2024, 6, 30), {(date(2023, 1, 1), date(2024, 6, 30)): 1500.0})
    company = fundamentals_of([year(2021, 800.0), year(2022, 900.0), long], NOW)
    assert company is not None
    assert [period.end.year for period in company.years] == [2021, 2022]
