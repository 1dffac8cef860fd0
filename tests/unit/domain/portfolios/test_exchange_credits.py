"""Rows that tell of exchanges in part or of several at once, openings with a cost, redemptions after tax, short sales.

Every expected figure is worked out by hand beside its test.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.domain.market import ActionKind, Asset, AssetKind, CorporateAction, TickerChange
from invest.domain.portfolios import SHORT, Book, Known, Portfolio, PortfolioInput, Transaction, measure, positions_of
from invest.domain.portfolios.exchanges.credits import Credit, Due, allot
from invest.domain.taxes import State, TaxInput, tax_year

D = Decimal
TODAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 22, tzinfo=UTC)
LAST, FIRST = date(2026, 3, 10), date(2026, 3, 11)


def fact(day: str, operation: str, ticker: str, quantity: str, price: str, **more: object) -> Transaction:
    given = {"date": day, "operation": operation, "ticker": ticker, "quantity": quantity, "price": price}
    return Transaction.model_validate(given | more)


def event(ticker: str, kind: ActionKind, day: object = LAST, **terms: object) -> CorporateAction:
    return CorporateAction.model_validate(
        {"ticker": ticker, "kind": kind, "last_date_with": day, "source": "owner", "payload": "x", **terms}
    )


def change(old: str, new: str, ratio: str) -> TickerChange:
    return TickerChange(old=old, new=new, changed_on=FIRST, ratio=D(ratio), source="owner", continues=False)


def spin(ticker: str = "OLDD3", **terms: object) -> CorporateAction:
    return event(ticker, ActionKind.SPIN_OFF, **{"other": "NEWW3", "ratio": "0.5", "price_factor": "0.8", **terms})


def held(book: Book) -> dict[str, tuple[Decimal, Decimal]]:
    assert not book.refused
    return {t: (p.quantity, p.cost.quantize(D("0.0001")).normalize()) for t, p in book.held.items()}


def portfolio(*facts: Transaction) -> Portfolio:
    return Portfolio(id="p", name="P", created_at=NOW, transactions=facts)


BOUGHT = fact("2026-01-05", "buy", "OLDD3", "100", "10.00")
KNOWN = Known({"OLDD3": (spin(),)})
WHOLE = {"OLDD3": (D(100), D(800)), "NEWW3": (D(50), D(200))}  # a half a share each, a fifth of the cost


@pytest.mark.parametrize(
    "told",
    [
        [fact("2026-03-25", "bonus", "NEWW3", "30", "0", broker="A")],
        [fact("2026-03-25", "buy", "NEWW3", "30", "0"), fact("2026-03-26", "buy", "NEWW3", "20", "0", broker="B")],
        [fact("2026-03-25", "spin_off", "OLDD3", "30", "0.2", other="NEWW3", broker="A")],
        [
            fact("2026-03-25", "spin_off", "OLDD3", "30", "0.2", other="NEWW3", broker="A"),
            fact("2026-03-25", "spin_off", "OLDD3", "20", "0.2", other="NEWW3", broker="B"),
        ],
        [
            fact("2026-03-25", "spin_off", "OLDD3", "30", "0.12", other="NEWW3", broker="A"),
            fact("2026-03-25", "spin_off", "OLDD3", "20", "0.08", other="NEWW3", broker="B"),
        ],
    ],
)
def test_a_spin_off_counts_whole_when_one_of_two_brokers_credited_it(told: list[Transaction]) -> None:
    assert held(positions_of([BOUGHT, *told], KNOWN, TODAY)) == WHOLE


def test_the_part_that_no_broker_credited_is_named_and_confirming_it_changes_nothing() -> None:
    told = fact("2026-03-25", "bonus", "NEWW3", "30", "0", broker="A")
    before = measure(PortfolioInput(portfolio(BOUGHT, told), NOW, actions=KNOWN.actions))
    assert (
        "OLDD3: spin-off of 20 NEWW3, with 8.00% of the cost on 2026-03-11 is not booked; it is counted as one"
        in before.warnings
    )
    (proposal,) = before.proposals
    after = measure(PortfolioInput(portfolio(BOUGHT, told, proposal.transaction), NOW, actions=KNOWN.actions))
    assert after.proposals == []
    assert [(p.ticker, p.quantity, p.cost) for p in after.positions] == [
        (p.ticker, p.quantity, p.cost) for p in before.positions
    ]


def test_an_owners_part_is_shared_by_the_papers_of_each_broker() -> None:
    rows = [
        fact("2026-03-25", "spin_off", "OLDD3", "30", "0.3", other="NEWW3", broker="A"),
        fact("2026-03-25", "spin_off", "OLDD3", "20", "0.3", other="NEWW3", broker="B"),
    ]
    assert held(positions_of([BOUGHT, *rows], KNOWN, TODAY)) == {"OLDD3": (D(100), D(700)), "NEWW3": (D(50), D(300))}


TWO = Known({"OLDD3": (spin(),), "OLDD4": (spin("OLDD4", ratio="1", price_factor="0.9"),)})
TWICE = [BOUGHT, fact("2026-01-05", "buy", "OLDD4", "40", "50.00")]  # 50 and 40 new papers; 200 and 200 of the cost


@pytest.mark.parametrize(
    "told",
    [
        [],
        [fact("2026-03-25", "bonus", "NEWW3", "90", "0")],
        [fact("2026-03-25", "spin_off", "OLDD3", "90", "0.2", other="NEWW3")],  # as an import books B3's one row
        [fact("2026-03-25", "bonus", "NEWW3", "40", "0"), fact("2026-03-25", "bonus", "NEWW3", "50", "0")],
        [fact("2026-03-25", "bonus", "NEWW3", "60", "0"), fact("2026-03-25", "bonus", "NEWW3", "30", "0", broker="B")],
        [fact("2026-03-25", "bonus", "NEWW3", "40", "0")],
    ],
)
def test_two_papers_that_gave_the_same_one_on_one_day_give_it_once_each(told: list[Transaction]) -> None:
    assert held(positions_of([*TWICE, *told], TWO, TODAY)) == {
        "OLDD3": (D(100), D(800)),
        "OLDD4": (D(40), D(1_800)),
        "NEWW3": (D(90), D(400)),
    }


@pytest.mark.parametrize(
    ("dues", "rows"), [(("1000", "90"), ("981", "109")), (("100", "40"), ("98", "42")), (("50", "40"), ("40", "50"))]
)
def test_rows_that_are_all_exchanges_together_are_all_of_them(dues: tuple[str, str], rows: tuple[str, str]) -> None:
    exchanges = [Due(D(whole), greedy=True) for whole in dues]
    allot([Credit(at, D(row)) for at, row in enumerate(rows)], exchanges)
    assert [sum(papers for _, papers in due.rows) for due in exchanges] == [D(whole) for whole in dues]
    assert not any(due.missing for due in exchanges)


def test_two_spin_offs_of_one_paper_and_day_into_the_same_one_are_put_together() -> None:
    known = Known({"OLDD3": (spin(), spin(ratio="0.1", price_factor="0.5"))})
    for told in ([], [fact("2026-03-25", "bonus", "NEWW3", "60", "0")]):
        # .2 of the cost, and half of the .8 that it left
        assert held(positions_of([BOUGHT, *told], known, TODAY)) == {
            "OLDD3": (D(100), D(400)),
            "NEWW3": (D(60), D(600)),
        }


MERGED = Known(changes=[change("OLDA3", "BIGG3", "0.5"), change("OLDB3", "BIGG3", "2")])
BOTH = [fact("2026-01-05", "buy", "OLDA3", "100", "10"), fact("2026-01-05", "buy", "OLDB3", "30", "20")]


@pytest.mark.parametrize(
    "told",
    [
        [],
        [fact("2026-03-25", "bonus", "BIGG3", "110", "0")],
        [fact("2026-03-25", "buy", "BIGG3", "60", "0"), fact("2026-03-25", "buy", "BIGG3", "50", "0")],
        [fact("2026-03-25", "bonus", "BIGG3", "70", "0"), fact("2026-03-26", "bonus", "BIGG3", "40", "0", broker="B")],
        [fact("2026-03-25", "conversion", "OLDA3", "100", "0", other="BIGG3", shares="50")],
    ],
)
def test_one_credit_of_two_mergers_of_a_day_is_both(told: list[Transaction]) -> None:
    assert held(positions_of([*BOTH, *told], MERGED, TODAY)) == {"BIGG3": (D(110), D(1_600))}
    metrics = measure(PortfolioInput(portfolio(*BOTH, *told), NOW, changes=MERGED.lineages))
    assert len(metrics.proposals) == (2 if not told else 1 if told[0].operation == "conversion" else 0)


def test_an_opening_position_of_the_new_paper_tells_its_part_of_the_cost() -> None:
    opened = fact("2026-03-25", "opening", "NEWW3", "50", "3.00")
    assert held(positions_of([BOUGHT, opened], KNOWN, TODAY)) == {"OLDD3": (D(100), D(850)), "NEWW3": (D(50), D(150))}
    little = [fact("2026-01-05", "buy", "OLDD3", "2", "10.00"), fact("2026-03-25", "opening", "NEWW3", "1", "3.00")]
    assert held(positions_of(little, KNOWN, TODAY)) == {"OLDD3": (D(2), D(17)), "NEWW3": (D(1), D(3))}
    rounded = fact("2026-03-25", "opening", "NEWW3", "51", "3.00")  # one more than the ratio gives is kept
    assert held(positions_of([BOUGHT, rounded], KNOWN, TODAY)) == {"OLDD3": (D(100), D(847)), "NEWW3": (D(51), D(153))}
    of_both = fact("2026-03-25", "opening", "NEWW3", "90", "3.00")  # 50 by OLDD3, 40 by OLDD4
    assert held(positions_of([*TWICE, of_both], TWO, TODAY)) == {
        "OLDD3": (D(100), D(850)), "OLDD4": (D(40), D(1_880)), "NEWW3": (D(90), D(270)),
    }  # fmt: skip
    more = fact("2026-03-25", "opening", "NEWW3", "80", "3.00")  # 30 of them were held before
    assert held(positions_of([BOUGHT, more], KNOWN, TODAY)) == {"OLDD3": (D(100), D(850)), "NEWW3": (D(80), D(240))}


def test_an_opening_position_dearer_than_what_it_came_from_counts_with_the_known_part_and_says_so() -> None:
    opened = fact("2026-03-25", "opening", "NEWW3", "50", "30.00")
    assert held(positions_of([BOUGHT, opened], KNOWN, TODAY)) == WHOLE
    told = measure(PortfolioInput(portfolio(BOUGHT, opened), NOW, actions=KNOWN.actions)).warnings
    assert [w for w in told if w.startswith("NEWW3: its opening position of 2026-03-25 costs more") and "20.00%" in w]


GONE = Known({"OLDD3": (event("OLDD3", ActionKind.REDEMPTION, amount="25", payment_date="2026-03-20"),)})
EARNED = fact("2026-01-05", "buy", "OLDD3", "1000", "5.00")


@pytest.mark.parametrize(("net", "tax"), [("22.00", "3000"), ("20.50", "4500")])
def test_a_redemption_booked_after_tax_is_a_redemption_at_its_price_with_the_tax_withheld(net: str, tax: str) -> None:
    sold = fact("2026-03-24", "sell", "OLDD3", "1000", net, broker="A")  # 15 or 22.5 % of a gain of 20 a share
    metrics = measure(PortfolioInput(portfolio(EARNED, sold), NOW, actions=GONE.actions))
    assert (metrics.realized_gain, metrics.taxes_withheld, metrics.proposals) == (D(20_000), D(tax), [])
    assert [w for w in metrics.warnings if "is booked after tax; it counts at R$ 25.00 a share" in w]
    year = tax_year(TaxInput([EARNED, sold], TODAY, GONE, {"OLDD3": Asset(ticker="OLDD3", kind=AssetKind.STOCK)}), 2026)
    (line,) = year.months[2].lines
    assert (line.exempt_asset, line.result) == (False, D(20_000))


def test_what_a_company_withheld_of_a_redemption_is_no_credit_of_the_brokers_other_sales() -> None:
    fund = [fact("2026-01-05", "buy", "FUND11", "100", "90.00"), fact("2026-03-12", "sell", "FUND11", "100", "100.00")]
    sold = fact("2026-03-24", "sell", "OLDD3", "1000", "22.00", broker="A")
    kinds = {"OLDD3": AssetKind.STOCK, "FUND11": AssetKind.FII}
    assets = {ticker: Asset(ticker=ticker, kind=kind) for ticker, kind in kinds.items()}
    fund = [t.model_copy(update={"broker": "A"}) for t in fund]
    (month,) = tax_year(TaxInput([EARNED, *fund, sold], TODAY, GONE, assets), 2026).months[2:3]
    assert {str(name): one.withheld for name, one in month.buckets.items() if one.withheld} == {"common": D(3_000)}


def test_a_sale_far_from_the_redemptions_price_stays_a_sale() -> None:
    sold = fact("2026-03-24", "sell", "OLDD3", "1000", "12.00")
    metrics = measure(PortfolioInput(portfolio(EARNED, sold), NOW, actions=GONE.actions))
    assert (metrics.realized_gain, metrics.taxes_withheld) == (D(7_000), D(0))


SHORTED = fact("2026-01-05", "sell", "OLDD3", "1000", "20.00", note=SHORT, fees="10.00")


def covered(known: Known, *purchases: Transaction) -> dict[str, Decimal]:
    book = positions_of([SHORTED, *purchases], known, TODAY)
    assert not book.refused and not book.shorts and not book.held
    return {t: p.realized_gain for t, p in book.positions.items() if p.realized_gain}


def test_borrowed_papers_that_were_merged_are_bought_back_as_what_they_became() -> None:
    known = Known(changes=[change("OLDD3", "BIGG3", "0.8521")])
    bought = fact("2026-04-01", "buy", "BIGG3", "852.1", "20.00")
    assert covered(known, bought) == {"BIGG3": 20_000 - 10 - D("17042.00")}
    metrics = measure(PortfolioInput(portfolio(SHORTED), NOW, changes=known.lineages))
    assert "BIGG3: 852.1 sold short and not bought back yet; it counts once it is" in metrics.warnings
    assert "OLDD3: the short sale goes through the merger of 2026-03-11, 1000 into 852.1 BIGG3" in metrics.warnings
    assert (metrics.proposals, metrics.positions) == ([], [])
    told = tax_year(TaxInput([SHORTED, bought], TODAY, known), 2026)
    assert told.months[3].state is State.INCOMPLETE and not told.months[3].tax
    assert "result of 2948.00, which is in no tax" in told.flags[0].message


def test_the_part_of_a_merger_in_cash_is_paid_out_of_the_proceeds() -> None:
    cash = event("OLDD3", ActionKind.MERGER, other="BIGG3", ratio="2", amount="5")
    known = Known({"OLDD3": (cash,)}, [change("OLDD3", "BIGG3", "2")])
    assert covered(known, fact("2026-04-01", "buy", "BIGG3", "2000", "7.00")) == {
        "BIGG3": D(20_000 - 10 - 5_000 - 14_000)
    }


@pytest.mark.parametrize(
    ("kind", "factor", "owed"),
    [(ActionKind.SPLIT, "2", "2000"), (ActionKind.REVERSE_SPLIT, "0.1", "100"), (ActionKind.BONUS, "1.1", "1100")],
)
def test_borrowed_papers_are_split_as_held_ones_are(kind: ActionKind, factor: str, owed: str) -> None:
    known = Known({"OLDD3": (event("OLDD3", kind, factor=factor),)})
    price = D(15_000) / D(owed)
    bought = fact("2026-04-01", "buy", "OLDD3", owed, f"{price:.8f}")
    assert {t: g.quantize(D("0.01")) for t, g in covered(known, bought).items()} == {"OLDD3": D(4_990)}


def test_borrowed_papers_owe_what_was_spun_off_too() -> None:
    bought = [fact("2026-04-01", "buy", "OLDD3", "1000", "14.00"), fact("2026-04-01", "buy", "NEWW3", "500", "10.00")]
    # .8 and .2 of 20,000 - 10
    assert covered(KNOWN, *bought) == {"OLDD3": D(15_992 - 14_000), "NEWW3": D(3_998 - 5_000)}


def test_borrowed_papers_that_are_redeemed_are_bought_at_what_was_paid() -> None:
    told = measure(PortfolioInput(portfolio(SHORTED), NOW, actions=GONE.actions)).warnings
    assert "OLDD3: redemption of 1000 at R$ 25.00 on 2026-03-20 is not booked; it is counted as one" in told
    assert covered(GONE) == {"OLDD3": D(20_000 - 10 - 25_000)}


def test_what_borrowed_papers_became_is_split_later_too() -> None:
    later = event("BIGG3", ActionKind.SPLIT, date(2026, 6, 2), factor="3")
    known = Known({"BIGG3": (later,)}, [change("OLDD3", "BIGG3", "0.5")])
    assert covered(known, fact("2026-07-01", "buy", "BIGG3", "1500", "10.00")) == {"BIGG3": D(20_000 - 10 - 15_000)}


def test_a_paper_split_and_merged_on_one_day_goes_over_whole() -> None:
    twice = event("OLDD3", ActionKind.SPLIT, factor="2")
    known = Known({"OLDD3": (twice,)}, [change("OLDD3", "BIGG3", "0.5")])
    assert held(positions_of([BOUGHT], known, TODAY)) == {"BIGG3": (D(100), D(1_000))}


@pytest.mark.parametrize(
    ("event_known", "row", "part", "basis"),
    [
        (spin(), None, "20.00%", "an estimate by prices"),
        (
            spin(cost_share="0.125", cost_source="fact 7"),
            None,
            "12.50%",
            "as published: fact 7",
        ),
        (
            spin(cost_share="0.125", cost_source="fact 7"),
            "0.2",
            "12.50%",
            "as published: fact 7",
        ),
        (spin(cost_share="0.125"), "0.3", "30.00%", "as booked"),  # the owner's own word; .2 was the import's estimate
        (spin(cost_share="0.125"), None, "12.50%", "as published: by the company"),
    ],
)
def test_the_part_of_the_cost_is_told_with_who_says_it(
    event_known: CorporateAction, row: str | None, part: str, basis: str
) -> None:
    told = [] if row is None else [fact("2026-03-25", "spin_off", "OLDD3", "50", row, other="NEWW3", note="Cisão")]
    known = Known({"OLDD3": (event_known,)})
    metrics = measure(PortfolioInput(portfolio(BOUGHT, *told), NOW, actions=known.actions))
    assert f"NEWW3: {part} of the cost of OLDD3 went with the spin-off of 2026-03-11, {basis}" in metrics.warnings
    cost = D(1_000) * D(part.removesuffix("%")) / 100
    assert held(positions_of([BOUGHT, *told], known, TODAY))["NEWW3"][1] == cost
    (flagged,) = tax_year(TaxInput([BOUGHT, *told], TODAY, known), 2026).flags
    assert part in flagged.message and ("as published" in flagged.message) is ("as published" in basis)
    if row is None:
        (proposal,) = metrics.proposals
        assert proposal.transaction.note == f"spin-off, as announced; {basis}"
        after = measure(PortfolioInput(portfolio(BOUGHT, proposal.transaction), NOW, actions=known.actions))
        assert [p.cost for p in after.positions] == [p.cost for p in metrics.positions]


def test_a_confirmed_part_names_its_basis_once_and_no_basis_that_was_taken_back() -> None:
    published = Known({"OLDD3": (spin(cost_share="0.125", cost_source="fact 7"),)})
    (proposal,) = measure(PortfolioInput(portfolio(BOUGHT), NOW, actions=published.actions)).proposals
    (flagged,) = tax_year(TaxInput([BOUGHT, proposal.transaction], TODAY, published), 2026).flags
    assert flagged.message.endswith("as published: fact 7") and flagged.message.count("fact 7") == 1
    (flagged,) = tax_year(TaxInput([BOUGHT, proposal.transaction], TODAY, KNOWN), 2026).flags
    assert "fact 7" not in flagged.message


def test_brokers_own_parts_of_an_owners_part_are_summed() -> None:
    rows = [
        fact("2026-03-25", "spin_off", "OLDD3", "30", "0.18", other="NEWW3", broker="A"),
        fact("2026-03-25", "spin_off", "OLDD3", "20", "0.12", other="NEWW3", broker="B"),
    ]
    assert held(positions_of([BOUGHT, *rows], KNOWN, TODAY)) == {"OLDD3": (D(100), D(700)), "NEWW3": (D(50), D(300))}


SEVERAL = (spin(), spin(other="MORE3", ratio="1", price_factor="0.5"))


def test_the_estimate_that_an_import_wrote_of_one_of_several_papers_is_no_owners_word() -> None:
    known = Known({"OLDD3": SEVERAL})
    imported = fact("2026-03-25", "spin_off", "OLDD3", "100", "0.5", other="MORE3")  # 1 - price factor
    assert held(positions_of([BOUGHT, imported], known, TODAY)) == held(positions_of([BOUGHT], known, TODAY))


def test_a_tax_flag_tells_the_part_of_the_whole_cost_once_for_each_paper() -> None:
    year = tax_year(TaxInput([BOUGHT], TODAY, Known({"OLDD3": SEVERAL})), 2026)
    assert [f.message[:32] for f in year.flags] == [
        "NEWW3: 20.00% of the cost of OLD", "MORE3: 40.00% of the cost of OLD",
    ]  # fmt: skip
    rows = [fact("2026-03-25", "bonus", "NEWW3", n, "0", broker=b) for n, b in (("30", "A"), ("20", "B"))]
    (flagged,) = tax_year(TaxInput([BOUGHT, *rows], TODAY, KNOWN), 2026).flags
    assert flagged.message.startswith("NEWW3: 20.00% of the cost")
    borrowed = tax_year(TaxInput([SHORTED], TODAY, KNOWN), 2026).flags
    assert not [f for f in borrowed if "of the cost" in f.message]


def test_a_bonus_in_another_class_priced_by_two_brokers_comes_once() -> None:
    known = Known({"OLDD3": (spin(other="OLDD4", ratio="0.1", price_factor="0.9"),)})
    rows = [fact("2026-03-25", "bonus", "OLDD4", n, "7", broker=b) for n, b in (("6", "A"), ("4", "B"))]
    assert held(positions_of([BOUGHT, *rows], known, TODAY)) == {"OLDD3": (D(100), D(1_000)), "OLDD4": (D(10), D(70))}


def test_an_offer_of_papers_that_was_chosen_at_two_brokers_is_read_of_both() -> None:
    cash = event("OLDD3", ActionKind.MERGER, other="BIGG3", ratio="0.3", amount="5")
    known = Known({"OLDD3": (cash,)}, [change("OLDD3", "BIGG3", "0.3")])
    rows = [
        fact("2026-03-25", "conversion", "OLDD3", "70", "0", other="BIGG3", shares="31.5", broker="A"),
        fact("2026-03-25", "conversion", "OLDD3", "30", "0", other="BIGG3", shares="13.5", broker="B"),
    ]
    assert held(positions_of([BOUGHT, *rows], known, TODAY)) == {"BIGG3": (D(45), D(1_000))}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("amortisation", "BIGG3", "50", "10", "A")],
        [("amortisation", "OLDD3", "60", "5", "A"), ("amortisation", "OLDD3", "40", "5", "B")],
        [("amortisation", "BIGG3", "30", "10", "A")],  # the other broker's part is added
    ],
)
def test_the_part_of_a_merger_in_cash_counts_once_whoever_booked_it(rows: list[tuple[str, ...]]) -> None:
    cash = event("OLDD3", ActionKind.MERGER, other="BIGG3", ratio="0.5", amount="5", payment_date="2026-03-30")
    known = Known({"OLDD3": (cash,)}, [change("OLDD3", "BIGG3", "0.5")])
    paid = [fact("2026-03-30", *row[:4], broker=row[4]) for row in rows]
    assert held(positions_of([BOUGHT, *paid], known, TODAY)) == {"BIGG3": (D(50), D(500))}


def test_published_parts_of_several_papers_are_of_the_whole_cost() -> None:
    known = Known(
        {"OLDD3": (spin(cost_share="0.3"), spin(other="MORE3", ratio="1", price_factor="0.5", cost_share="0.25"))}
    )
    assert held(positions_of([BOUGHT], known, TODAY)) == {
        "OLDD3": (D(100), D(450)), "NEWW3": (D(50), D(300)), "MORE3": (D(100), D(250)),
    }  # fmt: skip
