"""The tax of worked months: each example with the cost, gain, tax, credit and DARF that are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invest.domain.brokerage import plan_import, read_statement
from invest.domain.market import ActionKind, Asset, AssetKind, CorporateAction
from invest.domain.portfolios import Known, Operation, Transaction, derive
from invest.domain.taxes import (
    Bucket,
    DarfPaid,
    MonthTax,
    State,
    TaxInput,
    TaxOpening,
    TaxYear,
    due_day,
    tax_open,
    tax_year,
)

D = Decimal
TODAY = date(2026, 12, 15)
ETF, FII = "BOVA11", "HGLG11"
ASSETS = {
    ETF: Asset(ticker=ETF, kind=AssetKind.ETF, name="Ishares Ibovespa"),
    FII: Asset(ticker=FII, kind=AssetKind.FII, name="CSHG Logística", cnpj="11728688000147"),
    "TAEE11": Asset(ticker="TAEE11", kind=AssetKind.UNIT, name="Taesa"),
    "ABCD3": Asset(ticker="ABCD3", kind=AssetKind.STOCK, name="Exemplo S.A.", cnpj="00000000000100"),
}


def values(*given: object) -> tuple[object, ...]:
    return given


def tx(
    day: str, ticker: str | None, operation: str, quantity: str, price: str, fees: str = "0", **more: Any
) -> Transaction:
    return Transaction(
        date=date.fromisoformat(day),
        ticker=ticker,
        operation=Operation(operation),
        quantity=D(quantity),
        price=D(price),
        fees=D(fees),
        **more,
    )


def taxed(
    facts: Sequence[Transaction], *, today: date = TODAY, opening: TaxOpening | None = None, year: int = 2026
) -> TaxYear:
    return tax_year(TaxInput(facts, today, assets=ASSETS, opening=opening or TaxOpening()), year)


def month(told: TaxYear, number: int) -> MonthTax:
    return told.months[number - 1]


def figures(of: MonthTax, bucket: Bucket = Bucket.COMMON) -> Mapping[str, Decimal]:
    b = of.buckets[bucket]
    return {"result": b.result, "base": b.base, "tax": b.tax, "used": b.loss_used, "carry": b.loss_after}


def test_p1_a_month_under_the_limit_is_exempt() -> None:
    facts = [tx("2026-01-05", "ABCD3", "buy", "500", "20.00", "3.00"),
             tx("2026-03-10", "ABCD3", "sell", "300", "28.00", "2.40")]  # fmt: skip
    told = taxed(facts)
    march = month(told, 3)
    assert values(march.state, march.sales, march.exempt_gain, march.tax) == (
        State.EXEMPT,
        D("8400.00"),
        D("2395.80"),
        0,
    )
    assert march.buckets[Bucket.COMMON].withheld == 0
    (line,) = march.lines
    assert (line.average_before, line.cost, line.result) == (D("20.006"), D("6001.80"), D("2395.80"))
    assert [i.amount for i in told.income if i.code == "20"] == [D("2395.80")]
    (good,) = told.goods
    assert values(good.code, good.now, good.before, good.quantity) == ("03-01", D("4001.20"), D("0"), 200)
    assert good.description == (
        "200 ações ON de Exemplo S.A., CNPJ 00.000.000/0001-00, código ABCD3, custo médio R$ 20,006."
    )


@pytest.mark.parametrize("booked", [False, True])
def test_what_the_company_bought_back_is_no_sale_under_the_limit_whoever_books_it(booked: bool) -> None:
    terms = {"kind": ActionKind.REDEMPTION, "last_date_with": date(2026, 3, 10), "amount": D(12)}
    redeemed = CorporateAction.model_validate({"ticker": "ABCD3", "source": "owner", "payload": "x", **terms})
    facts = [tx("2026-01-05", "ABCD3", "buy", "500", "10.00"), tx("2026-03-10", "ABCD3", "sell", "100", "12.00")]
    facts += [tx("2026-03-13", "ABCD3", "sell", "400", "12.00")] if booked else []
    given = TaxInput(facts, TODAY, known=Known({"ABCD3": (redeemed,)}), assets=ASSETS)
    march = month(tax_year(given, 2026), 3)
    assert (march.sales, march.exempt_gain, march.tax) == (D(1200), D(200), D(120))
    assert [flag.code for flag in march.flags] == ["redeemed"]
    many = [fact.model_copy(update={"quantity": fact.quantity * 10}) for fact in facts]
    large = month(tax_year(TaxInput(many, TODAY, known=given.known, assets=ASSETS), 2026), 3)
    assert large.buckets[Bucket.COMMON].withheld == 0  # 0.005 % of the 12,000 sold is too little to withhold


def test_p2_above_the_limit_the_whole_gain_is_taxed() -> None:
    facts = [
        tx("2025-01-06", "ABCD3", "buy", "700", "22.50"),
        tx("2026-04-10", "ABCD3", "sell", "700", "30.00", "6.00"),
    ]
    april = month(taxed(facts), 4)
    common = april.buckets[Bucket.COMMON]
    assert (common.result, common.tax, common.withheld) == (D("5244.00"), D("786.60"), D("1.05"))
    assert april.darf is not None
    assert (april.darf.amount, april.darf.due, april.darf.code) == (D("785.55"), date(2026, 5, 29), "6015")
    assert april.state is State.LATE
    paid = TaxOpening(paid=(DarfPaid(period="2026-04", amount=D("785.55"), paid_on=date(2026, 5, 29)),))
    april = month(taxed(facts, opening=paid), 4)
    assert (april.state, april.difference) == (State.PAID, D("0.00"))
    april = month(taxed(facts, today=date(2026, 5, 4)), 4)
    assert april.state is State.DUE


@pytest.mark.parametrize(("price", "exempt"), [("20.00", True), ("20.00001", False)])
def test_the_limit_itself_is_exempt_and_a_cent_more_taxes_all(price: str, exempt: bool) -> None:
    facts = [tx("2025-01-06", "ABCD3", "buy", "1000", "10.00"), tx("2026-04-10", "ABCD3", "sell", "1000", price)]
    april = month(taxed(facts), 4)
    assert (april.exempt_gain > 0, april.tax > 0) == (exempt, not exempt)


def test_p3_losses_are_carried_over_months_and_an_exempt_gain_uses_none() -> None:
    facts = [
        tx("2025-01-06", "ABCD3", "buy", "1000", "27.20"),
        tx("2026-05-11", "ABCD3", "sell", "1000", "24.00"),
        tx("2025-01-06", "EFGH3", "buy", "100", "79.00"),
        tx("2026-06-10", "EFGH3", "sell", "100", "90.00"),
        tx("2025-01-06", "IJKL3", "buy", "100", "154.00"),
        tx("2026-07-10", "IJKL3", "sell", "100", "150.00"),
        tx("2025-01-06", "MNOP3", "buy", "1000", "36.00"),
        tx("2026-08-10", "MNOP3", "sell", "1000", "41.00"),
    ]
    told = taxed(facts)
    may, june, july, august = (month(told, n) for n in (5, 6, 7, 8))
    assert values(may.state, figures(may)["carry"], may.buckets[Bucket.COMMON].credit_after) == (
        State.LOSS,
        3200,
        D("1.20"),
    )
    assert values(june.state, june.exempt_gain, figures(june)["carry"]) == (State.EXEMPT, D("1100.00"), 3200)
    assert values(july.state, figures(july)["carry"]) == (State.LOSS, 3600)
    assert figures(august) == {"result": 5000, "base": 1400, "tax": D("210.00"), "used": 3600, "carry": 0}
    assert august.darf is not None
    assert (august.darf.amount, august.darf.due) == (D("206.75"), date(2026, 9, 30))


def test_p4_a_day_trade_sold_first_while_holding() -> None:
    facts = [
        tx("2026-01-05", "ABCD3", "buy", "1000", "30.00"),
        tx("2026-03-10", "ABCD3", "sell", "600", "33.00", place=1),
        tx("2026-03-10", "ABCD3", "buy", "400", "32.00", place=2),
        tx("2026-03-10", "ABCD3", "buy", "450", "32.50", place=3),
    ]
    march = month(taxed(facts), 3)
    day = march.buckets[Bucket.DAY_TRADE]
    assert (day.result, day.tax, day.withheld, day.due) == (D("500.00"), D("100.00"), D("5.00"), D("95.00"))
    assert values(march.sales, march.exempt_gain) == (0, 0)
    position = derive(facts).positions["ABCD3"]
    assert position.quantity == 1250
    assert (position.cost, position.average_price) == (D("38125.00"), D("30.50"))
    assert not march.flags


def test_fills_pair_in_the_order_told_and_an_order_nobody_told_is_flagged() -> None:
    held = tx("2026-01-05", "ABCD3", "buy", "1000", "30.00")
    fills = [("sell", "600", "33.00"), ("buy", "450", "32.50"), ("buy", "400", "32.00")]
    ordered = [held, *(tx("2026-03-10", "ABCD3", o, q, p, place=n) for n, (o, q, p) in enumerate(fills, 1))]
    assert month(taxed(ordered), 3).buckets[Bucket.DAY_TRADE].result == D("375.00")  # 450 x 0.50 + 150 x 1.00
    unordered = [held, *(tx("2026-03-10", "ABCD3", o, q, p) for o, q, p in fills)]
    march = month(taxed(unordered), 3)
    assert [f.code for f in march.flags] == ["order_unknown"]
    assert month(taxed(unordered[::-1]), 3).buckets == march.buckets


def test_different_brokers_never_pair() -> None:
    facts = [
        tx("2026-03-10", "ABCD3", "buy", "100", "30.00", broker="A"),
        tx("2026-03-10", "ABCD3", "sell", "100", "33.00", broker="B"),
    ]
    march = month(taxed(facts), 3)
    assert values(march.buckets[Bucket.DAY_TRADE].result, march.exempt_gain) == (0, D("300.00"))


@pytest.mark.parametrize(
    ("price", "base", "tax", "darf"), [("20", 600, "90.00", "88.50"), ("12.5", 100, "15.00", "13.50")]
)
def test_p5_shares_and_an_equity_etf_in_one_month(price: str, base: int, tax: str, darf: str) -> None:
    bought = "900" if price == "20" else "1440"
    total = D("16000") if price == "20" else D("18500")
    facts = [
        tx("2025-01-06", "ABCD3", "opening", bought, str((total / D(bought)).quantize(D("1e-8")))),
        tx("2026-03-10", "ABCD3", "sell", bought, price),
        tx("2025-01-06", ETF, "buy", "100", "111.00"),
        tx("2026-03-10", ETF, "sell", "100", "120.00"),
    ]
    opening = TaxOpening(day=date(2026, 2, 28), losses={Bucket.COMMON: D(300)})
    march = month(taxed(facts, opening=opening), 3)
    assert march.sales == 18000
    common = march.buckets[Bucket.COMMON]
    assert values(common.base, common.tax, common.withheld) == (base, D(tax), D("1.50"))
    assert march.darf is not None
    assert march.darf.amount == D(darf)


def test_p6_funds_are_kept_apart() -> None:
    facts = [
        tx("2025-01-06", FII, "buy", "100", "115.00"),
        tx("2026-03-10", FII, "sell", "100", "100.00"),
        tx("2025-01-06", "ABCD3", "buy", "1000", "26.00"),
        tx("2026-03-11", "ABCD3", "sell", "1000", "30.00"),
        tx("2026-03-20", FII, "buy", "100", "137.00"),
        tx("2026-04-10", FII, "sell", "100", "160.00"),
    ]
    told = taxed(facts)
    march, april = month(told, 3), month(told, 4)
    assert figures(march)["tax"] == D("600.00")
    assert (march.buckets[Bucket.COMMON].withheld, march.buckets[Bucket.FII].withheld) == (D("1.50"), D("0.50"))
    assert march.darf is not None
    assert values(march.darf.amount, march.buckets[Bucket.FII].loss_after) == (D("598.50"), 1500)
    fund = april.buckets[Bucket.FII]
    assert values(fund.base, fund.tax, fund.withheld, fund.credit_used, fund.due) == (
        800,
        160,
        0,
        D("0.50"),
        D("159.50"),
    )
    assert april.darf is not None
    assert april.darf.amount == D("159.50")


def test_p7_a_bonus_comes_at_its_declared_cost() -> None:
    facts = [
        tx("2025-01-06", "ABCD3", "buy", "1000", "12.00"),
        tx("2026-02-10", "ABCD3", "bonus", "100", "18.50"),
        tx("2026-03-10", "ABCD3", "sell", "550", "16.00"),
    ]
    told = taxed(facts)
    march = month(told, 3)
    assert [i.amount for i in told.income if i.code == "18"] == [D("1850.00")]
    (line,) = march.lines
    assert (line.average_before, line.cost) == (D("12.590909"), D("6925.00"))
    assert (march.exempt_gain, march.state) == (D("1875.00"), State.EXEMPT)


NOTE = """NOTA DE NEGOCIAÇÃO
Data pregão
10/03/2026
1-BOVESPA C VISTA ABCD3 ON {} {} D
1-BOVESPA V VISTA EFGH4 PN {} {} C
1-BOVESPA C VISTA IJKL11 CI {} {} D
Taxa de liquidação {} D
"""


@pytest.mark.parametrize(
    ("amounts", "total", "parts"),
    [(("4.000,00", "5.000,00", "5.000,00"), "4,20", ("1.20", "1.50", "1.50")),
     (("3.333,00", "3.333,00", "3.334,00"), "1,00", ("0.33", "0.33", "0.34"))],
)  # fmt: skip
def test_p8_the_costs_of_a_note_are_split_by_value(
    amounts: tuple[str, str, str], total: str, parts: tuple[str, str, str]
) -> None:
    filled = NOTE.format(*(cell for a in amounts for cell in (f"1 {a}", a)), total)
    held = [tx("2026-01-05", "EFGH4", "buy", "1", "10.00")]
    plan = plan_import(held, read_statement(filled.encode(), today=TODAY))
    book = derive([*held, *plan.transactions])
    costs = {e.ticker: e.costs for e in book.journal if e.day == date(2026, 3, 10)}
    assert costs == {"ABCD3": D(parts[0]), "EFGH4": D(parts[1]), "IJKL11": D(parts[2])}
    by_hand = [t.model_copy(update={"origin": "api"}) for t in (*held, *plan.transactions)]
    assert {e.ticker: e.costs for e in derive(by_hand).journal if e.day == date(2026, 3, 10)} == costs


def test_p9_a_darf_below_ten_waits_for_more() -> None:
    facts = [
        tx("2025-01-06", ETF, "buy", "2", "100.00"),
        tx("2026-02-10", ETF, "sell", "1", "140.00"),
        tx("2026-04-10", ETF, "sell", "1", "153.00"),
    ]
    told = taxed(facts)
    february, march, april = (month(told, n) for n in (2, 3, 4))
    assert (february.state, february.darf, february.carried) == (State.BELOW_MINIMUM, None, D("6.00"))
    assert (march.state, march.carried) == (State.NO_MOVEMENT, D("6.00"))
    assert april.darf is not None
    assert (april.darf.amount, april.darf.carried, april.darf.due) == (D("13.95"), D("6.00"), date(2026, 5, 29))


def test_what_an_asset_is_must_be_known_before_it_is_exempt() -> None:
    facts = [tx("2025-01-06", "XPTO11", "buy", "10", "10.00"), tx("2026-03-10", "XPTO11", "sell", "10", "20.00")]
    march = month(taxed(facts), 3)
    assert values(march.state, [f.code for f in march.flags], march.exempt_gain) == (
        State.INCOMPLETE,
        ["unknown_kind"],
        0,
    )
    said = TaxOpening(kinds={"XPTO11": AssetKind.FII})
    assert month(taxed(facts, opening=said), 3).buckets[Bucket.FII].tax == D("20.00")


def test_units_rights_and_receipts_have_no_exemption() -> None:
    facts = [tx("2025-01-06", "TAEE11", "buy", "10", "30.00"), tx("2026-03-10", "TAEE11", "sell", "10", "40.00"),
             tx("2026-03-02", "ABCD1", "bonus", "10", "0", note="Direito de Subscrição"),
             tx("2026-03-10", "ABCD1", "sell", "10", "5.00")]  # fmt: skip
    march = month(taxed(facts), 3)
    assert values(march.buckets[Bucket.COMMON].base, march.tax, march.exempt_gain) == (150, D("22.50"), 0)


def test_a_sale_beyond_the_position_makes_the_month_incomplete() -> None:
    march = month(taxed([tx("2026-03-10", "ABCD3", "sell", "10", "5.00")]), 3)
    assert (march.state, march.flags[0].code) == (State.INCOMPLETE, "uncovered_sale")


def test_credits_end_with_the_year_and_losses_do_not() -> None:
    facts = [tx("2025-01-06", "ABCD3", "buy", "2000", "30.00"), tx("2025-03-10", "ABCD3", "sell", "1000", "25.00"),
             tx("2026-03-10", "ABCD3", "sell", "1000", "41.00")]  # fmt: skip
    old = taxed(facts, year=2025)
    assert values(old.losses[Bucket.COMMON], old.credits_lost[Bucket.COMMON]) == (5000, D("1.25"))
    march = month(taxed(facts), 3)
    common = march.buckets[Bucket.COMMON]
    assert values(common.loss_used, common.base, common.credit_used) == (5000, 6000, D("2.05"))


def test_what_the_notes_withheld_goes_before_what_is_computed() -> None:
    facts = [tx("2025-01-06", "ABCD3", "buy", "1000", "20.00"), tx("2026-03-10", "ABCD3", "sell", "1000", "30.00"),
             tx("2026-03-10", None, "tax", "1", "1.49", note="i.r.r.f. s/ operacoes")]  # fmt: skip
    common = month(taxed(facts), 3).buckets[Bucket.COMMON]
    assert (common.withheld, common.withheld_estimated, common.due) == (D("1.49"), False, D("1498.51"))
    common = month(taxed(facts[:2]), 3).buckets[Bucket.COMMON]
    assert (common.withheld, common.withheld_estimated) == (D("1.50"), True)


@pytest.mark.parametrize(
    ("period", "due"),
    [("2026-01", "2026-02-27"), ("2026-11", "2026-12-30"), ("2026-12", "2027-01-29"), ("2027-04", "2027-05-31")],
)
def test_a_darf_is_due_on_the_last_banking_day_of_the_next_month(period: str, due: str) -> None:
    assert due_day(period) == date.fromisoformat(due)


def test_income_is_declared_by_payer_and_kind() -> None:
    facts = [
        tx("2025-01-06", "ABCD3", "buy", "1000", "12.00"),
        tx("2026-02-10", "ABCD3", "dividend", "1000", "0.50"),
        tx("2026-02-11", "ABCD3", "reversal", "1000", "0.10"),
        tx("2026-02-10", "ABCD3", "jcp", "1000", "0.17"),
        tx("2025-01-06", FII, "buy", "10", "100.00"),
        tx("2026-02-10", FII, "dividend", "10", "0.80"),
        tx("2026-02-10", FII, "lending", "10", "0.03"),
        tx("2026-05-10", "ABCD3", "dividend", "1000", "60.00"),
    ]
    told = taxed(facts)
    found = {(i.section, i.code, i.ticker): i.amount for i in told.income}
    assert found == {
        ("isentos", "09", "ABCD3"): D("60400.00"),
        ("isentos", "99", FII): D("8.00"),
        ("exclusiva", "10", "ABCD3"): D("170.00"),
        ("exclusiva", "06", FII): D("0.30"),
    }
    assert [f.code for f in told.flags] == ["large_dividends"]


def test_what_stood_before_counts_however_long_ago() -> None:
    """An opening of two years ago, or without a day, lowers the first gain; credits end with their own year."""
    facts = [tx("2026-01-05", ETF, "buy", "100", "100.00"), tx("2026-03-10", ETF, "sell", "100", "130.00")]
    for day in (date(2024, 12, 31), date(2025, 12, 31), None):
        before = TaxOpening(day=day, losses={Bucket.COMMON: D(1000)}, credits={Bucket.COMMON: D(50)})
        march = month(taxed(facts, opening=before), 3)
        assert values(*figures(march).values()) == (D(3000), D(2000), D("300.00"), D(1000), D(0)), day
        assert march.buckets[Bucket.COMMON].credit_used == 0
    kept = TaxOpening(day=date(2026, 2, 28), losses={Bucket.COMMON: D(1000)}, credits={Bucket.COMMON: D(50)})
    assert month(taxed(facts, opening=kept), 3).buckets[Bucket.COMMON].credit_used == 50


def test_what_is_open_is_said_in_both_languages() -> None:
    facts = [
        tx("2026-01-05", "ABCD3", "buy", "100", "10.00"),
        tx("2026-02-10", "ABCD3", "bonus", "10", "0"),
        tx("2026-03-10", "ABCD3", "sell", "500", "12.00"),
        tx("2026-04-10", "ABCD3", "dividend", "110", "600.00"),
        tx("2026-05-11", "ABCD3", "spin_off", "10", "0.2", other="EFGH3"),
    ]
    flags = {flag.code: flag for flag in taxed(facts).flags}
    assert set(flags) == {"bonus_without_cost", "uncovered_sale", "large_dividends", "spin_off"}
    assert flags["large_dividends"].message_pt == (
        "00000000000100 pagou R$ 66.000,00 de dividendos em 2026-04: acima de R$ 50.000,00 no mês retêm-se 10 %"
    )
    assert flags["bonus_without_cost"].message_pt.startswith("a bonificação de ABCD3 em 10/02/2026 entra sem custo")
    assert all("{" not in flag.message + flag.message_pt and flag.message_pt for flag in flags.values())


def test_what_waits_to_be_paid_names_unpaid_months_of_any_year_and_what_is_below_the_minimum() -> None:
    facts = [
        tx("2025-11-03", FII, "buy", "400", "100"),
        tx("2025-12-10", FII, "sell", "100", "110"),  # 20 % of 1,000, due in January; no IRRF below R$ 1.00
        tx("2026-02-10", FII, "sell", "10", "104"),  # 20 % of 40: below R$ 10.00
        tx("2026-03-10", FII, "sell", "10", "105"),  # 20 % of 50, with what was carried
        tx("2026-04-10", FII, "sell", "10", "104"),
        tx("2026-05-04", FII, "sell", "100", "120"),
    ]
    given = TaxInput(facts, date(2026, 5, 20), assets=ASSETS, opening=TaxOpening())
    told = tax_open(given)
    owed = [(m.month, m.state, m.darf.amount if m.darf else None) for m in told.unpaid]
    assert owed == [("2026-03", State.LATE, D("18.00")), ("2025-12", State.LATE, D("200.00"))]
    assert told.running is not None and told.running.month == "2026-05" and told.carried == D("8.00")
    assert told.running.darf is not None and told.running.darf.carried == told.carried
    paid = (
        DarfPaid(period="2025-12", amount=D("200.00"), paid_on=date(2026, 1, 30)),
        DarfPaid(period="2026-03", amount=D("10"), paid_on=date(2026, 4, 30)),
    )
    told = tax_open(TaxInput(facts, date(2026, 4, 20), assets=ASSETS, opening=TaxOpening(paid=paid)))
    assert [(m.month, m.difference) for m in told.unpaid] == [("2026-03", D("8.00"))], "the rest of it is owed"


def test_nothing_waits_to_be_paid_where_nothing_was_sold() -> None:
    told = tax_open(TaxInput([], date(2026, 4, 20), assets=ASSETS, opening=TaxOpening()))
    assert not told.unpaid and told.carried == 0
