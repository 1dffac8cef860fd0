"""Histories as companies of B3 made them, worked out by hand: what is held, at what cost, with what gain."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import pytest

from invest.domain.market import CorporateAction, Lineages, TickerChange
from invest.domain.portfolios import Known, Transaction, positions_of

D = Decimal
TODAY = date(2026, 11, 27)
LAST, FIRST, LATER = date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 20)
AUCTION = "Leilão de Fração"


def fact(day: str, operation: str, ticker: str, quantity: str, price: str, **more: object) -> Transaction:
    given = {"date": day, "operation": operation, "ticker": ticker, "quantity": quantity, "price": price}
    return Transaction.model_validate(given | more)


def event(ticker: str, kind: str, day: object = LAST, **terms: object) -> CorporateAction:
    return CorporateAction.model_validate(
        {"ticker": ticker, "kind": kind, "last_date_with": day, "source": "owner", "payload": "x", **terms}
    )


def change(old: str, new: str, ratio: str = "1", day: date = FIRST, *, continues: bool = False) -> TickerChange:
    return TickerChange(old=old, new=new, changed_on=day, ratio=D(ratio), source="owner", continues=continues)


def known(*events: CorporateAction, changes: tuple[TickerChange, ...] = ()) -> Known:
    by_ticker: dict[str, list[CorporateAction]] = {}
    for one in events:
        by_ticker.setdefault(one.ticker, []).append(one)
    return Known(by_ticker, changes)


def spun(ticker: str = "OLDD3", **terms: object) -> CorporateAction:
    return event(ticker, "spin_off", **{"other": "NEWW3", "ratio": "0.5", "price_factor": "0.8", **terms})


BOUGHT = fact("2026-01-05", "buy", "OLDD3", "100", "10")
MERGED = change("OLDD3", "BIGG3", "0.5")


class History(NamedTuple):
    """What is known, what was booked, and what follows: by paper (quantity, cost), and the gain of each."""

    what: str
    known: Known
    facts: list[Transaction]
    held: dict[str, tuple[str, str]]
    gains: dict[str, str] = {}  # noqa: RUF012 - read alone


HISTORIES = [
    History(
        "a merger for papers and cash, of which the owner chose papers alone",
        known(
            event("OLDD3", "merger", other="BIGG3", ratio="0.3", amount="5"), changes=(change("OLDD3", "BIGG3", "0.3"),)
        ),
        [BOUGHT, fact("2026-03-25", "conversion", "OLDD3", "100", "0", other="BIGG3", shares="45")],
        {"BIGG3": ("45", "1000")},
    ),
    History(
        "preferred papers that became ordinary ones at 1.1",
        known(changes=(change("OLDD4", "OLDD3", "1.1"),)),
        [BOUGHT, fact("2026-01-05", "buy", "OLDD4", "100", "5")],
        {"OLDD3": ("210", "1500")},
    ),
    History(
        "a split and a spin-off on one day: half a new paper for each old one before the split",
        known(event("OLDD3", "split", factor="2"), spun()),
        [
            BOUGHT,
            fact("2026-03-13", "split", "OLDD3", "1", "0", shares="100"),
            fact("2026-03-25", "bonus", "NEWW3", "50", "0"),
        ],
        {"OLDD3": ("200", "800"), "NEWW3": ("50", "200")},
    ),
    History(
        "rights that came for nothing: some sold, the others lapsed",
        known(event("OLDD3", "subscription", other="OLDD1", ratio="0.2", price="9")),
        [
            BOUGHT,
            fact("2026-03-11", "bonus", "OLDD1", "20", "0"),
            fact("2026-03-20", "sell", "OLDD1", "8", "1.5"),
            fact("2026-04-10", "exercise", "OLDD1", "12", "0"),
        ],
        {"OLDD3": ("100", "1000")},
        {"OLDD1": "12"},
    ),
    History(
        "a bonus in another class at its declared value: no cost leaves the old class",
        known(spun(other="OLDD4", ratio="0.1", price_factor="0.9")),
        [BOUGHT, fact("2026-03-25", "bonus", "OLDD4", "10", "7")],
        {"OLDD3": ("100", "1000"), "OLDD4": ("10", "70")},
    ),
    History(
        "a code renamed twice, with a ratio, bought under each",
        known(
            changes=(
                change("AAAA3", "BBBB3", day=date(2026, 2, 2), continues=True),
                change("BBBB3", "CCCC3", "2", date(2026, 6, 1), continues=True),
            )
        ),
        [
            fact("2026-01-05", "buy", "AAAA3", "100", "10"),
            fact("2026-03-02", "buy", "BBBB3", "50", "12"),
            fact("2026-07-01", "buy", "CCCC3", "10", "7"),
            fact("2026-08-03", "sell", "CCCC3", "155", "8"),
        ],
        {"CCCC3": ("155", "835")},  # 310 for 1,670, half of them sold
        {"CCCC3": "405"},
    ),
    History(
        "a reverse split of which the fraction was sold at auction",
        known(event("OLDD3", "reverse_split", factor="0.1")),
        [
            fact("2026-01-05", "buy", "OLDD3", "105", "10"),
            fact("2026-04-20", "sell", "OLDD3", "0.5", "98", note=AUCTION),
        ],
        {"OLDD3": ("10", "1000")},
        {"OLDD3": "-1"},
    ),
    History(
        "papers grouped by 100 and split by 100 on one day: the fraction of a group was sold",
        known(event("OLDD3", "reverse_split", factor="0.01"), event("OLDD3", "split", factor="100")),
        [
            fact("2026-01-05", "buy", "OLDD3", "150", "10"),
            fact("2026-04-20", "sell", "OLDD3", "0.5", "950", note=AUCTION),
        ],
        {"OLDD3": ("100", "1000")},
        {"OLDD3": "-25"},
    ),
    History(
        "the same, each step booked as the papers that went and came",
        known(event("OLDD3", "reverse_split", factor="0.01"), event("OLDD3", "split", factor="100")),
        [
            fact("2026-01-05", "buy", "OLDD3", "150", "10"),
            fact("2026-03-13", "split", "OLDD3", "1", "0", shares="-148.5"),
            fact("2026-03-13", "split", "OLDD3", "1", "0", shares="99"),
            fact("2026-04-20", "sell", "OLDD3", "0.5", "950", note=AUCTION),
        ],
        {"OLDD3": ("100", "1000")},
        {"OLDD3": "-25"},
    ),
    History(
        "a bonus counted on the papers after the split of its day",
        known(event("OLDD3", "split", factor="2"), event("OLDD3", "bonus", factor="1.1")),
        [
            BOUGHT,
            fact("2026-03-13", "split", "OLDD3", "1", "0", shares="100"),
            fact("2026-03-25", "bonus", "OLDD3", "20", "3"),
        ],
        {"OLDD3": ("220", "1060")},
    ),
    History(
        "a bonus counted on the papers before the split of its day",
        known(event("OLDD3", "split", factor="2"), event("OLDD3", "bonus", factor="1.1")),
        [
            BOUGHT,
            fact("2026-03-13", "bonus", "OLDD3", "10", "3"),
            fact("2026-03-13", "split", "OLDD3", "1", "0", shares="110"),
        ],
        {"OLDD3": ("220", "1030")},
    ),
    History(
        "a fund merged for units and cash beyond its cost",
        known(
            event("FIIA11", "merger", other="FIIB11", ratio="0.9", amount="2"),
            changes=(change("FIIA11", "FIIB11", "0.9"),),
        ),
        [fact("2026-01-05", "buy", "FIIA11", "100", "1.5")],
        {"FIIB11": ("90", "0")},
        {"FIIB11": "50"},
    ),
    History(
        "a tender offer at auction, the rest squeezed out months later",
        known(event("OLDD3", "redemption", date(2026, 6, 10), amount="25", payment_date="2026-06-20")),
        [BOUGHT, fact("2026-03-11", "sell", "OLDD3", "60", "24.5")],
        {},
        {"OLDD3": "1470"},
    ),
    History(
        "a code renamed on the day of a spin-off",
        known(spun("BBBB3"), changes=(change("AAAA3", "BBBB3", continues=True),)),
        [fact("2026-01-05", "buy", "AAAA3", "100", "10")],
        {"BBBB3": ("100", "800"), "NEWW3": ("50", "200")},
    ),
    History(
        "a merged paper whose code another company took",
        Known({}, Lineages((MERGED,), frozenset())),
        [BOUGHT, fact("2026-10-01", "buy", "OLDD3", "10", "7")],
        {"BIGG3": ("50", "1000"), "OLDD3": ("10", "70")},
    ),
    History(
        "spun-off papers credited after they were grouped",
        known(spun(), event("NEWW3", "reverse_split", LATER, factor="0.1")),
        [BOUGHT, fact("2026-03-27", "bonus", "NEWW3", "5", "0")],
        {"OLDD3": ("100", "800"), "NEWW3": ("5", "200")},
    ),
    History(
        "papers of a merger credited after they were split",
        known(event("BIGG3", "split", LATER, factor="4"), changes=(MERGED,)),
        [BOUGHT, fact("2026-03-27", "bonus", "BIGG3", "200", "0")],
        {"BIGG3": ("200", "1000")},
    ),
    History(
        "spun-off papers merged before they were credited, as what they became",
        known(spun(), changes=(change("NEWW3", "BIGG3", "0.5", date(2026, 3, 31)),)),
        [BOUGHT, fact("2026-04-06", "bonus", "BIGG3", "25", "0")],
        {"OLDD3": ("100", "800"), "BIGG3": ("25", "200")},
    ),
    History(
        "two mergers within a month, of which the last alone was credited",
        known(changes=(MERGED, change("BIGG3", "LAST3", "2", date(2026, 4, 13)))),
        [BOUGHT, fact("2026-04-16", "bonus", "LAST3", "100", "0")],
        {"LAST3": ("100", "1000")},
    ),
    History(
        "whole papers of a merger, its fraction sold at auction",
        known(changes=(change("OLDD3", "BIGG3", "0.33333333"),)),
        [
            fact("2026-01-05", "buy", "OLDD3", "101", "10"),
            fact("2026-03-25", "bonus", "BIGG3", "33", "0"),
            fact("2026-05-05", "sell", "BIGG3", "0.66", "12", note=AUCTION),
        ],
        {"BIGG3": ("33", "990.20")},
        {"BIGG3": "-11.88"},
    ),
    History(
        "whole papers of a spin-off, its fraction sold at auction",
        known(spun(ratio="0.33333333")),
        [
            fact("2026-01-05", "buy", "OLDD3", "101", "10"),
            fact("2026-03-25", "bonus", "NEWW3", "33", "0"),
            fact("2026-05-05", "sell", "NEWW3", "0.66", "12", note=AUCTION),
        ],
        {"OLDD3": ("101", "808"), "NEWW3": ("33", "198.04")},
        {"NEWW3": "3.96"},
    ),
]


@pytest.mark.parametrize("history", HISTORIES, ids=lambda h: h.what)
def test_what_is_held_at_what_cost(history: History) -> None:
    for facts in (history.facts, history.facts[::-1]):
        book = positions_of(facts, history.known, TODAY)
        assert not book.refused
        cents = D("0.01")
        assert {t: (p.quantity, p.cost.quantize(cents)) for t, p in book.held.items()} == {
            ticker: (D(quantity), D(cost)) for ticker, (quantity, cost) in history.held.items()
        }
        gains = {t: p.realized_gain.quantize(cents) for t, p in book.positions.items() if p.realized_gain}
        assert gains == {ticker: D(gain) for ticker, gain in history.gains.items()}
