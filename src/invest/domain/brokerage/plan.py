"""Importing a statement: what it would book and why not, and nothing twice.

`plan_import` holds the rows of a statement against what is booked already and against what the store knows. Nothing is
written here: the plan is the dry run, and the store books exactly what the plan says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field

from invest.domain.brokerage.holdings import plan_holdings
from invest.domain.brokerage.matching import Pending, Status, mark_known
from invest.domain.brokerage.movements import SPIN_OFF
from invest.domain.brokerage.papers import plan_papers
from invest.domain.brokerage.rows import EIGHT, Row, eight
from invest.domain.brokerage.statement import Statement, read_statement
from invest.domain.fixed_income import PaperFact
from invest.domain.frozen import Frozen
from invest.domain.market import Bars, CorporateAction, Lineages, TickerChange
from invest.domain.portfolios import (
    SHORT,
    Known,
    Operation,
    Transaction,
    derive,
    is_settlement,
    known_spin_off,
    settled,
    tidy,
    trade_day,
)

__all__ = ["ImportPlan", "ImportedRow", "Statement", "plan_booking", "plan_import", "read_statement", "with_origin"]

Accept = Collection[int] | Literal["all"]  # lines whose questions are answered with yes
FOR_SALES = (
    "import the statement that holds the purchase first, or book what was held (operation opening); "
    f"a sale of borrowed shares: book it by hand with the note {SHORT!r}"
)


class ImportedRow(Frozen):
    """What becomes of one row of the file."""

    line: int
    status: Status
    reason: str | None = None
    transaction: Transaction | None = None
    text: str = Field(default="", max_length=200, description="the row as written")
    advice: str | None = Field(default=None, description="what can be done about it")
    fixed_income: PaperFact | None = Field(default=None, description="what it says of a paper of fixed income")


class ImportPlan(Frozen):
    """What an import would do, row by row; `layout`, `encoding` and `delimiter` as recognised.

    `import_id`: the import that it was booked as; None before that, and where nothing of it was new.
    """

    layout: str
    encoding: str
    delimiter: str | None
    rows: tuple[ImportedRow, ...]
    remarks: tuple[str, ...] = Field(default=(), description="how the file was read, and what is missing")
    import_id: int | None = None

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        """What would be booked, in order of the file."""
        return tuple(r.transaction for r in self.rows if r.status == "booked" and r.transaction is not None)

    @property
    def papers(self) -> tuple[PaperFact, ...]:
        """What would be booked of fixed income, in order of the file."""
        return tuple(r.fixed_income for r in self.rows if r.status == "booked" and r.fixed_income is not None)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by what becomes of them; questions where there are some."""
        found = Counter(str(row.status) for row in self.rows)
        always = {status: found[status] for status in ("booked", "duplicate", "refused")}
        return always | ({"question": found["question"]} if found["question"] else {})


def plan_import(
    existing: Sequence[Transaction],
    statement: Statement,
    *,
    repeat: bool = False,
    known: Known | None = None,
    actions: Mapping[str, Sequence[CorporateAction]] | None = None,
    changes: Sequence[TickerChange] | Lineages = (),
    bars: Mapping[str, Bars] | None = None,
    accept: Accept = (),
    papers: Sequence[PaperFact] = (),
) -> ImportPlan:
    """What importing `statement` would book on top of `existing`; duplicates, questions and refusals named.

    `known` (or its parts: `actions`, `changes` of code, `bars`) is what the store knows of the assets: splits and new
    codes count, and prices are held against the day's range. `repeat`: rows equal to booked ones happened once more and
    are no duplicates. `accept`: lines whose questions are answered with yes.
    `papers`: what is booked of fixed income.
    """
    facts = known if known is not None else Known(actions or {}, changes, bars or {})
    pendings = [p for row in statement.rows for p in _pendings(row)]
    _spun_off(pendings, facts)
    plan_papers(papers, pendings, accepted=None if isinstance(accept, str) else set(accept))
    _answer(pendings, accept)
    _held_against_prices(pendings, facts, accept)
    if not repeat:
        mark_known(existing, pendings)
        _answer(pendings, accept)
    found: list[str] = []
    if any(row.holding is not None for row in statement.rows):
        found = plan_holdings(existing, pendings, facts, statement.today)
        _answer(pendings, accept)
    _replayed(existing, pendings, facts)
    rows = tuple(
        ImportedRow(
            line=pending.row.line,
            status=pending.status,
            reason=pending.reason,
            transaction=pending.transaction,
            text=pending.row.text[:200],
            advice=pending.advice,
            fixed_income=pending.paper,
        )
        for pending in pendings
    )
    return ImportPlan(
        layout=statement.layout,
        encoding=statement.encoding,
        delimiter=statement.delimiter,
        rows=rows,
        remarks=(*statement.remarks, *found),
    )


