"""What is stored of assets: `invest asset …`, `invest price`, `invest rank`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.server import with_api

if TYPE_CHECKING:
    from invest.http import Client

asset = typer.Typer(no_args_is_help=True, help="Assets on record.")
Columns = dict[str, Callable[[dict[str, Any]], Any]]
TickerName = Annotated[str, typer.Argument(help="such as PETR4")]
MARKETS = "stocks, fiis, etfs, bdrs or cryptos"


def code(ticker: str) -> str:
    """The ticker as the API writes it."""
    return ticker.strip().upper()


@asset.command("search")
def search(
    text: Annotated[str, typer.Argument(help="part of the code or name")],
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
    json_output: AsJson = False,
) -> None:
    """Assets whose code or name holds a text."""

    async def work(client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await client.get("/assets", search=text, limit=limit))["items"]
        return found

    columns: Columns = {
        "ticker": lambda a: a["ticker"],
        "name": lambda a: a["name"],
        "kind": lambda a: a["kind"],
        "sector": lambda a: a.get("sector"),
    }
    output.listing(with_api(work), columns, json_output=json_output, empty=f"no asset matches {text!r}")


@asset.command("show")
def show(ticker: TickerName, json_output: AsJson = False) -> None:
    """One asset: what it is, its last price, and its score where it was analysed."""
    name = code(ticker)

    from invest.http import entries

    async def work(client: Client) -> dict[str, Any]:
        about: dict[str, Any] = await client.get(f"/assets/{name}")
        bars = entries(await client.get(f"/assets/{name}/prices", limit=2))
        ended = [] if about["active"] else await client.rows("/data/delistings", ticker=name)
        return {
            **about,
            "delisting": ended[0] if ended else None,
            "receipt": await client.get(f"/assets/{name}/receipt") if about["kind"] == "bdr" else None,
            "last": bars[0] if bars else None,
            "before": bars[1] if len(bars) > 1 else None,
            "analysis": await _newest(client, name),
        }

    found = with_api(work)
    if json_output:
        output.as_json(found)
        return
    analysis = found["analysis"] or {}
    last, before = found["last"], found["before"]
    unit = "points" if found["kind"] == "index" else "BRL"
    facts = {
        "name": found["name"],
        "kind": found["kind"],
        "sector": found.get("sector"),
        "segment": found.get("segment"),
        "stands for": found["receipt"] and home_text(found["receipt"]),
        "traded": found["delisting"] and _end_text(found["delisting"]),
        "listed": found.get("listed_on") and f"in B3's file of {found['listed_on']}",
        "cnpj": re.sub(r"(\d{2})(\d{3})(\d{3})(\d{4})(\d{2})", r"\1.\2.\3/\4-\5", found.get("cnpj") or "") or None,
        "close": last and f"{output.rounded(Decimal(last['close']), 2):,f} {unit} on {last['day']} ({last['source']})",
        "change": last and before and percent(Decimal(last["close"]) / Decimal(before["close"]) - 1),
        "score": None if (score := analysis.get("overall_score")) is None else f"{output.rounded(score, 1)}",
        "verdict": analysis.get("recommendation"),
        "analysed": analysis.get("analyzed_at", "")[:16].replace("T", " ") or None,
    }
    output.table((found["ticker"], ""), [(k, v) for k, v in facts.items() if v is not None], empty="")
    if not analysis:
        output.sentence(f"not analysed yet: invest analyse {name} --wait")


def home_text(receipt: dict[str, Any]) -> str | None:
    """The paper at home of a receipt, and how many receipts make one of it; None where neither is known."""
    home, parity = receipt["home"], receipt["parity"]
    where = "" if home is None or home["exchange"] is None else f" ({home['exchange']})"
    known = [f"{home['symbol']}{where}"] if home else []
    if parity is not None and parity["value"] is not None:
        known.append(f"{Decimal(parity['value']).normalize():f} BDRs to one")
    return ", ".join(known) or None


def _end_text(end: dict[str, Any]) -> str:
    """Since when a paper trades no more, why, and what its holders have now."""
    ratio = "" if end["ratio"] is None or Decimal(end["ratio"]) == 1 else f" × {Decimal(end['ratio']).normalize():f}"
    now = f" into {end['successor']}{ratio}" if end["successor"] else ""
    day = f" on {end['ended_on']}" if end["ended_on"] else ""
    last = f", last session {end['last_session']}" if end["last_session"] else ""
    return f"no more: {end['reason']}{now}{day}{last}"


async def _newest(client: Client, name: str) -> dict[str, Any] | None:
    listed = await client.get(f"/assets/{name}/analyses", limit=1)
    return listed["items"][0] if listed["items"] else None


def price(
    ticker: TickerName,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="from this day on")] = None,
    limit: Annotated[int, typer.Option(min=1, max=5000, help="sessions, the newest")] = 10,
    json_output: AsJson = False,
) -> None:
    """Daily prices as traded, in BRL, newest first."""
    from invest.http import entries

    name = code(ticker)

    async def work(client: Client) -> list[dict[str, Any]]:
        day = since.date().isoformat() if since else None
        return entries(await client.get(f"/assets/{name}/prices", since=day, limit=limit))

    columns: Columns = {
        "day": lambda b: b["day"],
        **{field: _money(field) for field in ("open", "high", "low", "close")},
        "volume": lambda b: None if b["volume"] is None else f"{b['volume']:,}",
        "source": lambda b: b["source"],
    }
    right = ("open", "high", "low", "close", "volume")
    empty = f"no price of {name} is stored; invest job run collect {name} --wait"
    output.listing(with_api(work), columns, json_output=json_output, right=right, empty=empty)


def _money(field: str) -> Callable[[dict[str, Any]], str | None]:
    return lambda row: None if row[field] is None else f"{output.rounded(Decimal(row[field]), 2):,f}"


def rank(
    market: Annotated[str, typer.Argument(help=MARKETS)] = "stocks",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="the best so many")] = 20,
    json_output: AsJson = False,
) -> None:
    """A market's ranking by score, and what such scores were worth so far."""

    async def work(client: Client) -> dict[str, Any]:
        found: dict[str, Any] = await client.get(f"/rankings/{market}")
        return found

    found = with_api(work)
    rows = found["ranking"]["rows"][:limit]
    columns: Columns = {
        "rank": lambda r: r["position"],
        "ticker": lambda r: r["ticker"],
        "score": lambda r: f"{output.rounded(r['overall_score'], 1)}",
        "verdict": lambda r: r["recommendation"],
        "coverage": lambda r: output.percentage(r["coverage"]),
    }
    right = ("rank", "score", "coverage")
    output.listing(rows, columns, json_output=json_output, right=right, empty="nothing is ranked yet", whole=found)
    if not json_output and not output.manner.quiet:
        at = str(found["computed_at"])[:16].replace("T", " ")
        output.sentence(f"computed {at} UTC; `invest data backtest {market}` says what such scores were worth")


def percent(fraction: Decimal | None) -> str | None:
    """A fraction as per cent with its sign."""
    return None if fraction is None else output.percentage(fraction, 2, signed=True)
