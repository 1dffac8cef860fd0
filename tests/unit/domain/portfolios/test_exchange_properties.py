"""Whatever exchanges one day brings: the cost is conserved, and rows or proposals that tell them change nothing."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.domain.market import ActionKind, CorporateAction, TickerChange
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
NOW = datetime(2026, 11, 27, 22, tzinfo=UTC)
LAST, FIRST = date(2026, 3, 10), date(2026, 3, 11)
SPUN, MERGED = ["NEWW3", "NEWX3"], ["BIGG3", "NEWX3"]


def action(ticker: str, kind: ActionKind, **terms: object) -> CorporateAction:
    given = {"ticker": ticker, "kind": kind, "last_date_with": LAST, "source": "owner", "payload": "x", **terms}
    return CorporateAction.model_validate(given)


def made_up(seed: int) -> tuple[Known, list[Transaction]]:
    """Up to three papers with a spin-off or two, a split and a merger each, on one day."""
    chance = random.Random(seed)
    actions, changes = dict[str, list[CorporateAction]](), list[TickerChange]()
    papers = chance.sample(["OLDA3", "OLDB3", "OLDC3"], chance.randint(1, 3))
    for old in papers:
        mine = actions.setdefault(old, [])
        if chance.random() < 0.6:
            terms = {"other": chance.choice(SPUN), "ratio": chance.choice(["0.5", "1", "0.25"])}
            share = {"cost_share": "0.125"} if chance.random() < 0.4 else {}
            factor = chance.choice(["0.8", "0.9", "0.55"])
            mine.append(action(old, ActionKind.SPIN_OFF, **terms, **share, price_factor=factor))
            if chance.random() < 0.3:
                more = {"other": chance.choice(SPUN), "ratio": "2", "price_factor": "0.7"}
                mine.append(action(old, ActionKind.SPIN_OFF, **more))
        if chance.random() < 0.4:
            ratio = D(chance.choice(["0.5", "2"]))
            changes.append(
                TickerChange(
                    old=old, new=chance.choice(MERGED), changed_on=FIRST, ratio=ratio, source="owner", continues=False
                )
            )
        if chance.random() < 0.2:
            mine.append(action(old, ActionKind.SPLIT, factor="2"))
    bought = [
        Transaction(
            date=date(2026, 1, 5), ticker=old, operation=Operation.BUY,
            quantity=D(chance.choice([100, 40, 1000])), price=D(chance.choice([10, 20])),
        )
        for old in papers
    ]  # fmt: skip
    return Known(actions, changes), bought


def held(facts: list[Transaction], known: Known) -> dict[str, tuple[Decimal, Decimal]]:
    book = positions_of(facts, known, TODAY)
    assert not book.refused
    return {t: (p.quantity, p.cost.quantize(D("0.01"))) for t, p in book.held.items()}


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_cost_is_conserved_and_what_tells_an_exchange_changes_nothing(start: int) -> None:
    for seed in range(start, start + 100):
        known, bought = made_up(seed)
        expected = held(bought, known)
        paid = sum((t.amount for t in bought), D(0))
        assert abs(sum((cost for _, cost in expected.values()), D(0)) - paid) <= D("0.05"), seed
        came: dict[str, Decimal] = {}
        for t in settled(bought, known, TODAY).implied:
            if t.operation in (Operation.SPIN_OFF, Operation.CONVERSION) and t.other is not None:
                quantity = t.quantity if t.operation is Operation.SPIN_OFF else t.shares or D(0)
                came[t.other] = came.get(t.other, D(0)) + quantity
        rows = [
            Transaction(date=date(2026, 3, 25), ticker=other, operation=Operation.BONUS, quantity=n, price=D(0))
            for other, n in came.items()
        ]
        assert held([*bought, *rows], known) == expected, seed
        assert held([*bought, *rows[:1]], known) == expected, seed
        portfolio = Portfolio(id="p", name="P", created_at=NOW, transactions=tuple(bought))
        given = PortfolioInput(portfolio, NOW, actions=known.actions, changes=known.lineages)
        confirmed = [*bought, *(proposal.transaction for proposal in measure(given).proposals)]
        kept = held(confirmed, known)
        assert kept.keys() == expected.keys(), seed
        assert all(kept[t][0] == q and abs(kept[t][1] - cost) <= D("0.05") for t, (q, cost) in expected.items()), seed
        after = PortfolioInput(
            portfolio.model_copy(update={"transactions": tuple(confirmed)}), NOW, actions=known.actions,
            changes=known.lineages,
        )  # fmt: skip
        assert measure(after).proposals == [], seed
