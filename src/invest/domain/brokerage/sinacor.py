"""A broker's note (SINACOR and what others made of it) as text taken from its PDF: trades, costs, and its net value.

Each trade is read from both ends of its line: market, side and kind of market from the left, quantity, price and value
from the right; what is between them names the paper. Costs stand in either column. A note is held to its own sum:
sales less purchases less costs must be its "Líquido para" to the cent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from invest.domain.brokerage.note_text import (
    COSTS,
    DATE,
    FIGURE,
    NET,
    WITHHELD,
    amounts_on,
    logical_lines,
    starts_trade,
    tells_trade,
)
from invest.domain.brokerage.reading import day, number
from invest.domain.brokerage.rows import Row, eight
from invest.domain.filings import plain
from invest.domain.market import B3_CODE
from invest.domain.portfolios import Operation, Transaction

# name of the paper as the note gives it, kind ("ON", "PNA", "CI", …) -> its ticker, or why there is none
Resolve = Callable[[str, str], "str | Unresolved"]

KINDS = {"ON": "3", "PN": "4", "PNA": "5", "PNB": "6", "PNC": "7", "PND": "8", "UNT": "11", "CI": "11"}
RECEIPTS = re.compile(r"DR[N1-9E]?|DRE")
OPTION = re.compile(r"([A-Z][A-Z0-9]{3})[A-X][0-9]{1,4}(?:W[0-9])?E?")
CASH = ("vista", "a vista", "vis", "fracionario", "mercado fracionario", "frac", "fra", "leilao")
OTHER_MARKETS = (
    "opcao de compra", "opcao de venda", "opcao compra", "opcao venda", "exerc opc compra", "exerc opc venda",
    "exercicio de opcao de compra", "exercicio de opcao de venda", "exercicio opcao", "termo", "futuro",
)  # fmt: skip
HEADS = ("nota de negociacao", "nota de corretagem")
HOUSES = ("corretora", "cctvm", "ctvm", "dtvm", "ccvm", "distribuidora")


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a paper's name does not lead to one ticker."""

    reason: str


@dataclass(slots=True)
class _Note:
    """One note, all its pages: `costs` and `withheld` as (name, amount, line)."""

    day: date | None = None
    broker: str = ""
    trades: list[tuple[int, str]] = field(default_factory=list)
    costs: list[tuple[str, Decimal, int]] = field(default_factory=list)
    withheld: list[tuple[str, Decimal, int]] = field(default_factory=list)
    net: tuple[Decimal, int] | None = None
    problems: list[Row] = field(default_factory=list)


def is_broker_note(text: str) -> bool:
    """Whether `text` is a note: it says so, or has a line of SINACOR's trades."""
    head = plain(text[:5000])
    return any(word in head for word in HEADS) or tells_trade(text)


def read_broker_note(text: str, today: date, resolve: Resolve) -> Iterator[Row]:
    """Rows of one or more notes in one text: every trade, each note's costs as one fee, the tax withheld, its net."""
    for note in _notes(text, today):
        yield from note.problems
        flows: list[Decimal | None] = []
        for place, (line, raw) in enumerate(note.trades, 1):
            row, flow = _trade(line, raw, note, place, resolve)
            flows.append(flow)
            yield row
        yield from _costs(note)
        yield from _reconciled(note, flows)


def _notes(text: str, today: date) -> list[_Note]:
    """The notes of a text. Pages of one day and broker are one note; a page without a day belongs to its neighbour."""
    notes: list[_Note] = []
    page = _Note()
    for line, raw in logical_lines(text):
        bare = plain(raw)
        another = page.day and page.trades and raw.startswith("\x01") and f"{page.day:%d/%m/%Y}" not in raw
        if another or (any(head in bare for head in HEADS) and (page.trades or page.net or page.day)):
            _close(notes, page)
            page = _Note(broker=page.broker)
        _read_line(page, line, raw, bare, today)
    _close(notes, page)
    return notes


