"""What an investor sets: `invest portfolio targets, options, columns, tax-opening`."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.investing.portfolios import Columns, Which, identify, percent, portfolio
from invest.cli.output import AsJson
from invest.cli.server import with_api
from invest.errors import ConfigError

if TYPE_CHECKING:
    from invest.http import Client


def figure(text: str, name: str) -> str:
    """A figure as people type it (``0,25``, ``25%``, ``1.234,56``) as the API takes it. Raises `ConfigError`."""
    bare = text.strip().removesuffix("%")
    bare = bare.replace(".", "").replace(",", ".") if "," in bare else bare
    try:
        value = Decimal(bare)
    except InvalidOperation:
        raise ConfigError(f"{name}: {text!r} is no figure") from None
    if not value.is_finite():
        raise ConfigError(f"{name}: {text!r} is no figure")
    return f"{value / 100 if text.strip().endswith('%') else value:f}"


def pairs(given: list[str], what: str) -> dict[str, str]:
    """``NAME=VALUE`` arguments by name. Raises `ConfigError`."""
    found = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name.strip():
            raise ConfigError(f"{one!r}: write {what}")
        found[name.strip()] = value.strip()
    return found


@portfolio.command("targets")
def targets(
    which: Which,
    weights: Annotated[
        list[str] | None, typer.Argument(metavar="[TICKER=WEIGHT]...", help="PETR4=25% or =0.25")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="forget all of them first")] = False,
    json_output: AsJson = False,
) -> None:
    """Wanted weights, shown or changed: `invest portfolio targets NAME PETR4=25% VALE3=0`; 0 forgets one."""
    from invest.domain.market import parse_ticker

    given = pairs(weights or [], "TICKER=WEIGHT, such as PETR4=25%")
    weights_of = {str(parse_ticker(ticker)): figure(weight, ticker) for ticker, weight in given.items()}

    async def work(client: Client) -> tuple[dict[str, str], dict[str, float]]:
        handle = client.portfolio(found := await identify(client, which))
        wanted: dict[str, str] = {} if clear else (await handle.show())["targets"]
        if weights_of or clear:
            wanted = {t: w for t, w in (wanted | weights_of).items() if Decimal(w)}
            if (total := sum(map(Decimal, wanted.values()), Decimal(0))) > 1:
                raise ConfigError(f"targets sum to {total:.2%}, more than 100 %: {_listed(wanted)}")
            await handle.set_targets(wanted)
        return wanted, await weights_held(client, found)

    wanted, held = with_api(work)
    columns: Columns = {
        "ticker": lambda r: r["ticker"],
        "target": lambda r: f"{Decimal(r['weight']):.2%}",
        "held": lambda r: percent(r["held"], decimals=2),
        "apart": lambda r: percent(r["apart"], decimals=2, signed=True),
    }
    rows = [_beside(ticker, weight, held) for ticker, weight in sorted(wanted.items())]
    whole = [{"ticker": row["ticker"], "weight": row["weight"]} for row in rows]
    right = ("target", "held", "apart")
    output.listing(rows, columns, json_output=json_output, right=right, empty="no targets", whole=whole)
    if rows and not held and not json_output and not output.manner.quiet:
        output.sentence("what is held is not measured yet: invest portfolio show says how")


async def weights_held(client: Client, portfolio_id: str) -> dict[str, float]:
    """The weight of each position as of the newest metrics; nothing where it was never measured."""
    from invest.http import entries

    newest = entries(await client.get(f"/portfolios/{portfolio_id}/metrics", limit=1))
    return {p["ticker"]: p["weight"] for p in newest[-1]["metrics"]["positions"]} if newest else {}


def _beside(ticker: str, weight: str, held: dict[str, float]) -> dict[str, Any]:
    """A target beside what is held, which is nothing of an asset that the measured portfolio lacks."""
    now = held.get(ticker, 0.0) if held else None
    apart = None if now is None else now - float(weight)
    return {"ticker": ticker, "weight": weight, "held": now, "apart": apart}


def _listed(weights: dict[str, str]) -> str:
    return ", ".join(f"{ticker} {Decimal(weight):.2%}" for ticker, weight in sorted(weights.items()))


@portfolio.command("options")
def options(
    which: Which,
    auto_confirm: Annotated[
        bool | None, typer.Option("--auto-confirm/--no-auto-confirm", help="known events confirm themselves")
    ] = None,
    json_output: AsJson = False,
) -> None:
    """What its owner set, shown or changed."""

    async def work(client: Client) -> dict[str, Any]:
        handle = client.portfolio(await identify(client, which))
        if auto_confirm is not None:
            await handle.set_options(auto_confirm=auto_confirm)
        current: dict[str, Any] = await handle.options()
        return current

    current = with_api(work)
    effect = "confirm themselves" if current["auto_confirm"] else "wait for `invest portfolio confirm`"
    output.outcome(json_output, f"known events {effect}", **current)


@portfolio.command("columns")
def columns_(
    meanings: Annotated[list[str] | None, typer.Argument(metavar="[HEADER=MEANING]...", help="'Data Op.=day'")] = None,
    json_output: AsJson = False,
) -> None:
    """Your own names of columns, for every statement you import: `invest portfolio columns Papel=ticker Quando=day`.

    Meanings: day, ticker, operation, quantity, price, value, fees, broker, note, currency, withheld. An empty one
    forgets.
    """
    headers = pairs(meanings or [], "HEADER=MEANING, such as 'Data Op.=day'")

    async def work(client: Client) -> dict[str, str]:
        if headers:
            await client.portfolios.set_columns(headers)
        found: dict[str, str] = await client.portfolios.columns()
        return found

    rows = [{"header": h, "meaning": m} for h, m in sorted(with_api(work).items())]
    shown: Columns = {"header": lambda r: r["header"], "meaning": lambda r: r["meaning"]}
    output.listing(rows, shown, json_output=json_output, empty="no columns of your own")


@portfolio.command("tax-opening")
def tax_opening(
    which: Which,
    day: Annotated[str | None, typer.Option(help="the day at whose end losses and credits stood, yyyy-mm-dd")] = None,
    loss: Annotated[list[str] | None, typer.Option(help="BUCKET=BRL: common, day_trade, fii")] = None,
    credit: Annotated[list[str] | None, typer.Option(help="IRRF left, BUCKET=BRL")] = None,
    below: Annotated[str | None, typer.Option(help="DARF below R$ 10 that waits, BRL")] = None,
    paid: Annotated[list[str] | None, typer.Option(help="a DARF paid, YYYY-MM=BRL@yyyy-mm-dd")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="what an asset is, TICKER=stock, fii, etf, unit, bdr")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="forget all of it first")] = False,
    json_output: AsJson = False,
) -> None:
    """What the tax needs from before, shown or changed: losses, credits, DARFs paid, kinds of assets."""
    changes: dict[str, Any] = {}
    changes |= {"day": day} if day else {}
    changes |= {"darf_below_minimum": figure(below, "--below")} if below else {}
    losses = {b: figure(v, "--loss") for b, v in pairs(loss or [], "BUCKET=BRL, such as common=300").items()}
    credits = {b: figure(v, "--credit") for b, v in pairs(credit or [], "BUCKET=BRL, such as common=1.50").items()}
    kinds = {t.upper(): k for t, k in pairs(kind or [], "TICKER=KIND, such as HGLG11=fii").items()}
    darfs = [_darf(period, payment) for period, payment in pairs(paid or [], "YYYY-MM=BRL@yyyy-mm-dd").items()]

    async def work(client: Client) -> dict[str, Any]:
        handle = client.portfolio(await identify(client, which))
        now: dict[str, Any] = {} if clear else await handle.tax_opening()
        merged = {name: now.get(name, {}) | new for name, new in
                  (("losses", losses), ("credits", credits), ("kinds", kinds))}  # fmt: skip
        periods = {d["period"] for d in darfs}
        kept = [d for d in now.get("paid", []) if d["period"] not in periods]
        if clear or changes or darfs or losses or credits or kinds:
            await handle.set_tax_opening(now | changes | merged | {"paid": [*kept, *darfs]})
        opening: dict[str, Any] = await handle.tax_opening()
        return opening

    opening = with_api(work)
    if json_output:
        output.as_json(opening)
        return
    rows = [{"what": what, "of": of, "value": value} for what, of, value in _openings(opening)]
    columns: Columns = {"what": lambda r: r["what"], "of": lambda r: r["of"], "value": lambda r: r["value"]}
    output.listing(rows, columns, json_output=False, right=("value",), empty="nothing from before")


def _darf(period: str, payment: str) -> dict[str, str]:
    amount, sign, day = payment.partition("@")
    if not sign:
        raise ConfigError(f"--paid {period}={payment}: write YYYY-MM=BRL@yyyy-mm-dd, the day it was paid behind the @")
    return {"period": period, "amount": figure(amount, "--paid"), "paid_on": day}


def _openings(opening: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = [("loss", bucket, value) for bucket, value in opening["losses"].items()]
    found += [("IRRF credit", bucket, value) for bucket, value in opening["credits"].items()]
    if Decimal(opening["darf_below_minimum"]):
        found.append(("DARF below minimum", "", opening["darf_below_minimum"]))
    found += [("DARF paid", d["period"], d["amount"]) for d in opening["paid"]]
    found += [("kind", ticker, kind) for ticker, kind in opening["kinds"].items()]
    return [("as of", opening["day"], ""), *found] if opening["day"] and found else found