def plan_booking(
    existing: Sequence[Transaction],
    added: Sequence[Transaction],
    *,
    repeat: bool = False,
    known: Known | None = None,
) -> ImportPlan:
    """The same for transactions given one by one; `line` is the place in `added`, from 1."""
    rows = tuple(Row(i, "", transaction) for i, transaction in enumerate(added, 1))
    facts = Known(known.actions, known.lineages) if known else None  # what somebody types is not asked about
    return plan_import(existing, Statement("api", "utf-8", None, rows), repeat=repeat, known=facts)


def _pendings(row: Row) -> list[Pending]:
    """The row as what is to become of it, and what else it books."""
    pending = Pending(row, transaction=row.transaction, paper=row.paper)
    if row.same_as is not None:
        pending.skip(f"told with line {row.same_as}")
    elif row.reason is not None:
        pending.refuse(row.reason)
    elif row.question is not None:
        pending.ask(row.question)
    return [pending, *(Pending(Row(row.line, row.text, more), transaction=more) for more in row.more)]


def _says_yes(accept: Accept, pending: Pending) -> bool:
    return isinstance(accept, str) or pending.row.line in accept


def _answer(pendings: Iterable[Pending], accept: Accept) -> None:
    """Questions answered with yes are booked."""
    for pending in pendings:
        if pending.status == "question" and pending.transaction is not None and _says_yes(accept, pending):
            pending.status, pending.reason, pending.advice = "booked", None, None


def _spun_off(pendings: Iterable[Pending], facts: Known) -> None:
    """Shares of a spin-off whose terms are known take their part of the cost along."""
    for pending in pendings:
        t = pending.transaction
        if t is None or t.ticker is None or t.note != SPIN_OFF or pending.status != "question":
            continue
        event = known_spin_off(facts.actions, t.ticker, t.date)
        if event is not None and event.price_factor is not None:
            part = {"ticker": event.ticker, "operation": Operation.SPIN_OFF, "other": t.ticker}
            pending.transaction = t.model_copy(update={**part, "price": eight(1 - event.price_factor)})
            pending.status, pending.reason, pending.advice = "booked", None, None


def _held_against_prices(pendings: Iterable[Pending], facts: Known, accept: Accept) -> None:
    """Ask about prices that nobody can have paid: outside the day's range, where it is known."""
    if not facts.bars:
        return
    for pending in pendings:
        t = pending.transaction
        if pending.status != "booked" or t is None or t.ticker is None or not t.price or pending.row.option:
            continue
        if t.operation not in (Operation.BUY, Operation.SELL) or t.note:
            continue
        day = trade_day(t.date) if is_settlement(t) else t.date
        ticker, ratio = facts.code_of(t.ticker, day)
        if ratio != 1 or facts.fits(ticker, day, t.price) is not False or _says_yes(accept, pending):
            continue
        span = facts.range_of(ticker, day)
        message = f"{span[0]:.2f} to {span[1]:.2f}" if span else f"about {facts.close_before(ticker, day):.2f}"
        message = f"{t.price:f} for one {t.ticker} lies outside what was paid on {day:%d/%m/%Y} ({message})"
        pending.ask(f"{message}: is it right?")


