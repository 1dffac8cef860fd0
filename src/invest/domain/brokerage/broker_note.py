"""A broker's note in the SINACOR layout, as text taken from its PDF: trades by name or code, and the note's costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from invest.domain.brokerage.layouts import Row
from invest.domain.brokerage.reading import day, number
from invest.domain.filings import plain
from invest.domain.market import B3_CODE
from invest.domain.portfolios import Operation, Transaction

# name of the paper as the note gives it, kind ("ON", "PNA", "CI", …) -> its ticker, or why there is none
Resolve = Callable[[str, str], "str | Unresolved"]

MAX_LINE = 400
TRADE = re.compile(
    r"^\s*(?:\d+\s*-?\s*)?(?:BOVESPA|B3 RV LISTADO|BM&F)\s+(?P<side>[CV])\s+"
    r"(?P<market>VISTA|FRACION[AÁ]RIO|OP[CÇ][AÃ]O DE (?:COMPRA|VENDA)|TERMO|EXERC\w*(?: OP\w* \w*)?|LEIL[AÃ]O)\s+"
    r"(?P<paper>.+?)\s+(?P<quantity>[0-9][0-9.]*)\s+(?P<price>[0-9][0-9.]*,[0-9]+)\s+(?P<value>[0-9][0-9.]*,[0-9]+)\s+(?P<dc>[DC])\s*$",
    re.IGNORECASE,
)
LOOKS_LIKE_TRADE = re.compile(r"^\s*(?:\d+\s*-?\s*)?(?:BOVESPA|B3 RV LISTADO)\s+[CV]\s", re.IGNORECASE)
NOTE_DAY = re.compile(r"data\s+preg[aã]o", re.IGNORECASE)
ANY_DAY = re.compile(r"\b([0-9]{2}/[0-9]{2}/[0-9]{4})\b")
KINDS = {"ON": "3", "PN": "4", "PNA": "5", "PNB": "6", "PNC": "7", "PND": "8", "UNT": "11", "CI": "11"}
RECEIPTS = re.compile(r"DR[N1-9E]?|DRE")
COST_NAME = re.compile(
    r"taxa de [\w/]+|taxa [\w.]+|emolumentos|corretagem|taxa operacional|execu[cç][aã]o|iss\b.*|impostos|"
    r"i\.?r\.?r\.?f\.?.*|outr[oa]s.*|clearing",
    re.IGNORECASE,
)
AMOUNT = re.compile(r"([0-9.]+,[0-9]{2})([DC]?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a paper's name does not lead to one ticker."""

    reason: str


def is_broker_note(text: str) -> bool:
    """Whether `text` is a note: it says so, or has a line of SINACOR's trades."""
    head = plain(text[:5000])
    return "nota de negociacao" in head or "nota de corretagem" in head or bool(_first_trade(text))


def _first_trade(text: str) -> bool:
    return any(LOOKS_LIKE_TRADE.match(_squeezed(line)) for line in text.splitlines())


def _squeezed(line: str) -> str:
    """A line with single blanks, cut: patterns with several runs of blanks cost the square of their length."""
    return " ".join(line[:MAX_LINE].split())


def read_broker_note(text: str, today: date, resolve: Resolve) -> Iterator[Row]:
    """Rows of one or more notes in one text: every trade, then each note's costs as one fee."""
    current: date | None = None
    wanted = False
    costs: list[tuple[str, Decimal]] = []
    cost_line = 0
    for line, whole in enumerate(text.splitlines(), 1):
        raw = _squeezed(whole)
        if NOTE_DAY.search(raw) or wanted:
            found = ANY_DAY.search(raw)
            wanted = found is None
            if found:
                try:
                    following = day(found[1], today)
                except ValueError as error:
                    yield Row(line, raw.strip()[:200], reason=str(error))
                    continue
                if current is not None and following != current:
                    yield from _fee(current, costs, cost_line)
                    costs = []
                current = following
            continue
        if LOOKS_LIKE_TRADE.match(raw):
            yield _trade(line, raw, current, resolve)
        elif (cost := _cost(raw)) is not None:
            costs.append(cost)
            cost_line = line
    if current is not None:
        yield from _fee(current, costs, cost_line)


def _cost(line: str) -> tuple[str, Decimal] | None:
    """The name and amount of a line of costs that was charged; read from its end, where the amount stands."""
    words = line.split(" ")
    mark = words.pop().upper() if words[-1].upper() in ("C", "D") else ""
    found = AMOUNT.fullmatch(words.pop()) if words else None
    if found is None or "C" in (mark, found[2].upper()):
        return None
    if words and AMOUNT.fullmatch(words[-1].upper().removeprefix("R$")):  # what the amount was computed from
        words.pop()
        if words and words[-1].upper() == "R$":
            words.pop()
    name = " ".join(words).rstrip(": ")
    amount = number(found[1])
    return (name, amount) if amount and COST_NAME.fullmatch(name) else None


def _trade(line: int, raw: str, current: date | None, resolve: Resolve) -> Row:
    shown = " ".join(raw.split())[:200]
    try:
        return Row(line, shown, _read_trade(raw, current, resolve))
    except ValueError as error:
        return Row(line, shown, reason=str(error))


def _read_trade(raw: str, current: date | None, resolve: Resolve) -> Transaction:
    """The trade of one line. Raises `ValueError` with the reason why it cannot be booked."""
    match = TRADE.match(raw)
    if match is None:
        raise ValueError("the line looks like a trade, but its columns cannot be told apart")
    if current is None:
        raise ValueError("the note's day (Data pregão) was not found above the trade")
    market = plain(match["market"])
    if market not in ("vista", "fracionario"):
        raise ValueError(f"market {market!r}: only the cash market is booked")
    buys = match["side"].upper() == "C"
    if buys != (match["dc"].upper() == "D"):
        raise ValueError("side and D/C contradict each other")
    ticker = _ticker(match["paper"], resolve)
    if isinstance(ticker, Unresolved):
        raise ValueError(ticker.reason)
    quantity, price, value = (number(match[name]) for name in ("quantity", "price", "value"))
    if not quantity or not price or value is None:
        raise ValueError("quantity or price is zero")
    if abs(quantity * price - value) > Decimal("0.01") * quantity + Decimal("0.01"):
        raise ValueError(f"quantity x price is {quantity * price:f}, but the value says {value:f}")
    operation = Operation.BUY if buys else Operation.SELL
    return Transaction(
        date=current, ticker=ticker, operation=operation, quantity=quantity, price=price, origin="sinacor"
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


def _fee(current: date, costs: list[tuple[str, Decimal]], line: int) -> Iterator[Row]:
    total = sum((amount for _, amount in costs), Decimal(0))
    if total > 0:
        names = ", ".join(f"{name} {amount:f}" for name, amount in costs)
        made = Transaction(
            date=current,
            operation=Operation.FEE,
            quantity=Decimal(1),
            price=total,
            note=names[:500],
            origin="sinacor",
        )
        yield Row(line, names[:200], made)
