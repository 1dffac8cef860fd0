"""Ratios, quality tests and fair values: published numbers, hand-made companies, companies in trouble."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.analysis.valuation import (
    bazin,
    dividend_figures,
    dividends_per_share,
    gordon,
    graham,
    margin,
    model_figures,
    shares_behind,
    split_factor,
    value_figures,
)
from invest.domain.filings.filing import Chart, read_filings
from invest.domain.filings.fundamentals import (
    Fundamentals,
    Period,
    fundamentals_of,
    operating_capital,
    ratios,
    roa,
    roe,
    roic,
)
from invest.domain.filings.soundness import TESTS, Candidate, altman, altman_z, greenblatt, piotroski
from invest.domain.market.assets import ActionKind
from invest.domain.market.tickers import AssetKind
from tests.builders.domain import BANK, SOUND, asset, dividend, filed, split

LATER = datetime(2026, 12, 31, tzinfo=UTC)


def company(amounts: dict[str, float] | None = None, before: dict[str, float] | None = None) -> Fundamentals:
    lines = filed({**SOUND, **(amounts or {})})
    if before is not None:
        lines += filed({**SOUND, **before}, date(2024, 12, 31))
    made = fundamentals_of(read_filings(lines), LATER)
    assert made is not None
    return made


def test_published_return_on_equity_and_on_assets() -> None:
    assert roe(107.583, 445.189) == pytest.approx(0.2417, abs=5e-5)
    assert roa(107.583, 1246.07) == pytest.approx(0.08634, abs=5e-6)


def test_return_on_capital_is_ebit_after_tax_over_equity_and_net_debt() -> None:
    assert roic(150, 500, 150) == pytest.approx(150 * 0.66 / 650)
    assert roic(150, 100, -200) is None


def test_main_ratios_of_a_sound_company() -> None:
    found = company().ratios
    expected = {
        "gross_margin": 300 / 800,
        "ebit_margin": 150 / 800,
        "ebitda": 192e6,
        "ebitda_margin": 192 / 800,
        "net_margin": 90 / 800,
        "roe": 0.18,
        "roa": 0.09,
        "roic": 150 * 0.66 / 650,
        "gross_debt": 250e6,
        "net_debt": 150e6,
        "net_debt_ebitda": 150 / 192,
        "net_debt_equity": 0.30,
        "interest_coverage": 5.0,
        "current_ratio": 2.0,
        "short_term_debt_share": 0.20,
        "liabilities_assets": 0.50,
        "asset_turnover": 0.8,
        "cash_conversion": 140 / 90,
        "free_cash_flow": 85e6,
        "capex_revenue": 55 / 800,
        "inventory_days": 80 / 500 * 365,
        "receivable_days": 120 / 800 * 365,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_negative_equity_gives_no_return_on_it() -> None:
    found = company({"2.03": -50e6}).ratios
    assert found["roe"] is found["net_debt_equity"] is None
    assert found["equity_assets"] == pytest.approx(-0.05)


def test_a_loss_is_a_loss_and_losing_ebitda_has_no_debt_multiple() -> None:
    found = company({"3.05": -80e6, "3.11": -120e6, "3.11.01": -120e6}).ratios
    assert found["roe"] == pytest.approx(-0.24)
    assert found["net_debt_ebitda"] is None
    assert found["interest_coverage"] == pytest.approx(-80 / 30)


def test_no_revenue_gives_no_margins() -> None:
    found = company({"3.01": 0.0}).ratios
    assert found["net_margin"] is found["ebit_margin"] is None


def test_missing_depreciation_gives_no_ebitda() -> None:
    without = {a: v for a, v in SOUND.items() if a not in ("7.04.01", "6.01.01.02")}
    made = fundamentals_of(read_filings(filed(without)), LATER)
    assert made is not None
    assert made.ratios["ebitda"] is made.ratios["net_debt_ebitda"] is None
    assert made.ratios["ebit"] == 150e6


def test_graham_of_the_published_example() -> None:
    assert graham(5, 20) == pytest.approx(47.43, abs=0.005)


@pytest.mark.parametrize(("eps", "bvps"), [(-5.0, 20.0), (5.0, -20.0), (-5.0, -20.0), (0.0, 20.0), (None, 20.0)])
def test_graham_needs_earnings_and_equity(eps: float | None, bvps: float | None) -> None:
    assert graham(eps, bvps) is None


def test_bazin_of_the_published_example() -> None:
    assert bazin(3.00) == pytest.approx(50.00)
    assert bazin(0.0) is bazin(None) is None


def test_gordon_of_the_published_example() -> None:
    assert gordon(2, 0.12, 0.04) == pytest.approx(25)
    assert gordon(2, 0.04, 0.04) is gordon(2, 0.03, 0.04) is gordon(0, 0.12, 0.04) is None


def test_altman_of_the_published_example() -> None:
    assert altman_z(0.10, 0.20, 0.13, 0.65, 0.95) == pytest.approx(2.168, abs=5e-4)


def test_altman_of_a_company_by_hand() -> None:
    z = altman(company().current, 800e6)
    assert z == pytest.approx(1.2 * 0.2 + 1.4 * 0.25 + 3.3 * 0.15 + 0.6 * 800 / 500 + 0.999 * 0.8)
    assert altman(company().current, None) is None


def test_banks_have_neither_altman_nor_piotroski() -> None:
    lines = filed({"1": 100.0, "2.08": 10.0, "3.01": 9.0, "3.09": 1.0}, chart=BANK)
    bank = fundamentals_of(read_filings(lines), LATER)
    assert bank is not None
    assert altman(bank.current, 50.0) is None
    assert piotroski(bank.current, None) is None


def test_piotroski_passes_all_nine_where_everything_improves() -> None:
    worse = {"3.11": 50e6, "3.11.01": 50e6, "2.02.01": 260e6, "1.01": 380e6, "3.03": 250e6, "3.01": 700e6}
    made = company(before=worse)
    tests = piotroski(made.current, made.previous)
    assert tests is not None
    assert tests.tests == dict.fromkeys(TESTS, True)
    assert tests.score == 9


def test_piotroski_fails_all_nine_where_everything_worsens() -> None:
    worse = {
        "3.11": -50e6,
        "3.11.01": -50e6,
        "6.01": -60e6,
        "2.02.01": 260e6,
        "1.01": 380e6,
        "3.03": 250e6,
        "3.01": 700e6,
        "6.03.01": 10e6,
    }
    made = company(worse, before={})
    tests = piotroski(made.current, made.previous)
    assert tests is not None
    assert tests.tests == dict.fromkeys(TESTS, False)
    assert tests.score == 0


def test_piotroski_without_the_year_before_has_no_score() -> None:
    tests = piotroski(company().current, None)
    assert tests is not None
    assert tests.score is None
    assert tests.known == 4
    assert tests.tests["rising_roa"] is None


def test_greenblatt_adds_two_ranks() -> None:
    rows = [
        Candidate("AAAA3", 0.20, 0.10, 5e6),
        Candidate("BBBB3", 0.15, 0.50, 5e6),
        Candidate("CCCC3", 0.05, 0.40, 5e6),
        Candidate("BANK4", 0.90, 0.90, 5e6, excluded=True),
        Candidate("THIN3", 0.90, 0.90, 1e5),
        Candidate("NONE3", None, 0.90, 5e6),
        Candidate("DARK3", 0.90, 0.90, None),
    ]
    assert greenblatt(rows) == {"BBBB3": 1, "AAAA3": 2, "CCCC3": 3}


def test_greenblatts_capital_leaves_out_idle_cash_and_debt() -> None:
    assert operating_capital(company().current) == pytest.approx((400 - 100 - (200 - 50) + 500) * 1e6)


def test_multiples_of_a_sound_company() -> None:
    made = company()
    values = value_figures(made.current, made.ratios, 8.0, 100e6, None)
    assert values["p_l"] == pytest.approx(8 / 0.9)
    assert values["p_vp"] == pytest.approx(1.6)
    assert values["enterprise_value"] == pytest.approx(950e6)
    assert values["ev_ebitda"] == pytest.approx(950 / 192)
    assert values["fcf_yield"] == pytest.approx(85 / 800)


def test_a_loss_has_an_earnings_yield_but_no_price_earnings() -> None:
    made = company({"3.11": -120e6, "3.11.01": -120e6})
    values = value_figures(made.current, made.ratios, 8.0, 100e6, None)
    assert values["p_l"] is None
    assert values["earnings_yield"] == pytest.approx(-0.15)


def test_book_value_leaves_out_minorities() -> None:
    made = company({"2.03.09": 100e6})
    values = value_figures(made.current, made.ratios, 8.0, 100e6, None)
    assert values["bvps"] == pytest.approx(4.0)
    assert values["enterprise_value"] == pytest.approx(1050e6)


def test_without_shares_and_market_value_there_are_no_multiples() -> None:
    made = company()
    values = value_figures(made.current, made.ratios, 8.0, None, None)
    assert values["p_l"] is values["market_cap"] is values["ev_ebitda"] is None


def test_a_stated_market_value_gives_the_papers() -> None:
    made = company()
    assert value_figures(made.current, made.ratios, 8.0, None, 800e6)["eps"] == pytest.approx(0.9)


def test_a_unit_stands_for_several_shares() -> None:
    assert shares_behind(asset("TAEE11", AssetKind.UNIT, 300)) == 100
    assert shares_behind(asset("XPTO11", AssetKind.UNIT, 300)) is None
    assert shares_behind(asset(shares=None)) is None


TODAY = date(2026, 3, 31)


def test_dividends_count_from_the_last_day_with_rights_over_twelve_months() -> None:
    paid = [
        dividend("1.00", date(2026, 3, 31)),
        dividend("0.50", date(2025, 4, 1), ActionKind.JCP),
        dividend("9.00", date(2025, 3, 31)),
        dividend("9.00", date(2025, 8, 1), ActionKind.AMORTISATION),
    ]
    assert dividends_per_share(paid, date(2025, 3, 31), TODAY) == pytest.approx(1.50)
    assert dividend_figures(paid, 30.0, TODAY)["dividend_yield"] == pytest.approx(0.05)


def test_dividends_before_a_split_are_counted_in_todays_shares() -> None:
    events = [dividend("1.00", date(2025, 6, 2)), split("2", date(2025, 9, 1)), dividend("0.50", date(2025, 12, 1))]
    assert dividends_per_share(events, date(2025, 3, 31), TODAY) == pytest.approx(1.00)
    assert split_factor(events, date(2025, 6, 2), TODAY) == 2


def test_no_known_event_is_no_dividend_figure_but_an_old_event_is_zero() -> None:
    assert dividend_figures([], 30.0, TODAY) == {}
    assert dividend_figures([dividend("1", date(2020, 1, 2))], 30.0, TODAY)["dividend_yield"] == 0


def test_announced_dividends_do_not_count_yet() -> None:
    assert dividend_figures([dividend("1", date(2026, 4, 15)), dividend("1", date(2026, 1, 5))], 20.0, TODAY)[
        "dividends_12m"
    ] == pytest.approx(1.0)


def test_gordon_takes_cdi_and_six_points_and_caps_growth_at_five_percent() -> None:
    figures = {"eps": 2.0, "bvps": 10.0, "dividends_12m": 1.0, "cdi_annual": 0.10, "net_income_cagr_5y": 0.30}
    models = model_figures(figures, 10.0)
    assert models["gordon_price"] == pytest.approx(1.05 / (0.16 - 0.05))
    assert models["gordon_margin"] == pytest.approx(1.05 / 0.11 / 10 - 1)
    assert models["payout"] == pytest.approx(0.5)


def test_margins_need_a_price() -> None:
    assert margin(12.0, 10.0) == pytest.approx(0.2)
    assert margin(None, 10.0) is margin(12.0, None) is margin(12.0, 0.0) is None


@given(factor=st.floats(1e-6, 1e6))
def test_ratios_do_not_depend_on_the_scale_of_the_statements(factor: float) -> None:
    plain, span = company().ratios, (date(2025, 1, 1), date(2025, 12, 31))
    filing = read_filings(filed(SOUND))[0]
    flows = {name: value * factor for name, value in filing.flows[span].items()}
    balance = {name: value * factor for name, value in filing.balance.items()}
    scaled = ratios(Period(span[1], flows, balance, Chart.INDUSTRY))
    for key in ("roe", "roic", "net_debt_ebitda", "current_ratio", "net_margin", "asset_turnover"):
        assert scaled[key] == pytest.approx(plain[key])
