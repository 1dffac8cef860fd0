"""Published figures of returns, and properties that must hold for any portfolio."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invest.domain.market.adjustment import adjustment_factors, distinct_actions
from invest.domain.market.assets import ActionKind, Asset, CorporateAction, MacroPoint
from invest.domain.market.bars import Bars, Days, Floats
from invest.domain.market.calendar import sessions_between
from invest.domain.market.macro import RateCurve
from invest.domain.market.tickers import AssetKind
from invest.domain.maths import risk
from invest.domain.portfolios import performance
from invest.domain.portfolios.allocation import concentrations, grouped, hhi, rebalance, weights
from invest.domain.portfolios.income import jcp_withheld, projected_income
from invest.domain.portfolios.metrics import PortfolioInput, PortfolioMetrics, measure
from invest.domain.portfolios.portfolio import Operation, Portfolio, Transaction
from invest.domain.portfolios.timeline import build_timeline

D = Decimal
START, END = date(2025, 1, 2), date(2026, 3, 31)
NOW = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
DAYS = sessions_between(START, END)


def bars(ticker: str, closes: npt.NDArray[np.floating[Any]], days: Days | None = None) -> Bars:
    days = DAYS[: len(closes)] if days is None else days
    prices: Floats = closes.astype(np.float64)
    ones = np.ones(len(closes))
    return Bars(ticker, days, prices, prices, prices, prices, ones, ones, ones)


def tx(operation: str, quantity: str, price: str, day: date = START, ticker: str | None = "PETR4") -> Transaction:
    return Transaction(date=day, ticker=ticker, operation=Operation(operation), quantity=D(quantity), price=D(price))


def measured(transactions: list[Transaction], **more: object) -> PortfolioMetrics:
    made = Portfolio(id="p", name="P", created_at=NOW, transactions=tuple(transactions))
    return measure(PortfolioInput(made, NOW, **more))  # type: ignore[arg-type] # parts by name


def test_time_weighted_return_of_the_published_example() -> None:
    assert performance.twr([1_000_000, 1_162_484, 1_192_328], [0, 100_000, 0]) == pytest.approx(0.0979, abs=5e-5)
    assert performance.twr([1000], [0]) is None
    assert performance.twr([0, 10], [0, 0]) is None


def test_money_weighted_return_of_the_published_example() -> None:
    days = [date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15), date(2009, 4, 1)]
    assert performance.xirr(days, [-10000, 2750, 4250, 3250, 2750]) == pytest.approx(0.373362535, abs=1e-8)
    assert performance.xirr(days[:2], [-1, -1]) is None
    assert performance.xirr([], []) is None


def test_risk_figures_of_the_published_example() -> None:
    returns = np.array([1, 10, -4, 2, 3, 2, 1, -10]) / 100
    assert risk.annual_volatility(returns) == pytest.approx(0.9136465, abs=1e-7)
    assert risk.sharpe(returns) == pytest.approx(1.7238614, abs=1e-7)
    span = performance.drawdown_span(returns)
    assert span is not None
    assert span[0] == pytest.approx(-0.10)
    downside = np.sqrt(np.mean(np.minimum(returns, 0) ** 2))
    assert performance.sortino(returns) == pytest.approx(returns.mean() / downside * np.sqrt(252))


def test_the_published_dividend_factor() -> None:
    days = np.array(["2025-12-19", "2025-12-22", "2025-12-23"], dtype="datetime64[D]")
    paid = [
        CorporateAction(
            ticker="ABEV3", kind=kind, last_date_with=date(2025, 12, 22), amount=D(amount), source="b3", payload="x"
        )
        for kind, amount in ((ActionKind.DIVIDEND, ".1334"), (ActionKind.JCP, ".4702"))
    ]
    factors = adjustment_factors(days, np.array([16.0, 16.07, 15.5]), paid)
    np.testing.assert_allclose(factors, [0.962439, 0.962439, 1], atol=5e-7)
    np.testing.assert_array_equal(adjustment_factors(days[:2], np.array([16.0, 16.07]), paid), [1, 1])


def action(kind: ActionKind, day: date, *, amount: str | None = None, factor: str | None = None) -> CorporateAction:
    return CorporateAction(
        ticker="PETR4",
        kind=kind,
        last_date_with=day,
        amount=None if amount is None else D(amount),
        factor=None if factor is None else D(factor),
        source="b3",
        payload="x",
    )


def test_splits_and_bonuses_divide_and_nonsense_is_left_out() -> None:
    days = DAYS[:4]
    day = days.astype(object)
    events = [
        action(ActionKind.SPLIT, day[0], factor="4"),
        action(ActionKind.BONUS, day[1], factor="1.05"),
        action(ActionKind.REVERSE_SPLIT, day[2], factor="0.1"),
        action(ActionKind.DIVIDEND, day[2], amount="999"),
        action(ActionKind.SPLIT, day[1], factor="0"),
        action(ActionKind.SUBSCRIPTION, day[1], factor="3"),
    ]
    factors = adjustment_factors(days, np.array([40.0, 10.0, 9.0, 90.0]), events)
    np.testing.assert_allclose(factors, [1 / 4 / 1.05 * 10, 1 / 1.05 * 10, 10, 1])


@given(st.lists(st.floats(1, 100), min_size=3, max_size=30), st.floats(0.5, 20), st.integers(0, 28))
def test_factors_scale_with_nothing_and_never_touch_the_future(closes: list[float], scale: float, at: int) -> None:
    prices = np.array(closes)
    days = DAYS[: len(prices)]
    paid = [action(ActionKind.DIVIDEND, days[min(at, len(days) - 1)].astype(object), amount="0.5")]
    factors = adjustment_factors(days, prices, paid)
    assert factors[-1] == 1
    assert (factors <= 1).all()
    split = [action(ActionKind.SPLIT, days[min(at, len(days) - 1)].astype(object), factor="2")]
    np.testing.assert_array_equal(
        adjustment_factors(days, prices, split), adjustment_factors(days, prices * scale, split)
    )


def test_one_event_told_by_two_sources_is_one_but_two_payments_alike_are_two() -> None:
    first = action(ActionKind.DIVIDEND, START, amount="0.5")
    second = first.model_copy(update={"payment_date": END})
    told = first.model_copy(update={"source": "brapi", "amount": D("0.501"), "last_date_with": date(2025, 1, 6)})
    kept = distinct_actions([told, first, second], lambda a: a.source != "b3")
    assert kept == [first, second]


def test_a_constant_price_earns_nothing_but_its_dividends() -> None:
    result = measured(
        [tx("buy", "100", "10"), tx("dividend", "100", "0.5", date(2025, 6, 2))],
        bars={"PETR4": bars("PETR4", np.full(len(DAYS), 10.0))},
    )
    assert (result.total_value, result.total_invested, result.income) == (D("1000.00"), D("1000.00"), D("50.00"))
    assert result.twr == pytest.approx(0.05)
    assert result.total_return == pytest.approx(0.05)
    assert result.return_percent == pytest.approx(5)
    assert result.positions[0].weight == 1


def test_a_split_that_is_booked_moves_neither_value_nor_return() -> None:
    closes = np.where(np.datetime64("2025-06-02") > DAYS, 40.0, 10.0)
    split = tx("split", "4", "0", date(2025, 6, 2))
    result = measured([tx("buy", "10", "40"), split], bars={"PETR4": bars("PETR4", closes)})
    assert (result.total_value, result.twr, result.max_drawdown) == (D("400.00"), 0.0, 0.0)


def test_a_split_that_nobody_booked_is_counted_and_named() -> None:
    closes = np.where(np.datetime64("2025-06-02") > DAYS, 40.0, 10.0)
    event = action(ActionKind.SPLIT, date(2025, 5, 30), factor="4")
    result = measured([tx("buy", "10", "40")], bars={"PETR4": bars("PETR4", closes)}, actions={"PETR4": [event]})
    assert result.warnings == ["PETR4: split of 4 per share on 2025-05-31 is not booked; it is counted as one"]
    assert (result.total_value, result.twr, result.max_drawdown) == (D("400.00"), 0.0, 0.0)
    assert (result.positions[0].quantity, result.positions[0].average_price) == (D(40), D("10.00000000"))


@pytest.mark.parametrize(
    "row",
    [
        tx("split", "1.1", "0", date(2025, 6, 2)),
        tx("buy", "10", "0", date(2025, 6, 4)),
        tx("buy", "10", "13.70", date(2025, 6, 4)),  # B3 gives a bonus the price of its capitalisation
    ],
)
def test_a_bonus_that_is_booked_in_any_way_is_not_counted_again(row: Transaction) -> None:
    event = action(ActionKind.BONUS, date(2025, 5, 30), factor="1.1")
    result = measured(
        [tx("buy", "105", "10"), row],
        bars={"PETR4": bars("PETR4", np.full(len(DAYS), 10.0))},
        actions={"PETR4": [event]},
    )
    assert result.warnings == []
    assert D(115) <= result.positions[0].quantity < D(116)


def test_splits_of_what_was_sold_or_bought_later_are_not_counted() -> None:
    event = action(ActionKind.SPLIT, date(2025, 5, 30), factor="4")
    known = {"bars": {"PETR4": bars("PETR4", np.full(len(DAYS), 10.0))}, "actions": {"PETR4": [event]}}
    later = measured([tx("buy", "10", "10", date(2025, 6, 2))], **known)
    sold = measured([tx("buy", "10", "10"), tx("sell", "10", "10", date(2025, 5, 29))], **known)
    assert (later.total_value, later.warnings, sold.warnings) == (D("100.00"), [], [])


def test_two_splits_nobody_booked_multiply() -> None:
    events = [action(ActionKind.SPLIT, date(2025, 5, 30), factor="2"),
              action(ActionKind.REVERSE_SPLIT, date(2025, 9, 30), factor="0.1")]  # fmt: skip
    result = measured(
        [tx("buy", "100", "10")],
        bars={"PETR4": bars("PETR4", np.full(len(DAYS), 10.0))},
        actions={"PETR4": events},
    )
    assert result.positions[0].quantity == D(20)
    assert len(result.warnings) == 2


def test_of_projected_jcp_the_tax_of_the_day_is_withheld() -> None:
    events = [action(ActionKind.DIVIDEND, date(2025, 5, 2), amount="1"),
              action(ActionKind.JCP, date(2025, 12, 1), amount="2")]  # fmt: skip
    result = measured(
        [tx("buy", "100", "10")], bars={"PETR4": bars("PETR4", np.full(len(DAYS), 10.0))}, actions={"PETR4": events}
    )
    assert (result.dividends_projected, result.dividends_projected_net) == (D("300.00"), D("265.00"))
    assert result.positions[0].income_projected_net == D("265.00")
    dates = (date(1995, 12, 31), date(1996, 1, 1), date(2025, 12, 31), date(2026, 1, 1))
    assert [jcp_withheld(day) for day in dates] == [0, D("0.15"), D("0.15"), D("0.175")]


def test_nothing_and_nothing_priced_give_nulls_not_zeros() -> None:
    empty = measured([])
    assert (empty.total_value, empty.twr, empty.xirr, empty.volatility, empty.hhi) == (None,) * 5
    blind = measured([tx("buy", "10", "40")])
    assert (blind.total_value, blind.total_return, blind.positions[0].value) == (None, None, None)
    assert blind.total_invested == 400
    assert "no price is known" in blind.warnings[0]


def test_transactions_of_tomorrow_do_not_count_yet() -> None:
    result = measured([tx("buy", "10", "40", date(2026, 4, 1))])
    assert result.positions == []
    assert result.warnings == ["1 transactions lie in the future and do not count yet"]


def test_a_stretch_without_any_position_neither_earns_nor_waits() -> None:
    out, back = date(2025, 3, 3), date(2025, 9, 1)
    closes = np.where(np.datetime64(back) > DAYS, 20.0, 30.0)
    trades = [tx("buy", "10", "10"), tx("sell", "10", "20", out), tx("buy", "10", "30", back)]
    result = measured(trades, bars={"PETR4": bars("PETR4", closes)})
    assert result.twr == pytest.approx(1.0)
    assert result.realized_gain == 100
    assert len(result.curve) < len(DAYS)


def test_fees_without_any_holding_are_no_loss_of_everything() -> None:
    out = date(2025, 3, 3)
    flat = {"PETR4": bars("PETR4", np.full(len(DAYS), 10.0))}
    late = tx("fee", "1", "5", date(2025, 4, 1))
    account = tx("fee", "1", "5", date(2025, 4, 2), None)
    result = measured([tx("buy", "10", "10"), tx("sell", "10", "10", out), late, account], bars=flat)
    assert (result.twr, result.fees) == (0.0, D("10.00"))
    charged = measured([tx("buy", "10", "10"), tx("fee", "1", "1", out, None)], bars=flat)
    assert charged.twr == pytest.approx(-1 / 101)
    assert charged.contributions["fees"] == pytest.approx(-1 / 101)


def test_beta_and_excess_are_held_against_the_same_sessions() -> None:
    rng = np.random.default_rng(7)
    index = 100_000 * np.cumprod(1 + rng.normal(0, 0.01, len(DAYS)))
    moved = np.concatenate(([0.0], index[1:] / index[:-1] - 1))
    double = 50 * np.cumprod(1 + 2 * moved)
    cdi = RateCurve.of(
        MacroPoint(series="sgs:12", day=d, value=D("0.043739"), source="bcb", payload="x") for d in DAYS.astype(object)
    )
    result = measured(
        [tx("buy", "100", "50")], bars={"PETR4": bars("PETR4", double)}, index=bars("^BVSP", index), cdi=cdi
    )
    assert result.beta == pytest.approx(2)
    assert result.ibov_return == pytest.approx(index[-1] / index[0] - 1)
    assert result.twr is not None
    assert result.excess_ibov == pytest.approx((1 + result.twr) / (index[-1] / index[0]) - 1)
    assert result.cdi_return == pytest.approx(1.00043739 ** (len(DAYS) - 1) - 1)
    assert result.sharpe_ratio is not None


def test_a_benchmark_that_does_not_reach_back_is_null() -> None:
    flat = bars("PETR4", np.full(len(DAYS), 50.0))
    late = bars("^BVSP", np.full(50, 100.0), DAYS[-50:])
    result = measured([tx("buy", "100", "50")], bars={"PETR4": flat}, index=late)
    assert (result.beta, result.ibov_return, result.sharpe_ratio, result.cdi_return) == (None,) * 4


@st.composite
def portfolios(draw: st.DrawFn) -> tuple[list[Transaction], dict[str, Bars]]:
    """A few assets on random walks, and transactions at any prices."""
    size = 60
    walks = {}
    for i, ticker in enumerate(("PETR4", "VALE3", "ITUB4")):
        rng = np.random.default_rng(draw(st.integers(0, 10_000)) + i)
        walks[ticker] = bars(ticker, 20 * np.cumprod(1 + rng.normal(0, 0.03, size)))
    trades = [
        tx(
            draw(st.sampled_from(["buy", "buy", "buy", "sell", "dividend", "fee"])),
            str(draw(st.integers(1, 50))),
            str(draw(st.decimals("0.01", "40", places=2))),
            DAYS[draw(st.integers(0, size - 2))].astype(object),
            draw(st.sampled_from([*walks, "ABEV3"])),
        )
        for _ in range(draw(st.integers(1, 12)))
    ]
    return trades, walks


@settings(max_examples=60, deadline=None)
@given(portfolios())
def test_contributions_add_up_to_the_return_whatever_was_traded(
    given_: tuple[list[Transaction], dict[str, Bars]],
) -> None:
    trades, walks = given_
    line = build_timeline(trades, walks, DAYS[59].astype(object))
    parts = performance.contributions(line)
    if parts and (line.returns > -1).all():
        assert sum(parts.values()) == pytest.approx(float(np.prod(1 + line.returns) - 1), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(portfolios(), st.integers(2, 5))
def test_twice_the_money_earns_the_same_return(given_: tuple[list[Transaction], dict[str, Bars]], times: int) -> None:
    trades, walks = given_
    until = DAYS[59].astype(object)
    scaled = [t.model_copy(update={"quantity": t.quantity * times}) for t in trades]
    one, more = build_timeline(trades, walks, until), build_timeline(scaled, walks, until)
    np.testing.assert_allclose(one.returns, more.returns, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(portfolios(), st.integers(20, 58))
def test_what_comes_later_never_changes_the_past(given_: tuple[list[Transaction], dict[str, Bars]], at: int) -> None:
    trades, walks = given_
    day = DAYS[at].astype(object)
    known = {t: b.until(day) for t, b in walks.items()}
    past = build_timeline([t for t in trades if t.date <= day], known, day)
    # Income paid later may be of shares sold before: it belongs to the past, which nobody knew then.
    told = [t for t in trades if t.date <= day or t.operation is not Operation.DIVIDEND]
    whole = build_timeline(told, walks, DAYS[59].astype(object))
    np.testing.assert_allclose(past.returns, whole.returns[: len(past)])


def test_concentration_is_named_with_its_limit() -> None:
    spread = weights({"PETR4": D(70), "VALE3": D(20), "ITUB4": D(5), "WEGE3": D(5)})
    assert hhi(spread) == pytest.approx(0.7**2 + 0.2**2 + 2 * 0.05**2)
    sectors = grouped({"PETR4": D(70), "VALE3": D(30)}, {"PETR4": "Petróleo"})
    assert sectors == {"Petróleo": 0.7, "unknown": 0.3}
    assert [c.kind for c in concentrations(spread, sectors)] == ["asset", "top_three", "sector", "hhi"]
    assert hhi({}) is None
    assert weights({}) == {}


def test_rebalancing_sells_what_is_over_and_buys_what_lacks() -> None:
    values, prices = {"PETR4": D(8000), "VALE3": D(2000)}, {"PETR4": D("30.10"), "VALE3": D(60)}
    targets = {"PETR4": D("0.5"), "VALE3": D("0.5")}
    trades = rebalance(values, prices, targets)
    assert [(t.ticker, t.side, t.quantity) for t in trades] == [("PETR4", "sell", D(99)), ("VALE3", "buy", D(49))]
    only = rebalance(values, prices, targets, cash=D(1000), sell=False)
    assert [(t.ticker, t.side, t.quantity) for t in only] == [("VALE3", "buy", D(16))]
    assert rebalance({}, prices, targets) == []
    assert rebalance(values, {}, targets) == []


@given(
    st.dictionaries(st.sampled_from(["PETR4", "VALE3", "ITUB4", "BTC-BRL"]), st.integers(0, 10_000).map(D), max_size=4),
    st.lists(st.integers(0, 25), min_size=4, max_size=4),
    st.integers(0, 5000).map(D),
    st.booleans(),
)
def test_orders_never_cost_more_than_they_free(
    values: dict[str, Decimal], shares: list[int], cash: Decimal, sell: bool
) -> None:
    tickers = ["PETR4", "VALE3", "ITUB4", "BTC-BRL"]
    prices = dict(zip(tickers, (D("30.10"), D(60), D("7.77"), D(350_000)), strict=True))
    targets = {t: D(s) / 100 for t, s in zip(tickers, shares, strict=True)}
    trades = rebalance(values, prices, targets, cash=cash, sell=sell)
    bought = sum((t.amount for t in trades if t.side == "buy"), D(0))
    freed = sum((t.amount for t in trades if t.side == "sell"), D(0))
    assert bought <= freed + cash + D("0.05")
    assert sell or not freed
    assert all(t.quantity * t.price <= values[t.ticker] for t in trades if t.side == "sell")


def test_projected_income_divides_amounts_from_before_a_split() -> None:
    events = [
        action(ActionKind.DIVIDEND, date(2025, 5, 2), amount="4"),
        action(ActionKind.SPLIT, date(2025, 8, 1), factor="4"),
        action(ActionKind.JCP, date(2025, 12, 1), amount="0.5"),
        action(ActionKind.DIVIDEND, date(2024, 5, 2), amount="100"),
        action(ActionKind.AMORTISATION, date(2025, 12, 1), amount="7"),
    ]
    assert projected_income(D(10), events, END) == D("15.00")
    parity = [e.model_copy(update={"kind": ActionKind.RATIO_CHANGE}) if e.factor else e for e in events]
    assert projected_income(D(10), parity, END) == D("15.00")
    assert projected_income(D(10), None, END) is None


def test_allocation_by_class_and_sector_comes_from_the_identities() -> None:
    known = {
        "PETR4": Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras", sector="Petróleo"),
        "HGLG11": Asset(ticker="HGLG11", kind=AssetKind.FII),
    }
    flat = np.full(len(DAYS), 10.0)
    result = measured(
        [tx("buy", "30", "10"), tx("buy", "10", "10", ticker="HGLG11")],
        bars={t: bars(t, flat) for t in known},
        assets=known,
    )
    assert result.by_class == {"stock": 0.75, "fii": 0.25}
    assert result.by_sector == {"Petróleo": 0.75, "unknown": 0.25}
    assert [p.ticker for p in result.positions] == ["PETR4", "HGLG11"]


@pytest.mark.slow
def test_two_thousand_transactions_over_ten_years_are_quick() -> None:
    import time

    days = sessions_between(date(2016, 1, 4), END)
    rng = np.random.default_rng(5)
    tickers = [f"AA{chr(65 + i // 26)}{chr(65 + i % 26)}3" for i in range(30)]
    prices = {t: bars(t, 30 * np.exp(np.cumsum(rng.normal(0, 0.02, len(days)))), days) for t in tickers}
    trades = [
        tx("buy", str(1 + i % 90), "30.00", days[i].astype(object), tickers[i % 30])
        for i in np.sort(rng.integers(0, len(days), 2000)).tolist()
    ]
    given_ = PortfolioInput(Portfolio(id="p", name="P", created_at=NOW, transactions=tuple(trades)), NOW, prices)
    measure(given_)
    seconds = []
    for _ in range(5):
        begun = time.process_time()
        measure(given_)
        seconds.append(time.process_time() - begun)
    assert min(seconds) < 0.1  # 28 ms alone on the machine; the bound leaves room for busy neighbours


def test_gaps_zero_prices_and_a_single_bar_are_survived() -> None:
    closes = np.full(len(DAYS), 10.0)
    closes[5:50] = np.nan
    closes[-1] = 0.0
    result = measured([tx("buy", "10", "10")], bars={"PETR4": bars("PETR4", closes)})
    assert (result.total_value, result.twr) == (D("100.00"), 0.0)
    one = measured([tx("buy", "10", "10", END)], bars={"PETR4": bars("PETR4", np.array([11.0]), DAYS[-1:])})
    assert one.twr == pytest.approx(0.1)
    assert one.volatility is None
    old = measured([tx("buy", "10", "10")], bars={"PETR4": bars("PETR4", closes[:4])})
    assert "more than ten sessions old" in old.warnings[0]


def test_a_return_is_annualised_only_from_a_year_on() -> None:
    assert performance.annualised(0.21, 730) == pytest.approx(0.1)
    assert performance.annualised(0.21, 364) is None
    assert performance.annualised(-1.0, 800) is None
