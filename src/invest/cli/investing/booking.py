"""`invest portfolio book, metrics` and `invest portfolio fixed-income …`: booking by hand, and the figures kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.investing.portfolios import Columns, Which, identify, money, portfolio, tell_rows
from invest.cli.investing.settings import figure
from invest.cli.output import AsJson, Yes
from invest.cli.server import with_api
from invest.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from invest.http import Client

fixed_income = typer.Typer(no_args_is_help=True, help="Tesouro Direto, CDB, LCI, LCA and funds of a portfolio.")
BondId = Annotated[str, typer.Argument(metavar="ID", help="see `invest portfolio fixed-income ls`")]
Percent = Annotated[str | None, typer.Option(help="of CDI or Selic, such as 110%")]
Rate = Annotated[str | None, typer.Option(help="a year, on top of the index or alone, such as 6%")]
Price = Annotated[list[str] | None, typer.Option(help="what one invested real is worth, DAY=VALUE; repeatable")]


@portfolio.command("book")
def book(
    which: Which,
    operation: Annotated[str, typer.Argument(help="buy, sell, dividend, jcp, split, bonus, amortisation, …")],
    ticker: Annotated[str, typer.Argument(help="such as PETR4; - for fees and taxes of the account")],
    quantity: Annotated[str, typer.Argument(help="shares; of a split new shares per old one")],
    price: Annotated[str, typer.Argument(help="BRL per share")],
    date: Annotated[str, typer.Option(help="its day, yyyy-mm-dd")],
    fees: Annotated[str, typer.Option(help="costs of the trade, BRL")] = "0",
    broker: Annotated[str, typer.Option(help="the institution")] = "",
    note: Annotated[str, typer.Option(help="a note")] = "",
    other: Annotated[str | None, typer.Option(help="what a conversion or a spin-off gives")] = None,
    shares: Annotated[str | None, typer.Option(help="shares that a conversion gave or a split brought")] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="it happened once more: no duplicate")] = False,
    json_output: AsJson = False,
) -> None:
    """Book one transaction by hand. Exit code 1 if it was booked already."""
    fact: dict[str, Any] = {
        "date": date, "operation": operation, "ticker": None if ticker == "-" else ticker.upper(),
        "quantity": figure(quantity, "quantity"), "price": figure(price, "price"), "fees": figure(fees, "--fees"),
        "broker": broker, "note": note, "other": other.upper() if other else None,
        "shares": figure(shares, "--shares") if shares else None,
    }  # fmt: skip

    async def work(client: Client) -> dict[str, Any]:
        booked: dict[str, Any] = await client.portfolio(await identify(client, which)).book(fact, repeat=repeat)
        return booked

    booked = with_api(work)
    if json_output:
        output.as_json(booked)
    else:
        tell_rows({**booked, "remarks": []})
    raise typer.Exit(0 if booked["counts"]["booked"] else 1)


@portfolio.command("metrics")
def metrics(
    which: Which,
    since: Annotated[str | None, typer.Option(help="from this day on, yyyy-mm-dd")] = None,
    limit: Annotated[int, typer.Option(help="days, the newest", min=1, max=400)] = 30,
    json_output: AsJson = False,
) -> None:
    """What was computed of it day by day; `invest job run calculate_portfolio_metrics ID` computes today's."""

    async def work(client: Client) -> list[dict[str, Any]]:
        handle = client.portfolio(await identify(client, which))
        found: list[dict[str, Any]] = await handle.metrics(since=since, limit=limit)
        return found

    def share(name: str) -> Any:
        return lambda s: None if s["metrics"].get(name) is None else f"{s['metrics'][name]:.2%}"

    columns: Columns = {
        "day": lambda s: s["day"],
        "value": lambda s: money(s["metrics"].get("total_value")),
        "invested": lambda s: money(s["metrics"].get("total_invested")),
        "gain": lambda s: money(s["metrics"].get("gain")),
        "twr": share("twr"),
        "cdi": share("cdi_return"),
        "ibov": share("ibov_return"),
    }
    output.listing(with_api(work), columns, json_output=json_output, right=tuple(columns)[1:], empty="not measured yet")


