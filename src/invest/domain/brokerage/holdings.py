"""A posição, alone or in B3's consolidated report: it opens what is booked nowhere, and else checks what is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from invest.domain.brokerage.matching import Pending
from invest.domain.market import SHARE_KINDS
from invest.domain.portfolios import Known, Transaction, positions_of

FEW = Decimal("0.001")


def plan_holdings(existing: Sequence[Transaction], pendings: list[Pending], facts: Known, today: date) -> list[str]:
    """Turn stated positions into openings, agreements, or questions with the likely reason of a difference.

    Returns what to say of the whole: assets that are booked and that it does not name.
    """
    trades = [p.transaction for p in pendings if p.status == "booked" and p.transaction and p.row.holding is None]
    every = [*existing, *trades]  # trades of the same file come first: B3's consolidated report holds both
    book = positions_of(every, facts, today)
    known = {facts.code_of(t.ticker, t.date)[0] for t in every if t.ticker}
    stated: dict[str, list[Pending]] = defaultdict(list)
    for pending in pendings:
        holding = pending.row.holding
        if holding is not None and holding.ticker is not None and pending.status == "booked":
            stated[facts.code_of(holding.ticker, holding.date)[0]].append(pending)
    for ticker, rows in stated.items():
        total = sum((p.row.holding.quantity for p in rows if p.row.holding), Decimal(0))
        held = book.positions[ticker].quantity if ticker in book.positions else Decimal(0)
        if ticker not in known:
            for pending in rows:
                pending.transaction = pending.row.holding
                pending.reason = pending.row.holding.note if pending.row.holding else None
            continue
        for pending in rows:
            if abs(total - held) < FEW:
                pending.skip(f"agrees: {_plain(held)} {ticker} are held")
            else:
                why = _likely(ticker, total, held, facts, every)
                _differ(pending, ticker, (total, held, why), last=pending is rows[-1])
    missing = sorted(t for t in book.held if t not in stated)
    if not stated or not missing:
        return []
    message = ", ".join(f"{_plain(book.positions[t].quantity)} {t}" for t in missing[:20])
    more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
    return [
        f"held here and not in the posição: {message}{more}: a sale or a transfer is not imported, or all was redeemed"
    ]


def _differ(pending: Pending, ticker: str, seen: tuple[Decimal, Decimal, str], *, last: bool) -> None:
    """Ask about a difference (stated, booked, likely reason); where more is stated, yes books an opening position."""
    total, held, why = seen
    message = f"the posição says {_plain(total)} {ticker}, {_plain(held)} are booked ({why})"
    holding = pending.row.holding
    if total > held and last and holding is not None:
        pending.transaction = holding.model_copy(update={"quantity": total - held})
    pending.ask(message)
    if total < held:
        pending.advice = "book the sale that is missing, or delete what was booked twice (invest portfolio delete)"


def _likely(ticker: str, total: Decimal, held: Decimal, facts: Known, existing: Sequence[Transaction]) -> str:
    """The likely reason why quantities differ."""
    if not held:
        return "all of it was sold here, or a purchase after that is not imported"
    for action in facts.actions.get(ticker, ()):
        if action.kind in SHARE_KINDS and action.factor and abs(total / held - action.factor) < FEW:
            name = action.kind.value.replace("_", " ")
            return f"the {name} of {action.last_date_with} is missing or booked at another ratio"
    if total == 2 * held or held == 2 * total:
        return "a split is missing, or a statement was booked twice"
    if total < held:
        return "a sale or a transfer to another broker is not imported, or shares are lent"
    brokers = {t.broker for t in existing if t.ticker == ticker and t.broker}
    where = f" at {min(brokers)} or elsewhere" if brokers else ""
    return f"a purchase, a bonus or a subscription is not imported{where}"


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"
