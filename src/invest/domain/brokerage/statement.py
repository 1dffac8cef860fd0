"""A broker's or B3's file as rows: read once, before it meets a portfolio."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from invest.domain.brokerage.joins import joined
from invest.domain.brokerage.layouts import Columns, layout_of, read_plain
from invest.domain.brokerage.listings import ghostfolio
from invest.domain.brokerage.names import resolver
from invest.domain.brokerage.reading import MAX_ROWS, StatementRefused, Table, decode, headed, small_enough, tables
from invest.domain.brokerage.rows import Reading, Row, guarded
from invest.domain.brokerage.sinacor import is_broker_note, read_broker_note
from invest.domain.brokerage.workbook import is_workbook, read_sheets
from invest.domain.fixed_income import Moved
from invest.domain.market import Asset

LAYOUTS = (
    "B3 negociação, movimentação, posição or proventos recebidos, the CEI's negociação, "
    "a plain table (date, ticker, operation, quantity, price), or a broker's note"
)
TRADES_TOLD = frozenset({"negociacao", "movimentacao", "csv", "cei"})  # layouts that tell the same trades


@dataclass(frozen=True, slots=True)
class Statement:
    """A file as read, before it meets a portfolio. `today`: the day that a posição speaks of."""

    layout: str
    encoding: str
    delimiter: str | None
    rows: tuple[Row, ...]
    today: date = date.max
    remarks: tuple[str, ...] = ()


def read_statement(
    data: bytes, *, today: date, assets: Iterable[Asset] = (), columns: Mapping[str, str] | None = None
) -> Statement:
    """The rows of a file in any known layout, encoding and delimiter (or an Excel workbook), told by its contents.

    `assets` resolve the names in broker's notes; `columns` gives the meaning (`MEANINGS`) of headers that only their
    owner knows. Raises `StatementRefused` for a file that is none of the layouts.
    """
    own = Columns(columns or {})
    papers = list(assets)
    small_enough(data)
    if is_workbook(data):
        return _read_workbook(data, today, papers, own)
    text, encoding = decode(data)
    seen: tuple[str, ...] = ()
    if (activities := ghostfolio(text)) is not None:
        _few_enough(len(activities.rows))
        how = Reading.of(activities.signs, today)
        read = [guarded(read_plain, cells, how) for cells in activities.rows]
        return Statement("ghostfolio", encoding, None, joined(read, papers), today)
    for table in tables(text, own.known):
        if found := _rows_of(table, today, own):
            rows = joined(found[1], papers)
            return Statement(found[0], encoding, table.delimiter, rows, today, _remarks(table))
        seen = seen or table.headers
    if is_broker_note(text):
        return _read_note(text, encoding, today, papers)
    raise _unknown(seen)


def _read_note(text: str, encoding: str, today: date, assets: list[Asset]) -> Statement:
    rows = joined(list(read_broker_note(text, today, resolver(assets))), assets)
    if not any(row.transaction or row.reason for row in rows):
        message = "a broker's note in which no trade could be read: send its text as the PDF gives it, line by line"
        raise StatementRefused(f"the file is {message}")
    return Statement("sinacor", encoding, None, rows, today)


def _remarks(table: Table) -> tuple[str, ...]:
    """How the figures of a file were read, where it could be read otherwise."""
    signs = table.signs
    found = []
    if signs.mixed:
        found.append("figures are written both as 1.234,56 and as 1,234.56: those that may be either are refused")
    if signs.month_first:
        found.append("dates are read as mm/dd/yyyy")
    return tuple(found)


def _read_workbook(data: bytes, today: date, assets: list[Asset], own: Columns) -> Statement:
    """Every sheet that has a known layout; sheets of two layouts tell the same trades twice and are refused.

    A posição and proventos tell no trade: of B3's consolidated report, the positions check what trades and income say.
    """
    seen: tuple[str, ...] = ()
    layouts: dict[str, str] = {}
    rows: dict[str, list[Row]] = {}
    for sheet in read_sheets(data):
        for table in headed(sheet.rows, ";", own.known):
            if found := _rows_of(table, today, own):
                layouts.setdefault(found[0], sheet.name)
                rows.setdefault(found[0], []).extend(found[1])
                break
            seen = seen or table.headers
    if not layouts:
        raise _unknown(seen)
    telling = [layout for layout in layouts if layout in TRADES_TOLD]
    if len(telling) > 1:
        message = ", ".join(f"{layout} in {name!r}" for layout, name in layouts.items())
        raise StatementRefused(f"the workbook holds more than one layout ({message}): import one sheet at a time")
    chosen = [*telling, *(layout for layout in layouts if layout not in TRADES_TOLD)]
    every = [row for layout in chosen for row in rows[layout]]
    _few_enough(len(every))
    if len(chosen) == 1 or "posicao" not in chosen:
        return Statement(chosen[0], "xlsx", None, joined(every, assets), today)
    day = _end_of(every, today)
    remarks = (
        f"the positions are held against what is booked up to {day:%d/%m/%Y}: say as_of where it is another day",
    )
    return Statement(chosen[0], "xlsx", None, joined([_as_of(row, day) for row in every], assets), day, remarks)


def _end_of(rows: Iterable[Row], today: date) -> date:
    """The day that positions beside trades or income speak of: the end of the month of the newest of these."""
    days = [row.transaction.date for row in rows if row.transaction is not None]
    days += [row.paper.day for row in rows if row.paper is not None and row.paper.what is not Moved.STATED]
    newest = max(days, default=today)
    return min(today, newest.replace(day=monthrange(newest.year, newest.month)[1]))


def _as_of(row: Row, day: date) -> Row:
    """A stated position as of another day."""
    if row.holding is not None:
        return replace(row, holding=row.holding.model_copy(update={"date": day}))
    if row.paper is not None and row.paper.what is Moved.STATED:
        return replace(row, paper=row.paper.model_copy(update={"day": day}))
    return row


def _rows_of(table: Table, today: date, own: Columns) -> tuple[str, list[Row]] | None:
    """(layout, rows) of a table whose header is known, else None."""
    found = layout_of(own.named(table.headers))
    if found is None:
        return None
    _few_enough(len(table.rows))
    how = Reading.of(table.signs, today)
    return found[0], [guarded(found[1], own.renamed(cells), how) for cells in table.rows]


def _few_enough(rows: int) -> None:
    if rows > MAX_ROWS:
        raise StatementRefused(f"the file has {rows:,} rows, at most {MAX_ROWS:,}: split it by year")


def _unknown(seen: tuple[str, ...]) -> StatementRefused:
    header = f"its header is {', '.join(seen)[:200]}" if seen else "no header was found"
    message = f"no known layout: {header}. Read are {LAYOUTS}"
    own = "invest portfolio columns HEADER=MEANING, or PUT /api/v1/statements/columns"
    return StatementRefused(f"{message}. Say what your own columns hold ({own})")
