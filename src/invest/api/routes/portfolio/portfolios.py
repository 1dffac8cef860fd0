"""Portfolios: created, filled by hand or from a broker's statement, measured."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from invest.api.http import (
    DAY_PLACE,
    PREFIX,
    Cursor,
    FieldError,
    Listing,
    Problem,
    Reply,
    invalid,
    paged,
    paged_as,
    read_day,
    read_time,
    route,
    sealed,
    time_cursor,
)
from invest.api.request import Request
from invest.api.routes.models import Day, Page, Strict
from invest.api.routes.ownership import guard_portfolio, owner_of, require_portfolio
from invest.domain.brokerage import Accept, ImportedRow, ImportPlan, plan_booking
from invest.domain.market import Ticker, market_day
from invest.domain.portfolios import Book, Operation, Plain, Portfolio, Transaction, positions_of
from invest.jobs.forgetting import forget

PortfolioId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
EXACT = Decimal("1e-8")
Amount = Annotated[Decimal, Field(max_digits=24, decimal_places=8, allow_inf_nan=False)]


class PortfolioPath(Strict):
    """A portfolio's id in the path."""

    portfolio_id: PortfolioId


class BookTransaction(Strict):
    """One booked fact: quantity in shares (a split: new shares per old one), price in BRL per share, as strings.

    Dividends, JCP, amortisations: quantity x price is the cash received. Fees and taxes: price is the amount and
    quantity 1. A bonus or an opening position: price is its cost per share. A spin-off: price is the fraction of the
    cost that goes with it.
    """

    date: date
    ticker: Ticker | None = Field(default=None, description="null only for fees and taxes of the account")
    operation: Operation
    quantity: Annotated[Amount, Field(gt=0, examples=["100"])]
    price: Annotated[Amount, Field(ge=0, examples=["31.42"])]
    note: str = Field(default="", max_length=500)
    fees: Annotated[Amount, Field(ge=0)] = Field(default=Decimal(0), description="costs of this trade, BRL")
    broker: str = Field(default="", max_length=100)
    other: Ticker | None = Field(default=None, description="what a conversion or a spin-off gives")
    shares: Amount | None = Field(default=None, description="shares that a conversion gives, or that a split brought")

    def booked(self) -> Transaction:
        """As the domain's value."""
        return Transaction(**dict(self))


