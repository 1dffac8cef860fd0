"""Importing a statement: read it, see what it would book and why not, and book nothing twice.

`read_statement` turns bytes into rows, `plan_import` holds them against what is booked already. Nothing is written
here: the plan is the dry run, and the store books exactly what the plan says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from invest.domain.brokerage.broker_note import is_broker_note, read_broker_note
from invest.domain.brokerage.layouts import Reading, Row, guarded, layout_of
from invest.domain.brokerage.names import resolver
from invest.domain.brokerage.reading import MAX_ROWS, StatementRefused, Table, decode, headed, small_enough, tables
from invest.domain.brokerage.workbook import is_workbook, read_sheets
from invest.domain.frozen import Frozen
from invest.domain.market import Asset
from invest.domain.portfolios import ORDER, SHARE, Book, Operation, Transaction, in_order, natural_key

SETTLEMENT = timedelta(days=8)  # how long after a trade its settlement may show, holidays included
TRADE_DATED = frozenset({"negociacao", "sinacor", "csv", "api"})
LAYOUTS = "B3 negociação, B3 movimentação, a plain table (date, ticker, operation, quantity, price), or a SINACOR note"


class ImportedRow(Frozen):
    """What becomes of one row of the file."""

    line: int
    status: Literal["booked", "duplicate", "refused"]
    reason: str | None = None
    transaction: Transaction | None = None
    text: str = Field(default="", max_length=200, description="the row as written")


class ImportPlan(Frozen):
    """What an import would do, row by row; `layout`, `encoding` and `delimiter` as recognised."""

    layout: str
    encoding: str
    delimiter: str | None
    rows: tuple[ImportedRow, ...]

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        """What would be booked, in order of the file."""
        return tuple(r.transaction for r in self.rows if r.status == "booked" and r.transaction is not None)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by what becomes of them."""
        found = Counter(str(row.status) for row in self.rows)
        return {status: found[status] for status in ("booked", "duplicate", "refused")}


@dataclass(frozen=True, slots=True)
class Statement:
    """A file as read, before it meets a portfolio."""

    layout: str
    encoding: str
    delimiter: str | None
    rows: tuple[Row, ...]


def read_statement(data: bytes, *, today: date, assets: Iterable[Asset] = ()) -> Statement:
    """The rows of a file in any known layout, encoding and delimiter (or an Excel workbook), told by its contents.

    `assets` resolve the names in broker's notes. Raises `StatementRefused` for a file that is none of the layouts.
    """
    small_enough(data)
    if is_workbook(data):
        return _read_workbook(data, today)
    text, encoding = decode(data)
    seen: tuple[str, ...] = ()
    for table in tables(text, _known):
        if found := _rows_of(table, today):
            return Statement(found[0], encoding, table.delimiter, found[1])
        seen = seen or table.headers
    if is_broker_note(text):
        return Statement("sinacor", encoding, None, tuple(read_broker_note(text, today, resolver(assets))))
    raise _unknown(seen)


def _read_workbook(data: bytes, today: date) -> Statement:
    """Every sheet that has a known layout; sheets of two layouts tell the same trades twice and are refused."""
    seen: tuple[str, ...] = ()
    layouts: dict[str, str] = {}
    rows: list[Row] = []
    for sheet in read_sheets(data):
        for table in headed(sheet.rows, ";", _known):
            if found := _rows_of(table, today):
                layouts.setdefault(found[0], sheet.name)
                rows += found[1]
                break
            seen = seen or table.headers
    if not layouts:
        raise _unknown(seen)
    if len(layouts) > 1:
        said = ", ".join(f"{layout} in {name!r}" for layout, name in layouts.items())
        raise StatementRefused(f"the workbook holds more than one layout ({said}): import one sheet at a time")
    _few_enough(len(rows))
    return Statement(next(iter(layouts)), "xlsx", None, tuple(rows))


def _known(headers: tuple[str, ...]) -> bool:
    return layout_of(headers) is not None


