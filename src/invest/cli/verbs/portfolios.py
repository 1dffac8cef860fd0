"""Verbs about portfolios: `invest portfolio …`: list, import, correct, confirm, and put new money to work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.errors import NotFound

T = TypeVar("T")
PortfolioId = Annotated[str, typer.Argument(metavar="ID", help="id of the portfolio (see `invest portfolio ls`)")]
RowId = Annotated[int, typer.Argument(metavar="NUMBER", help="number of the transaction", min=1)]
portfolio = typer.Typer(no_args_is_help=True, help="Portfolios: import statements, correct them, confirm known events.")


def with_settings(work: Callable[[Any, Any], Awaitable[T]]) -> T:
    """Run `work(store, settings)` with an open store."""
    from invest.cli.platform.local import local_settings
    from invest.store import Store

    async def opened() -> T:
        async with Store.open(settings) as store:
            return await work(store, settings)

    with local_settings() as settings:
        return asyncio.run(opened())


@portfolio.command("ls")
def ls(json_output: AsJson = False) -> None:
    """The portfolios there are."""

    async def work(store: Any) -> Any:
        return await store.portfolios.list(limit=500)

    found = output.with_store(work)
    if json_output:
        output.as_json(
            [dict(zip(("id", "name", "created_at", "transactions", "owner"), row, strict=True)) for row in found]
        )
        return
    rows = [(i, name, f"{at:%Y-%m-%d}", n) for i, name, at, n, _ in found]
    output.table(("id", "name", "created", "transactions"), rows, right=("transactions",), empty="no portfolios yet")


@portfolio.command("create")
def create(
    name: Annotated[str, typer.Argument(help="its name")],
    owner: Annotated[str | None, typer.Option(help="id of the API key whose it is")] = None,
    json_output: AsJson = False,
) -> None:
    """Make a portfolio."""
    if not name.strip() or len(name) > 200:
        raise typer.BadParameter("from 1 to 200 characters", param_hint="NAME")

    async def work(store: Any) -> Any:
        return (await store.portfolios.create(name, owner=owner))[0]

    made = output.with_store(work)
    output.outcome(json_output, made.id, id=made.id, name=made.name)


@portfolio.command("show")
def show(portfolio_id: PortfolioId, json_output: AsJson = False) -> None:
    """What is held, with everything that is known of it: splits, codes, day trades."""
    from invest.domain.market import market_day
    from invest.domain.portfolios import positions_of

    async def work(store: Any, settings: Any) -> Any:
        found = await store.portfolios.get(portfolio_id)
        if found is None:
            raise NotFound(f"no portfolio {portfolio_id!r}: see `invest portfolio ls`")
        known = await store.portfolios.known(found.transactions)
        return positions_of(found.transactions, known, market_day(settings.now()))

    book = with_settings(work)
    rows = [
        (t, f"{p.quantity.normalize():f}", f"{p.average_price:.4f}", f"{p.cost:.2f}", f"{p.realized_gain:.2f}")
        for t, p in sorted(book.held.items())
    ]
    columns = ("ticker", "quantity", "average", "cost", "realised")
    if json_output:
        output.as_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    output.table(columns, rows, right=columns[1:], empty="nothing is held")


@portfolio.command("import")
def import_file(
    portfolio_id: PortfolioId,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="B3's file, a table, or a broker's note")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be booked")] = False,
    accept: Annotated[str, typer.Option(help="lines whose questions are answered with yes: 3,7 or all")] = "",
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day a posição speaks of")] = None,
    json_output: AsJson = False,
) -> None:
    """Book a statement; each row is booked, a duplicate, a question, or refused with what can be done."""
    from invest.domain.brokerage import StatementRefused, read_statement
    from invest.domain.market import market_day
    from invest.errors import InvestError

    async def work(store: Any, settings: Any) -> Any:
        today = as_of.date() if as_of else market_day(settings.now())
        assets = await store.assets.list(active=None)
        try:
            statement = read_statement(file.read_bytes(), today=today, assets=assets)
        except StatementRefused as error:
            raise InvestError(str(error)) from None
        lines = "all" if accept == "all" else [int(n) for n in accept.split(",") if n.strip().isdigit()]
        return await store.portfolios.import_statement(portfolio_id, statement, dry_run=dry_run, accept=lines)

    plan = with_settings(work)
    if json_output:
        output.as_json({"counts": plan.counts, "rows": output.plain(list(plan.rows)), "remarks": list(plan.remarks)})
        return
    for remark in plan.remarks:
        typer.echo(remark)
    told = [(r.line, str(r.status), r.reason or "", r.text) for r in plan.rows if r.status != "booked"]
    if told:
        output.table(("line", "state", "detail", "arguments"), told, right=("line",), empty="")
    counts = ", ".join(f"{n} {status}" for status, n in plan.counts.items())
    typer.echo(f"{counts}{' (nothing was written)' if dry_run else ''}")


@portfolio.command("transactions")
def transactions(
    portfolio_id: PortfolioId,
    ticker: Annotated[str | None, typer.Option(help="of one asset")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
    after: Annotated[str, typer.Option(help="page on after this transaction: DAY~NUMBER")] = "",
    json_output: AsJson = False,
) -> None:
    """Transactions in order of their days, with the numbers that correct them."""
    day, _, last = after.partition("~")
    place = (date.fromisoformat(day), int(last)) if day and last else None

    async def work(store: Any) -> Any:
        return await store.portfolios.page(portfolio_id, ticker=ticker, after=place, limit=limit)

    found = output.with_store(work)
    if json_output:
        output.as_json(output.plain(found))
        return
    rows = [
        (t.id, t.date, str(t.operation), t.ticker, f"{t.quantity.normalize():f}", f"{t.price.normalize():f}", t.broker)
        for t in found
    ]
    columns = ("number", "day", "operation", "ticker", "quantity", "price", "detail")
    output.table(columns, rows, right=("number", "quantity", "price"), empty="no transactions")
    if len(found) == limit:
        typer.echo(f"more: --after {found[-1].date}~{found[-1].id}")


@portfolio.command("edit")
def edit(
    portfolio_id: PortfolioId,
    number: RowId,
    quantity: Annotated[str | None, typer.Option(help="shares")] = None,
    price: Annotated[str | None, typer.Option(help="BRL per share")] = None,
    fees: Annotated[str | None, typer.Option(help="costs of the trade, BRL")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="its day")] = None,
    broker: Annotated[str | None, typer.Option(help="the institution")] = None,
    note: Annotated[str | None, typer.Option(help="a note")] = None,
    json_output: AsJson = False,
) -> None:
    """Change one transaction; refused where a later sale would be left without its shares."""
    changes: dict[str, Any] = {
        name: _figure(name, text) for name, text in (("quantity", quantity), ("price", price), ("fees", fees)) if text
    }
    changes |= {name: text for name, text in (("broker", broker), ("note", note)) if text is not None}
    changes |= {"date": day.date()} if day else {}
    if not changes:
        raise typer.BadParameter("say what to change: --quantity, --price, --fees, --day, --broker or --note")

    async def work(store: Any) -> Any:
        found = await store.portfolios.get(portfolio_id)
        old = next((t for t in found.transactions if t.id == number), None) if found else None
        if old is None:
            raise NotFound(f"no transaction {number} in portfolio {portfolio_id!r}")
        return await store.portfolios.edit(portfolio_id, number, type(old).model_validate(dict(old) | changes))

    made = output.with_store(work)
    output.outcome(json_output, f"changed {number}", transaction=output.plain(made))


def _figure(name: str, text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is no number", param_hint=f"--{name}") from None


@portfolio.command("delete")
def delete(
    portfolio_id: PortfolioId,
    number: Annotated[int | None, typer.Argument(metavar="[NUMBER]", help="one transaction; none: all of it")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    json_output: AsJson = False,
) -> None:
    """Delete one transaction, or the whole portfolio."""
    if number is None and not yes:
        typer.confirm(f"Delete the portfolio {portfolio_id} with all its transactions?", abort=True)

    async def work(store: Any) -> Any:
        if number is not None:
            return await store.portfolios.remove(portfolio_id, [number])
        if not await store.portfolios.delete(portfolio_id):
            raise NotFound(f"no portfolio {portfolio_id!r}: see `invest portfolio ls`")
        return 1

    output.with_store(work)
    output.outcome(json_output, "deleted", deleted=number or portfolio_id)


@portfolio.command("imports")
def imports(portfolio_id: PortfolioId, json_output: AsJson = False) -> None:
    """The imports that can be undone, newest first."""

    async def work(store: Any) -> Any:
        return await store.portfolios.imports(portfolio_id)

    found = output.with_store(work)
    if json_output:
        output.as_json([row._asdict() for row in found])
        return
    rows = [(row.id, row.layout, row.rows, output.ago(row.imported_at)) for row in found]
    output.table(("number", "layout", "rows", "when"), rows, right=("number", "rows"), empty="no imports")


@portfolio.command("undo")
def undo(portfolio_id: PortfolioId, number: RowId, json_output: AsJson = False) -> None:
    """Take back all that one import booked (see `invest portfolio imports`)."""

    async def work(store: Any) -> Any:
        return await store.portfolios.undo(portfolio_id, number)

    gone = output.with_store(work)
    output.outcome(json_output, f"took back {gone} transactions", deleted=gone)


@portfolio.command("rename")
def rename(portfolio_id: PortfolioId, name: str, json_output: AsJson = False) -> None:
    """Give a portfolio another name."""
    if not name.strip() or len(name) > 200:
        raise typer.BadParameter("from 1 to 200 characters", param_hint="NAME")

    async def work(store: Any) -> Any:
        return await store.portfolios.rename(portfolio_id, name)

    output.with_store(work)
    output.outcome(json_output, "renamed", id=portfolio_id, name=name)


@portfolio.command("merge")
def merge(
    portfolio_id: PortfolioId,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="the portfolio that goes into it")],
    json_output: AsJson = False,
) -> None:
    """Move all of another portfolio into this one; what both tell counts once."""

    async def work(store: Any) -> Any:
        return await store.portfolios.merge(portfolio_id, other)

    moved, duplicate = output.with_store(work)
    output.outcome(json_output, f"moved {moved}, {duplicate} told by both", moved=moved, duplicate=duplicate)


@portfolio.command("proposals")
def proposals(portfolio_id: PortfolioId, json_output: AsJson = False) -> None:
    """Known events of what was held that nobody booked."""

    async def work(store: Any) -> Any:
        return await store.portfolios.proposals(portfolio_id)

    found = output.with_store(work)
    if json_output:
        output.as_json(found)
        return
    output.table(("id", "detail"), [(key, body["said"]) for key, body in found.items()], empty="nothing to confirm")


@portfolio.command("confirm")
def confirm(
    portfolio_id: PortfolioId,
    keys: Annotated[list[str], typer.Argument(help="ids of proposals, or all")],
    decline: Annotated[bool, typer.Option("--decline", help="say that they did not happen")] = False,
    json_output: AsJson = False,
) -> None:
    """Book proposed events, one by one or all; with --decline never propose them again."""
    from invest.domain.portfolios import PROPOSED, Proposal

    async def work(store: Any) -> Any:
        found = await store.portfolios.proposals(portfolio_id)
        chosen = {k: Proposal.model_validate(v) for k, v in found.items() if keys == ["all"] or k in keys}
        if decline:
            return await store.portfolios.answer(portfolio_id, list(chosen), "declined")
        plan = await store.portfolios.add(portfolio_id, [p.transaction for p in chosen.values()], origin=PROPOSED)
        told = [k for k, row in zip(chosen, plan.rows, strict=True) if row.status in ("booked", "duplicate")]
        return await store.portfolios.answer(portfolio_id, told, "confirmed")

    done = output.with_store(work)
    output.outcome(json_output, f"{done} {'declined' if decline else 'confirmed'}", answered=done)


@portfolio.command("rebalance")
def rebalance(
    portfolio_id: PortfolioId,
    cash: Annotated[str, typer.Option(help="BRL that waits to be invested")] = "0",
    keep: Annotated[bool, typer.Option("--keep", help="sell nothing: spend the cash alone")] = False,
    json_output: AsJson = False,
) -> None:
    """Orders towards the targets, and announced payments still to come."""
    from invest.jobs.analysis import measured, portfolio_of

    money = _figure("cash", cash)

    async def work(store: Any, settings: Any) -> Any:
        return await measured(store, settings, await portfolio_of(store, portfolio_id), cash=money, sell=not keep)

    metrics = with_settings(work)
    if json_output:
        output.as_json({"orders": output.plain(metrics.rebalancing), "announced": output.plain(metrics.announced)})
        return
    orders = [(t.ticker, t.side, f"{t.quantity:f}", f"{t.price:f}", f"{t.amount:f}") for t in metrics.rebalancing]
    columns = ("ticker", "side", "quantity", "price", "amount")
    output.table(columns, orders, right=columns[2:], empty="no orders: set targets, or give more cash")
    paid = [(a.ticker, a.kind, a.payment_date, f"{a.net:f}") for a in metrics.announced]
    output.table(("ticker", "kind", "paid on", "net"), paid, right=("net",), empty="no announced payments")


def tax(
    year: Annotated[int, typer.Argument(help="the year of the income", min=2015, max=2100)],
    portfolio_id: Annotated[
        str | None, typer.Option("--portfolio", help="one alone; by default all, as one person")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="write all of it as a CSV")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="write all of it as a PDF")] = None,
    json_output: AsJson = False,
) -> None:
    """Income tax of a year (IRPF): months, DARFs, what to declare, what is open. No tax advice."""
    from invest.domain.taxes import tax_csv
    from invest.jobs.analysis import tax_of
    from invest.reports import build_tax_view, render_pdf

    async def work(store: Any, settings: Any) -> Any:
        ids = [portfolio_id] if portfolio_id else list(await store.portfolios.ids())
        if portfolio_id and await store.portfolios.get(portfolio_id) is None:
            raise NotFound(f"no portfolio {portfolio_id!r}: see `invest portfolio ls`")
        return await tax_of(store, settings, ids, year), settings

    told, settings = with_settings(work)
    if csv is not None:
        csv.write_text("\ufeff" + tax_csv(told), encoding="utf-8")
    if pdf is not None:
        view = build_tax_view(told, name=portfolio_id or "", report_id=f"imposto-{year}", generated_at=settings.now())
        pdf.write_bytes(render_pdf(view))
    if json_output:
        output.as_json(output.plain(told))
        return
    rows = [
        (m.month, str(m.state), f"{m.exempt_gain:f}", f"{m.tax:f}", f"{m.darf.amount:f}" if m.darf else "",
         str(m.darf.due) if m.darf else "")
        for m in told.months
    ]  # fmt: skip
    columns = ("month", "state", "exempt", "tax", "darf", "due")
    output.table(columns, rows, right=("exempt", "tax", "darf"), empty="nothing to assess")
    for flag in told.flags:
        typer.echo(f"{'open' if flag.blocks else 'note'}: {flag.message}")
    typer.echo(told.disclaimer)
