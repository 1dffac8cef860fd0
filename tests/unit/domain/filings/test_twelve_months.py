"""Twelve-month figures from yearly and quarterly filings."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from invest.domain.filings.filing import read_filings
from invest.domain.filings.fundamentals import cagr, fundamentals_of, quarter_to
from invest.domain.market.assets import StatementLine
from tests.builders.domain import SOUND, filed, grown, six_years

LATER = datetime(2026, 12, 31, tzinfo=UTC)
REVENUE = {"3.01": 0.0, "3.11": 1.0, "3.11.01": 1.0}


def itr(end: date, start: date, revenue: float) -> list[StatementLine]:
    """A quarterly report's revenue over one span, with a balance."""
    return filed({**SOUND, "3.01": revenue}, end, start, form="ITR")


def revenue_of(lines: list[StatementLine], now: datetime = LATER) -> float | None:
    company = fundamentals_of(read_filings(lines), now)
    return company.ratios["revenue"] if company else None


def test_petrobras_second_quarter_and_first_make_the_half_year() -> None:
    lines = filed({"3.01": 123_144e6, "3.11": 1.0}, date(2025, 3, 31), date(2025, 1, 1), form="ITR")
    lines += filed({"3.01": 119_128e6, "3.11": 1.0}, date(2025, 6, 30), date(2025, 4, 1), form="ITR")
    half = filed({"3.01": 242_272e6, "3.11": 1.0}, date(2025, 6, 30), date(2025, 1, 1), form="ITR")
    flows = {span: values for f in read_filings(lines + half) for span, values in f.flows.items()}
    second = flows[date(2025, 4, 1), date(2025, 6, 30)]["revenue"]
    first = flows[date(2025, 1, 1), date(2025, 3, 31)]["revenue"]
    assert first + second == flows[date(2025, 1, 1), date(2025, 6, 30)]["revenue"] == 242_272e6


def test_the_quarter_and_the_year_to_date_of_one_report_are_kept_apart() -> None:
    lines = itr(date(2026, 6, 30), date(2026, 1, 1), 500.0) + itr(date(2026, 6, 30), date(2026, 4, 1), 260.0)
    filing = read_filings(lines)[0]
    assert filing.flows[date(2026, 1, 1), date(2026, 6, 30)]["revenue"] == 500
    assert filing.flows[date(2026, 4, 1), date(2026, 6, 30)]["revenue"] == 260


def test_twelve_months_are_the_year_plus_this_years_part_less_last_years() -> None:
    lines = filed({**SOUND, "3.01": 1000.0}, date(2025, 12, 31))
    lines += itr(date(2026, 6, 30), date(2026, 1, 1), 600.0) + itr(date(2026, 6, 30), date(2026, 4, 1), 310.0)
    lines += itr(date(2025, 6, 30), date(2025, 1, 1), 450.0) + itr(date(2025, 6, 30), date(2025, 4, 1), 230.0)
    assert revenue_of(lines) == 1000 + 600 - 450


def test_the_fourth_quarter_is_the_year_less_nine_months() -> None:
    lines = filed({**SOUND, "3.01": 1000.0}, date(2025, 12, 31))
    lines += itr(date(2025, 9, 30), date(2025, 1, 1), 700.0)
    flows = {span: values for f in read_filings(lines) for span, values in f.flows.items()}
    quarter = quarter_to(flows, date(2025, 12, 31))
    assert quarter is not None
    assert quarter[0] == date(2025, 10, 1)
    assert quarter[1]["revenue"] == 300


def test_four_quarters_serve_where_last_years_part_is_missing() -> None:
    lines = filed({**SOUND, "3.01": 1000.0}, date(2025, 12, 31))
    lines += itr(date(2025, 9, 30), date(2025, 1, 1), 700.0) + itr(date(2025, 9, 30), date(2025, 7, 1), 250.0)
    lines += itr(date(2026, 3, 31), date(2026, 1, 1), 280.0) + itr(date(2026, 6, 30), date(2026, 4, 1), 290.0)
    assert revenue_of(lines) == 290 + 280 + 300 + 250