def _rows_of(table: Table, today: date) -> tuple[str, tuple[Row, ...]] | None:
    """(layout, rows) of a table whose header is known, else None."""
    found = layout_of(table.headers)
    if found is None:
        return None
    _few_enough(len(table.rows))
    how = Reading(table.thousands, today)
    return found[0], tuple(guarded(found[1], cells, how) for cells in table.rows)


def _few_enough(rows: int) -> None:
    if rows > MAX_ROWS:
        raise StatementRefused(f"the file has {rows:,} rows, at most {MAX_ROWS:,}: split it by year")


def _unknown(seen: tuple[str, ...]) -> StatementRefused:
    header = f"its header is {', '.join(seen)[:200]}" if seen else "no header was found"
    return StatementRefused(f"no known layout: {header}. Read are {LAYOUTS}")


def plan_import(existing: Sequence[Transaction], statement: Statement, *, repeat: bool = False) -> ImportPlan:
    """What importing `statement` would book on top of `existing`, duplicates and refusals named.

    `repeat`: rows alike to booked ones happened once more and are no duplicates.
    """
    found = _fates(existing, [_Pending(row) for row in statement.rows], repeat)
    rows = tuple(
        ImportedRow(
            line=pending.row.line,
            status=pending.status,
            reason=pending.reason,
            transaction=pending.transaction,
            text=pending.row.text[:200],
        )
        for pending in found
    )
    return ImportPlan(layout=statement.layout, encoding=statement.encoding, delimiter=statement.delimiter, rows=rows)


def plan_booking(existing: Sequence[Transaction], added: Sequence[Transaction], *, repeat: bool = False) -> ImportPlan:
    """The same for transactions given one by one; `line` is the place in `added`, from 1."""
    rows = tuple(Row(i, "", transaction) for i, transaction in enumerate(added, 1))
    return plan_import(existing, Statement("api", "utf-8", None, rows), repeat=repeat)


@dataclass(slots=True)
class _Pending:
    """A row on its way to its fate."""

    row: Row
    status: Literal["booked", "duplicate", "refused"] = "booked"
    reason: str | None = None
    transaction: Transaction | None = None

    def refuse(self, reason: str) -> None:
        self.status, self.reason = "refused", reason

    def skip(self, reason: str) -> None:
        self.status, self.reason = "duplicate", reason


def _fates(existing: Sequence[Transaction], rows: list[_Pending], repeat: bool) -> list[_Pending]:
    for pending in rows:
        pending.transaction = pending.row.transaction
        if pending.row.reason is not None:
            pending.refuse(pending.row.reason)
    if not repeat:
        _mark_duplicates(existing, rows)
        _mark_settlements(existing, rows)
    harmed = _replay(existing, rows) - _replay(existing, [])
    if harmed:
        # Rows that come before what is booked already took the shares of a later sale: they give way.
        for pending in rows:
            t = pending.transaction
            if pending.status == "booked" and t and t.operation is Operation.SELL and t.ticker in harmed:
                pending.refuse(f"it would leave a sale of {t.ticker} that is booked already without shares")
        _replay(existing, rows)
    return rows


def _mark_duplicates(existing: Sequence[Transaction], rows: Iterable[_Pending]) -> None:
    """The nth row alike is a duplicate where n are booked already: two purchases alike are two."""
    booked = Counter(natural_key(t) for t in existing)
    for pending in rows:
        if pending.status == "booked" and pending.transaction is not None:
            key = natural_key(pending.transaction)
            if booked[key] > 0:
                booked[key] -= 1
                pending.skip("booked already")


def _mark_settlements(existing: Sequence[Transaction], rows: Iterable[_Pending]) -> None:
    """B3's two statements tell one trade twice, days apart: by its day and by the day it was settled."""
    trades = [t for t in existing if t.operation in (Operation.BUY, Operation.SELL)]
    index: dict[tuple[object, ...], list[Transaction]] = {}
    for trade in trades:
        index.setdefault(_trade_key(trade), []).append(trade)
    for pending in rows:
        t = pending.transaction
        if pending.status != "booked" or t is None or t.operation not in (Operation.BUY, Operation.SELL):
            continue
        candidates = index.get(_trade_key(t), [])
        twin = next((c for c in candidates if _settles(c, t) or _settles(t, c)), None)
        if twin is not None:
            candidates.remove(twin)
            pending.skip(f"booked already as the trade of {twin.date:%d/%m/%Y} ({twin.origin or 'by hand'})")


