"""Correcting portfolios over HTTP: transactions one by one, imports as a whole, names, merging."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from invest.api.http import Listing, Problem, Reply, invalid, paged, route, sliced
from invest.api.request import Request
from invest.api.routes.models import Page, Strict, WholePage
from invest.api.routes.ownership import guard_portfolio, require_portfolio
from invest.api.routes.portfolio.portfolios import (
    Amount,
    BookTransaction,
    PortfolioId,
    PortfolioPath,
    PortfolioView,
    book_of,
    fit,
    stored,
)
from invest.domain.market import Ticker
from invest.domain.portfolios import Transaction
from invest.errors import InvestError, NotFound
from invest.jobs.analysis import calculate_portfolio_metrics
from invest.store import Harmful

Meaning = Literal[
    "", "day", "ticker", "operation", "quantity", "price", "value", "note", "broker", "currency", "fees", "withheld"
]
RowId = Annotated[int, Field(ge=1, le=2**62)]


class TransactionPath(PortfolioPath):
    """One transaction of a portfolio in the path."""

    transaction_id: RowId


class ImportPath(PortfolioPath):
    """One import of a portfolio in the path."""

    import_id: RowId


class TransactionFilter(Page):
    """Which transactions."""

    ticker: Ticker | None = None
    import_id: RowId | None = Field(default=None, description="only what one import booked")


async def recompute(request: Request, portfolio_id: str) -> None:
    """Ask for the figures of a corrected portfolio; where the queue is away, the daily run computes them."""
    with suppress(InvestError, Problem):
        await request.services.enqueuer.enqueue(calculate_portfolio_metrics(portfolio_id), request.caller.id)


@route("GET", "/portfolios/{portfolio_id}/transactions", tag="portfolios", problems=(404, 422, 503))
async def list_transactions(
    request: Request, path: PortfolioPath, query: TransactionFilter
) -> Reply[Listing[Transaction]]:
    """Transactions in order of their days, each with the id that corrects it."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    found = await store.portfolios.page(
        path.portfolio_id,
        ticker=query.ticker,
        import_id=query.import_id,
        after=_place(query.cursor),
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    cursor = f"{page[-1].date}~{page[-1].id}" if len(found) > query.limit else None
    return paged(request, page, cursor)


def _place(cursor: str | None) -> tuple[date, int] | None:
    if cursor is None:
        return None
    day, _, last = cursor.partition("~")
    try:
        return date.fromisoformat(day), int(last)
    except ValueError:
        raise invalid("cursor", "none of ours: take it from the page before") from None


@route("GET", "/portfolios/{portfolio_id}/transactions/{transaction_id}", tag="portfolios", problems=(404, 503))
async def get_transaction(request: Request, path: TransactionPath) -> Transaction:
    """One transaction."""
    await require_portfolio(request, path.portfolio_id)
    whole = await stored(request, path.portfolio_id)
    for transaction in whole.transactions:
        if transaction.id == path.transaction_id:
            return transaction
    raise Problem(404, f"no transaction {path.transaction_id} in this portfolio")


@route("PUT", "/portfolios/{portfolio_id}/transactions/{transaction_id}", tag="portfolios", scope="write",
       problems=(404, 409, 422, 503))  # fmt: skip
async def edit_transaction(request: Request, path: TransactionPath, body: BookTransaction) -> Transaction:
    """Replace one transaction; refused (409) where a later sale would be left without its shares."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    try:
        made = await store.portfolios.edit(path.portfolio_id, path.transaction_id, body.booked())
    except Harmful as error:
        raise Problem(409, str(error)) from None
    request.audit("edit transaction", path.portfolio_id, {"transaction": path.transaction_id})
    await recompute(request, path.portfolio_id)
    return made


@route("DELETE", "/portfolios/{portfolio_id}/transactions/{transaction_id}", tag="portfolios", scope="write",
       status=204, problems=(404, 409, 503))  # fmt: skip
async def delete_transaction(request: Request, path: TransactionPath) -> None:
    """Delete one transaction; refused (409) where a later sale would be left without its shares."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    try:
        await store.portfolios.remove(path.portfolio_id, [path.transaction_id])
    except Harmful as error:
        raise Problem(409, str(error)) from None
    request.audit("delete transaction", path.portfolio_id, {"transaction": path.transaction_id})
    await recompute(request, path.portfolio_id)


class ImportHead(BaseModel):
    """One import that can be undone."""

    id: int
    imported_at: AwareDatetime
    layout: str
    rows: int = Field(description="transactions of it that are still there")