def test_without_the_parts_the_last_fiscal_year_stands() -> None:
    lines = filed({**SOUND, "3.01": 1000.0}, date(2025, 12, 31)) + itr(date(2026, 6, 30), date(2026, 1, 1), 600.0)
    company = fundamentals_of(read_filings(lines), LATER)
    assert company is not None
    assert company.ratios["revenue"] == 1000
    assert company.as_of == date(2025, 12, 31)


def test_a_fiscal_year_may_end_in_march() -> None:
    lines = filed({**SOUND, "3.01": 900.0}, date(2025, 3, 31), date(2024, 4, 1))
    lines += itr(date(2025, 6, 30), date(2025, 4, 1), 250.0) + itr(date(2024, 6, 30), date(2024, 4, 1), 200.0)
    assert revenue_of(lines) == 900 + 250 - 200


def test_leap_years_keep_month_ends() -> None:
    lines = filed({**SOUND, "3.01": 900.0}, date(2023, 11, 30), date(2022, 12, 1))
    lines += itr(date(2024, 2, 29), date(2023, 12, 1), 250.0) + itr(date(2023, 2, 28), date(2022, 12, 1), 200.0)
    assert revenue_of(lines) == 950


def test_amounts_that_one_part_lacks_are_null_not_half_summed() -> None:
    lines = filed({**SOUND, "3.01": 1000.0}, date(2025, 12, 31))
    lines += itr(date(2026, 6, 30), date(2026, 1, 1), 600.0)
    lines += filed({"1": 1.0, "3.01": 450.0, "3.11": 9.0}, date(2025, 6, 30), form="ITR")
    company = fundamentals_of(read_filings(lines), LATER)
    assert company is not None
    assert company.ratios["revenue"] == 1150
    assert company.ratios["ebit"] is None


def test_growth_over_five_years_is_compounded() -> None:
    company = fundamentals_of(read_filings(six_years(pace=1.10)), LATER)
    assert company is not None
    assert company.ratios["revenue_cagr_5y"] == pytest.approx(0.10)
    assert company.ratios["net_income_growth_1y"] == pytest.approx(0.10)


def test_growth_needs_the_year_five_years_back() -> None:
    recent = [line for line in six_years() if line.reference_date.year != 2020]
    company = fundamentals_of(read_filings(recent), LATER)
    assert company is not None
    assert company.ratios["revenue_cagr_5y"] is None


@pytest.mark.parametrize(("first", "last"), [(-1.0, 5.0), (5.0, -1.0), (0.0, 5.0), (None, 5.0)])
def test_growth_from_or_to_a_loss_has_no_rate(first: float | None, last: float | None) -> None:
    assert cagr(first, last) is None


def test_cagr_of_a_doubling_in_five_years() -> None:
    assert cagr(100, 200) == pytest.approx(2**0.2 - 1)


def test_own_medians_are_over_at_least_three_of_the_last_five_years() -> None:
    company = fundamentals_of(read_filings(six_years()), LATER)
    assert company is not None
    assert company.medians["roe"] == pytest.approx(90 / 500)
    two = [line for line in six_years() if line.reference_date.year >= 2024]
    few = fundamentals_of(read_filings(two), LATER)
    assert few is not None
    assert few.medians["roe"] is None


def test_at_each_moment_only_received_reports_count() -> None:
    lines = six_years()
    february, april = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    assert revenue_of(lines, february) == pytest.approx(800e6 / 1.1)
    assert revenue_of(lines, april) == pytest.approx(800e6)


def test_a_balance_alone_gives_what_needs_no_flows() -> None:
    balance = {account: value for account, value in SOUND.items() if account[0] in "12"}
    company = fundamentals_of(read_filings(filed(balance)), LATER)
    assert company is not None
    assert company.ratios["current_ratio"] == 2
    assert company.ratios["roe"] is None


def test_flows_alone_give_margins() -> None:
    flows = {account: value for account, value in grown(SOUND, 1).items() if account[0] == "3"}
    company = fundamentals_of(read_filings(filed(flows)), LATER)
    assert company is not None
    assert company.ratios["net_margin"] == pytest.approx(90 / 800)
    assert company.ratios["roe"] is None