def _close(notes: list[_Note], page: _Note) -> None:
    """Add a page: to the note that it continues, else as a note of its own."""
    last = notes[-1] if notes else None
    goes_on = last is not None and last.net is None and (page.day in (None, last.day) or last.day is None)
    if last is None or not goes_on:
        notes.append(page)
        return
    last.day = last.day or page.day
    last.broker = last.broker or page.broker
    last.trades += page.trades
    last.costs += page.costs
    last.withheld += page.withheld
    last.net = page.net
    last.problems += page.problems


def _read_line(page: _Note, line: int, raw: str, bare: str, today: date) -> None:
    if starts_trade(bare):
        page.trades.append((line, raw))
        return
    if raw.startswith("\x01"):
        _day(page, line, raw, today)
        return
    if not page.broker and any(word in bare.split() for word in HOUSES):
        page.broker = _broker_in(raw)
    try:
        amounts = amounts_on(bare)
    except ValueError as error:  # a sum that cannot be read is asked about: left out, the costs would be too low
        page.problems.append(Row(line, " ".join(raw.split())[:200], reason=str(error)))
        return
    for label, amount, segment in amounts:
        if label == NET:
            page.net = (amount, line)
        elif label in WITHHELD and amount:
            page.withheld.append((segment, amount, line))
        elif label in COSTS and amount:
            page.costs.append((label, amount, line))


def _day(page: _Note, line: int, raw: str, today: date) -> None:
    found = DATE.search(raw)
    if found is None:
        return
    try:
        found_day = day(found[1], today)
    except ValueError as error:
        page.problems.append(Row(line, raw.strip("\x01 ")[:200], reason=str(error)))
        return
    if page.day is None:
        page.day = found_day


def _broker_in(raw: str) -> str:
    name = " ".join(raw.split())
    for head in ("Nota de corretagem", "Nota de negociação", "NOTA DE CORRETAGEM", "NOTA DE NEGOCIAÇÃO"):
        name = name.replace(head, "")
    return name.strip(" -:")[:100]


def _trade(line: int, raw: str, note: _Note, place: int, resolve: Resolve) -> tuple[Row, Decimal | None]:
    shown = " ".join(raw.split())[:200]
    try:
        parts = _parts(raw)
    except ValueError as error:
        return Row(line, shown, reason=str(error)), None
    flow = -parts.value if parts.buys else parts.value
    try:
        made = _transaction(parts, note, place, resolve)
        return Row(line, shown, made, option=parts.option), flow
    except ValueError as error:
        return Row(line, shown, reason=str(error)), flow


@dataclass(frozen=True, slots=True)
class _Parts:
    buys: bool
    market: str
    paper: str
    quantity: Decimal
    price: Decimal
    value: Decimal
    contradicts: bool
    option: str = ""


def _parts(raw: str) -> _Parts:
    """The cells of one trade. Raises `ValueError` where they cannot be separated."""
    words = raw.split()
    mark = words[-1].upper() if words[-1].upper() in ("D", "C") else ""
    body = words[:-1] if mark else words
    if len(body) < 6 or not all(FIGURE.fullmatch(w) for w in body[-3:]):
        raise ValueError("the line looks like a trade, but its columns cannot be told apart")
    quantity, price, value = (number(w) for w in body[-3:])
    left = body[:-3]
    side_at = next((i for i, w in enumerate(left) if i and w.upper() in ("C", "V")), None)
    if side_at is None or not quantity or not price or value is None:
        raise ValueError("quantity or price is zero, or the side (C/V) is missing")
    buys = left[side_at].upper() == "C"
    market, paper = _market(left[side_at + 1 :])
    option = ""
    if market.startswith("exerc"):
        found = next((m for w in paper if (m := OPTION.fullmatch(w.upper()))), None)
        option = found[1] if found else ""
    return _Parts(
        buys=buys,
        market=market,
        paper=" ".join(paper),
        quantity=quantity,
        price=price,
        value=value,
        contradicts=bool(mark) and buys != (mark == "D"),
        option=option,
    )


