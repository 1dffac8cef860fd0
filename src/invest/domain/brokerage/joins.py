"""Rows of one file that tell one fact between them: exchanged shares, receipts, exercised rights and options."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from invest.domain.brokerage.movements import JOINED, RECEIPTS, suffix
from invest.domain.brokerage.rows import Movement, Row
from invest.domain.market import Asset, AssetKind
from invest.domain.portfolios import Operation, Transaction

EXCHANGES = frozenset({"atualizacao", "incorporacao", "fusao", "conversao", "recibo de subscricao"})
MONTHS = timedelta(days=120)  # how long before its receipt a right may have been exercised
SHARES = frozenset({AssetKind.STOCK, AssetKind.UNIT, AssetKind.ETF, AssetKind.OTHER})


def joined(rows: Sequence[Row], assets: Iterable[Asset]) -> tuple[Row, ...]:
    """The rows with those that belong together made one fact, and options given the share that they are of."""
    found = list(rows)
    _receipts(found)
    _exchanges(found)
    _groupings(found)
    for at, row in enumerate(found):
        if row.movement is not None and row.transaction is None and row.same_as is None and row.reason is None:
            found[at] = replace(row, reason=JOINED[row.movement.kind])
    _options(found, assets)
    return tuple(found)


def _receipts(rows: list[Row]) -> None:
    """Credited receipts are the subscription; a price that only the exercised right tells is taken from there."""
    paid = [r.transaction for r in rows if r.transaction and r.transaction.operation is Operation.EXERCISE]
    for at, row in enumerate(rows):
        m = row.movement
        if m is None or m.kind != "recibo de subscricao" or not m.credit or suffix(m.ticker) not in RECEIPTS:
            continue
        price = m.price or next((e.price for e in paid if _pays_for(e, m)), None)
        made = _made(m, Operation.SUBSCRIPTION, price or Decimal(0), note="Recibo de Subscrição")
        if price is None or price <= 0:
            rows[at] = replace(row, transaction=made, question="what was paid for the receipt is not told: book at 0?")
        else:
            rows[at] = replace(row, transaction=made)


def _pays_for(exercise: Transaction, receipt: Movement) -> bool:
    same = (exercise.ticker or "")[:4] == receipt.ticker[:4] and exercise.quantity == receipt.quantity
    return same and exercise.price > 0 and receipt.day - MONTHS <= exercise.date <= receipt.day


def _exchanges(rows: list[Row]) -> None:
    """What went and what came on one day, of one issuer or in one merger: a conversion at the same cost."""
    credited: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.movement is not None and row.movement.kind in EXCHANGES and _is_open(row, credit=True):
            credited[_exchange_key(row.movement)].append(at)
    for at, row in enumerate(rows):
        went = row.movement
        if went is None or went.kind not in EXCHANGES or not _is_open(row, credit=False):
            continue
        answers = credited.get(_exchange_key(went))
        if not answers:
            continue
        came_at = answers.pop(0)
        came = rows[came_at].movement
        assert came is not None
        if went.ticker == came.ticker and went.quantity == came.quantity:
            rows[at] = replace(row, reason=JOINED["atualizacao"])
            rows[came_at] = replace(rows[came_at], reason=JOINED["atualizacao"])
            continue
        made = _made(went, Operation.CONVERSION, Decimal(0), note=f"{went.kind}: {came.quantity:f} {came.ticker}")
        rows[at] = replace(row, transaction=made.model_copy(update={"other": came.ticker, "shares": came.quantity}))
        rows[came_at] = replace(rows[came_at], same_as=row.line)


def _exchange_key(m: Movement) -> tuple[object, ...]:
    """What a debit and its credit have in common: of a registration the issuer and the number, of a merger the day."""
    if m.kind in ("atualizacao", "recibo de subscricao"):
        return (m.day, m.broker, "atualizacao", m.ticker[:4], m.quantity)
    return (m.day, m.broker, m.kind)


def _is_open(row: Row, *, credit: bool) -> bool:
    m = row.movement
    return (
        m is not None and m.credit is credit and row.transaction is None and row.same_as is None and row.reason is None
    )


def _groupings(rows: list[Row]) -> None:
    """A reverse split: what was taken, or the old position taken and the new one given on one day."""
    given: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.movement is not None and row.movement.kind == "grupamento" and _is_open(row, credit=True):
            given[row.movement.ticker, row.movement.day, row.movement.broker].append(at)
    for at, row in enumerate(rows):
        m = row.movement
        if m is None or m.kind != "grupamento" or not _is_open(row, credit=False):
            continue
        answers = given.get((m.ticker, m.day, m.broker))
        came_at = answers.pop(0) if answers else None
        came = rows[came_at].movement if came_at is not None else None
        shares = (came.quantity if came else Decimal(0)) - m.quantity
        if shares >= 0:
            rows[at] = replace(row, reason="a reverse split that grows the position: book it by hand")
            continue
        made = _made(m, Operation.SPLIT, Decimal(0), note=f"{shares:f} shares by a reverse split")
        rows[at] = replace(row, transaction=made.model_copy(update={"quantity": Decimal(1), "shares": shares}))
        if came_at is not None:
            rows[came_at] = replace(rows[came_at], same_as=row.line)


def _made(m: Movement, operation: Operation, price: Decimal, *, note: str) -> Transaction:
    return Transaction(
        date=m.day,
        ticker=m.ticker,
        operation=operation,
        quantity=m.quantity,
        price=price,
        note=note[:500],
        origin="movimentacao",
        broker=m.broker,
    )


def _options(rows: list[Row], assets: Iterable[Asset]) -> None:
    """Exercised options become trades of the share at the strike: the one share of that root that is known."""
    if not any(row.option for row in rows):
        return
    known = {a.ticker for a in assets if a.kind in SHARES}
    listed = {r.transaction.ticker for r in rows if r.transaction and r.transaction.ticker and not r.option}
    for at, row in enumerate(rows):
        if not row.option or row.transaction is None:
            continue
        fits = _of_root(listed, row.option) or _of_root(known, row.option)
        if len(fits) == 1:
            note = f"{row.transaction.note}; the premium is not part of its cost: add it where you paid one"
            rows[at] = replace(row, transaction=row.transaction.model_copy(update={"ticker": fits[0], "note": note}))
        else:
            which = f"may be of {', '.join(fits[:5])}" if fits else "is of no share that is known"
            reason = f"the option {which}: book the exercise by hand, as a trade of the share at the strike"
            rows[at] = replace(row, transaction=None, reason=reason)


def _of_root(tickers: Iterable[str], root: str) -> list[str]:
    return sorted(t for t in tickers if t.startswith(root))