@fixed_income.command("ls")
def ls(which: Which, json_output: AsJson = False) -> None:
    """What was invested, and what is left of it today, gross of tax."""

    async def work(client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await client.portfolio(await identify(client, which)).fixed_income()
        return found

    columns: Columns = {
        "id": lambda b: b["id"],
        "name": lambda b: b["bond"]["name"],
        "kind": lambda b: b["bond"]["kind"],
        "index": lambda b: b["bond"]["index"],
        "bought": lambda b: b["bond"]["bought_on"],
        "invested": lambda b: money(b["bond"]["amount"]),
        "value": lambda b: money(b["value"]) or "unknown",
    }
    right = ("invested", "value")
    output.listing(with_api(work), columns, json_output=json_output, right=right, empty="no fixed income")


@fixed_income.command("add")
def add(
    which: Which,
    name: Annotated[str, typer.Argument(help="such as 'CDB Banco Exemplo 2028'")],
    kind: Annotated[str, typer.Option(help="tesouro, cdb, lci, lca, fund, other")],
    amount: Annotated[str, typer.Option(help="BRL invested")],
    bought: Annotated[str, typer.Option(help="the day, yyyy-mm-dd")],
    index: Annotated[str, typer.Option(help="cdi, selic, ipca, prefixado, price")],
    percent: Percent = None,
    rate: Rate = None,
    matures: Annotated[str | None, typer.Option(help="its last day, yyyy-mm-dd")] = None,
    institution: Annotated[str, typer.Option(help="where it is held")] = "",
    price: Price = None,
    json_output: AsJson = False,
) -> None:
    """Book an investment as it was agreed: `--kind cdb --amount 1000 --bought 2026-01-05 --index cdi`."""
    bond: dict[str, Any] = {
        "name": name, "kind": kind, "amount": figure(amount, "--amount"), "bought_on": bought, "index": index,
        "matures_on": matures, "institution": institution, "prices": _dated(price, "value"),
    }  # fmt: skip
    bond |= _terms(percent, rate)

    async def work(client: Client) -> Any:
        return await client.portfolio(await identify(client, which)).add_fixed_income(bond)

    booked = with_api(work)
    output.outcome(json_output, f"booked {booked['id']}: {money(booked['value']) or 'value unknown'}", **booked)


@fixed_income.command("edit")
def edit(
    which: Which,
    bond_id: BondId,
    percent: Percent = None,
    rate: Rate = None,
    index: Annotated[str | None, typer.Option(help="cdi, selic, ipca, prefixado, price")] = None,
    matures: Annotated[str | None, typer.Option(help="its last day, yyyy-mm-dd")] = None,
    redeemed: Annotated[list[str] | None, typer.Option(help="money taken out, DAY=BRL; repeatable")] = None,
    interest: Annotated[list[str] | None, typer.Option(help="interest paid out, DAY=BRL; repeatable")] = None,
    price: Price = None,
    json_output: AsJson = False,
) -> None:
    """Change an investment: a redemption, interest paid, a price typed in, its rate."""
    changes: dict[str, Any] = _terms(percent, rate)
    changes |= {"index": index} if index else {}
    changes |= {"matures_on": matures} if matures else {}
    added = {
        "redeemed": _dated(redeemed, "amount"), "interest": _dated(interest, "amount"), "prices": _dated(price, "value")
    }  # fmt: skip
    if not changes and not any(added.values()):
        raise ConfigError("say what to change: --redeemed, --interest, --price, --rate, --percent, --index, --matures")

    async def work(client: Client) -> Any:
        handle = client.portfolio(await identify(client, which))
        old = next((b["bond"] for b in await handle.fixed_income() if b["id"] == bond_id), None)
        if old is None:
            raise NotFound(f"no fixed income {bond_id!r}; `invest portfolio fixed-income ls {which}` has what there is")
        more = {name: [*old.get(name, []), *rows] for name, rows in added.items() if rows}
        return await handle.replace_fixed_income(bond_id, old | changes | more)

    changed = with_api(work)
    output.outcome(json_output, f"changed {bond_id}: {money(changed['value']) or 'value unknown'}", **changed)


@fixed_income.command("rm")
def rm(which: Which, bond_id: BondId, yes: Yes = False, json_output: AsJson = False) -> None:
    """Forget an investment."""
    output.confirm(f"forget the fixed income {bond_id}?", yes=yes)

    async def work(client: Client) -> None:
        await client.portfolio(await identify(client, which)).delete_fixed_income(bond_id)

    with_api(work)
    output.outcome(json_output, f"deleted {bond_id}", id=bond_id, deleted=True)


def _terms(percent: str | None, rate: str | None) -> dict[str, str]:
    terms = {"percent": percent, "rate": rate}
    return {name: figure(value, f"--{name}") for name, value in terms.items() if value is not None}


def _dated(given: list[str] | None, name: str) -> list[dict[str, str]]:
    found = []
    for one in given or []:
        day, sign, value = one.partition("=")
        if not sign:
            raise ConfigError(f"{one!r}: write DAY=VALUE, such as 2026-01-05=1000")
        found.append({"day": day.strip(), name: figure(value, one)})
    return found