def _market(words: Sequence[str]) -> tuple[str, list[str]]:
    """(kind of market, the words that name the paper)."""
    for size in (6, 5, 4, 3, 2, 1):
        message = " ".join(plain(" ".join(words[:size])).split())
        if message in CASH or message in OTHER_MARKETS:
            rest = list(words[size:])
            if rest and re.fullmatch(r"[0-9]{2}/[0-9]{2}", rest[0]):
                rest = rest[1:]  # the month in which an option or a forward ends
            return message, rest
    return plain(words[0]) if words else "", list(words[1:])


def _transaction(parts: _Parts, note: _Note, place: int, resolve: Resolve) -> Transaction:
    """Raises `ValueError` with the reason why a trade cannot be booked."""
    if note.day is None:
        raise ValueError("the note's day (Data pregão) was not found")
    if parts.market not in CASH and not parts.option:
        raise ValueError(f"market {parts.market!r}: only the cash market is booked")
    if parts.contradicts:
        raise ValueError("side and D/C contradict each other")
    ticker = f"{parts.option}3" if parts.option else _ticker(parts.paper, resolve)
    if isinstance(ticker, Unresolved):
        raise ValueError(ticker.reason)
    product = parts.quantity * parts.price
    if abs(product - parts.value) > Decimal("0.01") * parts.quantity + Decimal("0.01"):
        raise ValueError(f"quantity x price is {product:f}, but the value says {parts.value:f}")
    exact = abs(product - parts.value) < Decimal("0.005")
    return Transaction(
        date=note.day,
        ticker=ticker,
        operation=Operation.BUY if parts.buys else Operation.SELL,
        quantity=parts.quantity,
        price=parts.price if exact else eight(parts.value / parts.quantity),
        origin="sinacor",
        broker=note.broker,
        place=place,
        note=f"exercise of {parts.paper}"[:500] if parts.option else "",
    )


def _ticker(paper: str, resolve: Resolve) -> str | Unresolved:
    """A code among the words, else the name before the paper's kind."""
    words = paper.upper().split()
    for word in words:
        if match := B3_CODE.fullmatch(word):
            return match[1] + match[2]
    for at, word in enumerate(words):
        if at and (word in KINDS or RECEIPTS.fullmatch(word)):
            return resolve(" ".join(words[:at]), word)
    return Unresolved(f"{' '.join(words)[:60]!r} names neither a code nor a kind of paper (ON, PN, UNT, CI)")


def _costs(note: _Note) -> Iterator[Row]:
    """The note's costs as one fee; the tax withheld as what it is, an advance and no cost."""
    total = sum((amount for _, amount, _ in note.costs), Decimal(0))
    if note.day is None:
        return
    if total > 0:
        names = ", ".join(f"{name} {amount:f}" for name, amount, _ in note.costs)
        yield Row(note.costs[-1][2], names[:200], _paid(note, Operation.FEE, total, names))
    for words, amount, line in note.withheld:
        yield Row(line, words, _paid(note, Operation.TAX, amount, words))


def _paid(note: _Note, operation: Operation, amount: Decimal, words: str) -> Transaction:
    assert note.day is not None
    return Transaction(
        date=note.day,
        operation=operation,
        quantity=Decimal(1),
        price=amount,
        note=words[:500],
        origin="sinacor",
        broker=note.broker,
    )


def _reconciled(note: _Note, flows: Iterable[Decimal | None]) -> Iterator[Row]:
    """A question where the note's own net value is not met to the cent."""
    if note.net is None:
        return
    net, line = note.net
    known = [flow for flow in flows if flow is not None]
    costs = sum((amount for _, amount, _ in note.costs), Decimal(0))
    withheld = sum((amount for _, amount, _ in note.withheld), Decimal(0))
    met = sum(known, Decimal(0)) - costs
    if abs(net) in (abs(met), abs(met - withheld)):
        return
    off = net - met
    message = f"the note's net value is {net:f}, but its trades less its costs give {met:f}: {off:f} are not explained"
    yield Row(line, f"{NET} {net:f}", question=f"{message}; look for a line of costs or a trade that was not read")