class NewPortfolio(Strict):
    """A name, and what was bought and sold."""

    name: str = Field(min_length=1, max_length=200, examples=["Aposentadoria"])
    transactions: list[BookTransaction] = Field(default_factory=list, max_length=20_000)
    targets: dict[Ticker, Annotated[Amount, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="wanted weights, fractions that sum to at most 1"
    )


class PortfolioHead(BaseModel):
    """A portfolio without its transactions."""

    id: str
    name: str
    created_at: AwareDatetime
    transactions: int = Field(description="how many")
    owner: str | None = Field(description="id of the key that created it")


class Holding(BaseModel):
    """What is held of one asset, as the transactions leave it; `cost` and `average_price` in BRL."""

    ticker: str
    quantity: Plain
    average_price: Plain
    cost: Plain


class PortfolioView(BaseModel):
    """A portfolio; decimals are strings."""

    id: str
    name: str
    created_at: AwareDatetime
    transactions: tuple[Transaction, ...] = Field(description="a page of them")
    transactions_total: int = Field(description="how many there are in all")
    next_cursor: str | None = Field(default=None, description="give it as `cursor` for the next page")
    targets: dict[str, Plain]
    positions: list[Holding] = Field(description="derived from the transactions; the metrics price them")

    @classmethod
    def of(cls, portfolio: Portfolio, book: Book, start: int = 0, limit: int = 1000) -> PortfolioView:
        """The view of a stored portfolio and its positions with the transactions of one page."""
        held = [
            Holding(
                ticker=ticker,
                quantity=position.quantity,
                average_price=(position.cost / position.quantity).quantize(EXACT),
                cost=position.cost.quantize(EXACT),
            )
            for ticker, position in sorted(book.held.items())
        ]
        total, end = len(portfolio.transactions), start + limit
        given = dict(portfolio) | {"transactions": portfolio.transactions[start:end]}
        cursor = sealed(str(end)) if end < total else None
        return cls.model_construct(**given, transactions_total=total, next_cursor=cursor, positions=held)


@route("POST", "/portfolios", tag="portfolios", scope="write", status=201, problems=(409, 503))
async def create_portfolio(request: Request, body: NewPortfolio) -> Reply[PortfolioView]:
    """Create a portfolio; if one transaction cannot be booked, nothing is."""
    given = [t.booked() for t in body.transactions]
    fit(body.targets)
    store = await request.services.store()
    refuse(plan_booking((), given, known=await store.portfolios.known(given, prices=False)))
    async with request.services.quotas.storing(request.caller, portfolios=1, transactions=len(given)):
        made, _ = await store.portfolios.create(
            body.name, given, portfolio_id=request.job_id, targets=body.targets, owner=request.caller.id
        )
    request.audit("create portfolio", made.id, {"transactions": len(given)})
    view = PortfolioView.of(made, await book_of(request, made))
    return Reply(view, 201, {"Location": f"{PREFIX}/portfolios/{made.id}"})


def refuse(plan: ImportPlan) -> None:
    """422 naming each transaction that cannot be booked."""
    errors = [
        FieldError(field=f"transactions.{place}", message=row.reason or "refused")
        for place, row in enumerate(plan.rows)
        if row.status == "refused"
    ]
    if errors:
        text = f"{errors[0].field}: {errors[0].message}; nothing was booked"
        raise Problem(422, text, kind="urn:invest:invalid", errors=errors[:50])


@route("GET", "/portfolios", tag="portfolios", problems=(503,))
async def list_portfolios(request: Request, query: Page) -> Reply[Listing[PortfolioHead]]:
    """The portfolios of the key that asks, by creation; everybody's for a key of scope admin."""
    store = await request.services.store()
    at, _, last = (query.cursor or "").partition("~")
    moment = read_time(at or None)
    after = (moment, last) if moment else None
    rows = await store.portfolios.list(owner=owner_of(request), after=after, limit=query.limit)
    heads = [PortfolioHead(id=i, name=n, created_at=c, transactions=t, owner=o) for i, n, c, t, o in rows]
    cursor = f"{time_cursor(heads[-1].created_at)}~{heads[-1].id}" if len(heads) == query.limit else None
    return paged(request, heads, cursor)


class TransactionsPage(Strict):
    """Which of a portfolio's transactions."""

    limit: int = Field(default=1000, ge=1, le=5000)
    cursor: Annotated[str | None, Cursor(r"^[0-9]{1,9}$")] = Field(default=None, description="of the page before")


@route("GET", "/portfolios/{portfolio_id}", tag="portfolios", problems=(404, 503))
async def get_portfolio(request: Request, path: PortfolioPath, query: TransactionsPage) -> Reply[PortfolioView]:
    """A portfolio, its positions, and its transactions in order of their days, page by page."""
    whole = await stored(request, path.portfolio_id)
    book = await book_of(request, whole)
    view = await asyncio.to_thread(PortfolioView.of, whole, book, int(query.cursor or 0), query.limit)
    return paged_as(request, view, view.next_cursor)


async def book_of(request: Request, portfolio: Portfolio) -> Book:
    """The positions of a portfolio with all that is known of its assets, as its metrics and reports see them."""
    known = await (await request.services.store()).portfolios.known(portfolio.transactions)
    today = market_day(request.services.settings.now())
    return await asyncio.to_thread(positions_of, portfolio.transactions, known, today)


async def stored(request: Request, portfolio_id: str) -> Portfolio:
    """The portfolio. Raises 404, also for another's."""
    await require_portfolio(request, portfolio_id)
    found: Portfolio | None = await (await request.services.store()).portfolios.get(portfolio_id)
    if found is None:
        raise Problem(404, f"no portfolio {portfolio_id!r}")
    return found


@route("DELETE", "/portfolios/{portfolio_id}", tag="portfolios", scope="write", status=204, problems=(404, 503))
async def delete_portfolio(request: Request, path: PortfolioPath) -> None:
    """Delete a portfolio with all that was made of it: metrics, alerts, reports, files, results of its jobs."""
    await require_portfolio(request, path.portfolio_id)
    gone = await (await request.services.store()).erasure.portfolio(path.portfolio_id)
    if not gone.found:
        raise Problem(404, f"no portfolio {path.portfolio_id!r}")
    await forget(request.services.invest, request.services.settings.data_dir, gone)
    request.audit("delete portfolio", path.portfolio_id, {"reports": len(gone.reports)})


class Targets(Strict):
    """Wanted weights by ticker."""

    targets: dict[Ticker, Annotated[Amount, Field(ge=0, le=1)]] = Field(
        max_length=1000, description="fractions that sum to at most 1; assets left out are left alone"
    )


@route("PUT", "/portfolios/{portfolio_id}/targets", tag="portfolios", scope="write", status=204, problems=(404, 503),
       guard=guard_portfolio)  # fmt: skip
async def set_targets(request: Request, path: PortfolioPath, body: Targets) -> None:
    """Replace the wanted weights; the next metrics say what to buy and sell towards them."""
    await require_portfolio(request, path.portfolio_id)
    fit(body.targets)
    await (await request.services.store()).portfolios.set_targets(path.portfolio_id, body.targets)
    request.audit("set targets", path.portfolio_id, {"targets": len(body.targets)})


def fit(targets: Mapping[str, Decimal]) -> None:
    """422 for weights that sum to more than 1."""
    if sum(targets.values(), Decimal(0)) > 1:
        raise invalid("targets", "they sum to more than 1")


class Repeat(Strict):
    """What to make of rows that look booked already."""

    repeat: bool = Field(default=False, description="rows alike to booked ones happened once more: no duplicates")


class Booked(BaseModel):
    """The outcome of each row."""

    counts: dict[Literal["booked", "duplicate", "refused", "question"], int]
    rows: Sequence[ImportedRow]
    layout: str | None = None
    encoding: str | None = None
    dry_run: bool = False
    remarks: Sequence[str] = Field(default=(), description="how the file was read, and what is missing")
    import_id: int | None = Field(
        default=None, description="the import, which DELETE …/imports/{import_id} undoes; null where nothing was booked"
    )


@route("POST", "/portfolios/{portfolio_id}/transactions", tag="portfolios", scope="write", status=201,
       problems=(404, 503), guard=guard_portfolio)  # fmt: skip
async def add_transactions(
    request: Request,
    path: PortfolioPath,
    query: Repeat,
    body: Annotated[list[BookTransaction], Field(min_length=1, max_length=20_000)],
) -> Reply[Booked]:
    """Book transactions; if one cannot be booked, nothing is. What is booked already is named a duplicate."""
    given = [t.booked() for t in body]
    existing = (await stored(request, path.portfolio_id)).transactions
    store = await request.services.store()
    known = await store.portfolios.known([*existing, *given], prices=False)
    refuse(await asyncio.to_thread(plan_booking, existing, given, repeat=query.repeat, known=known))
    async with request.services.quotas.storing(request.caller, transactions=len(given)):
        plan = await store.portfolios.add(path.portfolio_id, given, repeat=query.repeat)
    request.audit("book transactions", path.portfolio_id, dict(plan.counts))
    where = f"{PREFIX}/portfolios/{path.portfolio_id}/transactions"
    return Reply(Booked(counts=plan.counts, rows=plan.rows), 201, {"Location": where})


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES = ("text/csv", XLSX, "application/pdf")


class ImportOptions(Strict):
    """How to import."""

    dry_run: bool = Field(default=False, description="only say what would be booked")
    accept: str = Field(
        default="", max_length=2000, pattern=r"^(all|[0-9]+(,[0-9]+)*)?$",
        description="lines whose questions are answered with yes: 3,7 or all",
    )  # fmt: skip
    as_of: Day | None = Field(default=None, description="the day that a posição speaks of; today by default")

    def accepted(self) -> Accept:
        """As the plan takes it."""
        return "all" if self.accept == "all" else [int(line) for line in self.accept.split(",") if line]


@route("POST", "/portfolios/{portfolio_id}/import", tag="portfolios", scope="write",
       problems=(400, 404, 408, 413, 503), takes=FILES, guard=guard_portfolio)  # fmt: skip
async def import_statement(request: Request, path: PortfolioPath, query: ImportOptions) -> Booked:
    """Book a statement: B3's negociação, movimentação, posição or proventos, a plain table, or a broker's note.

    The body is the file as it is: an Excel workbook (.xlsx) as B3 gives it, text in any encoding, or a note's PDF. Told
    row by row: booked, a duplicate, a question (answer it with `accept`), or refused and why, with what can be done.
    """
    store = await request.services.store()
    data = await request.file()
    today = query.as_of or market_day(request.services.settings.now())
    assets = await store.assets.list(active=None)
    own = dict(await store.portfolios.mapping(request.caller.id))
    statement = await request.services.statements.read(data, today=today, assets=assets, columns=own)
    async with request.services.quotas.storing(request.caller, transactions=len(statement.rows)):
        plan = await store.portfolios.import_statement(
            path.portfolio_id, statement, dry_run=query.dry_run, accept=query.accepted()
        )
    if not query.dry_run:
        request.audit("import statement", path.portfolio_id, {"layout": plan.layout, **plan.counts})
    return Booked(
        counts=plan.counts,
        rows=plan.rows,
        layout=plan.layout,
        encoding=plan.encoding,
        dry_run=query.dry_run,
        remarks=plan.remarks,
        import_id=plan.import_id,
    )


class Snapshot(BaseModel):
    """A portfolio's metrics as of one day."""

    day: date
    metrics: Any


class SnapshotFilter(Strict):
    """Which days."""

    since: Day | None = Field(default=None, description="first day")
    limit: int = Field(default=30, ge=1, le=400, description="entries of one page")
    cursor: Annotated[str | None, Cursor(DAY_PLACE)] = Field(default=None, description="of the page before")

    @property
    def last(self) -> date | None:
        """The last day of this page. Raises 422 for a cursor of no day."""
        first = read_day(self.cursor)
        return None if first is None else first - timedelta(days=1)


@route("GET", "/portfolios/{portfolio_id}/metrics", tag="portfolios", problems=(404, 503))
async def get_metrics(request: Request, path: PortfolioPath, query: SnapshotFilter) -> Reply[Listing[Snapshot]]:
    """What was computed of the portfolio: the newest days, oldest first; the next page goes further back.

    `calculate_portfolio_metrics` computes today's.
    """
    await stored(request, path.portfolio_id)
    store = await request.services.store()
    rows = await store.portfolios.snapshots(
        path.portfolio_id, since=query.since, until=query.last, limit=query.limit + 1
    )
    page = [Snapshot(day=day, metrics=metrics) for day, metrics in rows[-query.limit :]]
    return paged(request, page, page[0].day.isoformat() if len(rows) > query.limit else None)


ROUTES = (
    create_portfolio,
    list_portfolios,
    get_portfolio,
    delete_portfolio,
    set_targets,
    add_transactions,
    import_statement,
    get_metrics,
)
