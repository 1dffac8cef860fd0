"""Figures of portfolios whose inputs are awkward: income after a sale, events credited late, events nobody booked."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invest.domain.market import ActionKind, Bars, CorporateAction, Days, Floats, MacroPoint, sessions_between
from invest.domain.portfolios.metrics import PortfolioInput, PortfolioMetrics, measure
from invest.domain.portfolios.performance import xirr
from invest.domain.portfolios.portfolio import Operation, Portfolio, Transaction

D = Decimal
NOW = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
DAYS = sessions_between(date(2025, 1, 2), date(2026, 3, 31))
CASES = Path(__file__).resolve().parents[5] / "shared" / "cases" / "portfolio"
Row = tuple[str, str, str, float | str, float | str]


def values(*given: object) -> tuple[object, ...]:
    return given


def carried(ticker: str, steps: list[Any], days: Days = DAYS) -> Bars:
    """A close that stays until the next step."""
    starts = np.array([day for day, _ in steps], dtype="datetime64[D]")
    levels = np.array([float(close) for _, close in steps])
    closes: Floats = levels[np.maximum(np.searchsorted(starts, days, side="right") - 1, 0)]
    ones = np.ones(len(days))
    return Bars(ticker, days, closes, closes, closes, closes, ones, ones, ones)


def tx(day: str, ticker: str, operation: str, quantity: float | str, price: float | str, **more: Any) -> Transaction:
    return Transaction(
        date=date.fromisoformat(day),
        ticker=ticker,
        operation=Operation(operation),
        quantity=D(str(quantity)),
        price=D(str(price)),
        **more,
    )


def event(ticker: str, kind: str, day: str, figure: float | str, paid: str | None = None) -> CorporateAction:
    made = ActionKind(kind)
    return CorporateAction(
        ticker=ticker,
        kind=made,
        last_date_with=date.fromisoformat(day),
        payment_date=date.fromisoformat(paid) if paid else None,
        amount=D(str(figure)) if made.in_cash else None,
        factor=None if made.in_cash else D(str(figure)),
        source="b3",
        payload="x",
    )


def measured(
    rows: list[Any],
    closes: dict[str, list[Any]],
    events: list[CorporateAction] | None = None,
    index: list[Any] | None = None,
    **more: Any,
) -> PortfolioMetrics:
    made = [r if isinstance(r, Transaction) else tx(*r) for r in rows]
    actions: dict[str, list[CorporateAction]] = {}
    for one in events or []:
        actions.setdefault(one.ticker, []).append(one)
    return measure(
        PortfolioInput(
            Portfolio(id="p", name="P", created_at=NOW, transactions=tuple(made)),
            NOW,
            bars={t: carried(t, steps) for t, steps in closes.items()},
            actions=actions,
            index=carried("^BVSP", index) if index else None,
            **more,
        )
    )


def case(name: str) -> Any:
    found = sorted(CASES.glob(f"{name}-*.json")) if CASES.is_dir() else []
    if not found:
        pytest.skip(f"the cases of portfolios are not beside the repository ({CASES})")
    return json.loads(found[0].read_text())


@pytest.mark.parametrize("name", ["M01", "M02", "M03", "M04", "M05", "M07", "M08", "M10", "M11", "M13", "M14"])
def test_a_recorded_case_has_its_right_figures(name: str) -> None:
    given = case(name)
    events = [event(t, kind, day, figure) for t, of in given["actions"].items() for kind, day, figure in of]
    result = measured(given["transactions"], given["closes"], events, given["index"])
    for key, right in given["right"].items():
        if key == "volatility_below":
            assert result.volatility is not None
            assert result.volatility < right
        elif key.startswith("contribution_"):
            assert result.contributions[key.removeprefix("contribution_")] == pytest.approx(right, abs=1e-9)
        elif key == "quantity":
            assert result.positions[0].quantity == right
        elif key == "warning_names":
            assert any(right in warning for warning in result.warnings)
        elif key == "excess_ibov":
            assert result.excess_ibov == pytest.approx(0, abs=1e-9)
        elif key == "total_return":
            assert result.total_return == pytest.approx(0.5)
        elif right is None:
            assert getattr(result, key) is None
        else:
            assert float(getattr(result, key)) == pytest.approx(right, abs=1e-7), key


def test_flows_without_a_common_rate_are_searched_by_bisection() -> None:
    given = case("M15")
    days, amounts = zip(*given["flows"], strict=True)
    rate = xirr([date.fromisoformat(d) for d in days], amounts)
    assert rate == pytest.approx(-0.995, abs=0.003)
    assert rate is not None
    worth = sum(a / (1 + rate) ** ((date.fromisoformat(d) - date(2020, 1, 2)).days / 365) for d, a in given["flows"])
    assert abs(worth) < 1e-6 * 84e6 / (1 + rate) ** 6.25


STEP = [["2025-01-02", 10], ["2025-06-02", 9.5]]


def test_income_of_what_was_partly_sold_belongs_to_the_day_it_was_held() -> None:
    rows = [("2025-01-02", "PETR4", "buy", 1000, 10), ("2025-06-03", "PETR4", "sell", 990, 9.5),
            ("2025-06-20", "PETR4", "dividend", 1000, 0.5)]  # fmt: skip
    result = measured(rows, {"PETR4": STEP})
    assert result.twr == pytest.approx(0, abs=1e-9)
    assert result.volatility == pytest.approx(0, abs=1e-9)
    assert result.income == 500


def test_a_known_ex_day_goes_before_the_day_of_payment() -> None:
    rows = [("2025-01-02", "PETR4", "buy", 1000, 10), ("2025-08-20", "PETR4", "jcp", 1000, 0.425)]
    jcp = event("PETR4", "jcp", "2025-05-30", 0.5, "2025-08-19")
    result = measured(rows, {"PETR4": [["2025-01-02", 10], ["2025-06-02", 9.575]]}, [jcp])
    assert result.twr == pytest.approx(0, abs=1e-9)
    assert values(result.income_not_booked, result.receivables) == (0, 0)
    assert result.max_drawdown == pytest.approx(0, abs=1e-9)


def test_what_is_earned_and_not_yet_paid_is_a_receivable() -> None:
    rows = [("2025-01-02", "PETR4", "buy", 1000, 10)]
    due = event("PETR4", "dividend", "2026-03-20", 0.5, "2026-04-15")
    result = measured(rows, {"PETR4": [["2025-01-02", 10], ["2026-03-23", 9.5]]}, [due])
    assert result.receivables == D("500.00")
    assert result.twr == pytest.approx(0, abs=1e-9)
    assert result.xirr == pytest.approx(0, abs=1e-9)
    assert [(a.ticker, a.amount, a.payment_date) for a in result.announced] == [
        ("PETR4", D("500.00"), date(2026, 4, 15))
    ]
    assert result.proposals == []  # nothing to confirm before it is paid


def test_known_interest_on_equity_is_named_after_its_tax() -> None:
    jcp = event("PETR4", "jcp", "2025-05-30", 1, "2025-06-20")
    result = measured([("2025-01-02", "PETR4", "buy", 100, 10)], {"PETR4": STEP}, [jcp])
    assert any("PETR4 jcp 85.00 of 2025-05-30" in warning for warning in result.warnings)
    assert [p.transaction.amount for p in result.proposals] == [D("85.00")]


def test_one_brokers_part_of_a_payment_leaves_the_other_named() -> None:
    paid = event("PETR4", "dividend", "2025-05-30", 1, "2025-06-20")
    rows = [tx("2025-01-02", "PETR4", "buy", 100, 10, broker="A"), tx("2025-01-02", "PETR4", "buy", 50, 10, broker="B"),
            tx("2025-06-20", "PETR4", "dividend", 100, 1, broker="A")]  # fmt: skip
    result = measured(rows, {"PETR4": STEP}, [paid])
    assert values(result.income, result.income_not_booked) == (100, D("50.00"))


def test_a_reverse_split_booked_on_arrival_counts_from_its_ex_day() -> None:
    rows = [("2025-01-02", "PETR4", "buy", 1000, 1), ("2025-06-10", "PETR4", "split", "0.1", 0)]
    known = event("PETR4", "reverse_split", "2025-05-30", "0.1")
    result = measured(rows, {"PETR4": [["2025-01-02", 1], ["2025-06-02", 10]]}, [known])
    assert result.positions[0].quantity == 100
    assert (result.twr, result.volatility, result.max_drawdown) == (0, 0, 0)


@pytest.mark.parametrize("booked", ["both", "bonus", "split", "none"])
def test_two_events_near_each_other_are_each_counted_once(booked: str) -> None:
    events = [event("PETR4", "split", "2025-05-30", 2), event("PETR4", "bonus", "2025-06-06", "1.1")]
    rows: list[Any] = [("2025-01-02", "PETR4", "buy", 100, 44)]
    if booked in ("both", "split"):
        rows.append(tx("2025-06-04", "PETR4", "split", 1, 0, shares=D(100)))
    if booked in ("both", "bonus"):
        rows.append(tx("2025-06-20", "PETR4", "bonus", 20, 7))
    closes = {"PETR4": [["2025-01-02", 44], ["2025-06-02", 22], ["2025-06-09", 20]]}
    result = measured(rows, closes, events)
    assert result.positions[0].quantity == 220
    assert result.twr == pytest.approx(0, abs=1e-9)
    assert len(result.warnings) == {"both": 0, "bonus": 1, "split": 1, "none": 2}[booked]


def test_a_conversion_and_a_spin_off_move_value_and_earn_nothing() -> None:
    rows = [
        tx("2025-01-02", "PETR4", "buy", 100, 10),
        tx("2025-06-02", "PETR4", "spin_off", 50, "0.2", other="VALE3"),
        tx("2025-09-01", "VALE3", "conversion", 50, 0, other="ITUB4", shares=D(25)),
    ]
    closes = {
        "PETR4": [["2025-01-02", 10], ["2025-06-02", 8]],
        "VALE3": [["2025-01-02", 4]],
        "ITUB4": [["2025-01-02", 8]],
    }
    result = measured(rows, closes)
    assert result.twr == pytest.approx(0, abs=1e-9)
    assert {p.ticker: (p.quantity, p.cost) for p in result.positions} == {
        "PETR4": (D(100), D("800.00")),
        "ITUB4": (D(25), D("200.00")),
    }
    assert result.total_invested == 1000


def test_an_opening_position_comes_in_at_its_market_value() -> None:
    rows = [tx("2025-03-03", "PETR4", "opening", 100, 4)]
    result = measured(rows, {"PETR4": [["2025-01-02", 10], ["2025-06-02", 11]]})
    assert result.twr == pytest.approx(0.1)
    assert values(result.total_invested, result.unrealized_gain) == (400, D("700.00"))


def test_a_benchmark_counts_only_while_money_was_at_work() -> None:
    rows = [("2025-01-02", "PETR4", "buy", 100, 10), ("2025-03-03", "PETR4", "sell", 100, 10),
            ("2025-09-01", "PETR4", "buy", 100, 10)]  # fmt: skip
    index = [["2025-01-02", 100], ["2025-02-03", 110], ["2025-05-02", 300], ["2025-10-01", 330]]
    result = measured(rows, {"PETR4": [["2025-01-02", 10]]}, index=index)
    assert result.ibov_return == pytest.approx(1.1 * 1.1 - 1)
    months = {p.label: p for p in result.periods}
    assert months["2025-02"].ibov == pytest.approx(0.1)
    assert "2025-05" not in months
    assert months["2025"].ibov == pytest.approx(0.21)
    assert (months["start"].portfolio, months["12m"].label) == (0, "12m")


def test_a_month_is_a_calendar_month() -> None:
    closes = {"PETR4": [["2025-01-02", 10], ["2025-01-31", 11], ["2025-02-28", 12.1], ["2025-12-30", 13.31]]}
    result = measured([("2025-01-02", "PETR4", "buy", 100, 10)], closes)
    months = {p.label: p.portfolio for p in result.periods}
    assert [months[m] for m in ("2025-01", "2025-02", "2025-03", "2025-12")] == pytest.approx([0.1, 0.1, 0, 0.1])
    assert values(months["2025"], months["2026"]) == (pytest.approx(0.331), 0)


def test_dollars_are_converted_or_left_out_and_named() -> None:
    rows = [("2025-01-02", "BTC-USD", "buy", 1, 100), ("2025-01-02", "PETR4", "buy", 10, 10)]
    closes = {"PETR4": [["2025-01-02", 10]], "BTC-USD": [["2025-01-02", 100]]}
    left = measured(rows, closes)
    assert left.total_value == D("100.00")
    assert any("BTC-USD: traded in dollars" in warning for warning in left.warnings)
    ptax = [MacroPoint(series="sgs:1", day=date(2025, 1, 2), value=D("6.2"), source="bcb", payload="x")]
    assert measured(rows, closes, ptax=ptax).total_value == D("720.00")


def test_reasons_stand_where_a_rate_means_nothing() -> None:
    short = measured([("2026-03-20", "PETR4", "buy", 100, 10)], {"PETR4": [["2025-01-02", 10]]})
    assert short.xirr is None
    assert any("less than a month" in warning for warning in short.warnings)


def test_figures_are_never_written_with_an_exponent() -> None:
    rows = [("2025-01-02", "PETR4", "buy", 100, 10), ("2025-06-02", "PETR4", "split", 4, 0)]
    result = measured(rows, {"PETR4": [["2025-01-02", 10], ["2025-06-02", 2.5]]})
    told = result.model_dump_json()
    assert '"400"' in told
    assert "E+" not in told


def test_new_money_is_put_where_it_lacks_without_selling() -> None:
    made = Portfolio(
        id="p", name="P", created_at=NOW, targets={"PETR4": D("0.5"), "VALE3": D("0.5")},
        transactions=(tx("2025-01-02", "PETR4", "buy", 100, 10),),
    )  # fmt: skip
    bars = {t: carried(t, [["2025-01-02", 10]]) for t in ("PETR4", "VALE3")}
    orders = measure(PortfolioInput(made, NOW, bars=bars, cash=D(500), sell=False)).rebalancing
    assert [(o.ticker, o.side, o.quantity) for o in orders] == [("VALE3", "buy", D(50))]