def _replayed(existing: Sequence[Transaction], pendings: list[Pending], facts: Known) -> None:
    """Book everything in order; rows that cannot be are refused, and none may harm what is booked already."""
    before = set(_fails(existing, [], facts)[0]) if existing else set()
    failing, _ = _fails(existing, pendings, facts)
    harmed = {existing[i].ticker for i in failing if i < len(existing) and i not in before}
    if harmed:
        # Rows that come before what is booked already took the shares of a later sale: they give way.
        for pending in pendings:
            t = pending.transaction
            if pending.status == "booked" and t and t.operation is Operation.SELL and t.ticker in harmed:
                pending.refuse(f"it would leave a sale of {t.ticker} that is booked already without shares", FOR_SALES)
        failing, _ = _fails(existing, pendings, facts)
    open_rows = [p for p in pendings if p.status == "booked" and p.transaction is not None]
    for at, reason in failing.items():
        if at >= len(existing):
            sale = open_rows[at - len(existing)].transaction
            advice = FOR_SALES if sale is not None and sale.operation is Operation.SELL else None
            open_rows[at - len(existing)].refuse(reason, advice)
    _derived_ratios(existing, pendings, facts)


def _fails(existing: Sequence[Transaction], pendings: Sequence[Pending], facts: Known) -> tuple[dict[int, str], int]:
    """Why facts cannot be booked, by their place in `existing` and then the open rows."""
    every = [*existing, *(p.transaction for p in pendings if p.status == "booked" and p.transaction is not None)]
    done = settled(every, facts, date.max.replace(year=9000))
    refused = derive(done.transactions).refused
    return {done.indices[r.index]: r.reason for r in refused if done.indices[r.index] >= 0}, len(every)


def _derived_ratios(existing: Sequence[Transaction], pendings: Sequence[Pending], facts: Known) -> None:
    """Give share events the ratio that follows from what was held; shares for nothing where it has no end."""
    events = [p for p in pendings if p.status == "booked" and p.transaction and p.transaction.shares is not None]
    if not any(p.transaction and p.transaction.operation is Operation.SPLIT for p in events):
        return
    open_rows = [p for p in pendings if p.status == "booked" and p.transaction is not None]
    every = [*existing, *(p.transaction for p in open_rows if p.transaction is not None)]
    done = settled(every, facts, date.max.replace(year=9000))
    place = {id(t): at for t, at in zip(done.transactions, done.indices, strict=True)}
    book = derive(done.transactions)
    for entry in book.journal:
        at = place.get(id(entry.facts[0]), -1) - len(existing)
        if entry.kind == "split" and at >= 0:
            _resolve(open_rows[at], entry.held)
    for pending in book.pending:
        at = done.indices[pending.index] - len(existing)
        if at >= 0:
            open_rows[at].reason = "nothing is held then yet: it counts once the older statements are imported"


def _resolve(pending: Pending, held: Decimal) -> None:
    t = pending.transaction
    if t is None or t.operation is not Operation.SPLIT or t.shares is None or held <= 0:
        return
    after = held + t.shares
    try:
        ratio = eight(after / held)
    except ValueError as error:
        pending.refuse(str(error), "look at the quantity of this row and at what is booked")
        return
    if t.shares > 0 and abs(held * ratio - after) >= EIGHT / 2:
        free = {"operation": Operation.BUY, "quantity": t.shares, "shares": None}
        pending.transaction = t.model_copy(update=free)
    elif ratio > 0:
        pending.transaction = t.model_copy(update={"quantity": tidy(ratio)})


def with_origin(transactions: Iterable[Transaction], origin: str) -> list[Transaction]:
    """The same transactions, marked with where they came from and with their order."""
    return [
        t.model_copy(update={"origin": origin, "place": t.place or (place if origin == "api" else 0)})
        for place, t in enumerate(transactions, 1)
    ]