@route("GET", "/portfolios/{portfolio_id}/imports", tag="portfolios", problems=(404, 503))
async def list_imports(request: Request, path: PortfolioPath, query: WholePage) -> Reply[Listing[ImportHead]]:
    """The imports that booked something, newest first."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    found: Sequence[tuple[int, datetime, str, int]] = await store.portfolios.imports(path.portfolio_id)
    heads = [ImportHead(id=i, imported_at=at, layout=layout, rows=rows) for i, at, layout, rows in found]
    return sliced(request, heads, lambda head: head.id, query.cursor, query.limit)


class Undone(BaseModel):
    """What an undone import took back."""

    deleted: int = Field(description="transactions")


@route("DELETE", "/portfolios/{portfolio_id}/imports/{import_id}", tag="portfolios", scope="write",
       problems=(404, 409, 503))  # fmt: skip
async def undo_import(request: Request, path: ImportPath) -> Undone:
    """Take back all that one import booked; refused (409) where a later sale would be left without its shares."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    try:
        gone = await store.portfolios.undo(path.portfolio_id, path.import_id)
    except Harmful as error:
        raise Problem(409, str(error)) from None
    request.audit("undo import", path.portfolio_id, {"import": path.import_id, "deleted": gone})
    await recompute(request, path.portfolio_id)
    return Undone(deleted=gone)


class NewName(Strict):
    """Another name."""

    name: str = Field(min_length=1, max_length=200)


@route("PUT", "/portfolios/{portfolio_id}/name", tag="portfolios", scope="write", status=204, problems=(404, 503))
async def rename_portfolio(request: Request, path: PortfolioPath, body: NewName) -> None:
    """Give a portfolio another name."""
    await require_portfolio(request, path.portfolio_id)
    await (await request.services.store()).portfolios.rename(path.portfolio_id, body.name)
    request.audit("rename portfolio", path.portfolio_id)


class PortfolioChange(Strict):
    """What of a portfolio may change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Aposentadoria"}]})

    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"\S")
    targets: dict[Ticker, Annotated[Amount, Field(ge=0, le=1)]] | None = Field(
        default=None, max_length=1000, description="wanted weights, in place of all there were"
    )
    auto_confirm: bool | None = Field(default=None, description="known events confirm themselves when it is measured")


@route("PATCH", "/portfolios/{portfolio_id}", tag="portfolios", scope="write", problems=(404, 422, 503),
       guard=guard_portfolio)  # fmt: skip
async def change_portfolio(request: Request, path: PortfolioPath, body: PortfolioChange) -> PortfolioView:
    """Change a portfolio's name, wanted weights or options."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    if body.targets is not None:
        fit(body.targets)
        await store.portfolios.set_targets(path.portfolio_id, body.targets)
    if body.name is not None:
        await store.portfolios.rename(path.portfolio_id, body.name)
    if body.auto_confirm is not None:
        await store.portfolios.set_options(path.portfolio_id, {"auto_confirm": body.auto_confirm})
    request.audit("change portfolio", path.portfolio_id, {"fields": sorted(body.model_fields_set)})
    whole = await stored(request, path.portfolio_id)
    return PortfolioView.of(whole, await book_of(request, whole))


class MergeWith(Strict):
    """The portfolio that goes into this one."""

    portfolio_id: PortfolioId


class Merged(BaseModel):
    """What was moved."""

    moved: int
    duplicate: int = Field(description="left out: told by both")


@route("POST", "/portfolios/{portfolio_id}/merge", tag="portfolios", scope="write", problems=(404, 409, 422, 503))
async def merge_portfolios(request: Request, path: PortfolioPath, body: MergeWith) -> Merged:
    """Move all of another portfolio into this one and delete the other."""
    for one in (path.portfolio_id, body.portfolio_id):
        await require_portfolio(request, one)
    store = await request.services.store()
    try:
        moved, duplicate = await store.portfolios.merge(path.portfolio_id, body.portfolio_id)
    except Harmful as error:
        raise Problem(409, str(error)) from None
    except NotFound as error:
        raise Problem(404, str(error)) from None
    request.audit("merge portfolios", path.portfolio_id, {"other": body.portfolio_id, "moved": moved})
    await recompute(request, path.portfolio_id)
    return Merged(moved=moved, duplicate=duplicate)


class OwnColumns(Strict):
    """What headers hold that only their owner knows."""

    columns: dict[Annotated[str, Field(min_length=1, max_length=100)], Meaning] = Field(
        max_length=200, description="header -> what it holds; an empty meaning forgets the header"
    )


@route("GET", "/statements/columns", tag="portfolios", problems=(503,))
async def get_columns(request: Request) -> dict[str, str]:
    """Your own names of columns, which every import of yours understands."""
    return dict(await (await request.services.store()).portfolios.mapping(request.caller.id))


@route("PUT", "/statements/columns", tag="portfolios", scope="write", status=204, problems=(422, 503))
async def set_columns(request: Request, body: OwnColumns) -> None:
    """Say what columns of your files hold: day, ticker, operation, quantity, price, value, fees, broker, …"""
    store = await request.services.store()
    await store.portfolios.set_mapping(request.caller.id, body.columns)
    request.audit("set columns", request.caller.id, {"columns": len(body.columns)})


ROUTES = (
    get_columns,
    set_columns,
    list_transactions,
    get_transaction,
    edit_transaction,
    delete_transaction,
    list_imports,
    undo_import,
    rename_portfolio,
    change_portfolio,
    merge_portfolios,
)
