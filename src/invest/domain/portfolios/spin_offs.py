"""Spin-offs as the store knows them: which papers came, and which part of the cost goes with them.

The part is what the price lost (1 - `price_factor` of the event); what its owner booked with a part of their own stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from invest.domain.market import ActionKind, CorporateAction, InvalidTicker, parse_ticker
from invest.domain.portfolios.known import Known
from invest.domain.portfolios.ledger import SHARE
from invest.domain.portfolios.portfolio import ZERO, Operation, Transaction
from invest.domain.portfolios.receipts import holdings

EARLY = timedelta(days=5)
LATE = timedelta(days=60)  # papers of a spin-off are credited weeks after the ex-day
DAY = timedelta(days=1)


def spun_off(action: CorporateAction) -> str | None:
    """The code of the papers that a spin-off gives, where its terms are known; None else."""
    terms = (action.ratio, action.price_factor)
    if action.kind is not ActionKind.SPIN_OFF or action.other is None or None in terms:
        return None
    if not (action.ratio or ZERO) > 0 or not 0 < (action.price_factor or ZERO) < 1:
        return None
    try:
        return str(parse_ticker(action.other))
    except InvalidTicker:  # an ISIN: which code it is nobody said
        return None


def known_spin_off(actions: Mapping[str, Sequence[CorporateAction]], other: str, day: date) -> CorporateAction | None:
    """The spin-off that gave `other` to those whose account it reached on `day`."""
    for mine in actions.values():
        for action in mine:
            if spun_off(action) == other and -EARLY <= day - action.last_date_with <= LATE:
                return action
    return None


def with_spin_offs(transactions: list[Transaction], indices: list[int], known: Known, until: date) -> list[Transaction]:
    """Give booked spin-offs their ex-day (and the part of the cost, where none was told); returns those not booked.

    `transactions` are changed in place; the new facts are added at their end with the index -1.
    """
    implied = []
    held_codes = {t.ticker for t in transactions}
    for ticker, actions in known.actions.items():
        if ticker not in held_codes:
            continue
        for action in actions:
            other = spun_off(action)
            if other is None or action.last_date_with >= until:
                continue
            steps = holdings(transactions, {ticker}).get(ticker)
            held = steps.on(action.last_date_with) if steps else ZERO
            if held <= 0:
                continue
            made = _as_known(ticker, other, action, held)
            if not _booked(transactions, made, action):
                implied.append(made)
                transactions.append(made)
                indices.append(-1)
    return implied


def _as_known(ticker: str, other: str, action: CorporateAction, held: Decimal) -> Transaction:
    part = (1 - (action.price_factor or ZERO)).quantize(SHARE)
    return Transaction(
        date=action.last_date_with + DAY,
        ticker=ticker,
        operation=Operation.SPIN_OFF,
        quantity=(held * (action.ratio or ZERO)).quantize(SHARE),
        price=part,
        other=other,
        note="spin_off",
        origin=action.source[:20],
    )


def _booked(transactions: list[Transaction], made: Transaction, action: CorporateAction) -> bool:
    """Whether a fact tells this spin-off; what tells it gets its ex-day."""
    for at, t in enumerate(transactions):
        if not -EARLY <= t.date - action.last_date_with <= LATE:
            continue
        if t.operation is Operation.SPIN_OFF and (t.ticker, t.other) == (made.ticker, made.other):
            part = t.price or made.price
            transactions[at] = t.model_copy(update={"date": made.date, "price": part})
            return True
        if t.ticker != made.other:
            continue
        if t.operation in (Operation.BONUS, Operation.BUY, Operation.OPENING) and not t.price:
            changes = {"quantity": t.quantity, "note": t.note, "origin": t.origin, "broker": t.broker, "id": t.id}
            transactions[at] = made.model_copy(update=changes)
            return True
        if t.operation is Operation.OPENING:
            return True
    return False