def _trade_key(trade: Transaction) -> tuple[object, ...]:
    return (trade.ticker, trade.operation, trade.quantity.normalize(), trade.price.normalize())


def _settles(trade: Transaction, settlement: Transaction) -> bool:
    later = settlement.date - trade.date
    dated = trade.origin in TRADE_DATED and settlement.origin == "movimentacao"
    return dated and timedelta(0) <= later <= SETTLEMENT


def _replay(existing: Sequence[Transaction], rows: Iterable[_Pending]) -> set[str]:
    """Book everything in order; rows that cannot be are refused. Returns tickers whose booked rows now fail."""
    book, failing = Book(), set()
    splits = {(t.ticker, t.date) for t in existing if t.operation is Operation.SPLIT or _free(t)}
    for _, pending, transaction in _merged(existing, rows):
        if pending is None:
            if transaction is not None and book.apply(transaction):
                failing.add(transaction.ticker or "")
            continue
        if pending.row.change is not None:
            _resolve_change(pending, book, splits)
        elif pending.row.whole_only and transaction is not None and not _has_fraction(book, transaction):
            pending.refuse("the fraction sold at auction is not in the position: book its cash by hand")
        if pending.status == "booked" and pending.transaction is not None and (why := book.apply(pending.transaction)):
            pending.refuse(why)
    return failing


def _merged(
    existing: Sequence[Transaction], rows: Iterable[_Pending]
) -> Iterator[tuple[tuple[date, int, int], _Pending | None, Transaction | None]]:
    """Booked and new rows by day; share changes first in theirs, as they hold before the session."""
    events: list[tuple[tuple[date, int, int], _Pending | None, Transaction | None]] = [
        ((t.date, ORDER[t.operation], place), None, t) for place, t in in_order(existing)
    ]
    for place, pending in enumerate(rows, len(events)):
        if pending.status != "booked":
            continue
        if pending.row.change is not None and pending.row.day is not None:
            events.append(((pending.row.day, -1, place), pending, None))
        elif pending.transaction is not None:
            t = pending.transaction
            events.append(((t.date, ORDER[t.operation], place), pending, t))
    return iter(sorted(events, key=lambda event: event[0]))


def _resolve_change(pending: _Pending, book: Book, splits: set[tuple[str | None, date]]) -> None:
    """Shares that came or went by a split become its ratio; where that has no end, shares that came for nothing."""
    row = pending.row
    assert row.change is not None
    assert row.day is not None
    if (row.ticker, row.day) in splits:
        pending.skip("booked already")
        return
    held = book.positions.get(row.ticker)
    if held is None or not held.open:
        pending.refuse(f"splits {row.ticker} on {row.day}, but none is held then: import older statements first")
        return
    after = held.quantity + row.change
    if after <= 0:
        pending.refuse(f"takes {-row.change:f} {row.ticker}, but only {held.quantity:f} are held then")
        return
    ratio = (after / held.quantity).quantize(SHARE)
    exact = (held.quantity * ratio).quantize(SHARE) == after
    operation, quantity = (Operation.SPLIT, ratio) if exact else (Operation.BUY, row.change)
    if not exact and row.change < 0:
        pending.refuse("the ratio of this reverse split has no exact figure: book it by hand")
        return
    pending.transaction = Transaction(
        date=row.day,
        ticker=row.ticker,
        operation=operation,
        quantity=quantity,
        price=Decimal(0),
        note=f"{row.change:f} shares by a split",
        origin="movimentacao",
    )


def _has_fraction(book: Book, sale: Transaction) -> bool:
    held = book.positions.get(sale.ticker or "")
    return held is not None and held.quantity % 1 >= sale.quantity


def _free(transaction: Transaction) -> bool:
    return transaction.operation is Operation.BUY and transaction.price == 0


def with_origin(transactions: Iterable[Transaction], origin: str) -> list[Transaction]:
    """The same transactions, marked with where they came from."""
    return [t.model_copy(update={"origin": origin}) for t in transactions]
