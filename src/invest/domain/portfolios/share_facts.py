"""What share events do to a position: splits, bonuses, subscriptions, conversions, spin-offs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from invest.domain.portfolios.ledger import Fact, Ledger
from invest.domain.portfolios.portfolio import ZERO, Operation, Transaction, tidy

SHARE = Decimal("1e-8")


def _split(book: Ledger, t: Transaction) -> str | None:
    held = book.quantity_of(t.ticker or "")
    if held <= 0:
        return f"splits {t.ticker} on {t.date}, but none is held then"
    after = held + t.shares if t.shares is not None else tidy((held * t.quantity).quantize(SHARE))
    if after <= 0:
        return f"takes {_plain(abs(t.shares or ZERO))} {t.ticker} on {t.date}, but only {_plain(held)} are held then"
    position = book.position_of(t.ticker or "", t.date)
    book.note(position, Fact(t.date, "split", after - held, ZERO, ZERO, ZERO, ZERO, (t,)))
    position.quantity = after
    return None


def _came(book: Ledger, t: Transaction) -> str | None:
    """A bonus or an opening position: shares with a cost, and no money moved."""
    position = book.position_of(t.ticker or "", t.date)
    cost = t.amount + t.fees
    book.note(position, Fact(t.date, str(t.operation), t.quantity, t.amount, t.fees, cost, ZERO, (t,)))
    position.quantity += t.quantity
    position.cost += cost
    if t.operation is Operation.OPENING:
        position.bought += cost
    return None


def _subscribe(book: Ledger, t: Transaction) -> str | None:
    """New shares (or their receipts) for money; what the right had cost goes with them."""
    position = book.position_of(t.ticker or "", t.date)
    right = book.rights.pop(_root(t.ticker), ZERO)
    cost = t.amount + t.fees + right
    book.note(position, Fact(t.date, "subscription", t.quantity, t.amount, t.fees, cost, ZERO, (t,)))
    position.quantity += t.quantity
    position.cost += cost
    position.bought += t.amount + t.fees
    position.fees += t.fees
    return None


def _exercise(book: Ledger, t: Transaction) -> str | None:
    """A right is used up, or lapses: it leaves, and its cost waits for the shares of the same issuer."""
    held = book.quantity_of(t.ticker or "")
    if held <= 0:
        return None  # a right that was never booked cost nothing
    position = book.position_of(t.ticker or "", t.date)
    cost = book.leave(position, min(t.quantity, held))
    book.rights[_root(t.ticker)] = book.rights.get(_root(t.ticker), ZERO) + cost
    return None


def _convert(book: Ledger, t: Transaction) -> str | None:
    held = book.quantity_of(t.ticker or "")
    if t.other is None:
        return "a conversion needs what it gives (`other`)"
    if t.quantity > held:
        return f"turns {_plain(t.quantity)} {t.ticker} into {t.other}, but only {_plain(held)} are held then"
    position = book.position_of(t.ticker or "", t.date)
    cost = book.leave(position, t.quantity)
    target = book.position_of(t.other, t.date)
    came = t.shares if t.shares is not None else t.quantity
    book.note(target, Fact(t.date, "conversion", came, ZERO, ZERO, cost, ZERO, (t,)))
    target.quantity += came
    target.cost += cost
    return None


def _spin_off(book: Ledger, t: Transaction) -> str | None:
    held = book.quantity_of(t.ticker or "")
    if t.other is None or held <= 0:
        return f"a spin-off of {t.ticker} needs what came (`other`), and shares held then"
    if t.price > 1:
        return "the price of a spin-off is the fraction of the cost that goes with it, from 0 to 1"
    position, target = book.position_of(t.ticker or "", t.date), book.position_of(t.other, t.date)
    cost = position.cost * t.price
    book.note(target, Fact(t.date, "spin_off", t.quantity, ZERO, ZERO, cost, ZERO, (t,)))
    position.cost -= cost
    target.quantity += t.quantity
    target.cost += cost
    return None


SHARE_FACTS: dict[Operation, Callable[[Ledger, Transaction], str | None]] = {
    Operation.SPLIT: _split,
    Operation.BONUS: _came,
    Operation.OPENING: _came,
    Operation.SUBSCRIPTION: _subscribe,
    Operation.EXERCISE: _exercise,
    Operation.CONVERSION: _convert,
    Operation.SPIN_OFF: _spin_off,
}


def _root(ticker: str | None) -> str:
    return (ticker or "")[:4]


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"
