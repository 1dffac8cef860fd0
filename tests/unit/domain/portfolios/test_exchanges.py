"""Papers that became others, or cash, at the cost that the known event tells, booked or not, in whatever words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest

from invest.domain.brokerage import plan_import, read_statement
from invest.domain.market import ActionKind, Asset, AssetKind, Bars, CorporateAction, TickerChange
from invest.domain.portfolios import (
    Known,
    Operation,
    Portfolio,
    PortfolioInput,
    Transaction,
    measure,
    positions_of,
    settled,
)

D = Decimal
TODAY = date(2026, 11, 27)
EVENT = CorporateAction(
    ticker="OLDD3", kind=ActionKind.SPIN_OFF, last_date_with=date(2026, 3, 10), other="NEWW3", ratio=D("0.5"),
    price_factor=D("0.8"), source="owner", payload="x",
)  # fmt: skip
KNOWN = Known({"OLDD3": (EVENT,)})
HEAD = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"


def fact(day: str, operation: str, ticker: str, quantity: str, price: str, **more: object) -> Transaction:
    given = {"date": day, "operation": operation, "ticker": ticker, "quantity": quantity, "price": price}
    return Transaction.model_validate(given | more)


BOUGHT = fact("2026-01-05", "buy", "OLDD3", "100", "10.00")
TOLD = [
    [],
    [fact("2026-03-25", "spin_off", "OLDD3", "50", "0.2", other="NEWW3")],
    [fact("2026-03-25", "spin_off", "OLDD3", "50", "0", other="NEWW3")],
    [fact("2026-03-25", "bonus", "NEWW3", "50", "0")],
    [fact("2026-03-25", "buy", "NEWW3", "50", "0")],
]


@pytest.mark.parametrize("told", TOLD)
def test_the_cost_is_shared_however_it_is_told(told: list[Transaction]) -> None:
    sold = fact("2026-03-12", "sell", "OLDD3", "100", "9.00")  # before the new shares were credited
    for facts in ([BOUGHT, *told], [*told, BOUGHT]):
        book = positions_of(facts, KNOWN, TODAY)
        assert {t: (p.quantity, p.cost) for t, p in book.held.items()} == {
            "OLDD3": (D(100), D(800)),
            "NEWW3": (D(50), D(200)),
        }
        after = positions_of([*facts, sold], KNOWN, TODAY)
        assert (after.positions["OLDD3"].realized_gain, after.positions["NEWW3"].cost) == (D(100), D(200))


def test_a_part_of_the_owners_own_stays() -> None:
    own = fact("2026-03-11", "spin_off", "OLDD3", "50", "0.3", other="NEWW3")
    assert positions_of([BOUGHT, own], KNOWN, TODAY).positions["NEWW3"].cost == 300


def test_a_spin_off_that_nobody_booked_is_named_and_proposed() -> None:
    made = Portfolio(id="p", name="P", created_at=datetime(2026, 1, 1, tzinfo=UTC), transactions=(BOUGHT,))
    metrics = measure(PortfolioInput(made, datetime(2026, 11, 27, 22, tzinfo=UTC), actions=KNOWN.actions))
    assert "OLDD3: spin-off of 50 NEWW3, with 20.00% of the cost on 2026-03-11 is not booked; it is counted as one" in (
        metrics.warnings
    )
    (proposal,) = metrics.proposals
    assert (proposal.transaction.operation, proposal.transaction.other) == (Operation.SPIN_OFF, "NEWW3")
    done = made.model_copy(update={"transactions": (BOUGHT, proposal.transaction)})
    assert measure(PortfolioInput(done, datetime(2026, 11, 27, 22, tzinfo=UTC), actions=KNOWN.actions)).proposals == []


def test_b3s_row_of_a_spin_off_takes_the_known_terms_or_asks() -> None:
    row = HEAD + "Credito;25/03/2026;Cisão;NEWW3 - NOVA;CORRETORA A;50;-;-"
    statement = read_statement(row.encode(), today=TODAY)
    (booked,) = plan_import([BOUGHT], statement, known=KNOWN).transactions
    assert (booked.operation, booked.ticker, booked.other, booked.price) == ("spin_off", "OLDD3", "NEWW3", D("0.2"))
    (asked,) = plan_import([BOUGHT], statement, known=Known()).rows
    assert asked.status == "question" and "operation spin_off" in (asked.reason or "")


def test_a_later_import_tells_the_same_spin_off_once() -> None:
    statement = read_statement((HEAD + "Credito;25/03/2026;Cisão;NEWW3 - NOVA;A;50;-;-").encode(), today=TODAY)
    first = plan_import([BOUGHT], statement, known=KNOWN).transactions
    assert plan_import([BOUGHT, *first], statement, known=KNOWN).counts["duplicate"] == 1


LAST, FIRST = date(2026, 3, 10), date(2026, 3, 11)
EARNED = fact("2026-01-05", "buy", "OLDD3", "1000", "20.00")


def change(old: str, new: str, ratio: str, *, continues: bool = False, day: date = FIRST) -> TickerChange:
    return TickerChange(old=old, new=new, changed_on=day, ratio=D(ratio), source="owner", continues=continues)


def event(ticker: str, kind: ActionKind, day: date = LAST, **terms: object) -> CorporateAction:
    return CorporateAction.model_validate(
        {"ticker": ticker, "kind": kind, "last_date_with": day, "source": "owner", "payload": "x", **terms}
    )


MERGED = Known(changes=[change("OLDD3", "BIGG3", "0.8521")])
PARTLY = event("OLDD3", ActionKind.MERGER, other="BIGG3", ratio="2", amount="5")
IN_CASH = Known({"OLDD3": (PARTLY,)}, [change("OLDD3", "BIGG3", "2")])
OWN = fact("2026-01-05", "buy", "BIGG3", "500", "24.00")
CREDITS = [
    [],
    [fact("2026-03-25", "conversion", "OLDD3", "1000", "0", other="BIGG3", shares="852.1")],
    [fact("2026-03-25", "bonus", "BIGG3", "852.1", "0")],
    [fact("2026-03-25", "bonus", "BIGG3", "426", "0"), fact("2026-03-26", "bonus", "BIGG3", "426.1", "0", broker="B")],
    [fact("2026-03-25", "conversion", "OLDD3", "400", "0", other="BIGG3", shares="340.84")],
]


@pytest.mark.parametrize("given", CREDITS)
def test_a_paper_merged_into_another_becomes_it_at_its_ratio_and_cost(given: list[Transaction]) -> None:
    for own in ([], [OWN]):
        book = positions_of([EARNED, *own, *given], MERGED, TODAY)
        mine = D(500) if own else D(0)
        assert {t: (p.quantity, p.cost) for t, p in book.held.items()} == {
            "BIGG3": (D("852.1") + mine, 20_000 + mine * 24)
        }
        assert not book.refused


def test_papers_traded_before_a_merger_and_settled_after_it_are_merged_too() -> None:
    settled_late = fact("2026-03-12", "buy", "OLDD3", "1000", "20.00", origin="movimentacao")  # traded on the 10th
    assert positions_of([settled_late], MERGED, TODAY).held["BIGG3"].quantity == D("852.1")
    after = fact("2026-03-20", "buy", "OLDD3", "1000", "20.00")  # the old code, used for the new paper
    assert positions_of([after], MERGED, TODAY).held["BIGG3"].quantity == D(1000)


def test_what_came_by_a_merger_has_the_events_of_its_paper() -> None:
    grouped = event("BIGG3", ActionKind.REVERSE_SPLIT, date(2026, 6, 2), factor="0.1")
    gone = change("BIGG3", "LAST3", "2", day=date(2026, 8, 3))
    known = Known({"BIGG3": (grouped,), "OLDD3": (grouped,)}, [change("OLDD3", "BIGG3", "0.5"), gone])
    book = positions_of([EARNED, fact("2026-07-01", "buy", "BIGG3", "10", "400")], known, TODAY)
    assert {t: (p.quantity, p.cost) for t, p in book.held.items()} == {"LAST3": (D(120), D(24_000))}
    assert positions_of([EARNED], known, date(2026, 7, 1)).held["BIGG3"].quantity == 50


def test_the_part_of_a_merger_in_cash_lowers_the_cost_once() -> None:
    known = IN_CASH
    paid = fact("2026-03-20", "amortisation", "OLDD3", "1000", "5")
    assert positions_of([EARNED], known, TODAY).held["BIGG3"].cost == 15_000
    booked = positions_of([EARNED, fact("2026-03-20", "amortisation", "BIGG3", "1000", "5")], known, TODAY)
    assert (booked.held["BIGG3"].cost, booked.held["BIGG3"].returned) == (D(15_000), D(5_000))
    assert positions_of([EARNED, paid], known, TODAY).held["BIGG3"].returned == 5_000


def test_the_part_in_cash_counts_from_its_payment_on() -> None:
    later = PARTLY.model_copy(update={"payment_date": date(2027, 3, 1)})
    known = Known({"OLDD3": (later,)}, [change("OLDD3", "BIGG3", "2")])
    assert [positions_of([EARNED], known, day).held["BIGG3"].cost for day in (TODAY, date(2027, 3, 1))] == [
        20_000, 15_000,
    ]  # fmt: skip


RENAMED = change("BIGG3", "LAST3", "2", continues=True, day=date(2026, 8, 3))


@pytest.mark.parametrize(
    "given",
    [
        [],
        [fact("2026-03-25", "bonus", "BIGG3", "500", "0")],
        [fact("2026-03-25", "conversion", "OLDD3", "1000", "0", other="BIGG3", shares="500")],
    ],
)
def test_what_came_trades_under_the_code_that_its_paper_got_later(given: list[Transaction]) -> None:
    merged = Known(changes=[change("OLDD3", "BIGG3", "0.5"), RENAMED])
    book = positions_of([EARNED, *given], merged, TODAY)
    assert {t: (p.quantity, p.cost) for t, p in book.held.items()} == {"LAST3": (D(1000), D(20_000))}
    assert book.refused == []
    spun = Known(
        {"OLDD3": (event("OLDD3", ActionKind.SPIN_OFF, other="BIGG3", ratio="0.5", price_factor="0.8"),)}, [RENAMED]
    )
    held = positions_of([EARNED], spun, TODAY).held
    assert {t: (p.quantity, p.cost) for t, p in held.items()} == {
        "OLDD3": (D(1000), D(16_000)),
        "LAST3": (D(1000), D(4_000)),
    }


@pytest.mark.parametrize("price", ["0", "10"])
def test_a_bonus_soon_after_a_merger_is_no_credit_of_it(price: str) -> None:
    bonus = event("BIGG3", ActionKind.BONUS, date(2026, 4, 7), factor="1.05")
    known = Known({"BIGG3": (bonus,)}, MERGED.lineages)
    book = positions_of([EARNED, fact("2026-04-12", "bonus", "BIGG3", "42", price)], known, TODAY)
    assert (book.held["BIGG3"].quantity, book.held["BIGG3"].cost) == (D("894.1"), 20_000 + 42 * D(price))


@pytest.mark.parametrize("bonus_booked", [True, False])
def test_a_credit_of_a_merger_is_held_once_when_its_paper_gives_a_bonus(*, bonus_booked: bool) -> None:
    bonus = event("BIGG3", ActionKind.BONUS, date(2026, 7, 7), factor="1.1")
    known = Known({"BIGG3": (bonus,)}, MERGED.lineages)
    facts = [EARNED, fact("2026-03-25", "bonus", "BIGG3", "852.1", "0")]
    facts += [fact("2026-07-12", "bonus", "BIGG3", "85", "0")] if bonus_booked else []
    held = positions_of(facts, known, TODAY).held
    assert held["BIGG3"].quantity == (D("937.1") if bonus_booked else D("937.31"))


def test_a_bonus_soon_after_a_spin_off_is_no_credit_of_it() -> None:
    bonus = event("NEWW3", ActionKind.BONUS, date(2026, 4, 7), factor="1.05")
    known = Known({"OLDD3": (EVENT,), "NEWW3": (bonus,)})
    given = fact("2026-04-12", "bonus", "NEWW3", "2", "0")
    for facts in ([BOUGHT, given], [BOUGHT, given, fact("2026-03-25", "bonus", "NEWW3", "50", "0")]):
        held = positions_of(facts, known, TODAY).held
        assert (held["NEWW3"].quantity, held["NEWW3"].cost) == (D(52), D(200))


def test_a_unit_becomes_its_shares_and_they_bear_its_cost() -> None:
    spun = event("UNIT11", ActionKind.SPIN_OFF, other="UNIT3", ratio="1", price_factor="0.75")
    known = Known({"UNIT11": (spun,)}, [change("UNIT11", "UNIT4", "2")])
    facts = [fact("2026-01-05", "buy", "UNIT11", "100", "40"), fact("2026-01-05", "buy", "UNIT4", "50", "10")]
    book = positions_of(facts, known, TODAY)
    assert {t: (p.quantity, p.cost) for t, p in book.held.items()} == {
        "UNIT3": (D(100), D(1_000)),
        "UNIT4": (D(250), D(3_500)),
    }


def test_a_paper_that_its_company_bought_back_is_sold_at_what_was_paid() -> None:
    redeemed = event("OLDD3", ActionKind.REDEMPTION, amount="25", payment_date="2026-03-20")
    known = Known({"OLDD3": (redeemed,)})
    book = positions_of([EARNED], known, TODAY)
    assert (book.held, book.positions["OLDD3"].realized_gain) == ({}, D(5_000))
    booked = fact("2026-03-24", "sell", "OLDD3", "1000", "25", note="Resgate")
    again = positions_of([EARNED, booked], known, TODAY)
    assert (again.held, again.positions["OLDD3"].realized_gain, again.refused) == ({}, D(5_000), [])
    assert positions_of([EARNED], known, date(2026, 3, 19)).held["OLDD3"].quantity == 1000


def test_a_booked_redemption_is_named_as_one_and_a_sale_before_it_is_not() -> None:
    known = Known({"OLDD3": (event("OLDD3", ActionKind.REDEMPTION, amount="25", payment_date="2026-03-20"),)})
    before, other, paid = (
        fact("2026-03-09", "sell", "OLDD3", "100", "25"),
        fact("2026-03-24", "sell", "OLDD3", "100", "20"),
        fact("2026-03-24", "sell", "OLDD3", "800", "25", note="Venda"),
    )
    done = settled([EARNED, before, other, paid], known, TODAY)
    notes = {(t.date, t.price): t.note for t in done.transactions if t.operation is Operation.SELL}
    assert notes == {
        (before.date, D(25)): "", (other.date, D(20)): "", (paid.date, D(25)): "redemption: Venda",
    }  # fmt: skip


@pytest.mark.parametrize(
    "booked",
    [
        fact("2026-03-13", "split", "NEWW3", "2", "0"),
        fact("2026-03-13", "split", "OLDD3", "2", "0"),
        fact("2026-03-20", "bonus", "NEWW3", "1000", "0"),
        fact("2026-03-20", "buy", "NEWW3", "1000", "0"),
    ],
)
def test_a_new_code_with_another_number_of_shares_counts_once_however_it_was_booked(booked: Transaction) -> None:
    renamed = Known({}, [change("OLDD3", "NEWW3", "2", continues=True)])
    assert settled([EARNED, booked], renamed, TODAY).implied == []
    for facts in ([EARNED], [EARNED, booked]):
        held = positions_of(facts, renamed, TODAY).held["NEWW3"]
        assert (held.quantity, held.cost) == (D(2000), EARNED.amount)


def test_a_redemption_of_a_source_is_of_the_whole_paper_once_that_is_silent() -> None:
    days = np.array(["2026-03-09", "2026-03-10"], "datetime64[D]")
    price, many = np.full(2, 20.0), np.full(2, 100.0)
    bars = Bars("OLDD3", days, price, price, price, price, many, many, np.ones(2))
    for source, sold in (("b3", False), ("owner", True)):
        gone = event("OLDD3", ActionKind.REDEMPTION, amount="25").model_copy(update={"source": source})
        known = Known({"OLDD3": (gone,)}, (), {"OLDD3": bars})
        assert (positions_of([EARNED], known, date(2026, 3, 12)).held == {}) is sold  # it may trade tomorrow
        assert positions_of([EARNED], known, TODAY).held == {}


def test_a_receipt_that_stands_for_less_comes_in_greater_number() -> None:
    known = Known({"AAPL34": (event("AAPL34", ActionKind.RATIO_CHANGE, factor="5"),)})
    assert positions_of([fact("2026-01-05", "buy", "AAPL34", "10", "100")], known, TODAY).held["AAPL34"].quantity == 50


@pytest.mark.parametrize(
    "known",
    [
        MERGED,
        IN_CASH,
        Known({"OLDD3": (EVENT,)}, [change("OLDD3", "BIGG3", "2")]),
        Known({"OLDD3": (event("OLDD3", ActionKind.REDEMPTION, amount="25"),)}),
    ],
)  # fmt: skip
def test_confirmed_proposals_change_nothing_and_are_proposed_no_more(known: Known) -> None:
    now, facts = datetime(2026, 11, 27, 22, tzinfo=UTC), [EARNED]
    made = Portfolio(id="p", name="P", created_at=datetime(2026, 1, 1, tzinfo=UTC), transactions=tuple(facts))
    before = measure(PortfolioInput(made, now, actions=known.actions, changes=known.changes))
    assert before.proposals
    facts += [proposal.transaction for proposal in before.proposals]
    after = measure(
        PortfolioInput(
            made.model_copy(update={"transactions": tuple(facts)}), now, actions=known.actions, changes=known.changes
        )
    )
    assert after.proposals == []
    assert [(p.ticker, p.quantity, p.cost) for p in after.positions] == [
        (p.ticker, p.quantity, p.cost) for p in before.positions
    ]
    assert (after.realized_gain, after.total_return) == (before.realized_gain, before.total_return)


def test_a_paper_that_trades_no_more_is_said_to_with_the_day_of_its_last_price() -> None:
    day = np.array(["2026-03-10"], "datetime64[D]")
    price, many = np.array([20.0]), np.array([100.0])
    bars = Bars("OLDD3", day, price, price, price, price, many, many, np.ones(1))
    made = Portfolio(id="p", name="P", created_at=datetime(2026, 1, 1, tzinfo=UTC), transactions=(EARNED,))
    for active, message in (
        (False, "it trades no more, its last price is of 2026-03-10"),
        (True, "more than ten sessions old"),
    ):
        asset = Asset(ticker="OLDD3", kind=AssetKind.STOCK, active=active)
        now = datetime(2026, 11, 27, 22, tzinfo=UTC)
        found = measure(PortfolioInput(made, now, bars={"OLDD3": bars}, assets={"OLDD3": asset})).warnings
        assert [w for w in found if w.startswith("OLDD3: ") and message in w], found
