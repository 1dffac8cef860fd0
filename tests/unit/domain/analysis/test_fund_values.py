"""A fund's year of income counts months, its ratios are one everywhere, an index is worth no money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from invest.domain.analysis import AnalysisInput, analyse, fund_values, gather, history_of
from invest.domain.analysis.valuation import dividend_figures
from invest.domain.market import ActionKind, Asset, AssetKind, Bars, CorporateAction, last_closed_session
from invest.domain.values import Basis, Consensus
from tests.builders.domain import bars

NO_BARS = Bars.from_rows("HGLG11", ())
FUND = Asset(ticker="HGLG11", kind=AssetKind.FII, name="PÁTRIA LOG FII")


def month_ends(first: date, count: int) -> list[date]:
    """The last working day of so many months."""
    found = []
    for n in range(count):
        month = first.month - 1 + n
        last = date(first.year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)
        found.append(last - timedelta(days=max(0, last.weekday() - 4)))
    return found


def income(days: Iterable[date], amount: str = "1.10", kind: ActionKind = ActionKind.INCOME) -> list[CorporateAction]:
    """A payment on each day."""
    return [
        CorporateAction(ticker="HGLG11", kind=kind, last_date_with=day, amount=Decimal(amount), source="b3",
                        payload="b" * 64)
        for day in days
    ]  # fmt: skip


def told(field: str, value: str, when: datetime, source: str = "cvm_funds") -> Consensus:
    """What the sources agree on."""
    return Consensus(
        ticker="HGLG11", field=field, value=Decimal(value), basis=Basis.SPOT, unit="BRL", as_of=when, source=source,
        payload="c" * 64, sources=(source,), n=1, agreement=1.0, confidence=0.9,
    )  # fmt: skip


@pytest.mark.parametrize("day", [date(2026, 11, 27), date(2026, 11, 29), date(2026, 11, 30), date(2026, 12, 1)])
def test_a_monthly_payer_has_twelve_payments_in_a_year_whatever_the_day(day: date) -> None:
    paid = income(month_ends(date(2021, 1, 1), 71))  # to November 2026, whose last day with rights is the 30th
    found = dividend_figures(paid, 100.0, day, monthly=True)
    assert found["dividends_12m"] == pytest.approx(13.2)
    assert (found["dividend_months_12m"], found["dividend_years_5y"]) == (12.0, 5.0)
    assert found["dividend_yield_5y"] == pytest.approx(0.132)


def test_by_days_the_same_payer_has_eleven_or_twelve() -> None:
    paid = income(month_ends(date(2021, 1, 1), 71))
    found = [
        dividend_figures(paid, 100.0, day)["dividend_months_12m"] for day in (date(2026, 11, 29), date(2026, 11, 30))
    ]
    assert found == [11.0, 12.0]


def test_a_month_without_a_payment_lacks_in_the_year() -> None:
    days = [day for day in month_ends(date(2025, 1, 1), 22) if day.month != 6]
    found = dividend_figures(income(days), 100.0, date(2026, 11, 10), monthly=True)
    assert found["dividend_months_12m"] == 11.0
    assert found["dividends_12m"] == pytest.approx(12.1)


def test_an_amortisation_on_the_day_of_an_income_is_no_income() -> None:
    days = month_ends(date(2025, 11, 1), 12)
    both = [*income(days), *income(days[-1:], "7.50", ActionKind.AMORTISATION)]
    assert dividend_figures(both, 100.0, date(2026, 11, 10), monthly=True)["dividends_12m"] == pytest.approx(13.2)


def test_the_chart_of_a_funds_yield_is_as_steady_as_its_payments() -> None:
    made = bars("HGLG11", price=100.0, drift=0.0, volatility=1e-9)
    last = made.days[-1].astype(date)
    paid = income([day for day in month_ends(date(last.year - 5, 1, 1), 72) if day <= last], "1.00")
    now = datetime(last.year, last.month, last.day, 22, tzinfo=UTC)
    points = history_of(AnalysisInput(asset=FUND, bars=made, now=now, actions=paid)).multiples[-24:]
    yields = [point.dividend_yield for point in points if point.dividend_yield is not None]
    assert len(yields) == 24 and max(yields) / min(yields) == pytest.approx(1.0, rel=1e-3)


NOW = datetime(2026, 11, 27, 22, tzinfo=UTC)


def test_what_a_report_computes_of_a_fund_stands_beside_its_values() -> None:
    latest = {
        "close": told("close", "110", NOW, "cotahist"),
        "bvps": told("bvps", "100", NOW - timedelta(days=27)),
        "p_vp": told("p_vp", "1.3", NOW, "brapi"),
        "dividend_yield": told("dividend_yield", "0.01", NOW, "brapi"),
    }
    paid = income(month_ends(date(2025, 1, 1), 22))
    found = fund_values(FUND, NO_BARS, latest, paid, NOW)
    analysed = gather(
        AnalysisInput(asset=FUND, bars=Bars.from_rows("HGLG11", ()), now=NOW, latest=latest, actions=paid)
    )
    assert {key: float(each.value or 0) for key, each in found.items() if each} == {
        key: analysed[key].value for key in ("p_vp", "dividends_12m", "dividend_yield")
    }
    multiple, paid_out = found["p_vp"], found["dividends_12m"]
    assert multiple is not None and paid_out is not None
    assert (multiple.value, multiple.source, multiple.payload) == (Decimal("1.1"), "cvm_funds", "c" * 64)
    assert paid_out.source == "b3"
    assert all(each is not None and each.as_of <= NOW for each in found.values())
    assert fund_values(Asset(ticker="PETR4", kind=AssetKind.STOCK), NO_BARS, latest, paid, NOW) == {}


@pytest.mark.parametrize("known", [(), ("subscription",)])
def test_a_fund_whose_payments_the_exchange_does_not_give_has_the_income_it_reported(known: tuple[str, ...]) -> None:
    actions = [
        CorporateAction(
            ticker="HGLG11", kind=ActionKind(kind), last_date_with=date(2026, 5, 4), source="b3", payload="b"
        )
        for kind in known
    ]
    latest = {
        "close": told("close", "110", NOW, "cotahist"),
        "dividends_12m": told("dividends_12m", "9.90", NOW - timedelta(days=27)),
    }
    found = fund_values(FUND, NO_BARS, latest, actions, NOW)
    share = found["dividend_yield"]
    assert share is not None and share.value == Decimal("0.09")
    assert "dividends_12m" not in found  # as the source has it
    facts = {f.key: f for f in analyse(AnalysisInput(asset=FUND, bars=bars("HGLG11"), now=NOW, latest=latest,
                                                     actions=actions)).facts}  # fmt: skip
    assert (facts["dividends_12m"].value, facts["dividends_12m"].source) == (9.9, "cvm_funds")


def test_an_index_counts_points_and_is_not_measured_by_itself() -> None:
    made = bars("^BVSP", price=100_000.0)
    last = last_closed_session(NOW)
    given = AnalysisInput(asset=Asset(ticker="^BVSP", kind=AssetKind.INDEX), bars=made, index=made, now=NOW)
    facts = {fact.key: fact for fact in analyse(given).facts}
    assert facts["close"].unit == facts["sma_20"].unit == "index"
    assert not {"volume", "turnover_21d", "obv", "beta_1y", "excess_ibov_1y", "correlation_1y"} & facts.keys()
    other = AnalysisInput(asset=Asset(ticker="^IFIX", kind=AssetKind.INDEX), bars=made, index=made, now=NOW)
    assert "beta_1y" in {fact.key for fact in analyse(other).facts} and last <= NOW.date()


@pytest.mark.parametrize(
    ("name", "segment", "follows"),
    [
        ("NOVO FUNDO DE ÍNDICE", "Ibovespa", "IBOV"),
        ("NOVO FUNDO DE ÍNDICE", "S&P 500", "S&P 500"),
        ("NOVO", None, None),
    ],
)
def test_an_etf_says_which_index_it_follows_by_the_registers_words_too(
    name: str, segment: str | None, follows: str | None
) -> None:
    etf = Asset(ticker="NOVO11", kind=AssetKind.ETF, name=name, segment=segment)
    assert analyse(AnalysisInput(asset=etf, bars=bars("NOVO11"), now=NOW)).follows == follows


def test_an_etfs_price_is_held_against_its_worth_on_the_same_day() -> None:
    etf = Asset(ticker="BOVA11", kind=AssetKind.ETF)
    rows = bars("BOVA11", price=100.0, volatility=0.05)
    told_on, last = rows.days[-6].astype(date), rows.days[-1].astype(date)
    now = datetime(last.year, last.month, last.day, 22, tzinfo=UTC)
    latest = {
        "close": told("close", str(round(float(rows.close[-1]), 2)), now, "cotahist"),
        "bvps": told("bvps", "100", datetime(told_on.year, told_on.month, told_on.day, 15, tzinfo=UTC), "cvm_etfs"),
    }
    found = fund_values(etf, rows, latest, (), now)["p_vp"]
    assert found is not None and found.as_of.date() == told_on
    assert float(found.value or 0) == pytest.approx(float(rows.close[-6]) / 100)


def test_a_fund_that_reports_no_worth_of_a_unit_any_more_has_no_p_vp() -> None:
    latest = {
        "close": told("close", "14", NOW, "cotahist"),
        "bvps": told("bvps", "15.6", NOW - timedelta(days=58)),
        "equity": told("equity", "-1523.10", NOW - timedelta(days=27)),
        "p_vp": told("p_vp", "0.9", NOW, "brapi"),
    }
    assert fund_values(FUND, NO_BARS, latest, (), NOW) == {"bvps": None, "p_vp": None}
    facts = {f.key for f in analyse(AnalysisInput(asset=FUND, bars=bars("HGLG11"), now=NOW, latest=latest)).facts}
    assert "equity" in facts and not {"bvps", "p_vp"} & facts
